// Messages that are wrong in every way that there is a field for: refused with the errno that the
// protocol's page says, or the connection is ended; the device serves on. A client of a second
// device, on a thread of its own, never waits for any of it.
#include <fcntl.h>
#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <limits>
#include <random>
#include <thread>

#include "abi/generated/pci.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/server_rig.h"
#include "tests/unit/vfio_user/test_driver.h"

namespace ward::test {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

// A second device with a client that works all the time.
class Bystander {
 public:
  Bystander() : client_(device_.ConnectReady()), thread_([this] { Work(); }) {}
  ~Bystander() { End(); }
  // Whether all went well, and it did at least one round since it was asked last.
  bool IsWell() {
    const uint64_t before = rounds_;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (rounds_ < before + 2 && !failed_ && std::chrono::steady_clock::now() < limit) {
      std::this_thread::yield();
    }
    return rounds_ >= before + 2 && !failed_;
  }

 private:
  void End() {
    ends_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void Work() {
    try {
      for (uint32_t i = 0; !ends_; ++i) {
        client_.SetRegister(abi::kRegScratch, i);
        if (client_.Register(abi::kRegScratch) != i) failed_ = true;
        ++rounds_;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    } catch (const std::exception&) {
      failed_ = true;
    }
  }

  ServedDevice device_;
  WireClient client_;
  std::atomic<uint64_t> rounds_{0};
  std::atomic<bool> failed_{false}, ends_{false};
  std::thread thread_;
};

WireBytes Cut(const WireBytes& bytes, size_t size) {
  WireBytes cut = bytes;
  cut.resize(size);
  return cut;
}

TEST_CASE("P14_ bodies of every wrong length are EINVAL") {
  Bystander bystander;
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  const struct {
    Command command;
    WireBytes body;
    bool takes_more;  // the protocol lets a longer request be
  } cases[] = {
      {Command::kDmaMap, BytesOf(wire::DmaMap{32, 3, 0, 0x1000, 0x1000}), false},
      {Command::kDmaUnmap, BytesOf(wire::DmaUnmap{24, 0, 0x1000, 0x1000}), false},
      {Command::kGetInfo, BytesOf(wire::DeviceInfo{16, 0, 0, 0}), true},
      {Command::kGetRegionInfo, BytesOf(wire::RegionInfo{32, 0, 0, 0, 0, 0}), true},
      {Command::kGetIrqInfo, BytesOf(wire::IrqInfo{16, 0, 2, 0}), true},
      {Command::kSetIrqs, BytesOf(wire::IrqSet{20, 0x21, 2, 0, 0}), false},
      {Command::kRegionRead, WireClient::ReadBody(0, 0, 4), false},
      {Command::kRegionWrite, WireClient::WriteBody(0, abi::kRegScratch, WireBytes(4)), false},
      {Command::kReset, {}, false},
  };
  for (const auto& one : cases) {
    for (size_t size = 0; size < one.body.size() + 9; ++size) {
      if (size == one.body.size() || (size > one.body.size() && one.takes_more)) continue;
      CAPTURE(static_cast<int>(one.command), size);
      CHECK(client.CallError(one.command, Cut(one.body, size)) == EINVAL);
    }
    CHECK(client.CallError(one.command, one.body) == 0);
  }
  CHECK(bystander.IsWell());
}

TEST_CASE("P14_ a structure that says it is smaller than it is, is EINVAL") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  for (const uint32_t argsz : {0u, 1u, 15u}) {
    CHECK(client.CallError(Command::kGetInfo, BytesOf(wire::DeviceInfo{argsz, 0, 0, 0})) == EINVAL);
    CHECK(client.CallError(Command::kGetIrqInfo, BytesOf(wire::IrqInfo{argsz, 0, 0, 0})) == EINVAL);
    CHECK(client.CallError(Command::kGetRegionInfo,
                           BytesOf(wire::RegionInfo{argsz + 16, 0, 0, 0, 0, 0})) == EINVAL);
    CHECK(client.CallError(Command::kDmaMap, BytesOf(wire::DmaMap{argsz + 16, 3, 0, 0, 4096})) ==
          EINVAL);
    CHECK(client.CallError(Command::kDmaUnmap, BytesOf(wire::DmaUnmap{argsz + 8, 0, 0, 4096})) ==
          EINVAL);
    CHECK(client.CallError(Command::kSetIrqs, BytesOf(wire::IrqSet{argsz + 4, 0x21, 2, 0, 0})) ==
          EINVAL);
  }
  CHECK(client.CallError(Command::kGetInfo, BytesOf(wire::DeviceInfo{~0u, 0, 0, 0})) == 0);
}

TEST_CASE("P14_ commands that nobody knows are refused, and the connection stays") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  for (uint32_t command = 0; command < 0x10000; command += command < 64 ? 1 : 997) {
    if ((command >= 1 && command <= 5) || (command >= 7 && command <= 10) || command == 13)
      continue;
    CAPTURE(command);
    CHECK(client.CallError(static_cast<Command>(command), WireBytes(command % 40)) == ENOTSUP);
  }
  // Those of the server's own, asked by a client.
  for (const Command command : {Command::kDmaRead, Command::kDmaWrite, Command::kInterrupt}) {
    CHECK(client.CallError(command, BytesOf(wire::DmaAccess{0, 8})) == ENOTSUP);
  }
}

TEST_CASE("P14_ flags and error fields that a request has not are EINVAL") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  const WireBytes body = BytesOf(wire::DeviceInfo{16, 0, 0, 0});
  for (uint32_t flags = 2; flags < 0x10000; flags = flags < 0x41 ? flags + 1 : flags * 2 + 1) {
    const uint32_t type = flags & wire::kTypeMask;
    if (type == wire::kTypeReply || (flags & wire::kNoReply) != 0) continue;
    CAPTURE(flags);
    client.Send(Command::kGetInfo, body, {}, flags);
    const auto reply = client.Receive();
    REQUIRE(reply);
    CHECK(reply->error() == EINVAL);
  }
  client.SendBytes(WireClient::Encode({77, Command::kGetInfo, 32, 0, 5}, body));
  CHECK(client.Receive()->error() == EINVAL);
}

