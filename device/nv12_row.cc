#include "device/nv12_row.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"

namespace ward::device {
namespace {

// Eight sums at once, in 1/32 of a step; none leaves 16 bits. Compilers make one instruction of
// each operation on these types, and the same bytes on every host.
using Sums = int16_t __attribute__((vector_size(16)));
using Words = uint16_t __attribute__((vector_size(16)));
constexpr size_t kBlockPixels = 16;
static_assert(std::endian::native == std::endian::little, "even pixels are low bytes of words");

// A factor in 1/32 of a step: `whole` and `rest` / 256.
struct Factor {
  int16_t whole;
  int16_t rest;
};
constexpr Factor kLuma = {37, 67};  // 255/219 x 32
// Weights of U - 128 and V - 128: 255/224 x 32 times those of the standard.
struct ChromaFactors {
  Factor blue_u;
  Factor green_u;
  Factor green_v;
  Factor red_v;
};
constexpr ChromaFactors kBt601 = {{64, 141}, {-12, -137}, {-26, -4}, {51, 19}};
constexpr ChromaFactors kBt709 = {{67, 153}, {-6, -211}, {-17, -14}, {57, 94}};
// -16 x 255/219 x 32, half a step to round, and half of what each product loses by rounding down.
constexpr int16_t kTwoProductsBias = -596 + 16 + 1;
constexpr int16_t kThreeProductsBias = -596 + 16 + 2;

Sums Times(Sums values, Factor factor) {
  return values * factor.whole + ((values * factor.rest) >> 8);
}

Words Channel(Sums luma, Sums chroma) {
  const Sums steps = (luma + chroma) >> 5;
  const Sums not_negative = steps & ~(steps >> 15);
  const Sums over = not_negative > 255;  // all ones where true
  return reinterpret_cast<Words>((not_negative | over) & 255);
}

struct Pixels {
  Words blue_green;
  Words red_x;
};

Pixels Pack(Sums luma, Sums blue, Sums green, Sums red) {
  return {Channel(luma, blue) | Channel(luma, green) << 8, Channel(luma, red) | 0xff00};
}

// Puts even and odd pixels side by side.
void Store(const Pixels& even, const Pixels& odd, uint8_t* out) {
  const Words even_low =
      __builtin_shufflevector(even.blue_green, even.red_x, 0, 8, 1, 9, 2, 10, 3, 11);
  const Words even_high =
      __builtin_shufflevector(even.blue_green, even.red_x, 4, 12, 5, 13, 6, 14, 7, 15);
  const Words odd_low =
      __builtin_shufflevector(odd.blue_green, odd.red_x, 0, 8, 1, 9, 2, 10, 3, 11);
  const Words odd_high =
      __builtin_shufflevector(odd.blue_green, odd.red_x, 4, 12, 5, 13, 6, 14, 7, 15);
  const Words rows[4] = {
      __builtin_shufflevector(even_low, odd_low, 0, 1, 8, 9, 2, 3, 10, 11),
      __builtin_shufflevector(even_low, odd_low, 4, 5, 12, 13, 6, 7, 14, 15),
      __builtin_shufflevector(even_high, odd_high, 0, 1, 8, 9, 2, 3, 10, 11),
      __builtin_shufflevector(even_high, odd_high, 4, 5, 12, 13, 6, 7, 14, 15),
  };
  std::memcpy(out, rows, sizeof(rows));
}

void ConvertBlock(const ChromaFactors& factors, const uint8_t* luma, const uint8_t* chroma,
                  uint8_t* pixels) {
  Words y;
  Words uv;
  std::memcpy(&y, luma, sizeof(y));
  std::memcpy(&uv, chroma, sizeof(uv));
  const Sums u = reinterpret_cast<Sums>(uv & 255) - 128;
  const Sums v = reinterpret_cast<Sums>(uv >> 8) - 128;
  const Sums blue = Times(u, factors.blue_u) + kTwoProductsBias;
  const Sums green = Times(u, factors.green_u) + Times(v, factors.green_v) + kThreeProductsBias;
  const Sums red = Times(v, factors.red_v) + kTwoProductsBias;
  Store(Pack(Times(reinterpret_cast<Sums>(y & 255), kLuma), blue, green, red),
        Pack(Times(reinterpret_cast<Sums>(y >> 8), kLuma), blue, green, red), pixels);
}

}  // namespace

void ConvertNv12Row(ColorSpace color_space, ConstByteSpan luma, ConstByteSpan chroma,
                    ByteSpan pixels) {
  WARD_ASSERT(luma.size() % 2 == 0 && chroma.size() == luma.size() &&
              pixels.size() == 4 * luma.size());
  const ChromaFactors& factors = color_space == ColorSpace::kBt601Limited ? kBt601 : kBt709;
  size_t x = 0;
  for (; x + kBlockPixels <= luma.size(); x += kBlockPixels) {
    ConvertBlock(factors, luma.data() + x, chroma.data() + x, pixels.data() + 4 * x);
  }
  const size_t rest = luma.size() - x;
  if (rest == 0) return;
  uint8_t last_luma[kBlockPixels] = {};
  uint8_t last_chroma[kBlockPixels] = {};
  uint8_t last_pixels[4 * kBlockPixels];
  std::memcpy(last_luma, luma.data() + x, rest);
  std::memcpy(last_chroma, chroma.data() + x, rest);
  ConvertBlock(factors, last_luma, last_chroma, last_pixels);
  std::memcpy(pixels.data() + 4 * x, last_pixels, 4 * rest);
}

}  // namespace ward::device
