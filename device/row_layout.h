// Rows of equal length at a pitch, as COPY, FILL and VIDEO_BLT address memory.
#ifndef WARD_DEVICE_ROW_LAYOUT_H_
#define WARD_DEVICE_ROW_LAYOUT_H_

#include <cstdint>

#include "base/result.h"
#include "device/memory.h"

namespace ward::device {

// Part of the bytes of rows, counted from the first one's first.
struct ByteExtent {
  uint64_t offset;
  uint64_t size_bytes;
};

// Only Make returns one, after checking.
class RowLayout {
 public:
  // From the first byte of the first row to the last byte of the last one, gaps included. Bounds
  // what a command can make the chip translate (docs/spec/memory.md).
  static constexpr uint64_t kMaximumExtentBytes = 256ull << 20;

  // OPERAND_INVALID: no rows, empty rows, rows that overlap, an extent beyond the maximum. The
  // pitch of a single row is not looked at.
  static Result<RowLayout> Make(uint32_t row_bytes, uint32_t row_count, uint32_t pitch);

  uint64_t row_bytes() const { return row_bytes_; }
  uint64_t row_count() const { return row_count_; }
  uint64_t pitch() const { return pitch_; }
  uint64_t ExtentBytes() const { return (row_count_ - 1) * pitch_ + row_bytes_; }
  bool IsContiguous() const { return row_count_ == 1 || pitch_ == row_bytes_; }

  // The bytes of `extent` whose pages the rows touch: what the flow rule looks at and what changes
  // hands. Gaps stay out when they can hold a whole page.
  GuestRange Touched(const GuestRange& extent) const;
  // The same of a part of each row from `first` to `last`.
  GuestRange Touched(const GuestRange& extent, const ByteExtent& first,
                     const ByteExtent& last) const;

 private:
  RowLayout(uint32_t row_bytes, uint32_t row_count, uint32_t pitch)
      : row_bytes_(row_bytes), row_count_(row_count), pitch_(pitch) {}
  uint64_t row_bytes_;
  uint64_t row_count_;
  uint64_t pitch_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_ROW_LAYOUT_H_