TEST_CASE("a request that wants no reply gets none, neither good nor bad") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  client.Send(Command::kRegionWrite, WireClient::WriteBody(0, abi::kRegScratch, BytesOf(77u)), {},
              wire::kNoReply);
  client.Send(Command::kRegionWrite, WireClient::WriteBody(9, 0, BytesOf(78u)), {}, wire::kNoReply);
  client.Send(Command::kGetInfo, {}, {}, wire::kNoReply);
  client.Send(static_cast<Command>(99), {}, {}, wire::kNoReply);
  CHECK(client.Register(abi::kRegScratch) == 77);  // the next thing to come is this reply
}

TEST_CASE("P14_ replies that nobody asked for, and errors among them, change nothing") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  for (uint32_t i = 0; i < 200; ++i) {
    const auto command = static_cast<Command>(i % 20);
    const WireBytes body(i);
    const uint32_t flags = wire::kTypeReply | (i % 3 == 0 ? wire::kError : 0);
    client.SendBytes(WireClient::Encode(
        {static_cast<uint16_t>(i), command, 16 + i, flags, i % 3 == 0 ? EIO : 0u}, body));
  }
  client.SetRegister(abi::kRegScratch, 5);
  CHECK(client.Register(abi::kRegScratch) == 5);
}

TEST_CASE("P14_ V50 regions, offsets and counts outside of what is there are EINVAL") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  const auto read = [&](uint32_t region, uint64_t offset, uint32_t count) {
    return client.CallError(Command::kRegionRead, WireClient::ReadBody(region, offset, count));
  };
  for (const uint32_t region : {1u, 3u, 5u, 6u, 8u, 9u, 0x10000u, 0x10007u, ~0u}) {
    CAPTURE(region);
    CHECK(read(region, 0, 4) == EINVAL);
    CHECK(client.CallError(Command::kRegionWrite, WireClient::WriteBody(region, 0, WireBytes(4))) ==
          EINVAL);
  }
  const uint64_t sizes[] = {abi::kRegisterBarSize, 4 << 20, abi::kMsixBarSize, 4096};
  const uint32_t regions[] = {0, 2, 4, 7};
  for (int i = 0; i < 4; ++i) {
    CAPTURE(regions[i]);
    CHECK(read(regions[i], sizes[i] - 4, 4) == 0);
    CHECK(read(regions[i], sizes[i], 4) == EINVAL);
    CHECK(read(regions[i], sizes[i] - 4, 8) == EINVAL);
    CHECK(read(regions[i], kMost, 4) == EINVAL);
    CHECK(read(regions[i], kMost - 3, 4) == EINVAL);
    CHECK(read(regions[i], 0, 0) == EINVAL);
    CHECK(read(regions[i], 0, ~0u) == EINVAL);
  }
  CHECK(read(2, 0, 1 << 20) == 0);
  CHECK(read(2, 0, (1 << 20) + 1) == EINVAL);
  for (const uint32_t count : {3u, 5u, 6u, 7u, 9u, 16u}) CHECK(read(0, 0, count) == EINVAL);
  for (const uint32_t count : {1u, 2u, 3u, 5u}) CHECK(read(4, 0, count) == EINVAL);
  CHECK(read(4, 2, 4) == EINVAL);
  // A count that is not what comes with it.
  WireBytes body = WireClient::WriteBody(0, abi::kRegScratch, WireBytes(4));
  for (const uint32_t count : {0u, 3u, 5u, 0x80000004u, ~0u}) {
    std::memcpy(body.data() + 12, &count, sizeof(count));
    CHECK(client.CallError(Command::kRegionWrite, body) == EINVAL);
  }
}

