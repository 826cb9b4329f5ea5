// The outputs as the driver offers them, on the real chip.
#include "kmd/display.h"

#include <algorithm>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kWidth = 640;
constexpr uint32_t kHeight = 480;
constexpr uint32_t kPitch = 4 * kWidth;
constexpr uint64_t kFrameNs = 16666667;

struct Rig {
  Rig() : client(&machine), display(client.adapter->display()) {}

  device::Gpu& gpu() { return machine.host->gpu(); }
  void Attach(uint32_t output, const device::AttachedDisplay& attached) {
    REQUIRE(machine.host->boundary().AttachDisplay(output, attached).ok());
  }
  AllocationHandle Surface(Segment segment = Segment::kVisible) {
    return client.Allocate({0x10000,
                            static_cast<uint32_t>(segment),
                            kPitch * kHeight,
                            kWidth,
                            kHeight,
                            kPitch,
                            0,
                            0,
                            {}});
  }
  AllocationHandle Painted(uint8_t byte) {
    const AllocationHandle surface = Surface();
    client.Write(surface, std::vector<uint8_t>(kPitch * kHeight, byte));
    return surface;
  }
  uint32_t Present(AllocationHandle surface, const Presentation& presentation) {
    const auto done = client.adapter->Present(client.device, client.context, surface, kWidth,
                                              kHeight, kPitch, presentation);
    return done.ok() ? abi::kStatusOk : done.fault().status;
  }
  // A pixel that an output shows to a capture device; 0 when it shows nothing.
  uint32_t PixelOf(uint32_t output, uint32_t x = 0, uint32_t y = 0) {
    std::vector<uint8_t> pixels(size_t{kPitch} * kHeight);
    if (!gpu().ReadScanout(output, device::ScanoutView::kCapture, pixels, kPitch)) return 0;
    return LoadLe<uint32_t>(&pixels[size_t{y} * kPitch + 4 * x]);
  }

  ChipMachine machine;
  Client client;
  Display& display;
};

template <typename T>
uint32_t StatusOf(const Result<T>& result) {
  return result.ok() ? abi::kStatusOk : result.fault().status;
}

TEST_CASE("the driver finds the displays, what they say, and all their modes") {
  Rig rig;
  CHECK(rig.display.output_count() == 2);
  CHECK(rig.display.IsConnected(0).value());
  CHECK_FALSE(rig.display.IsConnected(1).value());
  rig.Attach(1, {true, 1366, 768});
  for (const auto& [output, width, height] : {std::tuple(0u, 1920u, 1080u), {1u, 1366u, 768u}}) {
    const auto edid = rig.display.ReadEdid(output);
    REQUIRE(edid.ok());
    CHECK(edid.value().preferred_width == width);
    CHECK(edid.value().preferred_height == height);
    CHECK(edid.value().name == (output == 0 ? "WardGPU 0" : "WardGPU 1"));
    const auto modes = rig.display.Modes(output);
    REQUIRE(modes.ok());
    CHECK(modes.value().size() == 13);
    CHECK(modes.value().back() == OutputMode{width, height});
    CHECK(std::count(modes.value().begin(), modes.value().end(), OutputMode{3840, 2160}) == 1);
    for (const OutputMode& mode : modes.value()) {
      REQUIRE(rig.display.SetMode(output, mode.width, mode.height).ok());
      CHECK(rig.gpu().Scanout(output).width == mode.width);
      CHECK(rig.gpu().Scanout(output).height == mode.height);
    }
  }
}

TEST_CASE("a display that goes is told, and leaves neither description nor own mode") {
  Rig rig;
  CHECK_FALSE(rig.display.TakeHotplug(0).value());
  rig.Attach(0, {false, 1920, 1080});
  CHECK(rig.display.TakeHotplug(0).value());
  CHECK_FALSE(rig.display.TakeHotplug(0).value());
  CHECK_FALSE(rig.display.TakeHotplug(1).value());
  CHECK_FALSE(rig.display.IsConnected(0).value());
  CHECK(StatusOf(rig.display.ReadEdid(0)) == abi::kStatusInvalidArgument);
  CHECK(rig.display.Modes(0).value().size() == 12);
}

TEST_CASE("a surface is presented on either output, each its own") {
  Rig rig;
  rig.Attach(1, {});
  REQUIRE(rig.display.SetMode(0, kWidth, kHeight).ok());
  const AllocationHandle first = rig.Painted(0x11);
  const AllocationHandle second = rig.Painted(0x22);
  CHECK(rig.Present(second, {.output = 1}) == abi::kStatusInvalidArgument);  // off
  REQUIRE(rig.display.SetMode(1, kWidth, kHeight).ok());
  CHECK(rig.Present(first, {.output = 0}) == abi::kStatusOk);
  CHECK(rig.Present(second, {.output = 1}) == abi::kStatusOk);
  CHECK(rig.Present(first, {.output = 2}) == abi::kStatusInvalidArgument);
  CHECK(rig.PixelOf(0) == 0x11111111);
  CHECK(rig.PixelOf(1) == 0x22222222);
  REQUIRE(rig.client.adapter->Free(rig.client.device, second).ok());
  CHECK(rig.PixelOf(0) == 0x11111111);
  CHECK(rig.PixelOf(1) == 0);
}

