// The text of operations, which reproducers are made of.
#include "tests/fuzz/device/operation.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

namespace ward::fuzz {
namespace {

TEST_CASE("each kind of operation is read back as it was written") {
  const std::vector<uint8_t> bytes = {0x00, 0x9a, 0xff};
  for (int kind = 0; kind <= static_cast<int>(OperationKind::kLast); ++kind) {
    const Operation written = {.kind = static_cast<OperationKind>(kind),
                               .at = 0x123456789abcdef0,
                               .size = 4,
                               .value = 0xfedcba9876543210,
                               .bytes = bytes};
    const std::string text = ToText(written);
    CAPTURE(text);
    Operation read;
    std::vector<uint8_t> room;
    std::string reason;
    REQUIRE(ParseOperation(text, &read, &room, &reason));
    CHECK(read.kind == written.kind);
    CHECK(ToText(read) == text);
  }
}

TEST_CASE("a line that is no operation is refused with a reason that names it") {
  const auto reason_of = [](std::string_view line) {
    Operation operation;
    std::vector<uint8_t> room;
    std::string reason;
    CHECK_FALSE(ParseOperation(line, &operation, &room, &reason));
    return reason;
  };
  CHECK(reason_of("") == "no operation is called \"\"");
  CHECK(reason_of("write-regster 0 4 1") == "no operation is called \"write-regster\"");
  CHECK(reason_of("write-register 0x10 four 1") ==
        "write-register: its size is no number: \"four\"");
  CHECK(reason_of("write-register 0x10 4294967296 1") ==
        "write-register: its size is no number: \"4294967296\"");
  CHECK(reason_of("write-register 0x10 4") == "write-register: its value is no number: \"\"");
  CHECK(reason_of("write-memory 0x10 0f0") ==
        "write-memory: its bytes are no pairs of hexadecimal digits");
  CHECK(reason_of("write-memory 0x10 0g") ==
        "write-memory: its bytes are no pairs of hexadecimal digits");
  CHECK(reason_of("tear-down 1") == "tear-down: nothing stands behind that, as \"1\" does");
}

}  // namespace
}  // namespace ward::fuzz
