#include "device/area_scaler.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "device/vector_clones.h"

namespace ward::device {
namespace {

constexpr size_t kPixelBytes = 4;
constexpr int kReciprocalShift = 40;

}  // namespace

AreaDirection::AreaDirection(uint32_t source_size, uint32_t destination_size)
    : source_size_(source_size),
      destination_size_(destination_size),
      reciprocal_(((uint64_t{1} << kReciprocalShift) + source_size - 1) / source_size) {}

uint32_t AreaDirection::ShareOf(uint32_t source, uint32_t position) const {
  const uint32_t begin = std::max(source * destination_size_, position * source_size_);
  const uint32_t end = std::min((source + 1) * destination_size_, (position + 1) * source_size_);
  return end - begin;
}

uint8_t AreaDirection::Mean(uint32_t sum) const {
  // A division without a divider. Exact: the dividend is below 2^22 and the reciprocal too great by
  // less than 2^13 / 2^40, so the product is by less than 1 / source_size.
  return static_cast<uint8_t>((sum + source_size_ / 2) * reciprocal_ >> kReciprocalShift);
}

WARD_VECTOR_CLONES
void AddRowToSums(ConstByteSpan row, uint32_t share, ByteSpan sums) {
  WARD_ASSERT(sums.size() == row.size() * sizeof(uint32_t));
  for (size_t i = 0; i < row.size(); ++i) {
    uint32_t sum;
    std::memcpy(&sum, sums.data() + i * sizeof(sum), sizeof(sum));
    sum += share * row[i];
    std::memcpy(sums.data() + i * sizeof(sum), &sum, sizeof(sum));
  }
}

WARD_VECTOR_CLONES
void FinishSums(const AreaDirection& direction, ConstByteSpan sums, ByteSpan row) {
  WARD_ASSERT(sums.size() == row.size() * sizeof(uint32_t));
  for (size_t i = 0; i < row.size(); ++i) {
    uint32_t sum;
    std::memcpy(&sum, sums.data() + i * sizeof(sum), sizeof(sum));
    row[i] = direction.Mean(sum);
  }
}

void ScaleRowByArea(const AreaDirection& direction, uint32_t first, ConstByteSpan source,
                    ByteSpan destination) {
  const uint32_t source_first = direction.First(first);
  const auto count = static_cast<uint32_t>(destination.size() / kPixelBytes);
  WARD_ASSERT((direction.Last(first + count - 1) - source_first + 1) * kPixelBytes <=
              source.size());
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t position = first + i;
    uint32_t sums[kPixelBytes] = {};
    for (uint32_t x = direction.First(position); x <= direction.Last(position); ++x) {
      const uint32_t share = direction.ShareOf(x, position);
      const uint8_t* const pixel = source.data() + (x - source_first) * kPixelBytes;
      for (size_t channel = 0; channel < kPixelBytes; ++channel) {
        sums[channel] += share * pixel[channel];
      }
    }
    for (size_t channel = 0; channel < kPixelBytes; ++channel) {
      destination[i * kPixelBytes + channel] = direction.Mean(sums[channel]);
    }
  }
}

}  // namespace ward::device
