#include "kmd/display.h"

#include <algorithm>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/bytes.h"
#include "kmd/command.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kModeCount = 16;  // elements of OUTPUT_MODE_SIZE
constexpr uint32_t kBytesPerPixel = 4;

Fault Invalid(const char* reason) { return {abi::kStatusInvalidArgument, reason}; }

uint32_t PackSize(uint32_t width, uint32_t height) {
  return width << abi::kOutputModeSizeWidthShift | height << abi::kOutputModeSizeHeightShift;
}

}  // namespace

bool FitsXrgb8888(const SurfaceShape& shape, uint64_t size_bytes) {
  if (shape.width == 0 || shape.height == 0) return false;
  const uint64_t row_bytes = uint64_t{kBytesPerPixel} * shape.width;
  const uint64_t last_row = uint64_t{shape.pitch} * (shape.height - 1);
  return IsAligned(shape.pitch, kBytesPerPixel) && shape.pitch >= row_bytes &&
         RangeFits(last_row, row_bytes, size_bytes);
}

Result<void> Display::SetMode(uint32_t output, uint32_t width, uint32_t height) {
  if (output >= output_count_) return Invalid("no such output");
  if (width == 0 || height == 0 || width > 0xffff || height > 0xffff) {
    return Invalid("no such mode");
  }
  const uint32_t base = output * abi::kOutputBlockStride;
  const uint32_t wanted = PackSize(width, height);
  const uint32_t count = std::min(registers_->Read(base + abi::kRegOutputModeCount), kModeCount);
  uint32_t mode = 0;
  while (mode < count && registers_->Read(base + abi::kRegOutputModeSize + 4 * mode) != wanted) {
    ++mode;
  }
  if (mode == count) return Invalid("no such mode");
  Output& state = outputs_[output];
  state = {};
  registers_->Write(base + abi::kRegOutputMode, mode);
  registers_->Write(base + abi::kRegOutputControl, abi::kOutputControlEnableMask);
  if (registers_->Read(base + abi::kRegOutputSize) != wanted) {
    return registers_->TimeoutFault("the output did not take the mode");
  }
  state.enabled = true;
  state.width = width;
  state.height = height;
  return {};
}

Result<void> Display::Flip(uint32_t output, const MemoryBlock& memory, const SurfaceShape& shape,
                           bool full_screen) {
  if (output >= output_count_ || !outputs_[output].enabled) return Invalid("the output is off");
  Output& state = outputs_[output];
  if (shape.width != state.width || shape.height != state.height) {
    return Invalid("the surface does not have the mode's size");
  }
  if (!FitsXrgb8888(shape, memory.size_bytes())) {
    return Invalid("the rows do not fit into the allocation");
  }
  if (!memory.is_local()) return Invalid("system memory can't be shown");
  auto command = MakeCommand<abi::FlipCommand>();
  if (full_screen) command.flags = abi::FlipCommand::kFlagFullScreen;
  command.output = output;
  command.format = kFormatXrgb8888;
  command.address = memory.physical_address() | abi::kPhysicalLocal;
  command.pitch = shape.pitch;
  command.width = shape.width;
  command.height = shape.height;
  WARD_TRY(kernel_queue_->Flip(command));
  state.shows = true;
  state.shown_address = memory.physical_address();
  return {};
}

bool Display::Shows(const MemoryBlock& memory) const {
  return memory.is_local() &&
         std::any_of(outputs_.begin(), outputs_.end(), [&](const Output& output) {
           return output.shows && output.shown_address == memory.physical_address();
         });
}

void Display::Forget(const MemoryBlock& memory) {
  if (!memory.is_local()) return;
  for (uint32_t output = 0; output < output_count_; ++output) {
    Output& state = outputs_[output];
    if (!state.shows || state.shown_address != memory.physical_address()) continue;
    // Switching off drops the surface; the mode stays.
    const uint32_t control = output * abi::kOutputBlockStride + abi::kRegOutputControl;
    registers_->Write(control, 0);
    registers_->Write(control, abi::kOutputControlEnableMask);
    state.shows = false;
  }
}

}  // namespace ward::kmd