TEST_CASE(
    "V49 every register access of another size than 4, and what is not aligned, has a defined "
    "result") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  client.SetRegister(abi::kRegScratch, 0x12345678);
  for (const uint32_t size : {1u, 2u, 8u}) {
    CAPTURE(size);
    const WireMessage reply = client.ReadRegion(0, abi::kRegScratch & ~7ull, size);
    REQUIRE(reply.body.size() == 16 + size);
    for (uint32_t i = 0; i < size; ++i) CHECK(reply.body[16 + i] == 0);
    CHECK(client.WriteRegion(0, abi::kRegScratch & ~7ull, WireBytes(size, 0xee)).error() == 0);
  }
  CHECK(client.ReadRegion(0, abi::kRegScratch + 1, 4).As<uint64_t>() == abi::kRegScratch + 1);
  CHECK(client.Register(abi::kRegScratch) == 0x12345678);
}

TEST_CASE("P14_ SET_IRQS that is wrong changes no vector") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  const FileDescriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const FileDescriptor file(open("/dev/null", O_RDWR | O_CLOEXEC));
  const int good = event.get(), bad = file.get();
  const auto set = [&](uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
                       const std::vector<int>& descriptors = {}, size_t data = 0) {
    WireBytes body = BytesOf(wire::IrqSet{20, flags, index, start, count});
    body.resize(body.size() + data, 1);
    return client.CallError(Command::kSetIrqs, body, descriptors);
  };
  REQUIRE(set(0x24, 2, 0, 2, {good, good}) == 0);
  CHECK(set(0x24, 2, 0, 2, {good}) == EINVAL);
  CHECK(set(0x24, 2, 0, 1, {good, good}) == EINVAL);
  CHECK(set(0x24, 2, 0, 2, {good, bad}) == EINVAL);
  CHECK(set(0x24, 2, 31, 2, {good, good}) == EINVAL);
  CHECK(set(0x24, 2, 32, 0) == 0);
  CHECK(set(0x24, 2, 33, 0) == EINVAL);
  CHECK(set(0x24, 2, ~0u, 2) == EINVAL);
  CHECK(set(0x24, 2, 1, ~0u) == EINVAL);
  CHECK(set(0x24, 2, 0, 1, {}, 1) == EINVAL);
  CHECK(set(0x21, 2, 0, 0, {good}) == EINVAL);
  CHECK(set(0x22, 2, 0, 4, {}, 3) == EINVAL);
  CHECK(set(0x22, 2, 0, 1, {good}, 1) == EINVAL);
  for (const uint32_t flags :
       {0u, 1u, 0x20u, 0x27u, 0x23u, 0x3fu, 0x64u, 0x80000024u, 0x9u, 0x11u}) {
    CAPTURE(flags);
    CHECK(set(flags, 2, 0, 1) == EINVAL);
  }
  for (const uint32_t index : {5u, 6u, 0x10002u, ~0u}) CHECK(set(0x21, index, 0, 0) == EINVAL);
  for (const uint32_t index : {0u, 1u, 4u}) CHECK(set(0x24, index, 0, 1, {good}) == EINVAL);
  CHECK(set(0x24, 3, 0, 1, {good}) == 0);
  CHECK(set(0x24, 3, 0, 2, {good, good}) == EINVAL);
  // Vectors 0 and 1 still have their eventfds; a client may fire one itself.
  REQUIRE(set(0x22, 2, 0, 2, {}, 2) == 0);
  uint64_t count = 0;
  REQUIRE(read(good, &count, sizeof(count)) == sizeof(count));
  CHECK(count == 2);
}

