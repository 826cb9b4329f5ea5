// The server's own requests: memory of this process by bus address.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/unit/kmd_vfio_user/served_function.h"

namespace ward::kmd {
namespace {

using abi::DmaBuffer;
using abi::PciError;

constexpr uint16_t kDmaRead = 11;
constexpr uint16_t kDmaWrite = 12;
constexpr uint32_t kNoDevice = 19;      // ENODEV
constexpr uint32_t kInvalid = 22;       // EINVAL
constexpr uint32_t kNotSupported = 95;  // ENOTSUP
constexpr uint64_t kTransferBytes = 1 << 20;

// Open, with bus mastering on.
struct Machine {
  Machine() : function(OpenAt(server, ",messages")) {
    REQUIRE(function->SetBusMaster(true) == PciError::kNone);
  }
  DmaBuffer Allocate(size_t size) {
    DmaBuffer buffer;
    REQUIRE(function->AllocateDma(size, &buffer) == PciError::kNone);
    return buffer;
  }
  ScriptedServer::Received Read(uint64_t address, uint64_t count) {
    return server.Ask(kDmaRead, Pack(address, count));
  }
  ScriptedServer::Received Write(uint64_t address, const Bytes& data) {
    return server.Ask(kDmaWrite, Pack(address, uint64_t{data.size()}) + data);
  }

  ScriptedServer server;
  std::unique_ptr<VfioUserFunction> function;
};

void CheckError(const ScriptedServer::Received& reply, uint32_t error) {
  CHECK(reply.size == 16);
  CHECK(reply.flags == 0x21);
  CHECK(reply.error == error);
}

TEST_CASE("a request is answered with its id, its range and the bytes") {
  Machine machine;
  const DmaBuffer buffer = machine.Allocate(4096);
  for (int i = 0; i < 4096; ++i) buffer.cpu[i] = static_cast<uint8_t>(i * 3);
  const uint64_t at = buffer.bus_address + 10;
  machine.server.Send(ScriptedServer::Header(0x1234, kDmaRead, Pack(at, uint64_t{5}), 0));
  const auto next = machine.Write(at, {1, 2, 3});
  CHECK(next.id == 0x1234);  // the first of two replies
  CHECK(next.command == kDmaRead);
  CHECK(next.flags == 1);
  CHECK(next.error == 0);
  CHECK(next.body == Pack(at, uint64_t{5}) + Bytes{30, 33, 36, 39, 42});
  const auto written = machine.Read(at, 5);
  CHECK(written.command == kDmaWrite);
  CHECK(written.flags == 1);
  CHECK(written.body == Pack(at, uint64_t{3}));
  CHECK(machine.Read(at, 5).body == Pack(at, uint64_t{5}) + Bytes{1, 2, 3, 39, 42});
}

TEST_CASE("the file that is sent is the buffer, whole and sealed against other sizes") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  DmaBuffer buffer;
  REQUIRE(function->AllocateDma(3 * 4096, &buffer) == PciError::kNone);
  std::vector<FileDescriptor> files;
  function->BarRead32(0, 0);  // the server has kept them when it answers this
  files = server.TakeDescriptors(2);
  REQUIRE(files.size() == 1);
  struct stat status{};
  REQUIRE(fstat(files[0].get(), &status) == 0);
  CHECK(status.st_size == 3 * 4096);
  CHECK(ftruncate(files[0].get(), 4096) != 0);
  CHECK(ftruncate(files[0].get(), 4 * 4096) != 0);
  auto* shared = static_cast<uint8_t*>(
      mmap(nullptr, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, files[0].get(), 0));
  REQUIRE(shared != MAP_FAILED);
  CHECK(shared[0] == 0);
  shared[8191] = 0x5a;
  CHECK(buffer.cpu[8191] == 0x5a);
  munmap(shared, 3 * 4096);
}

TEST_CASE("V28_buffers have ranges of their own, on a bus where BARs and interrupts are too") {
  Machine machine;
  std::vector<DmaBuffer> buffers;
  for (const size_t size : {1, 4096, 5000, 3 << 20, 4096, 2 << 20}) {
    buffers.push_back(machine.Allocate(size));
  }
  for (const DmaBuffer& one : buffers) {
    CHECK(one.bus_address >= 0x1000000);
    CHECK(one.bus_address % 4096 == 0);
    if (one.size_bytes >= (2 << 20)) CHECK(one.bus_address % (2 << 20) == 0);
    CHECK(one.bus_address + one.size_bytes <= 0xc0000000);
    for (const DmaBuffer& other : buffers) {
      if (&one == &other) continue;
      CHECK((one.bus_address + one.size_bytes <= other.bus_address ||
             other.bus_address + other.size_bytes <= one.bus_address));
    }
    CHECK(std::all_of(one.cpu, one.cpu + one.size_bytes, [](uint8_t byte) { return byte == 0; }));
  }
}

TEST_CASE("V29_a transfer crosses neighbouring buffers, hundreds of them") {
  Machine machine;
  std::vector<DmaBuffer> buffers;
  for (int i = 0; i < 400; ++i) {
    const DmaBuffer buffer = machine.Allocate(1);
    if (buffers.size() == 250) {
      // The transfer's last byte is the last one of the neighbours.
      CHECK(buffer.bus_address == buffers.back().bus_address + 4096);
    }
    buffers.push_back(buffer);
  }
  Bytes data(250 * 4096);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i * 31 + i / 4096);
  const uint64_t start = buffers[0].bus_address;
  REQUIRE(machine.Write(start + 100, data).flags == 1);
  CHECK(machine.Read(start + 100, data.size()).body ==
        Pack(start + 100, uint64_t{data.size()}) + data);
  CHECK(std::memcmp(buffers[0].cpu + 100, data.data(), 3996) == 0);
  CHECK(std::memcmp(buffers[249].cpu, data.data() + 249 * 4096 - 100, 4096) == 0);
  CHECK(std::memcmp(buffers[250].cpu, data.data() + 250 * 4096 - 100, 100) == 0);
  CHECK(buffers[0].cpu[99] == 0);
  CHECK(buffers[250].cpu[100] == 0);
}

