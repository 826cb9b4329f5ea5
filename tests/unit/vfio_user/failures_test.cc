// How served devices fail elsewhere, and that ours does not: V1 to V60 of docs/spec/vfio-user.md.
// Those that another file tests, or that can't happen here, stand in the table there.
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cerrno>
#include <thread>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/fault_tries.h"
#include "tests/unit/vfio_user/guest.h"
#include "tests/unit/vfio_user/key_scan.h"
#include "tests/unit/vfio_user/session_maker.h"

namespace ward::test {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

TEST_CASE("V1 a reset and a DMA_MAP are answered while a queue works") {
  const ServedDevice device;
  for (int round = 0; round < 20; ++round) {
    Guest guest(device);
    guest.BeginLongWork();
    CHECK(guest.client.Map(0x80000000, 0x1000, -1) == 0);
    CHECK(guest.client.Call(Command::kReset, {}).error() == 0);
    guest.client.PowerUp();
    CHECK(guest.client.Register(abi::kRegLastFenceLo) == 0);
    CHECK(guest.client.Unmap(0, 0, wire::kDmaUnmapAll) == 0);
  }
}

TEST_CASE("P17_ V3 after the reply to a reset nothing is written any more") {
  const ServedDevice device;
  Guest guest(device);
  for (int round = 0; round < 100; ++round) {
    guest.driver.StartQueue();
    guest.BeginLongWork();
    if (round % 2 == 0) guest.client.Register(abi::kRegRingHead);
    REQUIRE(guest.client.Call(Command::kReset, {}).error() == 0);
    std::memset(guest.ram.Find(guest.ram.bus() + 0x100000, 0x80000), 0x5a, 0x80000);
    guest.ram.Store<uint64_t>(guest.ram.bus() + TestDriver::kFence, 0);
    guest.client.PowerUp();
    guest.client.Register(0);
    const uint8_t* bytes = guest.ram.Find(guest.ram.bus() + 0x100000, 0x80000);
    REQUIRE(std::all_of(bytes, bytes + 0x80000, [](uint8_t byte) { return byte == 0x5a; }));
    REQUIRE(guest.ram.Load<uint64_t>(guest.ram.bus() + TestDriver::kFence) == 0);
  }
}

TEST_CASE("V4 V15 a device stops at once: idle, at work, amid a message, with newcomers") {
  for (int kind = 0; kind < 4; ++kind) {
    CAPTURE(kind);
    ServedDevice device;
    std::vector<WireClient> others;
    std::unique_ptr<Guest> guest;
    if (kind > 0) guest = std::make_unique<Guest>(device);
    if (kind == 1) guest->BeginLongWork();
    if (kind == 2) guest->client.SendBytes(WireBytes(9));
    if (kind == 3) {
      for (int i = 0; i < 12; ++i) others.push_back(device.Connect());
    }
    CHECK(device.StopMs() < 20000);
  }
}

TEST_CASE("V6 a second client is told EBUSY and leaves no trace in the first one's device") {
  const ServedDevice device;
  Guest first(device);
  first.client.SetRegister(abi::kRegScratch, 123);
  for (int i = 0; i < 20; ++i) {
    WireClient second = device.Connect();
    CHECK(second.Agree().error() == EBUSY);
    CHECK(second.IsClosed());
    WireClient silent = device.Connect();  // goes without a word
  }
  CHECK(first.client.Register(abi::kRegScratch) == 123);
  first.driver.PushFence(1);
  first.driver.Doorbell();
  CHECK(first.driver.AwaitFence(1));
}

TEST_CASE("V6 a second client that wants no reply gets none, and is let go all the same") {
  const ServedDevice device;
  const Guest first(device);
  for (const uint32_t flags : {wire::kNoReply, wire::kTypeReply, wire::kTypeReply | wire::kError}) {
    CAPTURE(flags);
    WireClient second = device.Connect();
    second.Send(Command::kVersion, WireClient::VersionBody("{}"), {}, flags);
    CHECK_FALSE(second.Receive().has_value());
  }
}

TEST_CASE("V8 V18 what one client began reaches neither the memory nor the vectors of the next") {
  const ServedDevice device;
  for (int round = 0; round < 20; ++round) {
    {
      Guest first(device);
      first.client.SetRegister(abi::kRegInterruptEnable, 1);
      first.BeginLongWork();
      if (round % 2 == 0) first.client.Register(abi::kRegRingHead);
    }  // goes without a word, with its windows mapped
    WireClient client = device.ConnectReady();
    ClientRam ram(2 << 20);  // at the same addresses
    std::memset(ram.Find(ram.bus(), ram.size()), 0x33, ram.size());
    const FileDescriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    REQUIRE(client.Map(ram.bus(), ram.size(), ram.descriptor()) == 0);
    REQUIRE(client.CallError(Command::kSetIrqs, BytesOf(wire::IrqSet{20, 0x24, 2, 0, 1}),
                             {event.get()}) == 0);
    for (int i = 0; i < 10; ++i) CHECK(client.Register(abi::kRegRingHead) == 0);
    CHECK(client.Register(abi::kRegLastFenceLo) == 0);
    CHECK(client.Register(abi::kRegQueueControl) == 0);
    const uint8_t* bytes = ram.Find(ram.bus(), ram.size());
    CHECK(std::all_of(bytes, bytes + ram.size(), [](uint8_t byte) { return byte == 0x33; }));
    uint64_t count = 0;
    CHECK(read(event.get(), &count, sizeof(count)) < 0);
  }
}

TEST_CASE("V9 V10 a doorbell and a new set-up amid a wait take the one way that they always take") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  ClientRam ram(1 << 20);
  ram.ServeTo(&client);
  REQUIRE(client.Map(ram.bus(), ram.size(), -1) == 0);
  client.policy = DmaPolicy::kKept;
  TestDriver driver(&client, &ram);
  driver.StartQueue();
  driver.PushFence(1);
  driver.Doorbell();
  while (client.kept.empty()) client.Register(abi::kRegDeviceMagic);
  // The queue is set up anew in another ring, and rung, while the old ring's fence is being read.
  driver.StartQueue(ram.bus() + 0x8000);
  driver.PushFence(50);
  driver.PushFence(51);
  driver.Doorbell();
  const WireMessage asked = std::move(client.kept.front());
  client.kept.clear();
  client.policy = DmaPolicy::kAtOnce;
  client.Answer(asked);
  CHECK(driver.AwaitFence(51));
  CHECK(ram.Load<uint64_t>(ram.bus() + TestDriver::kFence) == 51);
  CHECK(client.Register(abi::kRegRingHead) == 32);
}

