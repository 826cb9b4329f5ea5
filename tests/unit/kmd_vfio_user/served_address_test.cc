#include "kmd/ports/vfio_user/served_address.h"

#include <string>

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "kmd/ports/open_function.h"

namespace ward::kmd {
namespace {

ServedAddress Parsed(const std::string& where) {
  std::string error;
  const auto address = ServedAddress::Parse(where, &error);
  INFO(where << ": " << error);
  REQUIRE(address.has_value());
  return *address;
}

TEST_CASE("a UNIX socket's address has a path and options") {
  const ServedAddress plain = Parsed("vfio-user:/run/ward/gpu0.sock");
  CHECK_FALSE(plain.is_tcp);
  CHECK(plain.path == "/run/ward/gpu0.sock");
  CHECK_FALSE(plain.by_messages);
  CHECK(plain.timeout_ms == 5000);
  const ServedAddress other = Parsed("vfio-user:a b=c:1,messages,timeout=250");
  CHECK(other.path == "a b=c:1");
  CHECK(other.by_messages);
  CHECK(other.timeout_ms == 250);
}

TEST_CASE("a TCP address has a number, a port and perhaps a key, and passes no descriptors") {
  const ServedAddress plain = Parsed("tcp:127.0.0.1:7000");
  CHECK(plain.is_tcp);
  CHECK(plain.host == "127.0.0.1");
  CHECK(plain.port == 7000);
  CHECK(plain.by_messages);
  CHECK(plain.key_file.empty());
  const ServedAddress keyed = Parsed("tcp:localhost:1,timeout=9,key=/tmp/a=b");
  CHECK(keyed.host == "127.0.0.1");
  CHECK(keyed.key_file == "/tmp/a=b");
  CHECK(keyed.timeout_ms == 9);
  CHECK(Parsed("tcp:[::1]:65535").host == "::1");
}

TEST_CASE("anything else is refused, with a text that shows the forms") {
  const std::string where = GENERATE(
      "", "0000:00:05.0", "vfio-user:", "vfio-user:,messages", "vfio-user:/a,",
      "vfio-user:/a,key=b", "vfio-user:/a,timeout=", "vfio-user:/a,timeout=0",
      "vfio-user:/a,timeout=1x", "vfio-user:/a,timeout=4294967296", "vfio-user:/a,messages=1",
      "tcp:", "tcp:127.0.0.1", "tcp::7000", "tcp:127.0.0.1:", "tcp:127.0.0.1:0",
      "tcp:127.0.0.1:65536", "tcp:127.0.0.1:-1", "tcp:::1:7000", "tcp:127.0.0.1:7000,messages",
      "tcp:127.0.0.1:7000,key=", "TCP:127.0.0.1:7");
  std::string error;
  INFO(where);
  CHECK_FALSE(ServedAddress::Parse(where, &error).has_value());
  CHECK(error.find("tcp:HOST:PORT") != std::string::npos);
}

TEST_CASE("an address that is not a served device's is VFIO's") {
  std::unique_ptr<abi::PciFunction> function;
  std::string error;
  CHECK(OpenFunction("ffff:ff:1f.7", &function, &error) != abi::PciError::kNone);
  CHECK(error.find("tcp:") == std::string::npos);
  CHECK(OpenFunction("not-a-function", &function, &error) == abi::PciError::kBadArgument);
  CHECK(error.find("tcp:") != std::string::npos);
  CHECK(OpenFunction("vfio-user:", &function, &error) == abi::PciError::kBadArgument);
  CHECK(error.find("no path") != std::string::npos);
  CHECK(function == nullptr);
}

}  // namespace
}  // namespace ward::kmd
