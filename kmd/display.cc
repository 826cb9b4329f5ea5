#include "kmd/display.h"

#include <algorithm>
#include <utility>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "kmd/command.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kModeElements = 16;  // of OUTPUT_MODE_SIZE
constexpr uint32_t kRegisterBytes = 4;
constexpr uint32_t kBytesPerPixel = 4;
// 1/60 s each; a device that takes longer for one has stopped.
constexpr uint32_t kVblankTimeoutMs = 1000;
constexpr int kMaximumWakeups = 1000;
constexpr uint32_t kMaximumInterval = 4;  // of a flip, DXGI_DDI_FLIP_INTERVAL_FOUR

Fault Invalid(const char* reason) { return {abi::kStatusInvalidArgument, reason}; }

Fault NoSuchOutput() { return Invalid("no such output"); }

}  // namespace

bool FitsXrgb8888(const SurfaceShape& shape, uint64_t size_bytes) {
  if (shape.width == 0 || shape.height == 0) return false;
  const uint64_t row_bytes = uint64_t{kBytesPerPixel} * shape.width;
  const uint64_t last_row = uint64_t{shape.pitch} * (shape.height - 1);
  return IsAligned(shape.pitch, kBytesPerPixel) && shape.pitch >= row_bytes &&
         RangeFits(last_row, row_bytes, size_bytes);
}

uint32_t Display::Read(uint32_t output, uint32_t offset) const {
  return parts_.registers->Read(offset + output * abi::kOutputBlockStride);
}

void Display::Write(uint32_t output, uint32_t offset, uint32_t value) {
  parts_.registers->Write(offset + output * abi::kOutputBlockStride, value);
}

Result<bool> Display::IsConnected(uint32_t output) const {
  if (output >= output_count_) return NoSuchOutput();
  if (!Has(abi::kFeaturesHotplugMask)) return true;
  return (Read(output, abi::kRegOutputStatus) & abi::kOutputStatusConnectedMask) != 0;
}

Result<bool> Display::TakeHotplug(uint32_t output) {
  if (output >= output_count_) return NoSuchOutput();
  if (!Has(abi::kFeaturesHotplugMask)) return false;
  // Cleared before the count is looked at, so that what happens after the look sets it again.
  parts_.interrupts->Acknowledge(abi::kInterruptCauseHotplugMask);
  const uint32_t count = Read(output, abi::kRegOutputHotplugCount);
  return std::exchange(outputs_[output].hotplug_count, count) != count;
}

Result<Edid> Display::ReadEdid(uint32_t output) const {
  if (output >= output_count_) return NoSuchOutput();
  WARD_ASSIGN_OR_RETURN(const bool connected, IsConnected(output));
  if (!connected || !Has(abi::kFeaturesEdidMask)) return Invalid("no display describes itself");
  std::array<uint8_t, Edid::kBytes> bytes;
  const uint32_t base = abi::kRegOutputEdid + output * abi::kEdidBlockStride;
  for (uint32_t at = 0; at < Edid::kBytes; at += kRegisterBytes) {
    StoreLe(&bytes[at], parts_.registers->Read(base + at));
  }
  // A display that was exchanged meanwhile shows by the checksum, or by the next hot-plug.
  return Edid::Parse(bytes);
}

OutputMode Display::ModeAt(uint32_t output, uint32_t index) const {
  const uint32_t size = Read(output, abi::kRegOutputModeSize + kRegisterBytes * index);
  return {(size & abi::kOutputModeSizeWidthMask) >> abi::kOutputModeSizeWidthShift,
          (size & abi::kOutputModeSizeHeightMask) >> abi::kOutputModeSizeHeightShift};
}

Result<std::vector<OutputMode>> Display::Modes(uint32_t output) const {
  if (output >= output_count_) return NoSuchOutput();
  const uint32_t count = std::min(Read(output, abi::kRegOutputModeCount), kModeElements);
  std::vector<OutputMode> modes;
  for (uint32_t index = 0; index < count; ++index) {
    const OutputMode mode = ModeAt(output, index);
    if (mode.width != 0 && mode.height != 0) modes.push_back(mode);
  }
  return modes;
}