TEST_CASE("V30_a transfer that runs into a hole moves nothing") {
  Machine machine;
  const DmaBuffer first = machine.Allocate(4096);
  const DmaBuffer hole = machine.Allocate(4096);
  const DmaBuffer third = machine.Allocate(4096);
  machine.function->FreeDma(hole);
  CheckError(machine.Write(first.bus_address, Bytes(3 * 4096, 0xee)), kNoDevice);
  CheckError(machine.Write(first.bus_address + 4095, Bytes(2, 0xee)), kNoDevice);
  CheckError(machine.Write(hole.bus_address, Bytes(1, 0xee)), kNoDevice);
  CheckError(machine.Write(first.bus_address - 1, Bytes(2, 0xee)), kNoDevice);
  CheckError(machine.Read(first.bus_address, 4097), kNoDevice);
  CHECK(std::all_of(first.cpu, first.cpu + 4096, [](uint8_t byte) { return byte == 0; }));
  CHECK(std::all_of(third.cpu, third.cpu + 4096, [](uint8_t byte) { return byte == 0; }));
}

TEST_CASE("V31_a range that wraps is invalid, and no bytes are always there") {
  Machine machine;
  const DmaBuffer buffer = machine.Allocate(4096);
  CheckError(machine.Read(~uint64_t{0} - 3, 8), kInvalid);
  CheckError(machine.Write(~uint64_t{0}, {1, 2}), kInvalid);
  CheckError(machine.Read(~uint64_t{0}, 1), kNoDevice);
  CHECK(machine.Read(buffer.bus_address, 0).body == Pack(buffer.bus_address, uint64_t{0}));
  CHECK(machine.Write(0, {}).body == Pack(uint64_t{0}, uint64_t{0}));
}

