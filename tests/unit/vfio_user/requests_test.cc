// What a well-behaved client asks and gets, as QEMU asks it.
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <cerrno>

#include "abi/generated/pci.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/server_rig.h"
#include "tests/unit/vfio_user/test_driver.h"

namespace ward::test {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

TEST_CASE("VERSION is answered in no more bytes than it came with") {
  const ServedDevice device;
  WireClient client = device.Connect();
  const WireMessage reply = client.Agree();
  REQUIRE(reply.error() == 0);
  CHECK(reply.body.size() <= WireClient::VersionBody(WireClient::kJson).size());
  CHECK(reply.As<wire::Version>().major == 0);
  CHECK(reply.body.back() == 0);
  const std::string text(reply.body.begin() + 4, reply.body.end() - 1);
  CHECK(text.find("\"max_msg_fds\":16") != std::string::npos);
  CHECK(text.find("\"max_data_xfer_size\":1048576") != std::string::npos);
  CHECK(text.find("write_multiple") == std::string::npos);
}

TEST_CASE("GET_INFO describes a PCI device that can be reset") {
  const ServedDevice device;
  WireClient client = device.ConnectAgreed();
  const WireMessage reply = client.Call(Command::kGetInfo, BytesOf(wire::DeviceInfo{16, 0, 0, 0}));
  REQUIRE(reply.body.size() == sizeof(wire::DeviceInfo));
  const auto info = reply.As<wire::DeviceInfo>();
  CHECK(info.flags == (wire::kDeviceResettable | wire::kDevicePci));
  CHECK(info.region_count == 9);
  CHECK(info.irq_count == 5);
}

TEST_CASE("GET_REGION_INFO gives sizes that are powers of two, and visible VRAM as a file") {
  const ServedDevice device;
  WireClient client = device.ConnectAgreed();
  const uint64_t sizes[wire::kRegionCount] = {
      abi::kRegisterBarSize, 0, 4 << 20, 0, abi::kMsixBarSize, 0, 0, 4096, 0};
  for (uint32_t index = 0; index < wire::kRegionCount; ++index) {
    const WireMessage reply =
        client.Call(Command::kGetRegionInfo, BytesOf(wire::RegionInfo{32, 0, index, 0, 0, 0}));
    REQUIRE(reply.body.size() == sizeof(wire::RegionInfo));
    const auto info = reply.As<wire::RegionInfo>();
    CHECK(info.argsz == 32);
    CHECK(info.index == index);
    CHECK(info.size == sizes[index]);
    CHECK(info.capability_offset == 0);
    const bool is_vram = index == abi::kVramBar;
    CHECK(reply.descriptors.size() == (is_vram ? 1 : 0));
    const uint32_t rights = info.size == 0 ? 0 : 3;
    CHECK(info.flags == (rights | (is_vram ? wire::kRegionMappable : 0)));
    if (!is_vram) continue;
    struct stat status{};
    REQUIRE(fstat(reply.descriptors[0].get(), &status) == 0);
    CHECK(static_cast<uint64_t>(status.st_size) == info.size);
    // A client that could cut the file off could end the server, or another client QEMU.
    CHECK(ftruncate(reply.descriptors[0].get(), 0) != 0);
    CHECK(ftruncate(reply.descriptors[0].get(), 8 << 20) != 0);
  }
  CHECK(client.CallError(Command::kGetRegionInfo, BytesOf(wire::RegionInfo{32, 0, 9, 0, 0, 0})) ==
        EINVAL);
}

TEST_CASE("GET_IRQ_INFO offers MSI-X and the error interrupt alone") {
  const ServedDevice device;
  WireClient client = device.ConnectAgreed();
  const uint32_t counts[wire::kIrqCount] = {0, 0, abi::kVectorCount, 1, 0};
  for (uint32_t index = 0; index < wire::kIrqCount; ++index) {
    const auto info = client.Call(Command::kGetIrqInfo, BytesOf(wire::IrqInfo{16, 0, index, 0}))
                          .As<wire::IrqInfo>();
    CHECK(info.count == counts[index]);
    CHECK(info.flags == (info.count == 0 ? 0 : wire::kIrqEventfd | wire::kIrqNoResize));
  }
}

TEST_CASE("the same commands, fence and memory by a shared file and by messages") {
  for (const bool shared : {true, false}) {
    CAPTURE(shared);
    const ServedDevice device;
    WireClient client = device.ConnectReady();
    ClientRam ram(1 << 20);
    ram.ServeTo(&client);
    REQUIRE(client.Map(ram.bus(), ram.size(), shared ? ram.descriptor() : -1) == 0);
    TestDriver driver(&client, &ram);
    driver.StartQueue();
    const uint64_t source = ram.bus() + TestDriver::kData, target = source + 0x10000;
    for (uint32_t i = 0; i < 0x8000; ++i) *ram.Find(source + i, 1) = static_cast<uint8_t>(i * 7);
    driver.PushCopy(target, source, 0x8000);
    driver.PushFence(5);
    driver.Doorbell();
    REQUIRE(driver.AwaitFence(5));
    CHECK(ram.Load<uint64_t>(ram.bus() + TestDriver::kFence) == 5);
    CHECK(std::memcmp(ram.Find(source, 0x8000), ram.Find(target, 0x8000), 0x8000) == 0);
    CHECK(*ram.Find(target + 0x8000, 1) == 0);
    CHECK((client.dma_reads > 0) == !shared);
    CHECK((client.dma_writes > 0) == !shared);
  }
}

TEST_CASE("V42 a fence's interrupt comes on the eventfd of its vector, and on no other") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  ClientRam ram(1 << 20);
  REQUIRE(client.Map(ram.bus(), ram.size(), ram.descriptor()) == 0);
  std::vector<FileDescriptor> events;
  std::vector<int> numbers;
  for (int i = 0; i < 4; ++i) {
    events.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    numbers.push_back(events.back().get());
  }
  REQUIRE(client.CallError(Command::kSetIrqs, BytesOf(wire::IrqSet{20, 0x24, wire::kMsixIrq, 4, 4}),
                           numbers) == 0);
  client.SetRegister(abi::kRegInterruptVector, 6);  // of the kernel's queue
  client.SetRegister(abi::kRegInterruptEnable, 1);
  TestDriver driver(&client, &ram);
  driver.StartQueue();
  driver.PushFence(1, true);
  driver.Doorbell();
  REQUIRE(driver.AwaitFence(1));
  for (size_t i = 0; i < events.size(); ++i) {
    uint64_t count = 0;
    const bool fired = read(events[i].get(), &count, sizeof(count)) == sizeof(count);
    CHECK(fired == (i == 2));
    if (fired) CHECK(count == 1);
  }
}

}  // namespace
}  // namespace ward::test