Result<void> Display::SetMode(uint32_t output, uint32_t width, uint32_t height) {
  if (output >= output_count_) return NoSuchOutput();
  const OutputMode wanted = {width, height};
  if (width == 0 || height == 0) return Invalid("no such mode");
  const uint32_t count = std::min(Read(output, abi::kRegOutputModeCount), kModeElements);
  uint32_t index = 0;
  while (index < count && ModeAt(output, index) != wanted) ++index;
  if (index == count) return Invalid("no such mode");
  Output& state = outputs_[output];
  state.enabled = false;
  state.shows = false;
  Write(output, abi::kRegOutputMode, index);
  Write(output, abi::kRegOutputControl, abi::kOutputControlEnableMask);
  const uint32_t size = Read(output, abi::kRegOutputSize);
  if (size != (width << abi::kOutputSizeWidthShift | height << abi::kOutputSizeHeightShift)) {
    return parts_.registers->TimeoutFault("the output did not take the mode");
  }
  state.enabled = true;
  state.mode = wanted;
  return {};
}

Result<void> Display::Flip(const MemoryBlock& memory, const SurfaceShape& shape,
                           const Presentation& presentation) {
  const uint32_t output = presentation.output;
  if (output >= output_count_ || !outputs_[output].enabled) return Invalid("the output is off");
  if (presentation.interval > kMaximumInterval)
    return Invalid("an interval of more than 4 vblanks");
  if (presentation.interval != 0 && !Has(abi::kFeaturesVblankMask)) return Invalid("no vblanks");
  Output& state = outputs_[output];
  if (shape.width != state.mode.width || shape.height != state.mode.height) {
    return Invalid("the surface does not have the mode's size");
  }
  if (!FitsXrgb8888(shape, memory.size_bytes())) {
    return Invalid("the rows do not fit into the allocation");
  }
  if (!memory.is_local()) return Invalid("system memory can't be shown");
  auto command = MakeCommand<abi::FlipCommand>();
  if (presentation.full_screen) command.flags |= abi::FlipCommand::kFlagFullScreen;
  if (presentation.interval != 0) command.flags |= abi::FlipCommand::kFlagAtVblank;
  command.output = output;
  command.format = kFormatXrgb8888;
  command.address = memory.physical_address() | abi::kPhysicalLocal;
  command.pitch = shape.pitch;
  command.width = shape.width;
  command.height = shape.height;
  WARD_TRY(parts_.kernel_queue->Flip(command, BeginOf(output, presentation.interval)));
  state.shows = true;
  if (Has(abi::kFeaturesVblankMask)) state.shown_vblank = Read(output, abi::kRegOutputVblankCount);
  state.shown_address = memory.physical_address();
  return {};
}

// The last vblank of the interval is the flip's own.
std::optional<uint32_t> Display::BeginOf(uint32_t output, uint32_t interval) const {
  if (interval < 2 || !outputs_[output].shows) return {};
  const uint32_t begin = outputs_[output].shown_vblank + interval - 1;
  const uint32_t ahead = begin - Read(output, abi::kRegOutputVblankCount);
  // Reached, or a count that no longer goes with the one that was read before a reset.
  if (ahead == 0 || ahead >= interval) return {};
  return begin;
}

bool Display::Shows(const MemoryBlock& memory) const {
  return memory.is_local() &&
         std::any_of(outputs_.begin(), outputs_.end(), [&](const Output& output) {
           return output.shows && output.shown_address == memory.physical_address();
         });
}

Result<void> Display::Restore() {
  for (uint32_t output = 0; output < output_count_; ++output) {
    const Output& before = outputs_[output];
    if (before.enabled) WARD_TRY(SetMode(output, before.mode.width, before.mode.height));
  }
  return {};
}

