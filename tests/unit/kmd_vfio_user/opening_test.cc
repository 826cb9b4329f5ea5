// What can go wrong before a function is open.
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/unit/kmd_vfio_user/served_function.h"

namespace ward::kmd {
namespace {

using abi::PciError;
using Received = ScriptedServer::Received;

Bytes Text(const std::string& text) { return Bytes(text.begin(), text.end()); }

Failure FailAt(const std::string& where) {
  std::unique_ptr<VfioUserFunction> function;
  Failure failure;
  failure.error = VfioUserFunction::Open(where, &function, &failure.text);
  CHECK(function == nullptr);
  return failure;
}

void CheckFails(const Failure& failure, PciError error, const std::string& text) {
  INFO(failure.text);
  CHECK(failure.error == error);
  CHECK(failure.text.find(text) != std::string::npos);
}

TEST_CASE("V22_paths that are no socket's, too long, or a dead server's") {
  ScriptedServer server;  // for its folder
  const std::string folder = server.folder();
  CheckFails(FailAt("vfio-user:" + folder + "/missing"), PciError::kBadArgument, "start it first");
  CheckFails(FailAt("vfio-user:" + folder + "/" + std::string(200, 'x')), PciError::kBadArgument,
             "use a shorter folder");
  std::ofstream(folder + "/file") << "x";
  CheckFails(FailAt("vfio-user:" + folder + "/file"), PciError::kBadArgument, "/file: ");

  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string stale = folder + "/stale";
  std::memcpy(address.sun_path, stale.data(), stale.size());
  {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  CheckFails(FailAt("vfio-user:" + stale), PciError::kBadArgument, "nobody listens");
  CheckFails(FailAt("tcp:no-number:1"), PciError::kBadArgument, "no IP address");
}

TEST_CASE("the longest path that a socket address holds is taken") {
  // 107 characters and a NUL. Nobody is there, but it was looked for.
  CheckFails(FailAt("vfio-user:" + std::string(107, 'x')), PciError::kBadArgument, "No such file");
  CheckFails(FailAt("vfio-user:" + std::string(108, 'x')), PciError::kBadArgument, "shorter");
}

struct Case {
  const char* name;
  uint16_t command;
  Bytes body;  // of the reply
  PciError error;
  const char* text;
};

const std::vector<Case>& Cases() {
  const auto version = [](uint16_t major, const std::string& json) {
    return Pack(major, uint16_t{0}) + Text(json);
  };
  const std::string nul(1, '\0');
  const auto region = [](uint32_t argsz, uint32_t flags, uint32_t index, uint32_t capability) {
    return Pack(argsz, flags, index, capability, uint64_t{256}, uint64_t{0});
  };
  constexpr PciError kGone = PciError::kGone;
  static const std::vector<Case> cases = {
      {"no version", 1, {}, kGone, "VERSION"},
      {"half a version", 1, {0, 0}, kGone, "VERSION"},
      {"another major", 1, version(1, "{}" + nul), PciError::kUnsupported, "version 1"},
      {"no NUL", 1, version(0, "{}"), kGone, "VERSION"},
      {"no JSON", 1, version(0, "{" + nul), kGone, "VERSION"},
      {"another type of JSON", 1, version(0, "[]" + nul), kGone, "VERSION"},
      {"capabilities of another type", 1, version(0, R"({"capabilities":3})" + nul), kGone,
       "VERSION"},
      {"a number that is none", 1, version(0, R"({"capabilities":{"max_msg_fds":"8"}})" + nul),
       kGone, "VERSION"},
      {"a negative number", 1, version(0, R"({"capabilities":{"max_msg_fds":-1}})" + nul), kGone,
       "VERSION"},
      {"no transfers", 1, version(0, R"({"capabilities":{"max_data_xfer_size":0}})" + nul), kGone,
       "VERSION"},
      {"deep JSON", 1, version(0, std::string(100000, '[') + nul), kGone, "VERSION"},
      {"half an info", 4, Pack(16u, 2u, 9u), kGone, "DEVICE_GET_INFO"},
      {"no PCI", 4, Pack(16u, 1u, 9u, 5u), PciError::kUnsupported, "no PCI function"},
      {"no configuration space", 4, Pack(16u, 3u, 7u, 5u), PciError::kUnsupported,
       "no PCI function"},
      {"no MSI-X", 4, Pack(16u, 3u, 9u, 2u), PciError::kUnsupported, "no PCI function"},
      {"half a region", 5, Pack(32u, 3u, 7u, 0u), kGone, "DEVICE_GET_REGION_INFO"},
      {"another region", 5, region(32, 3, 6, 0), kGone, "DEVICE_GET_REGION_INFO"},
      {"a region that wants too much room", 5, region(1 << 20, 3, 7, 0), kGone,
       "DEVICE_GET_REGION_INFO"},
      {"a region with no room", 5, region(8, 3, 7, 0), kGone, "DEVICE_GET_REGION_INFO"},
      {"a region larger than its room", 5, region(32, 3, 7, 0) + Bytes(8), kGone,
       "DEVICE_GET_REGION_INFO"},
  };
  return cases;
}

TEST_CASE("a greeting that makes no sense fails the opening") {
  const size_t before = CountDescriptors();
  for (const Case& tried : Cases()) {
    INFO(tried.name);
    ScriptedServer server([&](ScriptedServer* self, const Received& request) {
      if (request.command != tried.command) return false;
      self->Reply(request, tried.body);
      return true;
    });
    CheckFails(FailToOpen(server), tried.error, tried.text);
  }
  CHECK(CountDescriptors() == before);
}

TEST_CASE("a server that says no more than its version is one with all defaults") {
  const auto body = GENERATE(Bytes{0, 0, 0, 0}, Bytes{0, 0, 7, 0, '{', '}', 0});
  ScriptedServer server([&](ScriptedServer* self, const Received& request) {
    if (request.command != 1) return false;
    self->Reply(request, body);
    return true;
  });
  CHECK(OpenAt(server)->BarSize(2) == ScriptedServer::kVramBytes);
}

TEST_CASE("a server that closes or falls silent at any point of the opening fails it") {
  const bool is_silent = GENERATE(false, true);
  const size_t before = CountDescriptors();
  // As many requests as an opening has (wire_test.cc).
  for (int last = 0; last < 20; last += is_silent ? 5 : 1) {
    INFO("request " << last);
    int count = 0;
    ScriptedServer server([&](ScriptedServer* self, const Received&) {
      if (count++ < last) return false;
      if (!is_silent) self->Close();
      return true;
    });
    const Failure failure = FailToOpen(server, is_silent ? ",timeout=100" : "");
    CHECK((failure.error == PciError::kGone || failure.error == PciError::kTimeout));
    CHECK_FALSE(failure.text.empty());
  }
  CHECK(CountDescriptors() == before);
}

// Keys of 32 bytes, over TCP.
struct KeyedServer {
  static Bytes Key() { return Text("0123456789abcdef0123456789ABCDEF"); }
  static ScriptedServer::Options Options() {
    ScriptedServer::Options options;
    options.is_tcp = true;
    options.key = Key();
    return options;
  }
  std::string WriteKey(const Bytes& key) {
    const std::string path = server.folder() + "/key";
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(key.data()), static_cast<std::streamsize>(key.size()));
    return ",key=" + path;
  }
  ScriptedServer server{{}, Options()};
};

TEST_CASE("a client with the key is let in over TCP") {
  KeyedServer keyed;
  const auto function = OpenAt(keyed.server, keyed.WriteKey(KeyedServer::Key()));
  CHECK(function->BarSize(0) == ScriptedServer::kRegisterBytes);
  CHECK(function->MapBar(2) == nullptr);
}

TEST_CASE("a client with another key is not, and is told what to look at") {
  KeyedServer keyed;
  const Failure failure = FailToOpen(keyed.server, keyed.WriteKey(Bytes(32)));
  CheckFails(failure, PciError::kGone, "is key= the server's key?");
}

TEST_CASE("a client without a key takes the challenge for nonsense") {
  KeyedServer keyed;
  CheckFails(FailToOpen(keyed.server), PciError::kGone, "key=FILE");
}

TEST_CASE("a key that is no key is refused before anybody is asked") {
  KeyedServer keyed;
  CheckFails(FailToOpen(keyed.server, keyed.WriteKey(Bytes(31))), PciError::kBadArgument,
             "32 bytes");
  CheckFails(FailToOpen(keyed.server, keyed.WriteKey(Bytes(33))), PciError::kBadArgument,
             "32 bytes");
  CheckFails(FailToOpen(keyed.server, ",key=" + keyed.server.folder() + "/none"),
             PciError::kBadArgument, "No such file");
  CheckFails(FailToOpen(keyed.server, ",key=" + keyed.server.folder()), PciError::kBadArgument,
             "32 bytes");
}

TEST_CASE("a server without a key sends no challenge") {
  ScriptedServer::Options options;
  options.is_tcp = true;
  ScriptedServer server({}, options);
  const std::string path = server.folder() + "/key";
  std::ofstream(path) << "0123456789abcdef0123456789ABCDEF";
  CheckFails(FailToOpen(server, ",timeout=200,key=" + path), PciError::kTimeout, "leave out key=");
}

}  // namespace
}  // namespace ward::kmd
