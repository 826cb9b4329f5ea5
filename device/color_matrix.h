// The video processor's factors for one kind of source and destination, made from the luma
// coefficients of BT.601 and BT.709. docs/spec/video.md has the formula and the numbers.
#ifndef WARD_DEVICE_COLOR_MATRIX_H_
#define WARD_DEVICE_COLOR_MATRIX_H_

#include <cstdint>

namespace ward::device {

// VIDEO_BLT.color_space: of the source.
enum class ColorSpace : uint32_t {
  kBt601Limited = 0,
  kBt709Limited = 1,
  kBt601Full = 2,
  kBt709Full = 3,
};
// Of the destination's R, G and B: 0 to 255, or 16 to 235.
enum class RgbRange : uint32_t { kFull = 0, kLimited = 1 };

constexpr bool IsFullRange(ColorSpace color_space) {
  return color_space == ColorSpace::kBt601Full || color_space == ColorSpace::kBt709Full;
}

// For samples of 8 bits: sums in 1/32 of a step, which fit 16 bits.
struct ColorMatrix8 {
  // `whole` and `rest` / 256.
  struct Factor {
    int16_t whole;
    int16_t rest;
  };
  Factor luma;
  Factor blue_u;  // of U - 128 and V - 128
  Factor green_u;
  Factor green_v;
  Factor red_v;
  int16_t two_products_bias;    // of blue and red: offsets, half a step to round, and half of what
  int16_t three_products_bias;  // each product loses by rounding down
  int16_t lowest;
  int16_t highest;
};

// For samples of 10 bits: sums in 1 / 2^14 of a step.
struct ColorMatrix10 {
  int32_t luma;
  int32_t blue_u;  // of U - 512 and V - 512
  int32_t green_u;
  int32_t green_v;
  int32_t red_v;
  int32_t bias;  // offsets and half a step to round
  int32_t lowest;
  int32_t highest;
};
inline constexpr int kColorMatrix10Shift = 14;

const ColorMatrix8& MatrixOf8Bits(ColorSpace color_space, RgbRange range);
const ColorMatrix10& MatrixOf10Bits(ColorSpace color_space, RgbRange range);

}  // namespace ward::device

#endif  // WARD_DEVICE_COLOR_MATRIX_H_
