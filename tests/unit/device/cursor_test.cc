// The cursor, held against a compositor in floating point.
#include "device/cursor.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/chip_memory.h"

namespace ward::device {
namespace {

constexpr uint32_t kWidth = 200;
constexpr uint32_t kHeight = 150;

struct Bench : ChipMemory {
  static abi::CursorCommand Command(uint64_t address, uint32_t hot_x = 0, uint32_t hot_y = 0) {
    abi::CursorCommand command = {};
    command.flags = abi::CursorCommand::kFlagVisible;
    command.address = address;
    command.hot_spot_x = hot_x;
    command.hot_spot_y = hot_y;
    return command;
  }
  uint32_t Set(const abi::CursorCommand& command) {
    const auto result = cursor.Set(command, Kernel());
    return result.ok() ? abi::kStatusOk : result.fault().status;
  }
  void MoveTo(int x, int y) {
    cursor.set_position(static_cast<uint16_t>(x) | uint32_t{static_cast<uint16_t>(y)} << 16);
  }
  std::vector<uint8_t> Compose(const std::vector<uint8_t>& screen) const {
    std::vector<uint8_t> composed = screen;
    for (uint32_t y = 0; y < kHeight; ++y) {
      cursor.ComposeRow(memory, y, ByteSpan(composed).subspan(size_t{y} * kWidth * 4, kWidth * 4));
    }
    return composed;
  }

  Cursor cursor;
};

// Premultiplied: no colour above its alpha. Some pixels are clear, some opaque.
std::vector<uint8_t> Image(uint32_t seed) {
  std::vector<uint8_t> image = Noise(Cursor::kImageBytes, seed);
  for (size_t at = 0; at < image.size(); at += 4) {
    if (at % 12 == 0) image[at + 3] = 0;
    if (at % 20 == 0) image[at + 3] = 255;
    for (size_t i = 0; i < 3; ++i) image[at + i] = std::min(image[at + i], image[at + 3]);
  }
  return image;
}

std::vector<uint8_t> Expected(const std::vector<uint8_t>& screen, const std::vector<uint8_t>& image,
                              int left, int top) {
  std::vector<uint8_t> expected = screen;
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      const int on_x = left + x;
      const int on_y = top + y;
      if (on_x < 0 || on_y < 0 || on_x >= int{kWidth} || on_y >= int{kHeight}) continue;
      const uint8_t* over = &image[static_cast<size_t>(y * 64 + x) * 4];
      uint8_t* pixel = &expected[static_cast<size_t>(on_y * int{kWidth} + on_x) * 4];
      for (int i = 0; i < 3; ++i) {
        pixel[i] = static_cast<uint8_t>(over[i] + std::lround(pixel[i] * (255 - over[3]) / 255.0));
      }
    }
  }
  return expected;
}

TEST_CASE("a cursor is blended over the screen, cut at every edge, and moves by its hot spot") {
  Bench bench;
  const auto image = Image(1);
  const auto screen = Noise(kWidth * kHeight * 4, 2);
  bench.PutVisible(5 * kPage, image);
  for (const auto& [hot_x, hot_y] : {std::pair(0, 0), std::pair(63, 63), std::pair(7, 20)}) {
    REQUIRE(bench.Set(Bench::Command(ChipMemory::Visible(5 * kPage), static_cast<uint32_t>(hot_x),
                                     static_cast<uint32_t>(hot_y))) == abi::kStatusOk);
    for (const int x : {-32768, -64, -63, -1, 0, 1, 77, 136, 137, 199, 200, 262, 263, 32767}) {
      for (const int y : {-32768, -63, -5, 0, 50, 86, 87, 149, 150, 213, 32767}) {
        bench.MoveTo(x, y);
        INFO(x << ", " << y << " hot spot " << hot_x << ", " << hot_y);
        CHECK(bench.Compose(screen) == Expected(screen, image, x - hot_x, y - hot_y));
      }
    }
  }
}

TEST_CASE("a clear pixel leaves what is below, an opaque one hides it, a wrong one saturates") {
  Bench bench;
  std::vector<uint8_t> image(Cursor::kImageBytes);
  const std::vector<uint8_t> pixels = {0, 0, 0, 0, 10, 20, 30, 255, 200, 200, 200, 0};
  std::copy(pixels.begin(), pixels.end(), image.begin());
  bench.PutVisible(0, image);
  REQUIRE(bench.Set(Bench::Command(ChipMemory::Visible(0))) == abi::kStatusOk);
  std::vector<uint8_t> row = {1, 2, 3, 4, 5, 6, 7, 8, 100, 100, 20, 9};
  bench.cursor.ComposeRow(bench.memory, 0, row);
  CHECK(row == std::vector<uint8_t>{1, 2, 3, 4, 10, 20, 30, 8, 255, 255, 220, 9});
}

TEST_CASE("the image stays the driver's memory, and switching off hides it") {
  Bench bench;
  const auto screen = Noise(kWidth * kHeight * 4, 2);
  CHECK(bench.Compose(screen) == screen);
  bench.PutVisible(0, Image(3));
  REQUIRE(bench.Set(Bench::Command(ChipMemory::Visible(0))) == abi::kStatusOk);
  CHECK(bench.Compose(screen) == Expected(screen, Image(3), 0, 0));
  bench.PutVisible(0, Image(4));
  CHECK(bench.Compose(screen) == Expected(screen, Image(4), 0, 0));
  REQUIRE(bench.Set(abi::CursorCommand{}) == abi::kStatusOk);
  CHECK(bench.Compose(screen) == screen);
}

TEST_CASE("a cursor that can't be shown is refused, and the one that is shown stays") {
  Bench bench;
  const auto screen = Noise(kWidth * kHeight * 4, 2);
  const uint64_t good = ChipMemory::Visible(kPage);
  bench.PutVisible(kPage, Image(5));
  REQUIRE(bench.Set(Bench::Command(good)) == abi::kStatusOk);

  CHECK(bench.Set(Bench::Command(good, 64, 0)) == abi::kStatusOperandInvalid);
  CHECK(bench.Set(Bench::Command(good, 0, 64)) == abi::kStatusOperandInvalid);
  CHECK(bench.Set(Bench::Command(good, 0xffffffff, 0)) == abi::kStatusOperandInvalid);
  CHECK(bench.Set(Bench::Command(good + 64)) == abi::kStatusAddressMisaligned);
  const uint64_t last = ChipMemory::kVisibleBytes - 3 * kPage;
  CHECK(bench.Set(Bench::Command(ChipMemory::Visible(last))) == abi::kStatusAddressOutOfRange);
  CHECK(bench.Set(Bench::Command(ChipMemory::Visible(ChipMemory::kVisibleBytes))) ==
        abi::kStatusAddressOutOfRange);
  CHECK(bench.Set(Bench::Command(ChipMemory::Protected(0))) == abi::kStatusScanoutRefused);
  CHECK(bench.Set(Bench::Command(ChipMemory::System(0))) == abi::kStatusScanoutRefused);
  auto hidden = Bench::Command(good);
  hidden.flags = 0;
  CHECK(bench.Set(hidden) == abi::kStatusOperandInvalid);
  hidden = {};
  hidden.hot_spot_y = 1;
  CHECK(bench.Set(hidden) == abi::kStatusOperandInvalid);

  CHECK(bench.Compose(screen) == Expected(screen, Image(5), 0, 0));
  CHECK(bench.Set(Bench::Command(ChipMemory::Visible(last - kPage))) == abi::kStatusOk);
}

}  // namespace
}  // namespace ward::device
