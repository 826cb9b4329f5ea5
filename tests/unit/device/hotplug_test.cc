// Displays that come and go, and what the two outputs show.
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/output_rig.h"

namespace ward::fakes {
namespace {

using device::AttachedDisplay;
using device::ScanoutView;

constexpr uint32_t kConnected = abi::kOutputStatusConnectedMask;
constexpr uint32_t kPreferred = abi::kRegOutputModeSize + 4 * 12;
constexpr uint32_t kBlack = 0xff000000;

uint32_t Size(uint32_t width, uint32_t height) { return height << 16 | width; }

struct HotplugRig : OutputRig {
  uint32_t Status(uint32_t output) { return ReadOutput(output, abi::kRegOutputStatus); }
  uint32_t Changes(uint32_t output) { return ReadOutput(output, abi::kRegOutputHotplugCount); }
  std::vector<uint32_t> Edid(uint32_t output) {
    std::vector<uint32_t> words;
    for (uint32_t i = 0; i < 64; ++i) {
      words.push_back(Read(abi::kRegOutputEdid + output * abi::kEdidBlockStride + 4 * i));
    }
    return words;
  }
  void Attach(uint32_t output, const AttachedDisplay& display) {
    REQUIRE(gpu->AttachDisplay(output, display).ok());
  }
};

TEST_CASE("the first output has a display at first, and the second has none") {
  HotplugRig rig;
  CHECK(rig.Read(abi::kRegOutputCount) == 2);
  CHECK(rig.Status(0) == kConnected);
  CHECK(rig.Status(1) == 0);
  CHECK(rig.ReadOutput(0, kPreferred) == Size(1920, 1080));
  CHECK(rig.ReadOutput(1, kPreferred) == 0);
  CHECK(rig.Edid(0)[0] == 0xffffff00);
  CHECK(rig.Edid(1) == std::vector<uint32_t>(64));
}

TEST_CASE("a display that comes, changes and goes is told, each time once") {
  HotplugRig rig;
  rig.Write(abi::kRegInterruptEnable, abi::kInterruptCauseHotplugMask);
  rig.Write(abi::kRegInterruptVector + 4 * abi::kInterruptCauseHotplugShift, 3);
  const auto expect = [&](const AttachedDisplay& display, uint32_t changes, bool told) {
    rig.Attach(1, display);
    CHECK(rig.Changes(1) == changes);
    CHECK((rig.Read(abi::kRegInterruptCause) == abi::kInterruptCauseHotplugMask) == told);
    rig.Write(abi::kRegInterruptCause, ~0u);
    CHECK((rig.Status(1) == kConnected) == display.connected);
    CHECK(rig.ReadOutput(1, kPreferred) ==
          (display.connected ? Size(display.width, display.height) : 0));
    CHECK((rig.Edid(1) == std::vector<uint32_t>(64)) == !display.connected);
  };
  expect({true, 1920, 1080}, 1, true);
  expect({true, 1920, 1080}, 1, false);
  expect({true, 1366, 768}, 2, true);
  expect({false, 1366, 768}, 3, true);
  expect({false, 800, 600}, 3, false);
  expect({true, 800, 600}, 4, true);
  CHECK(rig.Changes(0) == 0);
}

TEST_CASE("the display's own size is a mode, and one that is set outlives the display") {
  HotplugRig rig;
  rig.WriteOutput(1, abi::kRegOutputMode, 12);
  CHECK(rig.ReadOutput(1, abi::kRegOutputMode) == 0);  // there is none
  rig.Attach(1, {true, 1366, 768});
  rig.WriteOutput(1, abi::kRegOutputMode, 12);
  CHECK(rig.ReadOutput(1, abi::kRegOutputMode) == 12);
  CHECK(rig.ReadOutput(1, abi::kRegOutputSize) == Size(1366, 768));
  rig.Attach(1, {true, 1400, 900});
  CHECK(rig.ReadOutput(1, abi::kRegOutputSize) == Size(1366, 768));
  rig.WriteOutput(1, abi::kRegOutputMode, 12);
  CHECK(rig.ReadOutput(1, abi::kRegOutputSize) == Size(1400, 900));
  rig.Attach(1, {false, 1400, 900});
  CHECK(rig.ReadOutput(1, abi::kRegOutputSize) == Size(1400, 900));
  CHECK(rig.gpu->Scanout(1).width == 1400);
}

TEST_CASE("an output without a display takes flips and shows nothing") {
  HotplugRig rig;
  rig.PaintVisible(0, 0x112233);
  rig.Enable(1);
  rig.PushFlip(1, 0);
  rig.Ring(0);
  CHECK(rig.FaultStatus(0) == 0);
  CHECK(rig.Status(1) == abi::kOutputStatusActiveMask);
  CHECK_FALSE(rig.gpu->Scanout(1).active);
  CHECK(rig.PixelOf(1) == 0);
  rig.Attach(1, {});
  CHECK(rig.gpu->Scanout(1).active);
  CHECK(rig.PixelOf(1) == 0x112233);
}

TEST_CASE("outputs show each their own, and a protected one is black to capture on either") {
  HotplugRig rig;
  rig.Attach(1, {});
  rig.PaintVisible(0, 0x112233);
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;
  fill.value = 0x445566;
  fill.row_bytes = OutputRig::kFrameBytes;
  fill.row_count = 1;
  rig.Push(0, fill);
  for (const uint32_t protected_output : {0u, 1u}) {
    const uint32_t other = 1 - protected_output;
    rig.Enable(0);
    rig.Enable(1);
    rig.PushFlip(protected_output, abi::kProtectedVramLocalBase);
    rig.PushFlip(other, 0);
    rig.Ring(0);
    CHECK(rig.PixelOf(protected_output, ScanoutView::kCapture) == kBlack);
    CHECK(rig.PixelOf(protected_output, ScanoutView::kOperator) == 0x445566);
    CHECK(rig.PixelOf(other, ScanoutView::kCapture) == 0x112233);
    CHECK(rig.PixelOf(other, ScanoutView::kOperator) == 0x112233);
  }
}

TEST_CASE("the cursor stands over a protected picture in both views, and shows nothing of it") {
  HotplugRig rig;
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;
  fill.value = 0x445566;
  fill.row_bytes = OutputRig::kFrameBytes;
  fill.row_count = 1;
  rig.Push(0, fill);
  rig.ports.vram.Store<uint32_t>(0, 0xff102030);  // opaque
  rig.ports.vram.Store<uint32_t>(4, 0x00000000);  // clear: the picture is what is seen there
  rig.ports.vram.Store<uint32_t>(8, 0x80000000);  // half
  rig.Enable(0);
  rig.PushFlip(0, abi::kProtectedVramLocalBase);
  rig.PushCursor(0, abi::kPhysicalLocal);
  rig.Ring(0);
  REQUIRE(rig.FaultStatus(0) == 0);
  CHECK(rig.PixelOf(0, ScanoutView::kCapture, 0) == 0xff102030);
  CHECK(rig.PixelOf(0, ScanoutView::kCapture, 1) == kBlack);
  CHECK(rig.PixelOf(0, ScanoutView::kCapture, 2) == kBlack);
  CHECK(rig.PixelOf(0, ScanoutView::kOperator, 0) == 0x102030);
  CHECK(rig.PixelOf(0, ScanoutView::kOperator, 1) == 0x445566);
  CHECK(rig.PixelOf(0, ScanoutView::kOperator, 2) == 0x222a33);
  // By the register, at once; half out of the screen on the left.
  rig.WriteOutput(0, abi::kRegOutputCursorPosition, 0x0000fffe);
  CHECK(rig.PixelOf(0, ScanoutView::kOperator, 0) == 0x222a33);
  CHECK(rig.PixelOf(0, ScanoutView::kCapture, 0) == kBlack);
}

TEST_CASE("a cursor of protected memory, of no memory or of no output is refused") {
  HotplugRig rig;
  rig.PushCursor(0, abi::kPhysicalLocal | abi::kProtectedVramLocalBase);
  rig.Ring(0);
  CHECK(rig.FaultStatus(0) == 0);
  CHECK(rig.ReadQueue(0, abi::kRegRefusalStatus) == abi::kStatusScanoutRefused);
  rig.PushCursor(0, GpuRig::kData);
  rig.Ring(0);
  CHECK(rig.ReadQueue(0, abi::kRegRefusalCount) == 2);
  SECTION("memory") {
    rig.PushCursor(0, abi::kPhysicalLocal | GpuRig::kVisibleBytes);
    rig.Ring(0);
    CHECK(rig.FaultStatus(0) == abi::kStatusAddressOutOfRange);
  }
  SECTION("output") {
    rig.PushCursor(2, abi::kPhysicalLocal);
    rig.Ring(0);
    CHECK(rig.FaultStatus(0) == abi::kStatusOutputInvalid);
  }
}

TEST_CASE("a display that is not possible is refused and changes nothing") {
  HotplugRig rig;
  const uint64_t before = rig.gpu->StateHash();
  for (const AttachedDisplay& wrong :
       {AttachedDisplay{true, 639, 480}, AttachedDisplay{true, 640, 479},
        AttachedDisplay{true, 3841, 2160}, AttachedDisplay{true, 3840, 2161},
        AttachedDisplay{false, 0, 0}, AttachedDisplay{true, 0xffffffff, 0xffffffff}}) {
    CHECK(rig.gpu->AttachDisplay(0, wrong).fault().status == abi::kStatusInvalidArgument);
    device::GpuOptions options = GpuRig::Options();
    options.displays[1] = wrong;
    CHECK(device::Gpu::Create(options, rig.ports.ports()).fault().status ==
          abi::kStatusInvalidArgument);
  }
  CHECK(rig.gpu->AttachDisplay(2, {}).fault().status == abi::kStatusInvalidArgument);
  CHECK(rig.gpu->StateHash() == before);
}

TEST_CASE("displays last across resets; counts and causes do not") {
  HotplugRig rig;
  rig.Attach(0, {false, 1920, 1080});
  rig.Attach(1, {true, 1600, 900});
  rig.gpu->Reset(device::ResetKind::kPowerOn);
  CHECK(rig.Status(0) == 0);
  CHECK(rig.Status(1) == kConnected);
  CHECK(rig.ReadOutput(1, kPreferred) == Size(1600, 900));
  CHECK(rig.Changes(0) == 0);
  CHECK(rig.Read(abi::kRegInterruptCause) == 0);
}

}  // namespace
}  // namespace ward::fakes