TEST_CASE("V17 each client has visible VRAM of its own, and the one before can't reach it") {
  const ServedDevice device;
  volatile uint8_t* kept = nullptr;
  for (int round = 0; round < 3; ++round) {
    WireClient client = device.ConnectReady();
    const WireMessage info =
        client.Call(Command::kGetRegionInfo, BytesOf(wire::RegionInfo{32, 0, 2, 0, 0, 0}));
    REQUIRE(info.descriptors.size() == 1);
    auto* vram = static_cast<volatile uint8_t*>(
        mmap(nullptr, 4 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, info.descriptors[0].get(), 0));
    REQUIRE(vram != MAP_FAILED);
    CHECK(vram[0x1234] == 0);
    CHECK(client.ReadRegion(2, 0x1234, 1).body.back() == 0);
    if (kept != nullptr) {
      kept[0x1234] = 0xaa;
      CHECK(vram[0x1234] == 0);
      CHECK(client.ReadRegion(2, 0x1234, 1).body.back() == 0);
    }
    vram[0x1234] = 0x55;
    CHECK(client.ReadRegion(2, 0x1234, 1).body.back() == 0x55);
    client.Close();
    CHECK(ServesFreshClient(device));  // by now it is wiped
    CHECK(vram[0x1234] == 0);
    kept = vram;
  }
}

// Every register but those that tell of time, and of how often keys were lost.
std::vector<uint32_t> ReadRegisters(WireClient* client) {
  std::vector<uint32_t> values;
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    const bool is_time = info.offset == abi::kRegTimestampLo || info.offset == abi::kRegTimestampHi;
    if (is_time || info.offset == abi::kRegKeyEpoch) continue;
    for (uint32_t block = 0; block < info.block_count; ++block) {
      values.push_back(client->Register(info.offset + uint64_t{block} * info.block_stride));
    }
  }
  return values;
}

TEST_CASE("V19 V52 F6_ a client goes with a session and its key: the next finds all as the first") {
  const ServedDevice device;
  std::vector<uint32_t> fresh;
  uint32_t epoch = 0;
  {
    WireClient client = device.ConnectReady();
    fresh = ReadRegisters(&client);
    epoch = client.Register(abi::kRegKeyEpoch);
  }
  for (const bool in_order : {true, false}) {
    CAPTURE(in_order);
    auto guest = std::make_unique<Guest>(device);
    SessionMaker maker(&guest->client, &guest->ram, &guest->driver);
    REQUIRE(maker.Make() != 0);
    guest->client.SetRegister(abi::kRegScratch, 77);
    CHECK(CountKeyCopies() >= 1);                          // the scan can find it
    if (!in_order) guest->client.SendBytes(WireBytes(7));  // half a message
    guest.reset();
    WireClient client = device.ConnectReady();
    CHECK(CountKeyCopies() == 0);
    CHECK(ReadRegisters(&client) == fresh);
    CHECK(client.Register(abi::kRegKeyEpoch) > epoch);
    epoch = client.Register(abi::kRegKeyEpoch);
  }
}

