#include "emulator/vfio_user/endpoint.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/server_rig.h"

namespace ward::test {
namespace {

using emulator::Endpoint;

bool Exists(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0;
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A socket whose owner was killed: the file is left, nobody listens.
void LeaveStaleSocket(const std::string& path) {
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
}

TEST_CASE("V22 a path longer than a socket's address holds is refused with a way out") {
  const TempFolder folder;
  std::string error;
  const std::string base = folder / "";
  const std::string longest = base + std::string(107 - base.size(), 'x');
  CHECK(Endpoint::ListenUnix(longest, &error) != nullptr);
  CHECK(Endpoint::ListenUnix(longest + "x", &error) == nullptr);
  CHECK(Has(error, "108 bytes"));
  CHECK(Has(error, "at most 107"));
  CHECK(Has(error, "shorter"));
  CHECK_FALSE(Exists(longest.substr(0, 107)));
  CHECK(Endpoint::ListenUnix("", &error) == nullptr);
  CHECK(Has(error, "--socket"));
  CHECK(Endpoint::ListenUnix(folder / "none/gpu.sock", &error) == nullptr);
  CHECK(Has(error, "folder"));
}

TEST_CASE("V22 a stale socket is replaced; a living one, and what is no socket, is left alone") {
  const TempFolder folder;
  std::string error;
  const std::string path = folder / "gpu.sock";
  LeaveStaleSocket(path);
  auto first = Endpoint::ListenUnix(path, &error);
  REQUIRE(first != nullptr);
  CHECK(Endpoint::ListenUnix(path, &error) == nullptr);
  CHECK(Has(error, "another server listens"));
  // With a backlog that is full, by that probe and 128 more, the next one would wait.
  std::vector<WireClient> waiting;
  const int flags = fcntl(first->socket(), F_GETFL);
  CHECK((flags & O_NONBLOCK) != 0);
  for (int i = 0; i < 128; ++i) waiting.push_back(WireClient::ConnectUnix(path));
  CHECK(Endpoint::ListenUnix(path, &error) == nullptr);
  CHECK(Has(error, "another server listens"));
  first.reset();
  CHECK_FALSE(Exists(path));
  std::ofstream(folder / "file") << "kept";
  CHECK(Endpoint::ListenUnix(folder / "file", &error) == nullptr);
  CHECK(Has(error, "is no socket"));
  CHECK(Exists(folder / "file"));
  CHECK(Endpoint::ListenUnix(folder / ".", &error) == nullptr);
  REQUIRE(symlink((folder / "file").c_str(), (folder / "link").c_str()) == 0);
  CHECK(Endpoint::ListenUnix(folder / "link", &error) == nullptr);
}

// Between its bind and its listen it looks like one that nobody listens at.
TEST_CASE("V67 a server that begins at the same path is waited for, and not taken for a dead one") {
  const TempFolder folder;
  const std::string path = folder / "gpu.sock";
  const FileDescriptor turn(open((folder / "").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(flock(turn.get(), LOCK_EX) == 0);
  const FileDescriptor other(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  REQUIRE(bind(other.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  std::thread slow([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CHECK(listen(other.get(), 8) == 0);
    CHECK(flock(turn.get(), LOCK_UN) == 0);
  });
  std::string error;
  CHECK(Endpoint::ListenUnix(path, &error) == nullptr);
  slow.join();
  CHECK(Has(error, "another server listens"));
  CHECK_NOTHROW(WireClient::ConnectUnix(path));
}

TEST_CASE("a socket that is another's by now is not taken away") {
  const TempFolder folder;
  std::string error;
  const std::string path = folder / "gpu.sock";
  auto first = Endpoint::ListenUnix(path, &error);
  REQUIRE(unlink(path.c_str()) == 0);
  const auto second = Endpoint::ListenUnix(path, &error);
  REQUIRE(second != nullptr);
  first.reset();
  CHECK(Exists(path));
  CHECK_NOTHROW(WireClient::ConnectUnix(path));
}

TEST_CASE("nobody but the server's user can connect to its socket") {
  const TempFolder folder;
  std::string error;
  const mode_t before = umask(0);
  const auto endpoint = Endpoint::ListenUnix(folder / "gpu.sock", &error);
  CHECK(umask(before) == 0);  // put back
  struct stat status{};
  REQUIRE(lstat((folder / "gpu.sock").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(endpoint->name() == "vfio-user:" + folder / "gpu.sock");
}

TEST_CASE("a TCP address is a number and a port, and beyond this machine it wants a key") {
  std::string error;
  for (const char* address :
       {"", "127.0.0.1", "127.0.0.1:", ":7000", "localhost:7000", "127.0.0.1:x", "127.0.0.1:70000",
        "127.0.0.1:-1", "1.2.3:4:5", "[::1]", "[]:1"}) {
    CAPTURE(address);
    CHECK(Endpoint::ListenTcp(address, true, &error) == nullptr);
    CHECK(Has(error, "127.0.0.1:7000"));
  }
  for (const char* address : {"0.0.0.0:0", "[::]:0", "[::ffff:127.0.0.1]:0"}) {
    CAPTURE(address);
    CHECK(Endpoint::ListenTcp(address, false, &error) == nullptr);
    CHECK(Has(error, "--key-file"));
  }
  CHECK(Endpoint::ListenTcp("0.0.0.0:0", true, &error) != nullptr);
  const auto endpoint = Endpoint::ListenTcp("127.0.0.1:0", false, &error);
  REQUIRE(endpoint != nullptr);
  CHECK_FALSE(endpoint->is_unix());
  CHECK(endpoint->name().starts_with("tcp:127.0.0.1:"));
  CHECK(endpoint->name() != "tcp:127.0.0.1:0");
  CHECK(Endpoint::ListenTcp(endpoint->name().substr(4), false, &error) == nullptr);
  CHECK(Has(error, "another port"));
}

TEST_CASE("only a UNIX stream socket that listens is adopted") {
  std::string error;
  const auto adopt = [&](int type, bool listens) {
    FileDescriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    const sockaddr_un any = {AF_UNIX, {}};  // a name of the kernel's choice
    REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t)) == 0);
    if (listens) REQUIRE(listen(socket.get(), 1) == 0);
    return Endpoint::Adopt(std::move(socket), &error);
  };
  const auto endpoint = adopt(SOCK_STREAM, true);
  REQUIRE(endpoint != nullptr);
  CHECK(endpoint->name().starts_with("vfio-user:@"));
  CHECK(adopt(SOCK_STREAM, false) == nullptr);
  CHECK(Has(error, "ListenStream"));
  CHECK(adopt(SOCK_SEQPACKET, true) == nullptr);
  CHECK(Endpoint::Adopt(FileDescriptor(::socket(AF_INET, SOCK_STREAM, 0)), &error) == nullptr);
  CHECK(Endpoint::Adopt(FileDescriptor(open("/dev/null", O_RDONLY)), &error) == nullptr);
}

}  // namespace
}  // namespace ward::test