TEST_CASE("presenting at vblank returns when the surface is shown, once a vblank") {
  Rig rig;
  REQUIRE(rig.display.SetMode(0, kWidth, kHeight).ok());
  const AllocationHandle surfaces[] = {rig.Painted(0x11), rig.Painted(0x22)};
  REQUIRE(rig.Present(surfaces[0], {.interval = 1}) == abi::kStatusOk);
  const uint64_t start = rig.machine.host->now_ns();
  for (int i = 1; i <= 6; ++i) {
    REQUIRE(rig.Present(surfaces[i % 2], {.interval = 1}) == abi::kStatusOk);
    CHECK(rig.PixelOf(0) == (i % 2 == 0 ? 0x11111111 : 0x22222222));
    CHECK(rig.machine.host->now_ns() - start <= static_cast<uint64_t>(i) * kFrameNs);
    CHECK(rig.machine.host->now_ns() - start >= static_cast<uint64_t>(i) * kFrameNs - i);
  }
  // At once takes no time.
  const uint64_t before = rig.machine.host->now_ns();
  REQUIRE(rig.Present(surfaces[1], {}) == abi::kStatusOk);
  CHECK(rig.machine.host->now_ns() == before);
}

TEST_CASE("an interval counts from the vblank at which the surface before was shown") {
  Rig rig;
  REQUIRE(rig.display.SetMode(0, kWidth, kHeight).ok());
  const AllocationHandle surfaces[] = {rig.Painted(0x11), rig.Painted(0x22)};
  const auto count = [&] { return rig.machine.host->BarRead32(0, abi::kRegOutputVblankCount); };
  // Nothing was shown before: from the next vblank on.
  REQUIRE(rig.Present(surfaces[0], {.interval = 4}) == abi::kStatusOk);
  CHECK(count() == 1);
  uint32_t expected = 1;
  for (const uint32_t interval : {1u, 2u, 3u, 4u, 2u, 0u, 1u, 0u, 4u, 4u}) {
    INFO(interval);
    expected += interval;
    REQUIRE(rig.Present(surfaces[expected % 2], {.interval = interval}) == abi::kStatusOk);
    CHECK(count() == expected);
    CHECK(rig.PixelOf(0) == (expected % 2 == 0 ? 0x11111111 : 0x22222222));
  }
  // Whoever is late already does not wait once more.
  for (int i = 0; i < 3; ++i) REQUIRE(rig.display.WaitVblank(0).ok());
  REQUIRE(rig.Present(surfaces[0], {.interval = 3}) == abi::kStatusOk);
  CHECK(count() == expected + 4);
  CHECK(rig.Present(surfaces[0], {.interval = 5}) == abi::kStatusInvalidArgument);
  CHECK(count() == expected + 4);
}

TEST_CASE("an interval across a reset waits for a vblank of the new count") {
  Rig rig;
  REQUIRE(rig.display.SetMode(0, kWidth, kHeight).ok());
  for (int i = 0; i < 100; ++i) REQUIRE(rig.display.WaitVblank(0).ok());
  REQUIRE(rig.Present(rig.Painted(0x11), {.interval = 1}) == abi::kStatusOk);
  REQUIRE(rig.machine.host->ResetFunction() == abi::PciError::kNone);
  REQUIRE(rig.machine.adapter->Recover().ok());
  Client fresh(&rig.machine);
  const AllocationHandle next = fresh.Allocate({0x10000,
                                                static_cast<uint32_t>(Segment::kVisible),
                                                uint64_t{4} * kWidth * kHeight,
                                                kWidth,
                                                kHeight,
                                                4 * kWidth,
                                                0,
                                                0,
                                                {}});
  CHECK(
      fresh.adapter
          ->Present(fresh.device, fresh.context, next, kWidth, kHeight, 4 * kWidth, {.interval = 4})
          .ok());
  CHECK(rig.machine.host->BarRead32(0, abi::kRegOutputVblankCount) == 1);
}

TEST_CASE("the driver sleeps until the next vblank of the output that it names") {
  Rig rig;
  CHECK(StatusOf(rig.display.WaitVblank(0)) == abi::kStatusInvalidArgument);  // off
  REQUIRE(rig.display.SetMode(1, kWidth, kHeight).ok());
  const uint32_t first = rig.display.WaitVblank(1).value();
  const uint64_t at_first = rig.machine.host->now_ns();
  CHECK(rig.display.WaitVblank(1).value() == first + 1);
  CHECK(rig.display.WaitVblank(1).value() == first + 2);
  const uint64_t passed = rig.machine.host->now_ns() - at_first;
  CHECK(passed <= 2 * kFrameNs);
  CHECK(passed >= 2 * kFrameNs - 2);
  CHECK(StatusOf(rig.display.WaitVblank(0)) == abi::kStatusInvalidArgument);
  CHECK(StatusOf(rig.display.WaitVblank(2)) == abi::kStatusInvalidArgument);
  // Nobody waits any more: the chip rests.
  CHECK(rig.gpu().Process(1 << 20).wakeup_ns == 0);
}

