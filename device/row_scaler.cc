#include "device/row_scaler.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "device/vector_clones.h"

namespace ward::device {
namespace {

constexpr size_t kPixelBytes = 4;

WARD_VECTOR_CLONES
void MixBytes(const uint8_t* __restrict first, const uint8_t* __restrict second, uint16_t weight,
              uint8_t* __restrict destination, size_t size) {
  const auto other = static_cast<uint16_t>(256 - weight);
  for (size_t i = 0; i < size; ++i) {
    const auto sum = static_cast<uint16_t>(first[i] * other + second[i] * weight + 128);
    destination[i] = static_cast<uint8_t>(sum >> 8);
  }
}

// Two channels of a pixel at a time, in the halves of a word: no sum leaves 16 bits.
WARD_VECTOR_CLONES_256
void MixPixels(const uint32_t* __restrict source, const uint32_t* __restrict firsts,
               const uint32_t* __restrict seconds, const uint32_t* __restrict weights,
               uint8_t* __restrict destination, size_t count) {
  constexpr uint32_t kHalves = 0x00ff00ff;
  constexpr uint32_t kRounding = 0x00800080;
  for (size_t x = 0; x < count; ++x) {
    const uint32_t first = source[firsts[x]];
    const uint32_t second = source[seconds[x]];
    const uint32_t weight = weights[x];
    const uint32_t even =
        (first & kHalves) * (256 - weight) + (second & kHalves) * weight + kRounding;
    const uint32_t odd =
        (first >> 8 & kHalves) * (256 - weight) + (second >> 8 & kHalves) * weight + kRounding;
    const uint32_t pixel = (even >> 8 & kHalves) | (odd & ~kHalves);
    std::memcpy(destination + x * kPixelBytes, &pixel, sizeof(pixel));
  }
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
  MixBytes(first.data(), second.data(), static_cast<uint16_t>(weight), destination.data(),
           destination.size());
}

RowScaler::RowScaler(const Shape& shape) : shape_(shape) {
  WARD_ASSERT(shape.count != 0 && shape.first + shape.count <= shape.destination_width);
  if (is_identity()) {
    source_first_ = shape.first;
    source_count_ = shape.count;
    return;
  }
  firsts_.reserve(shape.count);
  seconds_.reserve(shape.count);
  weights_.reserve(shape.count);
  for (uint32_t x = shape.first; x < shape.first + shape.count; ++x) {
    const ScaleTap tap = FindTap(shape.filter, x, shape.source_width, shape.destination_width);
    firsts_.push_back(tap.first);
    seconds_.push_back(tap.second);
    weights_.push_back(tap.weight);
  }
  source_first_ = firsts_.front();
  source_count_ = seconds_.back() - source_first_ + 1;
  for (uint32_t& pixel : firsts_) pixel -= source_first_;
  for (uint32_t& pixel : seconds_) pixel -= source_first_;
}

void RowScaler::ScaleRow(ConstByteSpan source, ByteSpan destination) const {
  WARD_ASSERT(!is_identity() && destination.size() == firsts_.size() * kPixelBytes);
  WARD_ASSERT(source.size() == source_count_ * kPixelBytes);
  // Rooms of rows are allocated; a piece of one begins with a pixel.
  const auto* const pixels = reinterpret_cast<const uint32_t*>(source.data());
  WARD_ASSERT(IsAligned(reinterpret_cast<uintptr_t>(source.data()), kPixelBytes));
  MixPixels(pixels, firsts_.data(), seconds_.data(), weights_.data(), destination.data(),
            firsts_.size());
}

}  // namespace ward::device
