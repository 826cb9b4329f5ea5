#include "device/nv12_row.h"

#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/secret_bytes.h"
#include "device/vector_clones.h"

namespace ward::device {
namespace {

// Pixels are made in blocks of so many pairs, which share U and V: as many as all values of a block
// have room for in the registers.
constexpr size_t kBlockPairs = 16;
constexpr size_t kBlockPixels = 2 * kBlockPairs;
static_assert(std::endian::native == std::endian::little, "even pixels are low bytes of words");

// As ColorMatrix8, each factor one number of 16 bits: term(v, w, r) of docs/spec/video.md is the
// upper half of (256 v) * (256 w + r), for which processors have an instruction.
struct Factors {
  explicit Factors(const ColorMatrix8& matrix)
      : luma(static_cast<uint16_t>(Join(matrix.luma))),
        blue_u(Join(matrix.blue_u)),
        green_u(Join(matrix.green_u)),
        green_v(Join(matrix.green_v)),
        red_v(Join(matrix.red_v)),
        two_products_bias(matrix.two_products_bias),
        three_products_bias(matrix.three_products_bias),
        lowest(matrix.lowest),
        highest(matrix.highest) {}
  static int16_t Join(ColorMatrix8::Factor factor) {
    return static_cast<int16_t>(256 * factor.whole + factor.rest);
  }

  uint16_t luma;
  int16_t blue_u;
  int16_t green_u;
  int16_t green_v;
  int16_t red_v;
  int16_t two_products_bias;
  int16_t three_products_bias;
  int16_t lowest;
  int16_t highest;
};

inline int16_t Term(int16_t value, int16_t factor) {
  return static_cast<int16_t>(value * factor >> 16);
}

inline int16_t LumaTerm(uint16_t value, uint16_t factor) {
  return static_cast<int16_t>(static_cast<uint32_t>(value) * factor >> 16);
}

// No sum leaves 16 bits.
inline uint16_t Channel(const Factors& factors, int16_t luma, int16_t chroma) {
  const auto steps = static_cast<int16_t>(static_cast<int16_t>(luma + chroma) >> 5);
  const int16_t least = steps < factors.lowest ? factors.lowest : steps;
  return static_cast<uint16_t>(least > factors.highest ? factors.highest : least);
}

inline uint16_t Join(uint16_t low, uint16_t high) { return static_cast<uint16_t>(low | high << 8); }

WARD_VECTOR_CLONES
void ConvertBlocks(const Factors& matrix, const uint8_t* __restrict luma,
                   const uint8_t* __restrict chroma, uint8_t* __restrict pixels, size_t count) {
  const Factors factors = matrix;  // what is stored below can't change them
  for (size_t block = 0; block < count; ++block) {
    uint16_t y[kBlockPairs];
    uint16_t uv[kBlockPairs];
    std::memcpy(y, luma + block * kBlockPixels, sizeof(y));
    std::memcpy(uv, chroma + block * kBlockPixels, sizeof(uv));
    int16_t blue[kBlockPairs];
    int16_t green[kBlockPairs];
    int16_t red[kBlockPairs];
    for (size_t i = 0; i < kBlockPairs; ++i) {
      const auto u = static_cast<int16_t>((uv[i] << 8) - 32768);      // 256 (U - 128)
      const auto v = static_cast<int16_t>((uv[i] & 0xff00) - 32768);  // 256 (V - 128)
      blue[i] = static_cast<int16_t>(Term(u, factors.blue_u) + factors.two_products_bias);
      green[i] = static_cast<int16_t>(Term(u, factors.green_u) + Term(v, factors.green_v) +
                                      factors.three_products_bias);
      red[i] = static_cast<int16_t>(Term(v, factors.red_v) + factors.two_products_bias);
    }
    int16_t even[kBlockPairs];
    int16_t odd[kBlockPairs];
    for (size_t i = 0; i < kBlockPairs; ++i) {
      even[i] = LumaTerm(static_cast<uint16_t>(y[i] << 8), factors.luma);
      odd[i] = LumaTerm(static_cast<uint16_t>(y[i] & 0xff00), factors.luma);
    }
    uint16_t out[4 * kBlockPairs];
    for (size_t i = 0; i < kBlockPairs; ++i) {
      out[4 * i] = Join(Channel(factors, even[i], blue[i]), Channel(factors, even[i], green[i]));
      out[4 * i + 1] = Join(Channel(factors, even[i], red[i]), 255);
      out[4 * i + 2] = Join(Channel(factors, odd[i], blue[i]), Channel(factors, odd[i], green[i]));
      out[4 * i + 3] = Join(Channel(factors, odd[i], red[i]), 255);
    }
    std::memcpy(pixels + block * 4 * kBlockPixels, out, sizeof(out));
  }
}

}  // namespace

void ConvertNv12Row(const ColorMatrix8& matrix, ConstByteSpan luma, ConstByteSpan chroma,
                    ByteSpan pixels) {
  WARD_ASSERT(luma.size() % 2 == 0 && chroma.size() == luma.size() &&
              pixels.size() == 4 * luma.size());
  const size_t blocks = luma.size() / kBlockPixels;
  const Factors factors(matrix);
  ConvertBlocks(factors, luma.data(), chroma.data(), pixels.data(), blocks);
  const size_t x = blocks * kBlockPixels;
  const size_t rest = luma.size() - x;
  if (rest == 0) return;
  uint8_t last_luma[kBlockPixels] = {};
  uint8_t last_chroma[kBlockPixels] = {};
  uint8_t last_pixels[4 * kBlockPixels];
  std::memcpy(last_luma, luma.data() + x, rest);
  std::memcpy(last_chroma, chroma.data() + x, rest);
  ConvertBlocks(factors, last_luma, last_chroma, last_pixels, 1);
  std::memcpy(pixels.data() + 4 * x, last_pixels, 4 * rest);
  // They may be of a protected picture.
  SecureWipe(last_luma, sizeof(last_luma));
  SecureWipe(last_chroma, sizeof(last_chroma));
  SecureWipe(last_pixels, sizeof(last_pixels));
}

}  // namespace ward::device