TEST_CASE("F6_ V7 a client is killed at any moment of its work, again and again") {
  const ServedDevice device;
  for (const uint32_t seed : fakes::FaultSeeds()) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        Guest guest(device);
        while (true) {
          guest.driver.StartQueue();
          guest.BeginLongWork();
          guest.client.Register(abi::kRegRingHead);
        }
      } catch (...) {
      }
      _exit(1);
    }
    const timespec while_it_works = {0, (seed * 7919 % 200) * 100'000};
    nanosleep(&while_it_works, nullptr);
    kill(child, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
  }
  CHECK(ServesFreshClient(device));
}

TEST_CASE("V29 one transfer over more than 300 windows, by file and by message in turns") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  constexpr uint64_t kPages = 330;
  ClientRam ram((2 * kPages + 16) * 4096);
  ram.ServeTo(&client);
  for (uint64_t page = 0; page < 2 * kPages + 16; ++page) {
    const int file = page % 3 == 0 ? -1 : ram.descriptor();
    REQUIRE(client.Map(ram.bus() + page * 4096, 4096, file, file < 0 ? 0 : page * 4096) == 0);
  }
  TestDriver driver(&client, &ram);
  driver.StartQueue();
  const uint64_t source = ram.bus() + 0x2000 + 8, target = source + kPages * 4096 + 0x1238;
  const uint32_t bytes = (kPages - 2) * 4096;
  for (uint32_t i = 0; i < bytes; ++i) *ram.Find(source + i, 1) = static_cast<uint8_t>(i * 31 >> 2);
  *ram.Find(target - 1, 1) = 0x77;  // V57: sentinels
  *ram.Find(target + bytes, 1) = 0x77;
  driver.PushCopy(target, source, bytes);
  driver.PushFence(1);
  driver.Doorbell();
  REQUIRE(driver.AwaitFence(1));
  CHECK(std::memcmp(ram.Find(source, bytes), ram.Find(target, bytes), bytes) == 0);
  CHECK(*ram.Find(target - 1, 1) == 0x77);
  CHECK(*ram.Find(target + bytes, 1) == 0x77);
  CHECK(client.dma_reads > 50);
}

TEST_CASE("V30 V57 a write that runs into a hole moves nothing, seen in the file itself") {
  const ServedDevice device;
  for (const bool shared : {true, false}) {
    CAPTURE(shared);
    WireClient client = device.ConnectReady();
    ClientRam ram(1 << 20);
    ram.ServeTo(&client);
    const int file = shared ? ram.descriptor() : -1;
    REQUIRE(client.Map(ram.bus(), 0x20000, file) == 0);
    // A hole of one page, and memory behind it.
    REQUIRE(client.Map(ram.bus() + 0x21000, 0x10000, file, shared ? 0x21000 : 0) == 0);
    TestDriver driver(&client, &ram);
    driver.StartQueue();
    const uint64_t source = ram.bus() + 0x4000, target = ram.bus() + 0x1f000;
    std::memset(ram.Find(source, 0x1800), 0xee, 0x1800);
    std::memset(ram.Find(target, 0x3000), 0x11, 0x3000);
    driver.PushCopy(target, source, 0x1800);
    driver.Doorbell();
    CHECK_FALSE(driver.AwaitFence(1));
    CHECK(driver.Fault() == abi::kStatusBusError);
    std::vector<uint8_t> now(0x3000);
    REQUIRE(pread(ram.descriptor(), now.data(), now.size(), 0x1f000) == 0x3000);
    CHECK(std::all_of(now.begin(), now.end(), [](uint8_t byte) { return byte == 0x11; }));
    client.Close();
    REQUIRE(ServesFreshClient(device));
  }
}

