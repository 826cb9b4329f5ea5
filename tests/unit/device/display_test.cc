#include "device/display.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/chip_memory.h"

namespace ward::device {
namespace {

constexpr uint32_t kControl = 0x00;
constexpr uint32_t kMode = 0x04;
constexpr uint32_t kModeCount = 0x08;
constexpr uint32_t kStatus = 0x0c;
constexpr uint32_t kFlipCount = 0x10;
constexpr uint32_t kSize = 0x14;
constexpr uint32_t kLink = 0x18;
constexpr uint32_t kModeSizes = 0x40;

abi::FlipCommand Flip(uint64_t address, uint32_t pitch = 2560, uint32_t width = 640,
                      uint32_t height = 360) {
  abi::FlipCommand command = {};
  command.opcode = abi::FlipCommand::kOpcode;
  command.length = abi::FlipCommand::kSizeBytes;
  command.address = address;
  command.pitch = pitch;
  command.width = width;
  command.height = height;
  return command;
}

struct Bench : ChipMemory {
  Bench() : grants(4), display(&memory, &grants, &ports.clock) {}

  uint32_t Show(const abi::FlipCommand& command) {
    const auto result = display.Flip(command, Kernel());
    return result.ok() ? abi::kStatusOk : result.fault().status;
  }
  // A session's frame in protected memory, flipped.
  void ShowProtected(uint16_t flags = 0) {
    display.WriteRegister(0, kControl, 1);
    PutProtected(kPage, Noise(kFrame, 2), 0x10001);
    auto command = Flip(Protected(kPage));
    command.flags = flags;
    REQUIRE(Show(command) == abi::kStatusOk);
  }
  Grant& Owner() {
    grants.At(1).session = 0x10001;
    return grants.At(1);
  }
  bool IsBlack() {
    std::vector<uint8_t> black(kFrame, 0);
    for (size_t x = 3; x < black.size(); x += 4) black[x] = 255;
    const bool is_black = Pixels(ScanoutView::kOperator) == black;
    CHECK(Pixels(ScanoutView::kCapture) == black);
    CHECK(display.ReadRegister(0, kStatus) == (is_black ? 0xf : 0xb));
    CHECK(display.Scanout(0).is_blanked == is_black);
    return is_black;
  }
  void PassTime(uint64_t now_ns) {
    ports.clock.now_ns = now_ns;
    display.Advance();
  }

  static constexpr size_t kFrame = 2560 * 360;

  std::vector<uint8_t> Pixels(ScanoutView view, uint32_t pitch = 2560) {
    std::vector<uint8_t> pixels(size_t{pitch} * 360, 0x5a);
    REQUIRE(display.ReadScanout(0, view, pixels, pitch));
    return pixels;
  }