TEST_CASE("P14_ descriptors with a message that takes none are EINVAL and are closed") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  int pipes[2];
  REQUIRE(pipe2(pipes, O_CLOEXEC) == 0);
  const FileDescriptor in(pipes[0]);
  FileDescriptor out(pipes[1]);
  const std::pair<Command, WireBytes> cases[] = {
      {Command::kGetInfo, BytesOf(wire::DeviceInfo{16, 0, 0, 0})},
      {Command::kRegionRead, WireClient::ReadBody(0, 0, 4)},
      {Command::kRegionWrite, WireClient::WriteBody(0, abi::kRegScratch, BytesOf(9u))},
      {Command::kReset, {}},
      {Command::kDmaUnmap, BytesOf(wire::DmaUnmap{24, 0, 0, 4096})},
      {Command::kVersion, WireClient::VersionBody("{}")},
      {static_cast<Command>(99), {}},
  };
  for (const auto& [command, body] : cases) {
    CHECK(client.CallError(command, body, {out.get()}) == EINVAL);
  }
  CHECK(client.CallError(Command::kDmaMap, BytesOf(wire::DmaMap{32, 3, 0, 0, 4096}),
                         {out.get(), out.get()}) == EINVAL);
  CHECK(client.Register(abi::kRegScratch) == 0);
  out.Close();
  uint8_t byte = 0;
  CHECK(read(in.get(), &byte, 1) == 0);  // the server holds no end of it
}

