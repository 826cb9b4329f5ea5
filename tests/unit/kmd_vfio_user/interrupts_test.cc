#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/kmd_vfio_user/served_function.h"

namespace ward::kmd {
namespace {

using abi::PciError;

void Fire(const FileDescriptor& event) {
  const uint64_t one = 1;
  REQUIRE(write(event.get(), &one, sizeof(one)) == sizeof(one));
}

// The events of `count` vectors, at the server's end.
std::vector<FileDescriptor> EnableVectors(VfioUserFunction* function, ScriptedServer* server,
                                          uint32_t count) {
  REQUIRE(function->EnableInterrupts(count) == PciError::kNone);
  function->BarRead32(0, 0);  // the server has kept them when it answers this
  auto events = server->TakeDescriptors(8);
  REQUIRE(events.size() == count);
  return events;
}

TEST_CASE("V42_the vector that fired is the one that is seen, once") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  const auto events = EnableVectors(function.get(), &server, 3);
  CHECK(function->WaitInterrupt(0, 0) == PciError::kTimeout);
  Fire(events[1]);
  Fire(events[1]);
  CHECK(function->WaitInterrupt(0, 0) == PciError::kTimeout);
  CHECK(function->WaitInterrupt(2, 0) == PciError::kTimeout);
  CHECK(function->WaitInterrupt(1, 0) == PciError::kNone);
  CHECK(function->WaitInterrupt(1, 0) == PciError::kTimeout);
  CHECK(function->WaitInterrupt(3, 0) == PciError::kBadArgument);
}

TEST_CASE("vectors that are enabled anew have forgotten what fired") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  const auto before = EnableVectors(function.get(), &server, 2);
  Fire(before[0]);
  const auto after = EnableVectors(function.get(), &server, 1);
  Fire(before[0]);  // a server that has not let go of it
  CHECK(function->WaitInterrupt(0, 0) == PciError::kTimeout);
  CHECK(function->WaitInterrupt(1, 0) == PciError::kBadArgument);
  Fire(after[0]);
  CHECK(function->WaitInterrupt(0, 0) == PciError::kNone);
}

TEST_CASE("more vectors than there are, or none at all") {
  ScriptedServer::Options options;
  SECTION("few") {
    options.vectors = 2;
    ScriptedServer server({}, options);
    const auto function = OpenAt(server);
    CHECK(function->EnableInterrupts(3) == PciError::kNoMemory);
    CHECK(function->EnableInterrupts(2) == PciError::kNone);
  }
  SECTION("none") {
    options.vectors = 0;
    ScriptedServer server({}, options);
    const auto function = OpenAt(server);
    CHECK(function->EnableInterrupts(1) == PciError::kUnsupported);
    CHECK(std::string(function->LastErrorText()).find("MSI") != std::string::npos);
  }
}

TEST_CASE("a refused vector leaves none enabled") {
  ScriptedServer server([](ScriptedServer* self, const ScriptedServer::Received& request) {
    if (request.command != 8 || request.descriptor_count == 0) return false;
    self->ReplyError(request, 22);
    return true;
  });
  const auto function = OpenAt(server);
  CHECK(function->EnableInterrupts(2) == PciError::kBadArgument);
  CHECK(function->WaitInterrupt(0, 0) == PciError::kBadArgument);
  CHECK(function->BarRead32(0, 0) == 0);
}

TEST_CASE("V37_data, then the fence, then the interrupt, all by messages") {
  ScriptedServer server;
  const auto function = OpenAt(server, ",messages");
  REQUIRE(function->SetBusMaster(true) == PciError::kNone);
  REQUIRE(function->EnableInterrupts(2) == PciError::kNone);
  abi::DmaBuffer buffer;
  REQUIRE(function->AllocateDma(8192, &buffer) == PciError::kNone);
  for (uint64_t turn = 1; turn <= 200; ++turn) {
    const Bytes data(1000, static_cast<uint8_t>(turn));
    server.Tell(12, Pack(buffer.bus_address, uint64_t{1000}) + data);
    server.Tell(12, Pack(buffer.bus_address + 4096, uint64_t{8}, turn));
    server.Tell(0x8000, Pack(1u, 0u));
    REQUIRE(function->WaitInterrupt(1, 10000) == PciError::kNone);
    REQUIRE(LoadLe<uint64_t>(buffer.cpu + 4096) == turn);
    REQUIRE(buffer.cpu[999] == static_cast<uint8_t>(turn));
    REQUIRE(function->WaitInterrupt(0, 0) == PciError::kTimeout);
  }
}

TEST_CASE("messages of vectors that are not enabled, or that are no interrupts, mark none") {
  ScriptedServer server;
  const auto function = OpenAt(server, ",messages");
  server.Tell(0x8000, Pack(0u, 0u));
  REQUIRE(function->EnableInterrupts(1) == PciError::kNone);
  server.Tell(0x8000, Pack(1u, 0u));
  server.Tell(0x8000, Pack(0xffffffffu, 0u));
  server.Tell(0x8000, Pack(0u));
  server.Tell(0x8000, {});
  CHECK(function->BarRead32(0, 0) == 0);  // behind them on the wire
  CHECK(function->WaitInterrupt(0, 0) == PciError::kTimeout);
}

TEST_CASE("V21_a signal does not end a wait") {
  struct sigaction before{};
  struct sigaction ignored{};
  ignored.sa_handler = [](int) {};  // interrupts system calls, without SA_RESTART
  REQUIRE(sigaction(SIGUSR1, &ignored, &before) == 0);
  {
    ScriptedServer server;
    const auto function = OpenAt(server);
    const auto events = EnableVectors(function.get(), &server, 1);
    const pthread_t waiting = pthread_self();
    std::thread disturber([&] {
      for (int i = 0; i < 100; ++i) {
        pthread_kill(waiting, SIGUSR1);
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      const uint64_t one = 1;
      [[maybe_unused]] const auto written = write(events[0].get(), &one, sizeof(one));
    });
    CHECK(function->WaitInterrupt(0, 10000) == PciError::kNone);
    CHECK(function->BarRead32(0, 0) == 0);
    disturber.join();
  }
  REQUIRE(sigaction(SIGUSR1, &before, nullptr) == 0);
}

TEST_CASE("a server that goes ends a wait at once") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  const auto events = EnableVectors(function.get(), &server, 1);
  std::thread closer([&] { server.Close(); });
  CHECK(function->WaitInterrupt(0, 0x7fffffff) == PciError::kGone);
  CHECK(std::string(function->LastErrorText()) == "the server closed the connection");
  closer.join();
}

}  // namespace
}  // namespace ward::kmd
