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

Sums Times(Sums values, ColorMatrix8::Factor factor) {
  return values * factor.whole + ((values * factor.rest) >> 8);
}

Words Channel(const ColorMatrix8& matrix, Sums luma, Sums chroma) {
  Sums steps = (luma + chroma) >> 5;
  steps = steps < matrix.lowest ? Sums{} + matrix.lowest : steps;
  steps = steps > matrix.highest ? Sums{} + matrix.highest : steps;
  return reinterpret_cast<Words>(steps);
}

struct Pixels {
  Words blue_green;
  Words red_x;
};

Pixels Pack(const ColorMatrix8& matrix, Sums luma, Sums blue, Sums green, Sums red) {
  return {Channel(matrix, luma, blue) | Channel(matrix, luma, green) << 8,
          Channel(matrix, luma, red) | 0xff00};
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

void ConvertBlock(const ColorMatrix8& matrix, const uint8_t* luma, const uint8_t* chroma,
                  uint8_t* pixels) {
  Words y;
  Words uv;
  std::memcpy(&y, luma, sizeof(y));
  std::memcpy(&uv, chroma, sizeof(uv));
  const Sums u = reinterpret_cast<Sums>(uv & 255) - 128;
  const Sums v = reinterpret_cast<Sums>(uv >> 8) - 128;
  const Sums blue = Times(u, matrix.blue_u) + matrix.two_products_bias;
  const Sums green =
      Times(u, matrix.green_u) + Times(v, matrix.green_v) + matrix.three_products_bias;
  const Sums red = Times(v, matrix.red_v) + matrix.two_products_bias;
  Store(Pack(matrix, Times(reinterpret_cast<Sums>(y & 255), matrix.luma), blue, green, red),
        Pack(matrix, Times(reinterpret_cast<Sums>(y >> 8), matrix.luma), blue, green, red), pixels);
}

}  // namespace

void ConvertNv12Row(const ColorMatrix8& matrix, ConstByteSpan luma, ConstByteSpan chroma,
                    ByteSpan pixels) {
  WARD_ASSERT(luma.size() % 2 == 0 && chroma.size() == luma.size() &&
              pixels.size() == 4 * luma.size());
  size_t x = 0;
  for (; x + kBlockPixels <= luma.size(); x += kBlockPixels) {
    ConvertBlock(matrix, luma.data() + x, chroma.data() + x, pixels.data() + 4 * x);
  }
  const size_t rest = luma.size() - x;
  if (rest == 0) return;
  uint8_t last_luma[kBlockPixels] = {};
  uint8_t last_chroma[kBlockPixels] = {};
  uint8_t last_pixels[4 * kBlockPixels];
  std::memcpy(last_luma, luma.data() + x, rest);
  std::memcpy(last_chroma, chroma.data() + x, rest);
  ConvertBlock(matrix, last_luma, last_chroma, last_pixels);
  std::memcpy(pixels.data() + 4 * x, last_pixels, 4 * rest);
}

}  // namespace ward::device
