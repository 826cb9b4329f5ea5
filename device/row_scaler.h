// Scales rows of 4-byte pixels, nearest and bilinear. The formula is in docs/spec/video.md; it has
// no rounding that depends on the host.
#ifndef WARD_DEVICE_ROW_SCALER_H_
#define WARD_DEVICE_ROW_SCALER_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace ward::device {

// VIDEO_BLT.filter.
enum class ScaleFilter : uint32_t { kNearest = 0, kBilinear = 1, kArea = 2 };

// Where one destination coordinate looks in the source: (first * (256 - weight) + second * weight).
struct ScaleTap {
  uint32_t first;
  uint32_t second;
  uint32_t weight;  // of 256
};

// `position` less than `destination_size`; sizes 1 to 8192. Not for kArea.
ScaleTap FindTap(ScaleFilter filter, uint32_t position, uint32_t source_size,
                 uint32_t destination_size);

// `destination` = `first` and `second` mixed by `weight` of 256; all of one size.
void MixRows(ConstByteSpan first, ConstByteSpan second, uint32_t weight, ByteSpan destination);

// Makes `count` columns of the destination from `first` on.
class RowScaler {
 public:
  // All that it follows from.
  struct Shape {
    ScaleFilter filter;
    uint32_t source_width;
    uint32_t destination_width;
    uint32_t first;
    uint32_t count;
    friend bool operator==(const Shape&, const Shape&) = default;
  };

  // Computes where each column looks: worth keeping from one piece of a picture to the next.
  explicit RowScaler(const Shape& shape);

  const Shape& shape() const { return shape_; }
  // A scaled row is the source's pixels as they are: ScaleRow is not called.
  bool is_identity() const { return shape_.source_width == shape_.destination_width; }

  // The columns of the source that it needs.
  uint32_t source_first() const { return source_first_; }
  uint32_t source_count() const { return source_count_; }
  // Not of an identity. `source` has source_count pixels and is aligned to one; `destination` has
  // `count`.
  void ScaleRow(ConstByteSpan source, ByteSpan destination) const;

 private:
  Shape shape_;
  // Taps of the columns, from source_first on; apart, as vector code loads them.
  std::vector<uint32_t> firsts_;
  std::vector<uint32_t> seconds_;
  std::vector<uint32_t> weights_;
  uint32_t source_first_;
  uint32_t source_count_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_ROW_SCALER_H_
