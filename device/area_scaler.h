// Scales rows of 4-byte pixels by area: a destination pixel is the mean of what it covers in the
// source, parts of pixels by their share. Exact in integers but for one rounding in each direction
// (docs/spec/video.md).
#ifndef WARD_DEVICE_AREA_SCALER_H_
#define WARD_DEVICE_AREA_SCALER_H_

#include <cstdint>

#include "base/bytes.h"

namespace ward::device {

// Sizes of one direction, 1 to 8192 each. Shares are counted in 1 / destination_size of a source
// pixel, so those of one destination pixel sum up to source_size.
class AreaDirection {
 public:
  AreaDirection(uint32_t source_size, uint32_t destination_size);

  // The first and the last source pixel of one destination pixel.
  uint32_t First(uint32_t position) const { return position * source_size_ / destination_size_; }
  uint32_t Last(uint32_t position) const {
    return ((position + 1) * source_size_ - 1) / destination_size_;
  }
  // The share of a source pixel between First and Last.
  uint32_t ShareOf(uint32_t source, uint32_t position) const;
  // A sum of products of shares and values of 8 bits, divided by source_size and rounded.
  uint8_t Mean(uint32_t sum) const;

 private:
  uint32_t source_size_;
  uint32_t destination_size_;
  uint64_t reciprocal_;  // of source_size, in 1 / 2^40, rounded up
};

// Adds `share` times each byte of `row` to the sums, which are 32-bit words in host order.
void AddRowToSums(ConstByteSpan row, uint32_t share, ByteSpan sums);
// What the sums of the rows of one destination row come to. `row` has a byte for each sum.
void FinishSums(const AreaDirection& direction, ConstByteSpan sums, ByteSpan row);
// Makes columns of a destination row from `first` on; `source` begins with column
// direction.First(first) and ends with the last one's Last.
void ScaleRowByArea(const AreaDirection& direction, uint32_t first, ConstByteSpan source,
                    ByteSpan destination);

}  // namespace ward::device

#endif  // WARD_DEVICE_AREA_SCALER_H_
