// The video processor's loops against the formulas of docs/spec/video.md, one byte at a time. Built
// twice: as the other tests are, and with the vectors that a release has.
#include <algorithm>
#include <random>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "device/area_scaler.h"
#include "device/color_matrix.h"
#include "device/nv12_row.h"
#include "device/p010_row.h"
#include "device/row_scaler.h"

namespace ward::device {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes RandomBytes(size_t size) {
  static std::mt19937 random(20);
  Bytes bytes(size);
  // Many of the ends of the range, where sums are greatest.
  for (uint8_t& byte : bytes) {
    const uint32_t value = random();
    byte = value % 3 == 0 ? (value & 256 ? 255 : 0) : static_cast<uint8_t>(value >> 16);
  }
  return bytes;
}

int Floor(int value, int shift) { return value >> shift; }

int Term(int value, ColorMatrix8::Factor factor) {
  return value * factor.whole + Floor(value * factor.rest, 8);
}

template <typename Check>
void ForEachMatrix(const Check& check) {
  for (const ColorSpace space : {ColorSpace::kBt601Limited, ColorSpace::kBt709Limited,
                                 ColorSpace::kBt601Full, ColorSpace::kBt709Full}) {
    for (const RgbRange range : {RgbRange::kFull, RgbRange::kLimited}) check(space, range);
  }
}

TEST_CASE("a row of NV12 is the formula's in every byte, at every width") {
  ForEachMatrix([](ColorSpace space, RgbRange range) {
    const ColorMatrix8& matrix = MatrixOf8Bits(space, range);
    for (const size_t width : {2, 4, 14, 16, 18, 30, 32, 34, 62, 64, 66, 126, 128, 130, 1000}) {
      const Bytes luma = RandomBytes(width);
      const Bytes chroma = RandomBytes(width);
      Bytes pixels(4 * width);
      ConvertNv12Row(matrix, luma, chroma, pixels);
      Bytes expected;
      for (size_t x = 0; x < width; ++x) {
        const int y = Term(luma[x], matrix.luma);
        const int u = chroma[x / 2 * 2] - 128;
        const int v = chroma[x / 2 * 2 + 1] - 128;
        const int sums[] = {
            y + Term(u, matrix.blue_u) + matrix.two_products_bias,
            y + Term(u, matrix.green_u) + Term(v, matrix.green_v) + matrix.three_products_bias,
            y + Term(v, matrix.red_v) + matrix.two_products_bias};
        for (const int sum : sums) {
          expected.push_back(
              static_cast<uint8_t>(std::clamp<int>(Floor(sum, 5), matrix.lowest, matrix.highest)));
        }
        expected.push_back(255);
      }
      REQUIRE((pixels == expected));
    }
  });
}

TEST_CASE("a row of P010 is the formula's in every byte, at every width") {
  ForEachMatrix([](ColorSpace space, RgbRange range) {
    const ColorMatrix10& matrix = MatrixOf10Bits(space, range);
    for (const size_t width : {2, 14, 16, 18, 34, 66, 1000}) {
      const Bytes luma = RandomBytes(2 * width);
      const Bytes chroma = RandomBytes(2 * width);
      Bytes pixels(4 * width);
      ConvertP010Row(matrix, luma, chroma, pixels);
      const auto sample = [](const Bytes& words, size_t index) {
        return (words[2 * index] | words[2 * index + 1] << 8) >> 6;
      };
      Bytes expected;
      for (size_t x = 0; x < width; ++x) {
        const int y = sample(luma, x) * matrix.luma + matrix.bias;
        const int u = sample(chroma, x / 2 * 2) - 512;
        const int v = sample(chroma, x / 2 * 2 + 1) - 512;
        const int sums[] = {y + u * matrix.blue_u, y + u * matrix.green_u + v * matrix.green_v,
                            y + v * matrix.red_v};
        for (const int sum : sums) {
          expected.push_back(static_cast<uint8_t>(
              std::clamp(Floor(sum, kColorMatrix10Shift), matrix.lowest, matrix.highest)));
        }
        expected.push_back(255);
      }
      REQUIRE((pixels == expected));
    }
  });
}

uint8_t Mix(uint8_t first, uint8_t second, uint32_t weight) {
  return static_cast<uint8_t>((first * (256 - weight) + second * weight + 128) >> 8);
}

TEST_CASE("rows are mixed as the formula mixes, with every weight") {
  for (uint32_t weight = 0; weight < 256; ++weight) {
    for (const size_t size : {4, 60, 64, 68, 508}) {
      const Bytes first = RandomBytes(size);
      const Bytes second = RandomBytes(size);
      Bytes mixed(size);
      MixRows(first, second, weight, mixed);
      for (size_t i = 0; i < size; ++i) REQUIRE(mixed[i] == Mix(first[i], second[i], weight));
    }
  }
}

TEST_CASE("a row is scaled as the formula scales, up and down, whole and in part") {
  const struct {
    uint32_t source, destination, first, count;
  } shapes[] = {{1920, 1280, 0, 1280}, {1280, 1920, 0, 1920}, {2, 300, 0, 300},    {1, 50, 0, 50},
                {300, 7, 0, 7},        {100, 100, 0, 100},    {640, 999, 333, 101}};
  for (const ScaleFilter filter : {ScaleFilter::kNearest, ScaleFilter::kBilinear}) {
    for (const auto& shape : shapes) {
      const RowScaler scaler({filter, shape.source, shape.destination, shape.first, shape.count});
      if (scaler.is_identity()) continue;
      const Bytes row = RandomBytes(size_t{4} * shape.source);
      const ConstByteSpan needed = ConstByteSpan(row).subspan(size_t{4} * scaler.source_first(),
                                                              size_t{4} * scaler.source_count());
      Bytes scaled(size_t{4} * shape.count);
      scaler.ScaleRow(needed, scaled);
      for (uint32_t i = 0; i < shape.count; ++i) {
        const ScaleTap tap = FindTap(filter, shape.first + i, shape.source, shape.destination);
        for (size_t channel = 0; channel < 4; ++channel) {
          REQUIRE(scaled[4 * i + channel] ==
                  Mix(row[4 * tap.first + channel], row[4 * tap.second + channel], tap.weight));
        }
      }
    }
  }
}

TEST_CASE("sums of the area filter are whole numbers, and the mean is rounded to the nearest") {
  const AreaDirection down(97, 10);
  for (const size_t size : {4, 60, 64, 68, 508}) {
    const Bytes first = RandomBytes(size);
    const Bytes second = RandomBytes(size);
    Bytes sums(4 * size);
    AddRowToSums(first, 60, sums);
    AddRowToSums(second, 37, sums);
    Bytes means(size);
    FinishSums(down, sums, means);
    for (size_t i = 0; i < size; ++i) {
      REQUIRE(means[i] == (first[i] * 60 + second[i] * 37 + 97 / 2) / 97);
    }
  }
}

}  // namespace
}  // namespace ward::device
