#include "device/p010_row.h"

#include <algorithm>

#include "base/assert.h"
#include "device/vector_clones.h"

namespace ward::device {
namespace {

constexpr uint32_t kUnusedBits = 6;  // of each word

int32_t SampleAt(ConstByteSpan words, size_t index) {
  return LoadLe<uint16_t>(words.data() + 2 * index) >> kUnusedBits;
}

uint8_t Channel(const ColorMatrix10& matrix, int32_t sum) {
  return static_cast<uint8_t>(
      std::clamp(sum >> kColorMatrix10Shift, matrix.lowest, matrix.highest));
}

}  // namespace

WARD_VECTOR_CLONES
void ConvertP010Row(const ColorMatrix10& matrix, ConstByteSpan luma, ConstByteSpan chroma,
                    ByteSpan pixels) {
  WARD_ASSERT(luma.size() % 4 == 0 && chroma.size() == luma.size() &&
              pixels.size() == 2 * luma.size());
  uint8_t* pixel = pixels.data();
  for (size_t pair = 0; pair < luma.size() / 4; ++pair) {
    const int32_t u = SampleAt(chroma, 2 * pair) - 512;
    const int32_t v = SampleAt(chroma, 2 * pair + 1) - 512;
    const int32_t blue = u * matrix.blue_u;
    const int32_t green = u * matrix.green_u + v * matrix.green_v;
    const int32_t red = v * matrix.red_v;
    for (const size_t x : {2 * pair, 2 * pair + 1}) {
      const int32_t sum = SampleAt(luma, x) * matrix.luma + matrix.bias;
      pixel[0] = Channel(matrix, sum + blue);
      pixel[1] = Channel(matrix, sum + green);
      pixel[2] = Channel(matrix, sum + red);
      pixel[3] = 255;
      pixel += 4;
    }
  }
}

}  // namespace ward::device