TEST_CASE("V32 V33 the chip neither writes what it may only read, nor touches what was unmapped") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  ClientRam ram(1 << 20);
  REQUIRE(client.Map(ram.bus(), 0x8000, ram.descriptor()) == 0);
  REQUIRE(client.Map(ram.bus() + 0x8000, 0x1000, ram.descriptor(), 0x8000, 1) == 0);
  REQUIRE(client.Map(ram.bus() + 0x9000, 0x1000, ram.descriptor(), 0x9000, 2) == 0);
  REQUIRE(client.Map(ram.bus() + 0xa000, 0x1000, ram.descriptor(), 0xa000) == 0);
  REQUIRE(client.Unmap(ram.bus() + 0xa000, 0x1000) == 0);
  TestDriver driver(&client, &ram);
  const struct {
    uint64_t target, source;
    bool works;
  } copies[] = {{0x8000, 0x4000, false}, {0x4000, 0x9000, false}, {0xa000, 0x4000, false},
                {0x4000, 0xa000, false}, {0x4000, 0x8000, true},  {0x9000, 0x4000, true}};
  std::memset(ram.Find(ram.bus(), ram.size()), 0, ram.size());
  for (const auto& copy : copies) {
    CAPTURE(copy.target, copy.source);
    std::memset(ram.Find(ram.bus() + copy.source, 16), 0x44, 16);
    std::memset(ram.Find(ram.bus() + copy.target, 16), 0x22, 16);
    driver.StartQueue();
    driver.PushCopy(ram.bus() + copy.target, ram.bus() + copy.source, 16);
    driver.PushFence(1);
    driver.Doorbell();
    CHECK(driver.AwaitFence(1) == copy.works);
    CHECK(*ram.Find(ram.bus() + copy.target, 1) == (copy.works ? 0x44 : 0x22));
  }
}

TEST_CASE("V36 a fence is written whole wherever its window begins in its file") {
  const ServedDevice device;
  for (const uint64_t shift : {0, 1, 4, 8, 4095}) {
    CAPTURE(shift);
    WireClient client = device.ConnectReady();
    ClientRam ram(1 << 20);
    ram.ServeTo(&client);
    // The ring by message; the fence's page at an odd place of the file; or cut within the fence.
    REQUIRE(client.Map(ram.bus(), 0x1000, -1) == 0);
    REQUIRE(client.Map(ram.bus() + 0x1000, 4, ram.descriptor(), 0x5000 + shift) == 0);
    REQUIRE(client.Map(ram.bus() + 0x1004, 0xffc, ram.descriptor(), 0x5004 + shift) == 0);
    TestDriver driver(&client, &ram);
    driver.StartQueue();
    driver.PushFence(0x1122334455667788);
    driver.Doorbell();
    REQUIRE(driver.AwaitFence(0x1122334455667788));
    CHECK(ram.Load<uint64_t>(ram.bus() + 0x5000 + shift) == 0x1122334455667788);
    CHECK(ram.Load<uint64_t>(ram.bus() + 0x5008 + shift) == 0);
    client.Close();
    REQUIRE(ServesFreshClient(device));
  }
}

TEST_CASE("P14_ P13_ a client cuts its memory off under a working chip: a bus error, and no more") {
  const ServedDevice device;
  {
    Guest guest(device);
    guest.driver.PushCopy(guest.ram.bus() + 0x100000, guest.ram.bus() + 0x80000, 0x1000);
    guest.driver.PushFence(1);
    REQUIRE(ftruncate(guest.ram.descriptor(), 0x10000) == 0);  // the ring is still there
    guest.driver.Doorbell();
    CHECK_FALSE(guest.driver.AwaitFence(1));
    CHECK(guest.driver.Fault() == abi::kStatusBusError);
    CHECK(guest.client.Register(abi::kRegDeviceMagic) == 0x44524157);
  }
  CHECK(ServesFreshClient(device));
}

TEST_CASE(
    "V38 V39 V41 who the function is stands in config space, and its capabilities can be walked") {
  const ServedDevice device;
  WireClient client = device.ConnectAgreed();
  CHECK(client.Config(0, 2) == abi::kVendorId);
  CHECK(client.Config(2, 2) == abi::kDeviceId);
  CHECK(client.Config(8, 1) == abi::kRevisionId);
  CHECK(client.Config(8) >> 8 == abi::kClassCode);
  CHECK(client.Config(0x2c, 2) == abi::kVendorId);
  CHECK(client.Config(0x0e, 1) == 0);        // one function, plain header
  CHECK((client.Config(6, 2) & 0x10) != 0);  // a capability list
  CHECK(client.Config(0x3d, 1) == 0);        // no interrupt pin
  CHECK(client.Config(0x30) == 0);           // no ROM
  std::vector<uint32_t> ids;
  for (uint32_t at = client.Config(0x34, 1); at != 0; at = client.Config(at + 1, 1)) {
    REQUIRE(at >= 0x40);
    REQUIRE(at % 4 == 0);
    REQUIRE(ids.size() < 48);
    ids.push_back(client.Config(at, 1));
  }
  CHECK(ids == std::vector<uint32_t>{0x01, 0x11, 0x10});
  // The whole space in one read is what many reads give.
  const WireMessage all = client.ReadRegion(wire::kConfigRegion, 0, 4096);
  REQUIRE(all.body.size() == 16 + 4096);
  for (uint32_t at = 0; at < 4096; at += 4) {
    REQUIRE(LoadLe<uint32_t>(all.body.data() + 16 + at) == client.Config(at));
  }
}