TEST_CASE("P14_ V12 DMA_MAP and DMA_UNMAP that are wrong leave the windows as they were") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  ClientRam ram(0x10000);
  const int file = ram.descriptor();
  REQUIRE(client.Map(ram.bus(), 0x10000, file) == 0);
  CHECK(client.Map(ram.bus(), 0x10000, file) == EEXIST);
  CHECK(client.Map(ram.bus() + 0xffff, 2, -1) == EEXIST);
  CHECK(client.Map(0, 0, file) == EINVAL);
  CHECK(client.Map(kMost, 2, -1) == EINVAL);
  CHECK(client.Map(0, 0x1000, file, 0xf001) == EINVAL);
  CHECK(client.Map(0, 0x1000, file, kMost) == EINVAL);
  CHECK(client.Map(0, 0x1000, file, 0, 0) == EINVAL);
  CHECK(client.Map(0, 0x1000, file, 0, 8) == EINVAL);
  CHECK(client.Unmap(ram.bus(), 0x8000) == EINVAL);
  CHECK(client.Unmap(ram.bus() + 0x8000, 0x8000) == EINVAL);
  CHECK(client.Unmap(ram.bus(), 0) == EINVAL);
  CHECK(client.Unmap(kMost, 2) == EINVAL);
  CHECK(client.Unmap(ram.bus(), 0x10000, 1) == EINVAL);
  CHECK(client.Unmap(ram.bus(), 0x10000, 4) == EINVAL);
  CHECK(client.Unmap(1, 0, wire::kDmaUnmapAll) == EINVAL);
  CHECK(client.Unmap(0, 1, wire::kDmaUnmapAll) == EINVAL);
  CHECK(client.Unmap(uint64_t{1} << 46, uint64_t{1} << 46) == 0);
  TestDriver driver(&client, &ram);
  driver.StartQueue();
  driver.PushFence(1);
  driver.Doorbell();
  CHECK(driver.AwaitFence(1));
  CHECK(client.Unmap(0, 0, wire::kDmaUnmapAll) == 0);
  CHECK(client.Map(ram.bus(), 0x10000, file) == 0);
}

TEST_CASE("P14_ whatever comes before VERSION, or a VERSION that can't be, ends the connection") {
  Bystander bystander;
  const ServedDevice device;
  for (uint16_t command = 0; command < 20; ++command) {
    if (command == 1) continue;
    WireClient client = device.Connect();
    const WireMessage reply = client.Call(static_cast<Command>(command), WireBytes(16, 1));
    CHECK(reply.error() == EINVAL);
    CHECK(client.IsClosed());
  }
  for (const char* json : {"", "[]", "{", R"({"capabilities":7})"}) {
    WireClient client = device.Connect();
    CHECK(client.Agree(json).error() == EINVAL);
    CHECK(client.IsClosed());
  }
  WireClient other = device.Connect();
  CHECK(other.CallError(Command::kVersion, WireClient::VersionBody("{}", 1)) == EINVAL);
  CHECK(other.IsClosed());
  WireClient twice = device.ConnectAgreed();
  CHECK(twice.Agree().error() == EINVAL);
  CHECK(twice.CallError(Command::kGetInfo, BytesOf(wire::DeviceInfo{16, 0, 0, 0})) == 0);
  twice.Close();
  CHECK(ServesFreshClient(device));
  CHECK(bystander.IsWell());
}

TEST_CASE(
    "P14_ F6_ a client that goes amid a message, at every length of several, makes room for the "
    "next") {
  Bystander bystander;
  const ServedDevice device;
  const WireBytes messages[] = {
      WireClient::Encode({1, Command::kVersion, 0, 0, 0}, WireClient::VersionBody("{}")),
      WireClient::Encode({2, Command::kDmaMap, 0, 0, 0}, BytesOf(wire::DmaMap{32, 3, 0, 0, 4096})),
      WireClient::Encode({3, Command::kRegionWrite, 0, 0, 0},
                         WireClient::WriteBody(0, abi::kRegScratch, BytesOf(1u)))};
  for (WireBytes message : messages) {
    const auto size = static_cast<uint32_t>(message.size());
    std::memcpy(message.data() + 4, &size, sizeof(size));
    const bool is_version = message[2] == 1;
    for (size_t cut = 0; cut < message.size(); ++cut) {
      WireClient client = is_version ? device.Connect() : device.ConnectAgreed();
      REQUIRE(client.SendBytes(ConstByteSpan(message).first(cut)));
    }
  }
  CHECK(ServesFreshClient(device));
  CHECK(bystander.IsWell());
}

TEST_CASE("P14_ sizes that no message has end the connection") {
  const ServedDevice device;
  for (const uint32_t size : {0u, 15u, wire::kMaximumMessageBytes + 1, ~0u}) {
    WireClient client = device.ConnectAgreed();
    client.SendBytes(BytesOf(wire::Header{1, Command::kGetInfo, size, 0, 0}));
    CHECK(client.IsClosed());
  }
  CHECK(ServesFreshClient(device));
}