TEST_CASE("the driver's cursor is drawn, moved and hidden; over protected content too") {
  Rig rig;
  REQUIRE(rig.display.SetMode(0, kWidth, kHeight).ok());
  SECTION("visible") { REQUIRE(rig.Present(rig.Painted(0x11), {}) == abi::kStatusOk); }
  SECTION("protected") {
    REQUIRE(rig.Present(rig.Surface(Segment::kProtected), {}) == abi::kStatusOk);
  }
  const uint32_t below = rig.PixelOf(0, 100, 50) & 0xffffff;
  std::vector<uint8_t> image(Display::kCursorBytes, 0xff);
  REQUIRE(rig.display.SetCursor(0, image, 10, 20).ok());
  REQUIRE(rig.display.MoveCursor(0, 100, 50).ok());
  CHECK((rig.PixelOf(0, 90, 30) & 0xffffff) == 0xffffff);
  CHECK((rig.PixelOf(0, 153, 93) & 0xffffff) == 0xffffff);
  CHECK((rig.PixelOf(0, 89, 30) & 0xffffff) == below);
  CHECK((rig.PixelOf(0, 154, 93) & 0xffffff) == below);
  REQUIRE(rig.display.MoveCursor(0, -40, -30).ok());
  CHECK((rig.PixelOf(0, 13, 13) & 0xffffff) == 0xffffff);
  CHECK((rig.PixelOf(0, 14, 13) & 0xffffff) == below);
  CHECK((rig.PixelOf(0, 13, 14) & 0xffffff) == below);
  REQUIRE(rig.display.HideCursor(0).ok());
  CHECK((rig.PixelOf(0) & 0xffffff) == below);
}

TEST_CASE("a cursor that the driver can't use is refused before the device sees it") {
  Rig rig;
  const std::vector<uint8_t> image(Display::kCursorBytes, 0xff);
  const std::vector<uint8_t> small(Display::kCursorBytes - 1, 0xff);
  constexpr uint32_t kInvalid = abi::kStatusInvalidArgument;
  CHECK(StatusOf(rig.display.SetCursor(2, image, 0, 0)) == kInvalid);
  CHECK(StatusOf(rig.display.SetCursor(0, small, 0, 0)) == kInvalid);
  CHECK(StatusOf(rig.display.SetCursor(0, image, 64, 0)) == kInvalid);
  CHECK(StatusOf(rig.display.SetCursor(0, image, 0, 64)) == kInvalid);
  CHECK(StatusOf(rig.display.HideCursor(2)) == kInvalid);
  CHECK(StatusOf(rig.display.MoveCursor(2, 0, 0)) == kInvalid);
  CHECK(StatusOf(rig.display.IsConnected(2)) == kInvalid);
  CHECK(StatusOf(rig.display.TakeHotplug(2)) == kInvalid);
  CHECK(StatusOf(rig.display.ReadEdid(2)) == kInvalid);
  CHECK(StatusOf(rig.display.Modes(2)) == kInvalid);
  CHECK(StatusOf(rig.display.SetMode(0, 1366, 768)) == kInvalid);
}

TEST_CASE("a description that is damaged anywhere is refused") {
  Rig rig;
  const auto good = rig.display.ReadEdid(0);
  REQUIRE(good.ok());
  for (uint32_t i = 0; i < Edid::kBytes; ++i) {
    auto bytes = good.value().bytes;
    bytes[i] ^= 0x10;
    INFO("byte " << i);
    CHECK(StatusOf(Edid::Parse(bytes)) == abi::kStatusInvalidArgument);
  }
  // Right checksums do not make a timing out of nothing, nor a name out of anything.
  auto bytes = good.value().bytes;
  const auto mend = [&bytes] {
    bytes[127] = 0;
    for (uint32_t i = 0; i < 127; ++i) bytes[127] = static_cast<uint8_t>(bytes[127] - bytes[i]);
  };
  std::fill_n(bytes.begin() + 54, 2, uint8_t{0});
  mend();
  CHECK(StatusOf(Edid::Parse(bytes)) == abi::kStatusInvalidArgument);
  bytes = good.value().bytes;
  bytes[72 + 5 + 4] = 0x1b;  // an escape character in the name
  mend();
  REQUIRE(Edid::Parse(bytes).ok());
  CHECK(Edid::Parse(bytes).value().name == "Ward");
}

}  // namespace
}  // namespace ward::kmd
