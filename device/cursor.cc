#include "device/cursor.h"

#include <algorithm>
#include <array>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "device/flow_rule.h"

namespace ward::device {
namespace {

constexpr uint32_t kPixelBytes = 4;
constexpr uint32_t kColours = 3;  // B, G, R; then A or X
constexpr uint32_t kOpaque = 255;

int32_t SignedField(uint32_t value, uint32_t shift) {
  return static_cast<int16_t>(static_cast<uint16_t>(value >> shift));
}

// `over` is premultiplied; one that is not (a colour above its alpha) saturates.
void ComposePixel(const uint8_t* over, uint8_t* pixel) {
  const uint32_t through = kOpaque - over[kColours];
  for (uint32_t i = 0; i < kColours; ++i) {
    const uint32_t below = (pixel[i] * through + kOpaque / 2) / kOpaque;
    pixel[i] = static_cast<uint8_t>(std::min(over[i] + below, kOpaque));
  }
}

}  // namespace

Result<void> Cursor::Set(const abi::CursorCommand& command, const AddressSpace& kernel) {
  if ((command.flags & abi::CursorCommand::kFlagVisible) == 0) {
    if (command.address != 0 || command.hot_spot_x != 0 || command.hot_spot_y != 0) {
      return Fault{abi::kStatusOperandInvalid, "an image for a cursor that is not shown"};
    }
    visible_ = false;
    image_local_address_ = hot_spot_x_ = hot_spot_y_ = 0;
    return {};
  }
  if (command.hot_spot_x >= kPixels || command.hot_spot_y >= kPixels) {
    return Fault{abi::kStatusOperandInvalid, "a hot spot outside of the cursor"};
  }
  if (!IsAligned(command.address, abi::kPageSize)) {
    return Fault{abi::kStatusAddressMisaligned, "a cursor that is not aligned to a page",
                 command.address};
  }
  WARD_ASSIGN_OR_RETURN(const GuestRange image,
                        kernel.Translate(command.address, kImageBytes, Access::kRead));
  WARD_TRY(flow_rule::CheckCursor(image));
  visible_ = true;
  image_local_address_ = image.spans().front().address();
  hot_spot_x_ = command.hot_spot_x;
  hot_spot_y_ = command.hot_spot_y;
  return {};
}

void Cursor::ComposeRow(const Memory& memory, uint32_t y, ByteSpan row) const {
  if (!visible_) return;
  // All of it fits 32 bits: positions have 16, hot spots 6, sizes 12.
  const auto left =
      SignedField(position_, abi::kOutputCursorPositionXShift) - static_cast<int32_t>(hot_spot_x_);
  const auto top =
      SignedField(position_, abi::kOutputCursorPositionYShift) - static_cast<int32_t>(hot_spot_y_);
  const int32_t image_row = static_cast<int32_t>(y) - top;
  if (image_row < 0 || image_row >= static_cast<int32_t>(kPixels)) return;
  const auto width = static_cast<int32_t>(row.size() / kPixelBytes);
  const int32_t first = HasPlantedBug(PlantedBug::kCursorLeftOfScreen) ? left : std::max(left, 0);
  const int32_t end = std::min(left + static_cast<int32_t>(kPixels), width);
  if (first >= end) return;
  const auto image = memory.LocalSpan(
      image_local_address_ + static_cast<uint32_t>(image_row) * uint64_t{kPitch}, kPitch);
  std::array<uint8_t, kPitch> pixels;
  if (!image.ok() || !memory.Read(image.value(), pixels).ok()) return;
  for (int32_t x = first; x < end; ++x) {
    ComposePixel(&pixels[static_cast<size_t>(x - left) * kPixelBytes],
                 &row[static_cast<size_t>(x) * kPixelBytes]);
  }
}

bool Cursor::CanLoad(const Memory& memory) const {
  if (hot_spot_x_ >= kPixels || hot_spot_y_ >= kPixels) return false;
  if (!visible_) return true;
  const auto image = memory.LocalSpan(image_local_address_, kImageBytes);
  return image.ok() && image.value().aperture() == Aperture::kVisible;
}

}  // namespace ward::device
