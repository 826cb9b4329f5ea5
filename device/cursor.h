// The cursor of one output: 64 x 64 premultiplied ARGB pixels in visible VRAM, composed at each
// scan-out.
#ifndef WARD_DEVICE_CURSOR_H_
#define WARD_DEVICE_CURSOR_H_

#include <cstdint>

#include "abi/generated/commands.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/state_fields.h"
#include "device/address_space.h"
#include "device/memory.h"

namespace ward::device {

class Cursor {
 public:
  static constexpr uint32_t kPixels = 64;  // wide and high
  static constexpr uint32_t kPitch = 4 * kPixels;
  static constexpr uint32_t kImageBytes = kPitch * kPixels;

  // The command, whose output exists. OPERAND_INVALID, address faults, SCANOUT_REFUSED; then the
  // cursor stays as it was.
  Result<void> Set(const abi::CursorCommand& command, const AddressSpace& kernel);
  // OUTPUT_CURSOR_POSITION.
  uint32_t position() const { return position_; }
  void set_position(uint32_t position) { position_ = position; }

  // Puts the cursor's part of screen row `y` over the row's XRGB8888 pixels.
  void ComposeRow(const Memory& memory, uint32_t y, ByteSpan row) const;

  // Whether a saved cursor is one that Set leaves.
  bool CanLoad(const Memory& memory) const;

  WARD_STATE_FIELDS(visible_, image_local_address_, hot_spot_x_, hot_spot_y_, position_)

 private:
  bool visible_ = false;
  uint64_t image_local_address_ = 0;  // checked by Set, looked up again at each scan-out
  uint32_t hot_spot_x_ = 0;
  uint32_t hot_spot_y_ = 0;
  uint32_t position_ = 0;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CURSOR_H_