TEST_CASE("a request whose sizes contradict each other, or are too large, is invalid") {
  Machine machine;
  const uint64_t at = machine.Allocate(2 * kTransferBytes).bus_address;
  CheckError(machine.Read(at, kTransferBytes + 1), kInvalid);
  CheckError(machine.Read(at, ~uint64_t{0}), kInvalid);
  CheckError(machine.server.Ask(kDmaRead, Pack(at, uint64_t{4}, uint8_t{0})), kInvalid);
  CheckError(machine.server.Ask(kDmaRead, Pack(at)), kInvalid);
  CheckError(machine.server.Ask(kDmaWrite, Pack(at)), kInvalid);
  CheckError(machine.server.Ask(kDmaWrite, Pack(at, uint64_t{4}, uint8_t{0})), kInvalid);
  CheckError(machine.server.Ask(kDmaWrite, Pack(at, ~uint64_t{0}, uint8_t{0})), kInvalid);
  CHECK(machine.Read(at, kTransferBytes).body.size() == 16 + kTransferBytes);
}

TEST_CASE("V33_after the buffer is freed neither direction finds it, and a new one is zeros") {
  Machine machine;
  const DmaBuffer buffer = machine.Allocate(4096);
  REQUIRE(machine.Write(buffer.bus_address, Bytes(4096, 0xaa)).flags == 1);
  machine.function->FreeDma(buffer);
  CheckError(machine.Read(buffer.bus_address, 1), kNoDevice);
  CheckError(machine.Write(buffer.bus_address, {1}), kNoDevice);
  const DmaBuffer again = machine.Allocate(4096);
  CHECK(again.bus_address == buffer.bus_address);
  CHECK(machine.Read(again.bus_address, 4).body ==
        Pack(again.bus_address, uint64_t{4}, uint32_t{0}));
}

TEST_CASE("a server that refuses the unmapping has lost the buffer all the same") {
  ScriptedServer server([](ScriptedServer* self, const ScriptedServer::Received& request) {
    if (request.command != 3) return false;
    self->ReplyError(request, 22);
    return true;
  });
  const auto function = OpenAt(server, ",messages");
  REQUIRE(function->SetBusMaster(true) == PciError::kNone);
  DmaBuffer buffer;
  REQUIRE(function->AllocateDma(4096, &buffer) == PciError::kNone);
  function->FreeDma(buffer);
  CheckError(server.Ask(kDmaRead, Pack(buffer.bus_address, uint64_t{1})), kNoDevice);
}

TEST_CASE("memory that the server does not take is not given out") {
  const auto [refusal, error] =
      GENERATE(std::pair(28u, PciError::kNoMemory),  // ENOSPC
               std::pair(17u, PciError::kNoMemory),  // EEXIST: it knows the range already
               std::pair(95u, PciError::kUnsupported));
  ScriptedServer server([refusal](ScriptedServer* self, const ScriptedServer::Received& request) {
    if (request.command != 2) return false;
    self->ReplyError(request, refusal);
    return true;
  });
  const auto function = OpenAt(server);
  const size_t before = CountDescriptors();
  DmaBuffer buffer;
  CHECK(function->AllocateDma(4096, &buffer) == error);
  CHECK(buffer.cpu == nullptr);
  CHECK(std::string(function->LastErrorText()).find("DMA_MAP") != std::string::npos);
  server.TakeDescriptors(2);
  CHECK(CountDescriptors() <= before);
  CHECK(function->BarRead32(0, 0) == 0);
}

TEST_CASE("sizes that no memory has are refused") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  server.TakeHeard();
  DmaBuffer buffer;
  CHECK(function->AllocateDma(0, &buffer) == PciError::kBadArgument);
  CHECK(function->AllocateDma(~size_t{0}, &buffer) == PciError::kBadArgument);
  CHECK(function->AllocateDma(size_t{1} << 46, &buffer) == PciError::kBadArgument);
  CHECK(server.TakeHeard().empty());
}

