#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kWidth = 640;
constexpr uint32_t kHeight = 360;
constexpr uint32_t kPitch = 4 * kWidth + 64;

abi::AllocationData SurfaceIn(Segment segment) {
  return {0x10000, static_cast<uint32_t>(segment), kPitch * kHeight, kWidth, kHeight, kPitch, 0, 0,
          {}};
}

struct Scanned {
  bool shown;
  std::vector<uint8_t> pixels;  // rows without padding
};

Scanned ReadScreen(ChipMachine* machine) {
  Scanned scanned{false, std::vector<uint8_t>(4 * kWidth * kHeight)};
  scanned.shown = machine->host->gpu().ReadScanout(0, device::ScanoutView::kCapture, scanned.pixels,
                                                   4 * kWidth);
  return scanned;
}

TEST_CASE("a presented surface is what the output scans out, after the context's work") {
  ChipMachine machine;
  Client client(&machine);
  REQUIRE(client.adapter->SetMode(0, kWidth, kHeight).ok());
  const AllocationHandle surface = client.Allocate(SurfaceIn(Segment::kVisible));
  CommandBuffer commands;
  for (uint32_t row = 0; row < kHeight; ++row) {
    commands.AddFill(surface, row * kPitch, 4 * kWidth, 0x00010203 + row * 0x10000);
  }
  REQUIRE(client.Submit(commands).ok());
  REQUIRE(client.adapter
              ->Present(client.device, client.context, surface, kWidth, kHeight, kPitch, {true})
              .ok());
  const Scanned screen = ReadScreen(&machine);
  REQUIRE(screen.shown);
  for (uint32_t row = 0; row < kHeight; ++row) {
    const uint32_t last_pixel = LoadLe<uint32_t>(&screen.pixels[(row + 1) * 4 * kWidth - 4]);
    REQUIRE((last_pixel & 0xffffff) == ((0x00010203 + row * 0x10000) & 0xffffff));
  }
}

TEST_CASE("a surface that is freed is blanked before its memory is somebody else's") {
  ChipMachine machine;
  Client client(&machine);
  REQUIRE(client.adapter->SetMode(0, kWidth, kHeight).ok());
  const AllocationHandle surface = client.Allocate(SurfaceIn(Segment::kVisible));
  REQUIRE(client.adapter
              ->Present(client.device, client.context, surface, kWidth, kHeight, kPitch, {true})
              .ok());
  REQUIRE(ReadScreen(&machine).shown);
  SECTION("by itself") { REQUIRE(client.adapter->Free(client.device, surface).ok()); }
  SECTION("with its device") { client.adapter->DestroyDevice(client.device); }
  CHECK_FALSE(ReadScreen(&machine).shown);
  // The mode stays: another surface of its size is shown at once.
  Client next(&machine);
  const AllocationHandle other = next.Allocate(SurfaceIn(Segment::kVisible));
  CHECK(next.adapter->Present(next.device, next.context, other, kWidth, kHeight, kPitch, {true})
            .ok());
  CHECK(ReadScreen(&machine).shown);
}

TEST_CASE("a surface in protected memory is shown as protected") {
  ChipMachine machine;
  Client client(&machine);
  REQUIRE(client.adapter->SetMode(0, kWidth, kHeight).ok());
  const AllocationHandle surface = client.Allocate(SurfaceIn(Segment::kProtected));
  REQUIRE(client.adapter
              ->Present(client.device, client.context, surface, kWidth, kHeight, kPitch, {true})
              .ok());
  const device::ScanoutInfo info = machine.host->gpu().Scanout(0);
  CHECK(info.active);
  CHECK(info.is_protected);
}

TEST_CASE("what can't be presented is refused and the screen stays") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle surface = client.Allocate(SurfaceIn(Segment::kVisible));
  Adapter* adapter = client.adapter;
  const auto present = [&](AllocationHandle shown, uint32_t width, uint32_t height,
                           uint32_t pitch) {
    const auto done =
        adapter->Present(client.device, client.context, shown, width, height, pitch, {true});
    return done.ok() ? abi::kStatusOk : done.fault().status;
  };
  CHECK(present(surface, kWidth, kHeight, kPitch) == abi::kStatusInvalidArgument);  // output off
  CHECK(adapter->SetMode(0, 641, 360).fault().status == abi::kStatusInvalidArgument);
  CHECK(adapter->SetMode(2, kWidth, kHeight).fault().status == abi::kStatusInvalidArgument);
  REQUIRE(adapter->SetMode(0, kWidth, kHeight).ok());
  CHECK(present(surface, kWidth, kHeight, kPitch) == abi::kStatusOk);
  const uint32_t flips = machine.host->gpu().Scanout(0).flip_count;

  const AllocationHandle plain = client.Allocate(Segment::kVisible, kPitch * kHeight);
  const AllocationHandle system = client.Allocate(SurfaceIn(Segment::kSystem));
  CHECK(present(plain, kWidth, kHeight, kPitch) == abi::kStatusInvalidArgument);
  CHECK(present(system, kWidth, kHeight, kPitch) == abi::kStatusInvalidArgument);
  CHECK(present(surface, kWidth, kHeight, kPitch + 4) == abi::kStatusInvalidArgument);
  CHECK(present(surface, kWidth, kHeight + 1, kPitch) == abi::kStatusInvalidArgument);
  CHECK(present(0, kWidth, kHeight, kPitch) == abi::kStatusInvalidArgument);
  CHECK(machine.host->gpu().Scanout(0).flip_count == flips);
}

TEST_CASE("a queue that hangs or has faulted does not hold up another's flips") {
  ChipMachine machine;
  Client bad(&machine);
  Client good(&machine);
  REQUIRE(good.adapter->SetMode(0, kWidth, kHeight).ok());
  const AllocationHandle first = bad.Allocate(SurfaceIn(Segment::kVisible));
  const AllocationHandle second = good.Allocate(SurfaceIn(Segment::kVisible));
  CommandBuffer commands;
  uint32_t expected = abi::kStatusDeviceTimeout;
  SECTION("hangs") { commands.AddWait(first); }
  SECTION("faults") {
    commands.AddFill(first, 0, 16, 1);
    commands.bytes[2] = 0xff;  // flags that FILL does not have
    expected = abi::kStatusQueueFaulted;
  }
  REQUIRE(bad.Submit(commands).ok());
  CHECK(bad.adapter->Present(bad.device, bad.context, first, kWidth, kHeight, kPitch, {true})
            .fault()
            .status == expected);
  CHECK(good.adapter->Present(good.device, good.context, second, kWidth, kHeight, kPitch, {true})
            .ok());
  CHECK(ReadScreen(&machine).shown);
}

}  // namespace
}  // namespace ward::kmd
