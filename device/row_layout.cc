#include "device/row_layout.h"

#include "abi/generated/pci.h"
#include "abi/generated/status.h"

namespace ward::device {

Result<RowLayout> RowLayout::Make(uint32_t row_bytes, uint32_t row_count, uint32_t pitch) {
  if (row_bytes == 0 || row_count == 0) {
    return Fault{abi::kStatusOperandInvalid, "a transfer without rows or without bytes"};
  }
  if (row_count > 1 && pitch < row_bytes) {
    return Fault{abi::kStatusOperandInvalid, "pitch is less than a row"};
  }
  const RowLayout layout(row_bytes, row_count, pitch);
  // 32 by 32 bits plus 32 bits can't wrap 64.
  if (layout.ExtentBytes() > kMaximumExtentBytes) {
    return Fault{abi::kStatusOperandInvalid, "rows spread over more than the maximum extent"};
  }
  return layout;
}

GuestRange RowLayout::Touched(const GuestRange& extent) const {
  // Rows that begin at most a page apart touch every page of the extent.
  if (row_count_ == 1 || pitch_ <= abi::kPageSize) return extent;
  return extent.Rows(row_bytes_, row_count_, pitch_);
}

GuestRange RowLayout::Touched(const GuestRange& extent, const ByteExtent& first,
                              const ByteExtent& last) const {
  const uint64_t distance = last.offset - first.offset;
  const GuestRange part = extent.Slice(first.offset, distance + last.size_bytes);
  if (distance == 0 || pitch_ <= abi::kPageSize) return part;
  return part.Rows(first.size_bytes, distance / pitch_ + 1, pitch_);
}

}  // namespace ward::device
