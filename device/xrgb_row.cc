#include "device/xrgb_row.h"

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace ward::device {
namespace {

constexpr int kLowest = 16;
constexpr int kSpan = 219;  // of the limited range

constexpr uint8_t Convert(RgbRange from, RgbRange to, int value) {
  if (from == RgbRange::kLimited) value = std::clamp(value, kLowest, kLowest + kSpan);
  if (from == to) return static_cast<uint8_t>(value);
  return static_cast<uint8_t>(from == RgbRange::kFull
                                  ? kLowest + (value * kSpan + 127) / 255
                                  : ((value - kLowest) * 255 + kSpan / 2) / kSpan);
}

constexpr std::array<uint8_t, 256> MakeTable(RgbRange from, RgbRange to) {
  std::array<uint8_t, 256> table{};
  for (int value = 0; value < 256; ++value) {
    table[static_cast<size_t>(value)] = Convert(from, to, value);
  }
  return table;
}

constexpr std::array<uint8_t, 256> kTables[2][2] = {
    {MakeTable(RgbRange::kFull, RgbRange::kFull), MakeTable(RgbRange::kFull, RgbRange::kLimited)},
    {MakeTable(RgbRange::kLimited, RgbRange::kFull),
     MakeTable(RgbRange::kLimited, RgbRange::kLimited)}};

}  // namespace

void ConvertXrgbRow(RgbRange from, RgbRange to, ConstByteSpan source, ByteSpan pixels) {
  WARD_ASSERT(pixels.size() % 4 == 0 && source.size() == pixels.size());
  const std::array<uint8_t, 256>& table =
      kTables[static_cast<uint32_t>(from)][static_cast<uint32_t>(to)];
  for (size_t i = 0; i < pixels.size(); i += 4) {
    for (size_t channel = i; channel < i + 3; ++channel) pixels[channel] = table[source[channel]];
    pixels[i + 3] = 255;
  }
}

}  // namespace ward::device