TEST_CASE("without bus mastering no memory is reached") {
  ScriptedServer server;
  const auto function = OpenAt(server, ",messages");
  DmaBuffer buffer;
  REQUIRE(function->AllocateDma(4096, &buffer) == PciError::kNone);
  const Bytes request = Pack(buffer.bus_address, uint64_t{1});
  CheckError(server.Ask(kDmaRead, request), kNoDevice);
  CheckError(server.Ask(kDmaRead, Pack(buffer.bus_address, uint64_t{0})), kNoDevice);
  REQUIRE(function->SetBusMaster(true) == PciError::kNone);
  CHECK(server.Ask(kDmaRead, request).flags == 1);
  REQUIRE(function->SetBusMaster(false) == PciError::kNone);
  CheckError(server.Ask(kDmaRead, request), kNoDevice);
  function->ConfigWrite(4, 4, 6);
  CHECK(server.Ask(kDmaRead, request).flags == 1);
  REQUIRE(function->ResetFunction() == PciError::kNone);
  CheckError(server.Ask(kDmaRead, request), kNoDevice);
  REQUIRE(function->SetBusMaster(true) == PciError::kNone);
  CHECK(server.Ask(kDmaRead, request).flags == 1);  // buffers stay mapped over a reset
}

TEST_CASE("commands that a client does not serve are not supported") {
  Machine machine;
  for (const uint16_t command : {0, 1, 2, 9, 10, 13, 15, 16, 17, 0x7fff, 0x8001, 0xffff}) {
    INFO(command);
    CheckError(machine.server.Ask(command, {}), kNotSupported);
  }
  CHECK(machine.function->BarRead32(0, 0) == 0);
}

TEST_CASE("what wants no reply gets none, done or refused") {
  Machine machine;
  const DmaBuffer buffer = machine.Allocate(4096);
  machine.server.Tell(kDmaWrite, Pack(buffer.bus_address, uint64_t{1}, uint8_t{0x42}));
  machine.server.Tell(kDmaWrite, Pack(uint64_t{0}, uint64_t{1}, uint8_t{0x42}));
  machine.server.Tell(0x7fff, {});
  const auto reply = machine.Read(buffer.bus_address, 1);
  CHECK(reply.command == kDmaRead);
  CHECK(reply.body == Pack(buffer.bus_address, uint64_t{1}, uint8_t{0x42}));
}

// Reads the same word while the server writes it: it is one value or the other, never a mixture.
TEST_CASE("V36_a word of 8 bytes is written as one") {
  Machine machine;
  const DmaBuffer buffer = machine.Allocate(4096);
  auto* word = reinterpret_cast<uint64_t*>(buffer.cpu + 8);
  constexpr uint64_t kValues[2] = {0x1111111122222222, 0x3333333344444444};
  StoreLe(buffer.cpu + 8, kValues[0]);
  for (int i = 0; i < 2000; ++i) {
    machine.server.Tell(kDmaWrite, Pack(buffer.bus_address + 8, uint64_t{8}, kValues[i % 2]));
    const uint64_t seen = std::atomic_ref<uint64_t>(*word).load(std::memory_order_acquire);
    if (seen != kValues[0] && seen != kValues[1]) FAIL(seen);
  }
  CHECK(machine.Read(buffer.bus_address + 8, 8).body ==
        Pack(buffer.bus_address + 8, uint64_t{8}, kValues[1]));
}

TEST_CASE("the server reads and writes memory while a reply is waited for") {
  DmaBuffer buffer;
  Bytes told;
  ScriptedServer server([&](ScriptedServer* self, const ScriptedServer::Received& request) {
    if (request.command != 9 || LoadLe<uint64_t>(request.body.data()) != 0x40) return false;
    // Before it answers, and more than the socket holds.
    const Bytes page(kTransferBytes, 0x99);
    for (int i = 0; i < 4; ++i) {
      self->Send(
          ScriptedServer::Header(1, kDmaWrite, Pack(buffer.bus_address, kTransferBytes) + page, 0));
    }
    return false;
  });
  const auto function = OpenAt(server, ",messages");
  REQUIRE(function->SetBusMaster(true) == PciError::kNone);
  REQUIRE(function->AllocateDma(kTransferBytes, &buffer) == PciError::kNone);
  CHECK(function->BarRead32(0, 0x40) == 0);
  CHECK(buffer.cpu[kTransferBytes - 1] == 0x99);
}

}  // namespace
}  // namespace ward::kmd