TEST_CASE("P14_ noise of every kind leaves a device that serves") {
  Bystander bystander;
  const ServedDevice device;
  std::mt19937_64 dice(20261126);
  for (int round = 0; round < 150; ++round) {
    CAPTURE(round);
    WireClient client = device.ConnectReady();
    const int count = static_cast<int>(dice() % 20);
    for (int i = 0; i < count; ++i) {
      // Mostly whole messages with a body of noise; some of a wrong size.
      wire::Header header{};
      header.id = static_cast<uint16_t>(dice());
      header.command = static_cast<Command>(dice() % 18);
      const size_t body_bytes = dice() % 70;
      header.size = static_cast<uint32_t>(16 + body_bytes + (dice() % 16 == 0 ? dice() % 5 : 0));
      header.flags = dice() % 4 == 0 ? static_cast<uint32_t>(dice() % 64) : 0;
      WireBytes body(body_bytes);
      for (uint8_t& byte : body) byte = dice() % 3 == 0 ? static_cast<uint8_t>(dice()) : 0;
      if (body_bytes >= 16 && dice() % 2 == 0) body[8] = static_cast<uint8_t>(dice() % 9);
      if (!client.SendBytes(WireClient::Encode(header, body))) break;
    }
  }
  CHECK(ServesFreshClient(device));
  CHECK(bystander.IsWell());
}

TEST_CASE("P14_ the error interrupt takes an eventfd, and nothing else") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  const WireBytes request = BytesOf(wire::IrqSet{20, 0x24, wire::kErrorIrq, 0, 1});
  const FileDescriptor event(eventfd(0, EFD_CLOEXEC));
  const FileDescriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  const ClientRam ram(4096);
  CHECK(client.CallError(Command::kSetIrqs, request, {null.get()}) == EINVAL);
  CHECK(client.CallError(Command::kSetIrqs, request, {ram.descriptor()}) == EINVAL);
  CHECK(client.CallError(Command::kSetIrqs, request, {event.get()}) == 0);
}

// What the server keeps of them could be the client's own end: it would never hear that he went.
TEST_CASE("P14_ a message that brings a socket ends the connection, whole or half") {
  const ServedDevice device;
  const WireBytes irqs = WireClient::Encode({9, Command::kSetIrqs, 36, 0, 0},
                                            BytesOf(wire::IrqSet{20, 0x24, wire::kErrorIrq, 0, 1}));
  for (const size_t size : {irqs.size(), size_t{20}, size_t{7}}) {
    CAPTURE(size);
    WireClient client = device.ConnectReady();
    client.SendBytes(ConstByteSpan(irqs).first(size), {client.socket()});
    client.Close();
    CHECK(ServesFreshClient(device));
  }
}

TEST_CASE("P14_ who does not read is given up, though his own end lies in what he sent") {
  const ServedDevice device({.unread_ms = 100});
  {
    WireClient client = device.ConnectReady();
    // More than is kept for him. What follows is not read then.
    for (int i = 0; i < 3; ++i) {
      client.Send(Command::kRegionRead, WireClient::ReadBody(abi::kVramBar, 0, 1 << 20));
    }
    client.Send(Command::kReset, {}, {client.socket()});
  }
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < limit) {
    WireClient next = device.Connect();
    if (next.Agree().error() == 0) break;
  }
  CHECK(ServesFreshClient(device));
}

TEST_CASE("P14_ who does not read for a while and then does loses nothing") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  for (int i = 0; i < 6; ++i) {
    client.Send(Command::kRegionRead, WireClient::ReadBody(abi::kVramBar, 0, 1 << 20));
  }
  for (int i = 0; i < 6; ++i) {
    const auto reply = client.Receive();
    REQUIRE(reply.has_value());
    CHECK(reply->body.size() == 16 + (1 << 20));
  }
  CHECK(client.Register(abi::kRegDeviceMagic) == 0x44524157);
}

}  // namespace
}  // namespace ward::test
