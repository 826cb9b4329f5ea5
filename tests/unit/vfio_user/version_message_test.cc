#include "emulator/vfio_user/version_message.h"

#include <nlohmann/json.hpp>
#include <string>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/wire_client.h"

namespace ward::test {
namespace {

namespace wire = abi::vfio_user;
using emulator::VersionMessage;

std::optional<VersionMessage> Parse(const std::string& json, uint16_t major = 0) {
  return VersionMessage::Parse(WireClient::VersionBody(json, major));
}

TEST_CASE("VERSION takes what the protocol allows") {
  CHECK(VersionMessage::Parse(BytesOf(wire::Version{0, 0}))->transfer_bytes == 1 << 20);
  CHECK(VersionMessage::Parse(BytesOf(wire::Version{0, 77}))->transfer_bytes == 1 << 20);
  CHECK(Parse("{}")->transfer_bytes == 1 << 20);
  CHECK(Parse(WireClient::kJson)->transfer_bytes == 1 << 20);
  CHECK_FALSE(Parse(WireClient::kJson)->interrupt_messages);
  CHECK(Parse(R"({"capabilities":{"max_data_xfer_size":4096}})")->transfer_bytes == 4096);
  CHECK(Parse(R"({"capabilities":{"max_data_xfer_size":18446744073709551615}})")->transfer_bytes ==
        ~uint64_t{0});
  CHECK(Parse(R"({"capabilities":{"ward_interrupt_messages":true},"other":[1,{}]})")
            ->interrupt_messages);
  CHECK_FALSE(Parse(R"({"capabilities":{"ward_interrupt_messages":false}})")->interrupt_messages);
}

TEST_CASE("P14_ VERSION that can't be understood is refused") {
  CHECK_FALSE(VersionMessage::Parse({}));
  CHECK_FALSE(VersionMessage::Parse(WireBytes(3)));
  CHECK_FALSE(Parse("{}", 1));
  CHECK_FALSE(Parse("{}", 0xffff));
  CHECK_FALSE(VersionMessage::Parse(WireClient::VersionBody("{}", 0, /*with_end=*/false)));
  CHECK_FALSE(VersionMessage::Parse(WireClient::VersionBody("", 0, true)));
  const std::string bad[] = {
      "[]",
      "null",
      "1",
      "{",
      "}",
      "{}{}",
      "{} x",
      "\"capabilities\"",
      R"({"capabilities":[]})",
      R"({"capabilities":null})",
      R"({"capabilities":7})",
      R"({"capabilities":{"max_data_xfer_size":4095}})",
      R"({"capabilities":{"max_data_xfer_size":0}})",
      R"({"capabilities":{"max_data_xfer_size":-1}})",
      R"({"capabilities":{"max_data_xfer_size":1e6}})",
      R"({"capabilities":{"max_data_xfer_size":"4096"}})",
      R"({"capabilities":{"max_data_xfer_size":1844674407370955161600}})",
      R"({"capabilities":{"ward_interrupt_messages":1}})",
      R"({"capabilities":{"ward_interrupt_messages":"true"}})",
      "{\"a\":\"\xff\xfe\"}",
      std::string("{\"a\0\":1}", 8),
      std::string("{}\0{}", 5),
      "{\"a\":" + std::string(2000, '['),
      std::string(4096, ' ') + "{}",
  };
  for (const std::string& json : bad) {
    CAPTURE(json);
    CHECK_FALSE(Parse(json));
  }
  // Deep, and well formed: no recursion of ours ends on it.
  CHECK(Parse("{\"a\":" + std::string(2000, '[') + std::string(2000, ']') + "}"));
}

TEST_CASE("the answer to VERSION fits wherever it goes, and can be read") {
  const size_t most = VersionMessage::Answer(4096, true).size();
  for (size_t room = 4; room <= most + 4; ++room) {
    CAPTURE(room);
    for (const bool interrupts : {true, false}) {
      const WireBytes body = VersionMessage::Answer(room, interrupts);
      CHECK(body.size() <= room);
      REQUIRE(body.size() >= 4);
      CHECK(LoadLe<uint32_t>(body.data()) == 0);
      if (body.size() == 4) continue;
      CHECK(body.back() == 0);
      const auto json = nlohmann::json::parse(body.begin() + 4, body.end() - 1);
      if (json.empty()) continue;
      CHECK(json["capabilities"]["max_msg_fds"] == 16);
      CHECK(json["capabilities"].contains(wire::kInterruptMessages) == interrupts);
    }
  }
}

}  // namespace
}  // namespace ward::test