  GrantTable grants;
  Display display;
};

constexpr size_t kFrameBytes = 2560 * 360;

TEST_CASE("an output says its modes and is off at first") {
  Bench bench;
  const std::vector<std::pair<uint32_t, uint32_t>> modes = {
      {640, 360},   {640, 480},   {800, 600},  {1024, 768},  {1280, 720},
      {1920, 1080}, {3840, 2160}, {1280, 800}, {1280, 1024}, {1600, 900},
      {1920, 1200}, {2560, 1440}, {1920, 1080}};
  CHECK(bench.display.ReadRegister(0, kModeCount) == 13);
  for (uint32_t i = 0; i < 16; ++i) {
    const uint32_t expected = i < modes.size() ? modes[i].first + modes[i].second * 65536 : 0;
    CHECK(bench.display.ReadRegister(0, kModeSizes + 4 * i) == expected);
  }
  CHECK(bench.display.ReadRegister(0, kControl) == 0);
  CHECK(bench.display.ReadRegister(0, kSize) == 0x01680280);
  CHECK_FALSE(bench.display.Scanout(0).active);
  for (uint32_t i = 0; i < 16; ++i) {
    bench.display.WriteRegister(0, kMode, i);
    const uint32_t mode = std::min(i, 12u);  // 13, 14, 15 are ignored
    CHECK(bench.display.ReadRegister(0, kMode) == mode);
    CHECK(bench.display.ReadRegister(0, kSize) == modes[mode].first + modes[mode].second * 65536);
    CHECK(bench.display.Scanout(0).width == modes[mode].first);
  }
}

TEST_CASE("registers ignore reserved bits, and every other offset reads zero and ignores writes") {
  Bench bench;
  bench.display.WriteRegister(0, kControl, 0xfffffffe);
  CHECK(bench.display.ReadRegister(0, kControl) == 0);
  bench.display.WriteRegister(0, kControl, 0xffffffff);
  CHECK(bench.display.ReadRegister(0, kControl) == 1);
  bench.display.WriteRegister(0, kMode, 0xffffff02);
  CHECK(bench.display.ReadRegister(0, kMode) == 2);
  for (const uint32_t offset :
       {kModeCount, kStatus, kFlipCount, kSize, kModeSizes, kLink, 0x1cu, 0x20u, 0x24u, 0xfcu}) {
    const uint32_t before = bench.display.ReadRegister(0, offset);
    bench.display.WriteRegister(0, offset, 0xffffffff);
    CHECK(bench.display.ReadRegister(0, offset) == before);
  }
  for (uint32_t offset = 0; offset < 0x100; ++offset) {
    CHECK(bench.display.ReadRegister(2, offset) == 0);
    bench.display.WriteRegister(2, offset, 0xffffffff);
    if (offset % 4 != 0) CHECK(bench.display.ReadRegister(0, offset) == 0);
  }
  CHECK(bench.display.ReadRegister(0, kMode) == 2);
}

TEST_CASE("a flip of visible VRAM shows its pixels in both views, row by row at any pitch") {
  Bench bench;
  bench.display.WriteRegister(0, kControl, 1);
  const auto surface = Noise(2600 * 360, 1);
  bench.PutVisible(kPage, surface);
  REQUIRE(bench.Show(Flip(ChipMemory::Visible(kPage), 2600)) == abi::kStatusOk);
  const ScanoutInfo info = bench.display.Scanout(0);
  CHECK(info.active);
  CHECK(info.width == 640);
  CHECK(info.height == 360);
  CHECK(info.flip_count == 1);
  CHECK_FALSE(info.is_protected);
  CHECK(bench.display.ReadRegister(0, kStatus) == 9);
  CHECK(bench.display.ReadRegister(0, kFlipCount) == 1);
  for (const ScanoutView view : {ScanoutView::kCapture, ScanoutView::kOperator}) {
    const auto pixels = bench.Pixels(view, 2572);
    bool same = true;
    for (size_t row = 0; row < 360; ++row) {
      same = same && std::equal(pixels.begin() + row * 2572, pixels.begin() + row * 2572 + 2560,
                                surface.begin() + row * 2600);
      for (size_t gap = 2560; gap < 2572; ++gap) same = same && pixels[row * 2572 + gap] == 0x5a;
    }
    CHECK(same);
  }
}

TEST_CASE("P2_ the capture view of a protected surface is black, the operator's shows it") {
  Bench bench;
  bench.display.WriteRegister(0, kControl, 1);
  bench.PutProtected(kPage, Noise(kFrameBytes, 2), 0x10001);
  REQUIRE(bench.Show(Flip(ChipMemory::Protected(kPage))) == abi::kStatusOk);
  CHECK(bench.display.Scanout(0).is_protected);
  CHECK(bench.display.ReadRegister(0, kStatus) == 0xb);
  std::vector<uint8_t> black(kFrameBytes, 0);
  for (size_t x = 3; x < black.size(); x += 4) black[x] = 255;
  CHECK(bench.Pixels(ScanoutView::kCapture) == black);
  CHECK(bench.Pixels(ScanoutView::kOperator) == Noise(kFrameBytes, 2));
  // The session ends: its pixels leave the screen too.
  bench.memory.ReleaseOwner(0x10001);
  CHECK(bench.Pixels(ScanoutView::kOperator) == std::vector<uint8_t>(kFrameBytes, 0));
}

TEST_CASE("a surface whose owner demands full screen is shown by such a flip alone") {
  Bench bench;
  bench.ShowProtected();
  CHECK_FALSE(bench.IsBlack());
  bench.Owner().needs_full_screen = true;
  CHECK(bench.IsBlack());
  bench.Owner().needs_full_screen = false;
  CHECK_FALSE(bench.IsBlack());
  bench.Owner().needs_full_screen = true;
  bench.ShowProtected(abi::FlipCommand::kFlagFullScreen);
  CHECK_FALSE(bench.IsBlack());
  bench.ShowProtected();
  CHECK(bench.IsBlack());
}

TEST_CASE("one page of such an owner, the last of the surface, blanks all of it") {
  Bench bench;
  bench.ShowProtected();
  bench.grants.At(2).session = 0x30002;
  bench.grants.At(2).needs_full_screen = true;
  const uint64_t last_page = (kPage + Bench::kFrame - 1) / kPage * kPage;
  bench.PutProtected(last_page + kPage, Noise(16, 3), 0x30002);  // behind the surface
  CHECK_FALSE(bench.IsBlack());
  bench.PutProtected(last_page, Noise(16, 3), 0x30002);
  CHECK(bench.IsBlack());
  bench.memory.ReleaseOwner(0x30002);
  CHECK_FALSE(bench.IsBlack());
}

TEST_CASE("protected pixels wait for the link, and the link's register tells how it goes") {
  Bench bench;
  bench.ShowProtected(abi::FlipCommand::kFlagFullScreen);
  CHECK(bench.display.ReadRegister(0, kLink) == 0);
  bench.display.EnableLink(0, 100, 50);
  CHECK(bench.display.ReadRegister(0, kLink) == 0x00010001);
  CHECK(bench.display.WakeupNs() == 150);
  CHECK(bench.IsBlack());
  bench.PassTime(150);
  CHECK(bench.display.ReadRegister(0, kLink) == 0x00020002);
  CHECK(bench.display.WakeupNs() == 0);
  CHECK_FALSE(bench.IsBlack());
  bench.display.SetLinkFault(0, LinkFault::kLinkLost);
  CHECK(bench.display.ReadRegister(0, kLink) == 0x00030003);
  CHECK(bench.IsBlack());
  bench.display.DisableLink(0);
  CHECK(bench.display.ReadRegister(0, kLink) == 0x00040000);
  CHECK_FALSE(bench.IsBlack());
}

TEST_CASE("a visible surface is shown whatever the link and whoever owns what") {
  Bench bench;
  bench.display.WriteRegister(0, kControl, 1);
  bench.PutVisible(0, Noise(Bench::kFrame, 4));
  REQUIRE(bench.Show(Flip(ChipMemory::Visible(0))) == abi::kStatusOk);
  bench.Owner().needs_full_screen = true;
  bench.display.EnableLink(0, 0, 50);
  CHECK(bench.display.ReadRegister(0, kStatus) == 9);
  CHECK(bench.Pixels(ScanoutView::kCapture) == Noise(Bench::kFrame, 4));
}

TEST_CASE("a change of the link is told once") {
  Bench bench;
  CHECK(bench.display.TakeCauses() == 0);
  bench.display.EnableLink(0, 0, 50);
  CHECK(bench.display.TakeCauses() == abi::kInterruptCauseLinkMask);
  CHECK(bench.display.TakeCauses() == 0);
  bench.PassTime(50);
  bench.display.SetLinkFault(0, LinkFault::kLinkLost);
  CHECK(bench.display.TakeCauses() == abi::kInterruptCauseLinkMask);
  CHECK(bench.display.TakeCauses() == 0);
}

TEST_CASE("neither another mode nor switching the output off and on touches the link") {
  Bench bench;
  bench.display.EnableLink(0, 0, 50);
  bench.PassTime(50);
  bench.display.WriteRegister(0, kMode, 3);
  bench.display.WriteRegister(0, kControl, 1);
  bench.display.WriteRegister(0, kControl, 0);
  CHECK(bench.display.link(0).state() == HdcpState::kOn);
  bench.display.Reset();
  CHECK(bench.display.link(0).state() == HdcpState::kOff);
}

TEST_CASE("a display that is pulled takes its link along, and nothing protected is shown after") {
  Bench bench;
  bench.ShowProtected(abi::FlipCommand::kFlagFullScreen);
  bench.display.EnableLink(0, 0, 50);
  bench.PassTime(50);
  REQUIRE(bench.display.link(0).state() == HdcpState::kOn);
  CHECK_FALSE(bench.IsBlack());
  REQUIRE(bench.display.AttachDisplay(0, {.connected = false}).ok());
  CHECK(bench.display.link(0).state() == HdcpState::kLost);
  CHECK(bench.display.TakeCauses() ==
        (abi::kInterruptCauseLinkMask | abi::kInterruptCauseHotplugMask));
  // Without a display it does not come up, and the next display has to be asked anew.
  bench.display.EnableLink(0, 50, 50);
  bench.PassTime(100);
  CHECK(bench.display.link(0).state() == HdcpState::kLost);
  REQUIRE(bench.display.AttachDisplay(0, {}).ok());
  CHECK(bench.display.link(0).state() == HdcpState::kLost);
  CHECK(bench.IsBlack());
  bench.display.EnableLink(0, 100, 50);
  bench.PassTime(150);
  CHECK(bench.display.link(0).state() == HdcpState::kOn);
  CHECK_FALSE(bench.IsBlack());
}

TEST_CASE("a display of another size is another display, and the link stays") {
  Bench bench;
  bench.display.EnableLink(0, 0, 50);
  bench.PassTime(50);
  REQUIRE(bench.display.AttachDisplay(0, {.width = 800, .height = 600}).ok());
  CHECK(bench.display.link(0).state() == HdcpState::kOn);
}

TEST_CASE("each output has its own link, and protected pixels wait for that one") {
  Bench bench;
  REQUIRE(bench.display.AttachDisplay(1, {}).ok());
  bench.display.WriteRegister(1, kControl, 1);
  bench.ShowProtected(abi::FlipCommand::kFlagFullScreen);
  auto flip = Flip(ChipMemory::Protected(kPage));
  flip.output = 1;
  flip.flags = abi::FlipCommand::kFlagFullScreen;
  REQUIRE(bench.Show(flip) == abi::kStatusOk);
  bench.display.EnableLink(1, 0, 50);
  CHECK_FALSE(bench.IsBlack());  // the first output's
  CHECK(bench.display.Scanout(1).is_blanked);
  CHECK(bench.display.ReadRegister(1, kStatus) == 0xf);
  bench.PassTime(50);
  CHECK_FALSE(bench.display.Scanout(1).is_blanked);
  bench.display.SetLinkFault(0, LinkFault::kLinkLost);
  bench.display.EnableLink(0, 50, 50);
  CHECK(bench.IsBlack());
  CHECK_FALSE(bench.display.Scanout(1).is_blanked);
}

TEST_CASE("a flip that can't be shown is refused, counts nothing and leaves what is shown") {
  Bench bench;
  const uint64_t at = ChipMemory::Visible(0);
  CHECK(bench.Show(Flip(at)) == abi::kStatusOutputInvalid);  // off
  bench.display.WriteRegister(0, kControl, 1);
  REQUIRE(bench.Show(Flip(at)) == abi::kStatusOk);

  auto other_output = Flip(at);
  other_output.output = 1;  // off too
  CHECK(bench.Show(other_output) == abi::kStatusOutputInvalid);
  other_output.output = 2;
  CHECK(bench.Show(other_output) == abi::kStatusOutputInvalid);
  other_output.output = 0xffffffff;
  CHECK(bench.Show(other_output) == abi::kStatusOutputInvalid);
  auto other_format = Flip(at);
  other_format.format = 1;
  CHECK(bench.Show(other_format) == abi::kStatusOperandInvalid);
  CHECK(bench.Show(Flip(at, 2556)) == abi::kStatusOperandInvalid);
  CHECK(bench.Show(Flip(at, 2562)) == abi::kStatusOperandInvalid);
  CHECK(bench.Show(Flip(at, 2560, 639, 360)) == abi::kStatusOperandInvalid);
  CHECK(bench.Show(Flip(at, 2560, 640, 480)) == abi::kStatusOperandInvalid);
  CHECK(bench.Show(Flip(at + 16)) == abi::kStatusAddressMisaligned);
  CHECK(bench.Show(Flip(ChipMemory::System(0))) == abi::kStatusScanoutRefused);

  const uint64_t visible = ChipMemory::kVisibleBytes;
  const uint64_t fits = (visible - kFrameBytes) / kPage * kPage;
  CHECK(bench.Show(Flip(ChipMemory::Visible(fits + kPage))) == abi::kStatusAddressOutOfRange);
  CHECK(bench.Show(Flip(at, 0xfffffffc)) == abi::kStatusAddressOutOfRange);
  CHECK(bench.Show(Flip(ChipMemory::Visible(abi::kProtectedVramLocalBase - kPage))) ==
        abi::kStatusAddressOutOfRange);
  CHECK(bench.Show(Flip(ChipMemory::Protected(ChipMemory::kProtectedBytes - kPage))) ==
        abi::kStatusAddressOutOfRange);
  CHECK(bench.display.Scanout(0).flip_count == 1);
  CHECK(bench.display.Scanout(0).active);
  CHECK(bench.Show(Flip(ChipMemory::Visible(fits))) == abi::kStatusOk);
  CHECK(bench.display.Scanout(0).flip_count == 2);
}

TEST_CASE("another mode and switching off drop the surface; the same mode does not") {
  Bench bench;
  bench.display.WriteRegister(0, kControl, 1);
  REQUIRE(bench.Show(Flip(ChipMemory::Visible(0))) == abi::kStatusOk);
  bench.display.WriteRegister(0, kMode, 0);
  bench.display.WriteRegister(0, kMode, 200);
  CHECK(bench.display.Scanout(0).active);
  bench.display.WriteRegister(0, kMode, 1);
  CHECK_FALSE(bench.display.Scanout(0).active);
  CHECK(bench.display.ReadRegister(0, kStatus) == 8);
  std::vector<uint8_t> pixels(640 * 480 * 4);
  CHECK_FALSE(bench.display.ReadScanout(0, ScanoutView::kOperator, pixels, 2560));
  CHECK(bench.Show(Flip(ChipMemory::Visible(0))) == abi::kStatusOperandInvalid);  // not its size
  REQUIRE(bench.Show(Flip(ChipMemory::Visible(0), 2560, 640, 480)) == abi::kStatusOk);
  bench.display.WriteRegister(0, kControl, 0);
  CHECK_FALSE(bench.display.Scanout(0).active);
  bench.display.WriteRegister(0, kControl, 1);
  CHECK_FALSE(bench.display.Scanout(0).active);
  CHECK(bench.display.Scanout(0).flip_count == 2);
}

TEST_CASE("a buffer that is too small, or another output, reads nothing") {
  Bench bench;
  bench.display.WriteRegister(0, kControl, 1);
  REQUIRE(bench.Show(Flip(ChipMemory::Visible(0))) == abi::kStatusOk);
  std::vector<uint8_t> pixels(kFrameBytes);
  CHECK(bench.display.ReadScanout(0, ScanoutView::kOperator, pixels, 2560));
  CHECK_FALSE(bench.display.ReadScanout(0, ScanoutView::kOperator, pixels, 2564));
  CHECK_FALSE(bench.display.ReadScanout(0, ScanoutView::kOperator, pixels, 2559));
  CHECK_FALSE(bench.display.ReadScanout(0, ScanoutView::kOperator,
                                        ByteSpan(pixels).first(kFrameBytes - 1), 2560));
  CHECK_FALSE(bench.display.ReadScanout(1, ScanoutView::kOperator, pixels, 2560));
}

TEST_CASE("a saved display comes back, and a reset one is as new") {
  Bench bench;
  const auto hash = [&] {
    StateHasher hasher;
    bench.display.Hash(&hasher);
    return hasher.value();
  };
  const uint64_t fresh = hash();
  bench.display.WriteRegister(0, kControl, 1);
  REQUIRE(bench.Show(Flip(ChipMemory::Protected(kPage))) == abi::kStatusOk);
  const Display::State saved = bench.display.Save();
  const uint64_t shown = hash();
  CHECK(shown != fresh);
  bench.display.Reset();
  CHECK(hash() == fresh);
  CHECK_FALSE(bench.display.Scanout(0).active);
  bench.display.Load(saved);
  CHECK(hash() == shown);
  CHECK(bench.display.Scanout(0).is_protected);
}

}  // namespace
}  // namespace ward::device