void Display::Forget(const MemoryBlock& memory) {
  if (!memory.is_local()) return;
  for (uint32_t output = 0; output < output_count_; ++output) {
    Output& state = outputs_[output];
    if (!state.shows || state.shown_address != memory.physical_address()) continue;
    // Switching off drops the surface; the mode stays.
    Write(output, abi::kRegOutputControl, 0);
    Write(output, abi::kRegOutputControl, abi::kOutputControlEnableMask);
    state.shows = false;
  }
}

// The cause is enabled only while somebody waits: it would wake the machine 60 times a second.
Result<uint32_t> Display::WaitVblank(uint32_t output) {
  if (output >= output_count_ || !outputs_[output].enabled) return Invalid("the output is off");
  if (!Has(abi::kFeaturesVblankMask)) return Invalid("no vblanks");
  const uint32_t cause = abi::kInterruptCauseVblank0Mask << output;
  const uint32_t before = Read(output, abi::kRegOutputVblankCount);
  parts_.interrupts->Acknowledge(cause);
  parts_.interrupts->EnableEvents(cause);
  uint32_t count = before;
  abi::PciError error = abi::PciError::kNone;
  for (int wakeup = 0; wakeup < kMaximumWakeups && error == abi::PciError::kNone; ++wakeup) {
    // A reset from outside switches outputs off, and nothing would wake this up.
    if ((Read(output, abi::kRegOutputControl) & abi::kOutputControlEnableMask) == 0) break;
    error = parts_.interrupts->WaitForEvent(kVblankTimeoutMs);
    parts_.interrupts->Acknowledge(cause);
    count = Read(output, abi::kRegOutputVblankCount);
    if (count != before) break;
  }
  parts_.interrupts->DisableEvents(cause);
  if (count != before && !parts_.registers->IsGone()) return count;
  return parts_.registers->TimeoutFault("no vblank came");
}

Result<void> Display::SetCursor(uint32_t output, ConstByteSpan pixels, uint32_t hot_x,
                                uint32_t hot_y) {
  if (output >= output_count_) return NoSuchOutput();
  if (!Has(abi::kFeaturesCursorMask)) return Invalid("no cursors");
  if (pixels.size() != kCursorBytes || hot_x >= kCursorPixels || hot_y >= kCursorPixels) {
    return Invalid("a cursor of another size, or a hot spot outside of it");
  }
  MemoryBlock& memory = outputs_[output].cursor;
  if (memory.size_bytes() == 0) {
    WARD_ASSIGN_OR_RETURN(memory, parts_.video_memory->Allocate(Segment::kVisible, kCursorBytes));
  }
  memory.Write(0, pixels);
  auto command = MakeCommand<abi::CursorCommand>();
  command.flags = abi::CursorCommand::kFlagVisible;
  command.output = output;
  command.address = memory.physical_address() | abi::kPhysicalLocal;
  command.hot_spot_x = hot_x;
  command.hot_spot_y = hot_y;
  return parts_.kernel_queue->SetCursor(command);
}

Result<void> Display::HideCursor(uint32_t output) {
  if (output >= output_count_) return NoSuchOutput();
  if (!Has(abi::kFeaturesCursorMask)) return Invalid("no cursors");
  auto command = MakeCommand<abi::CursorCommand>();
  command.output = output;
  return parts_.kernel_queue->SetCursor(command);
}

Result<void> Display::MoveCursor(uint32_t output, int16_t x, int16_t y) {
  if (output >= output_count_) return NoSuchOutput();
  if (!Has(abi::kFeaturesCursorMask)) return Invalid("no cursors");
  const auto left = static_cast<uint16_t>(x);
  const auto top = static_cast<uint16_t>(y);
  Write(output, abi::kRegOutputCursorPosition,
        uint32_t{left} << abi::kOutputCursorPositionXShift |
            uint32_t{top} << abi::kOutputCursorPositionYShift);
  return {};
}

}  // namespace ward::kmd