uint32_t FindCapability(WireClient* client, uint32_t id) {
  uint32_t at = client->Config(0x34, 1);
  while (at != 0 && client->Config(at, 1) != id) at = client->Config(at + 1, 1);
  REQUIRE(at != 0);
  return at;
}

TEST_CASE(
    "V40 MSI-X says its size less one, and its table and pending bits lie apart inside BAR4") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  const uint32_t at = FindCapability(&client, 0x11);
  const uint32_t vectors = (client.Config(at + 2, 2) & 0x7ff) + 1;
  const uint32_t table = client.Config(at + 4), pending = client.Config(at + 8);
  CHECK(vectors == abi::kVectorCount);
  CHECK((table & 7) == abi::kMsixBar);
  CHECK((pending & 7) == abi::kMsixBar);
  const uint32_t table_end = (table & ~7u) + vectors * 16;
  const uint32_t pending_end = (pending & ~7u) + (vectors + 63) / 64 * 8;
  CHECK(table_end <= abi::kMsixBarSize);
  CHECK(pending_end <= abi::kMsixBarSize);
  CHECK((table_end <= (pending & ~7u) || pending_end <= (table & ~7u)));
  // Enable and function mask keep what the client writes; the rest of the word does not.
  for (const uint32_t value : {0x8000u, 0xc000u, 0x4000u, 0xffffu, 0u}) {
    client.SetConfig(at + 2, 2, value);
    CHECK(client.Config(at + 2, 2) == ((value & 0xc000) | (vectors - 1)));
  }
  client.SetConfig(at + 3, 1, 0x80);
  CHECK(client.Config(at + 2, 2) == (0x8000 | (vectors - 1)));
  CHECK(client.Call(Command::kReset, {}).error() == 0);
  CHECK(client.Config(at + 2, 2) == vectors - 1);
}

TEST_CASE("V40 a vector that fires without an eventfd is pending in BAR4, until it is told") {
  const ServedDevice device;
  Guest guest(device);
  guest.client.SetRegister(abi::kRegInterruptVector, 17);
  guest.client.SetRegister(abi::kRegInterruptEnable, 1);
  guest.driver.PushFence(1, true);
  guest.driver.Doorbell();
  REQUIRE(guest.driver.AwaitFence(1));
  const auto pending = [&] {
    return LoadLe<uint32_t>(guest.client.ReadRegion(4, abi::kMsixPbaOffset, 4).body.data() + 16);
  };
  CHECK(pending() == 1u << 17);
  const FileDescriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  REQUIRE(guest.client.CallError(Command::kSetIrqs, BytesOf(wire::IrqSet{20, 0x24, 2, 17, 1}),
                                 {event.get()}) == 0);
  uint64_t count = 0;
  CHECK(read(event.get(), &count, sizeof(count)) == sizeof(count));
  CHECK(pending() == 0);
}

TEST_CASE("F15_ both ways to reset the function from config space do what DEVICE_RESET does") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  const uint32_t express = FindCapability(&client, 0x10), power = FindCapability(&client, 0x01);
  for (int way = 0; way < 3; ++way) {
    CAPTURE(way);
    client.PowerUp();
    const uint32_t epoch = client.Register(abi::kRegKeyEpoch);
    client.SetRegister(abi::kRegScratch, 1);
    if (way == 0) CHECK(client.Call(Command::kReset, {}).error() == 0);
    if (way == 1) client.SetConfig(express + 8, 2, 0x8000);
    if (way == 2) {
      client.SetConfig(power + 4, 2, 3);
      CHECK((client.Config(power + 4, 2) & 3) == 3);
      client.SetConfig(power + 4, 2, 0);
    }
    CHECK(client.Config(4, 2) == 0);
    CHECK(client.ReadRegion(0, abi::kRegScratch, 4).body.back() == 0xff);  // decodes nothing
    client.PowerUp();
    CHECK(client.Register(abi::kRegScratch) == 0);
    CHECK(client.Register(abi::kRegKeyEpoch) == epoch + 1);
  }
}

}  // namespace
}  // namespace ward::test
