#include "device/color_matrix.h"

namespace ward::device {
namespace {

constexpr int Round(double value) {
  return static_cast<int>(value < 0 ? value - 0.5 : value + 0.5);
}

// What the real-valued definition multiplies, for samples of `bits` bits.
struct Definition {
  constexpr Definition(ColorSpace color_space, RgbRange range, int bits) {
    const bool is_bt709 =
        color_space == ColorSpace::kBt709Limited || color_space == ColorSpace::kBt709Full;
    const double kr = is_bt709 ? 0.2126 : 0.299;
    const double kb = is_bt709 ? 0.0722 : 0.114;
    const double kg = 1 - kr - kb;
    const double scale = 1 << (bits - 8);
    const bool is_full = IsFullRange(color_space);
    const double greatest = (1 << bits) - 1;
    const double span = range == RgbRange::kFull ? 255 : 219;
    const double chroma = span / (is_full ? greatest : 224 * scale);
    luma = span / (is_full ? greatest : 219 * scale);
    offset = (range == RgbRange::kFull ? 0 : 16) - (is_full ? 0 : 16 * scale * luma);
    blue_u = chroma * 2 * (1 - kb);
    green_u = -chroma * 2 * kb * (1 - kb) / kg;
    green_v = -chroma * 2 * kr * (1 - kr) / kg;
    red_v = chroma * 2 * (1 - kr);
    lowest = range == RgbRange::kFull ? 0 : 16;
    highest = range == RgbRange::kFull ? 255 : 235;
  }

  double luma = 0, offset = 0, blue_u = 0, green_u = 0, green_v = 0, red_v = 0;
  int lowest = 0, highest = 0;
};

constexpr ColorMatrix8::Factor In32nds(double factor) {
  const int in_256ths = Round(factor * 32 * 256);
  return {static_cast<int16_t>(in_256ths / 256), static_cast<int16_t>(in_256ths % 256)};
}

constexpr ColorMatrix8 Make8(ColorSpace color_space, RgbRange range) {
  const Definition definition(color_space, range, 8);
  const int offset = Round(definition.offset * 32) + 16;
  return {In32nds(definition.luma),
          In32nds(definition.blue_u),
          In32nds(definition.green_u),
          In32nds(definition.green_v),
          In32nds(definition.red_v),
          static_cast<int16_t>(offset + 1),
          static_cast<int16_t>(offset + 2),
          static_cast<int16_t>(definition.lowest),
          static_cast<int16_t>(definition.highest)};
}

constexpr ColorMatrix10 Make10(ColorSpace color_space, RgbRange range) {
  const Definition definition(color_space, range, 10);
  constexpr int kOne = 1 << kColorMatrix10Shift;
  return {Round(definition.luma * kOne),
          Round(definition.blue_u * kOne),
          Round(definition.green_u * kOne),
          Round(definition.green_v * kOne),
          Round(definition.red_v * kOne),
          Round(definition.offset * kOne) + kOne / 2,
          definition.lowest,
          definition.highest};
}

// Made when this is compiled, so that no host's floating point has a say.
template <typename Matrix, Matrix (*kMake)(ColorSpace, RgbRange)>
const Matrix& Find(ColorSpace color_space, RgbRange range) {
  static constexpr Matrix kMatrices[4][2] = {
      {kMake(ColorSpace::kBt601Limited, RgbRange::kFull),
       kMake(ColorSpace::kBt601Limited, RgbRange::kLimited)},
      {kMake(ColorSpace::kBt709Limited, RgbRange::kFull),
       kMake(ColorSpace::kBt709Limited, RgbRange::kLimited)},
      {kMake(ColorSpace::kBt601Full, RgbRange::kFull),
       kMake(ColorSpace::kBt601Full, RgbRange::kLimited)},
      {kMake(ColorSpace::kBt709Full, RgbRange::kFull),
       kMake(ColorSpace::kBt709Full, RgbRange::kLimited)},
  };
  return kMatrices[static_cast<uint32_t>(color_space)][static_cast<uint32_t>(range)];
}

}  // namespace

const ColorMatrix8& MatrixOf8Bits(ColorSpace color_space, RgbRange range) {
  return Find<ColorMatrix8, Make8>(color_space, range);
}

const ColorMatrix10& MatrixOf10Bits(ColorSpace color_space, RgbRange range) {
  return Find<ColorMatrix10, Make10>(color_space, range);
}

}  // namespace ward::device
