// The outputs: modes, and which surface each shows.
#ifndef WARD_KMD_DISPLAY_H_
#define WARD_KMD_DISPLAY_H_

#include <array>
#include <cstdint>

#include "abi/generated/registers.h"
#include "base/result.h"
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

class Display {
 public:
  Display(const RegisterWindow* registers, KernelQueue* kernel_queue, const Limits& limits)
      : registers_(registers), kernel_queue_(kernel_queue), output_count_(limits.output_count) {}

  // Switches an output on in one of its modes. INVALID_ARGUMENT when it has no such mode.
  Result<void> SetMode(uint32_t output, uint32_t width, uint32_t height);
  // Shows an XRGB8888 surface that begins with the block's first byte. It is in visible or
  // protected VRAM and has the mode's size; else INVALID_ARGUMENT. `full_screen`: it is one
  // application's own, and not composed of several.
  Result<void> Flip(uint32_t output, const MemoryBlock& memory, const SurfaceShape& shape,
                    bool full_screen);
  // Whether an output scans this memory out, which must not move then.
  bool Shows(const MemoryBlock& memory) const;
  // Blanks every output that shows this memory, which is about to be somebody else's.
  void Forget(const MemoryBlock& memory);

 private:
  struct Output {
    bool enabled = false;
    uint32_t width = 0;
    uint32_t height = 0;
    bool shows = false;
    uint64_t shown_address = 0;
  };

  const RegisterWindow* registers_;
  KernelQueue* kernel_queue_;
  uint32_t output_count_;
  std::array<Output, abi::kOutputBlockCount> outputs_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_DISPLAY_H_
