#include "device/row_scaler.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace ward::device {
namespace {

constexpr size_t kPixelBytes = 4;

uint8_t Mix(uint8_t first, uint8_t second, uint32_t weight) {
  return static_cast<uint8_t>((first * (256 - weight) + second * weight + 128) >> 8);
}

}  // namespace

ScaleTap FindTap(ScaleFilter filter, uint32_t position, uint32_t source_size,
                 uint32_t destination_size) {
  const uint64_t center = (2ull * position + 1) * source_size;  // in 1 / (2 x destination_size)
  if (filter == ScaleFilter::kNearest) {
    const auto nearest = static_cast<uint32_t>(center / (2ull * destination_size));
    return {nearest, nearest, 0};
  }
  if (center <= destination_size) return {0, 0, 0};  // left of the first pixel's center
  const uint64_t in_256ths = (center - destination_size) * 128 / destination_size;
  const auto first = static_cast<uint32_t>(in_256ths >> 8);
  if (first >= source_size - 1) return {source_size - 1, source_size - 1, 0};
  return {first, first + 1, static_cast<uint32_t>(in_256ths & 255)};
}

void MixRows(ConstByteSpan first, ConstByteSpan second, uint32_t weight, ByteSpan destination) {
  WARD_ASSERT(first.size() == destination.size() && second.size() == destination.size());
  if (weight == 0) {
    std::memcpy(destination.data(), first.data(), first.size());
    return;
  }
  for (size_t i = 0; i < destination.size(); ++i) {
    destination[i] = Mix(first[i], second[i], weight);
  }
}

RowScaler::RowScaler(ScaleFilter filter, uint32_t source_width, uint32_t destination_width,
                     uint32_t first, uint32_t count)
    : is_identity_(source_width == destination_width) {
  WARD_ASSERT(count != 0 && first + count <= destination_width);
  taps_.reserve(count);
  for (uint32_t x = first; x < first + count; ++x) {
    taps_.push_back(FindTap(filter, x, source_width, destination_width));
  }
  source_first_ = taps_.front().first;
  source_count_ = taps_.back().second - source_first_ + 1;
  for (ScaleTap& tap : taps_) {
    tap.first -= source_first_;
    tap.second -= source_first_;
  }
}

void RowScaler::ScaleRow(ConstByteSpan source, ByteSpan destination) const {
  WARD_ASSERT(destination.size() == taps_.size() * kPixelBytes);
  WARD_ASSERT(source.size() == source_count_ * kPixelBytes);
  if (is_identity_) {
    std::memcpy(destination.data(), source.data(), destination.size());
    return;
  }
  uint8_t* pixel = destination.data();
  for (const ScaleTap& tap : taps_) {
    const uint8_t* const first = source.data() + tap.first * kPixelBytes;
    const uint8_t* const second = source.data() + tap.second * kPixelBytes;
    if (tap.weight == 0) {
      std::memcpy(pixel, first, kPixelBytes);
    } else {
      for (size_t i = 0; i < kPixelBytes; ++i) pixel[i] = Mix(first[i], second[i], tap.weight);
    }
    pixel += kPixelBytes;
  }
}

}  // namespace ward::device
