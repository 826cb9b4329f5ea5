// The outputs: what is connected to each, modes, which surface each shows and when, cursors.
#ifndef WARD_KMD_DISPLAY_H_
#define WARD_KMD_DISPLAY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "abi/generated/registers.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kmd/edid.h"
#include "kmd/interrupt_line.h"
#include "kmd/kernel_queue.h"
#include "kmd/limits.h"
#include "kmd/register_window.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

inline constexpr uint32_t kFormatXrgb8888 = 0;  // FLIP.format

// Pixels, and bytes from row to row.
struct SurfaceShape {
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t pitch = 0;
  friend bool operator==(const SurfaceShape&, const SurfaceShape&) = default;
};

// Whether an XRGB8888 surface that is not empty fits into `size_bytes`.
bool FitsXrgb8888(const SurfaceShape& shape, uint64_t size_bytes);

// Pixels.
struct OutputMode {
  uint32_t width = 0;
  uint32_t height = 0;
  friend bool operator==(const OutputMode&, const OutputMode&) = default;
};

// What the outputs are driven by; all outlive the display.
struct DisplayParts {
  const RegisterWindow* registers;
  InterruptLine* interrupts;
  KernelQueue* kernel_queue;
  VideoMemory* video_memory;
};

// Every function answers INVALID_ARGUMENT for an output that does not exist.
class Display {
 public:
  static constexpr uint32_t kCursorPixels = 64;  // wide and high
  static constexpr uint32_t kCursorBytes = 4 * kCursorPixels * kCursorPixels;

  Display(const DisplayParts& parts, const Limits& limits)
      : parts_(parts), features_(limits.features), output_count_(limits.output_count) {}

  uint32_t output_count() const { return output_count_; }

  // Whether a display is connected; true where the device does not tell.
  Result<bool> IsConnected(uint32_t output) const;
  // Whether another display was connected, or one was disconnected, since this was asked last.
  Result<bool> TakeHotplug(uint32_t output);
  // What the display says about itself. INVALID_ARGUMENT when none is connected, or it says nothing
  // that can be used.
  Result<Edid> ReadEdid(uint32_t output) const;
  // The output's modes in the device's order, without those that are not there now.
  Result<std::vector<OutputMode>> Modes(uint32_t output) const;

  // Switches an output on in one of its modes. INVALID_ARGUMENT when it has no such mode.
  Result<void> SetMode(uint32_t output, uint32_t width, uint32_t height);
  // Shows an XRGB8888 surface that begins with the block's first byte. It is in visible or
  // protected VRAM and has the mode's size; else INVALID_ARGUMENT. It is shown when this returns.
  Result<void> Flip(const MemoryBlock& memory, const SurfaceShape& shape,
                    const Presentation& presentation);
  // Whether an output scans this memory out, which must not move then.
  bool Shows(const MemoryBlock& memory) const;
  // Blanks every output that shows this memory, which is about to be somebody else's.
  void Forget(const MemoryBlock& memory);
  // After a reset of the function: the modes that were set, and nothing shown.
  Result<void> Restore();

  // Sleeps until the output's next vblank and gives its count, which wraps. INVALID_ARGUMENT when
  // the output is off or the device has no vblanks, DEVICE_TIMEOUT.
  Result<uint32_t> WaitVblank(uint32_t output);

  // Gives the output a cursor: 64 x 64 pixels ARGB8888, premultiplied, row by row; of which the one
  // at `hot_x`, `hot_y` stands at the cursor's position. INVALID_ARGUMENT for another size, a hot
  // spot outside and a device without cursors; OUT_OF_MEMORY.
  Result<void> SetCursor(uint32_t output, ConstByteSpan pixels, uint32_t hot_x, uint32_t hot_y);
  Result<void> HideCursor(uint32_t output);
  // Pixels from the top left one; may be outside of the screen.
  Result<void> MoveCursor(uint32_t output, int16_t x, int16_t y);

 private:
  struct Output {
    bool enabled = false;
    OutputMode mode;
    bool shows = false;
    uint64_t shown_address = 0;
    uint32_t shown_vblank = 0;  // count at which that was seen to be shown
    MemoryBlock cursor;         // made with the first one
    uint32_t hotplug_count = 0;
  };

  uint32_t Read(uint32_t output, uint32_t offset) const;
  void Write(uint32_t output, uint32_t offset, uint32_t value);
  bool Has(uint64_t feature) const { return (features_ & feature) != 0; }
  // The vblank count before which a flip of this interval is not to be looked at.
  std::optional<uint32_t> BeginOf(uint32_t output, uint32_t interval) const;
  OutputMode ModeAt(uint32_t output, uint32_t index) const;

  DisplayParts parts_;
  uint64_t features_;
  uint32_t output_count_;
  std::array<Output, abi::kOutputBlockCount> outputs_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_DISPLAY_H_
