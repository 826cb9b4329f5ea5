#include "device/display.h"

#include <algorithm>
#include <iterator>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "device/edid.h"

namespace ward::device {
namespace {

constexpr uint32_t kFormatXrgb8888 = 0;
constexpr uint32_t kPixelBytes = 4;
constexpr uint32_t kRegisterBytes = 4;
constexpr uint32_t kBlock = abi::kRegOutputControl;  // first register of the block

constexpr uint32_t SizeRegister(const DisplayMode& mode) {
  return mode.width << abi::kOutputSizeWidthShift | mode.height << abi::kOutputSizeHeightShift;
}

constexpr uint64_t SurfaceBytes(const DisplayMode& mode, uint32_t pitch) {
  return uint64_t{pitch} * (mode.height - 1) + kPixelBytes * mode.width;
}

bool IsProtected(const Display::Output& output) {
  const uint64_t open_until =
      abi::kProtectedVramLocalBase + (HasPlantedBug(PlantedBug::kCaptureAtFirstPage) ? 1 : 0);
  return output.active && output.surface.local_address >= open_until;
}

void DropSurfaces(Display::Output* output) {
  output->active = false;
  output->surface = {};
  output->flip_waits = false;
  output->next_surface = {};
  output->flip_vblank = 0;
}

void ShowSurface(Display::Output* output, const Display::Surface& surface) {
  output->active = true;
  output->surface = surface;
  output->flip_waits = false;
  output->next_surface = {};
  output->flip_vblank = 0;
  ++output->flip_count;
}

void FillBlack(ByteSpan row) {
  std::fill(row.begin(), row.end(), uint8_t{0});
  for (size_t x = kPixelBytes - 1; x < row.size(); x += kPixelBytes) row[x] = 0xff;
}

// The earlier of two moments, of which 0 is none.
uint64_t Earlier(uint64_t first, uint64_t second) {
  if (first == 0 || second == 0) return first + second;
  return std::min(first, second);
}

uint32_t VblankCause(uint32_t output) { return abi::kInterruptCauseVblank0Mask << output; }

// Surfaces and sizes as Flip and AttachDisplay leave them.
bool CanShow(const Memory& memory, const DisplayMode& size, const Display::Surface& surface) {
  return IsAligned(surface.pitch, kPixelBytes) && surface.pitch >= kPixelBytes * size.width &&
         memory.LocalSpan(surface.local_address, SurfaceBytes(size, surface.pitch)).ok();
}

bool IsMode(const DisplayMode& size) {
  return std::find(std::begin(kStandardModes), std::end(kStandardModes), size) !=
             std::end(kStandardModes) ||
         IsPossible({true, size.width, size.height});
}

}  // namespace

Display::Display(Memory* memory, const GrantTable* grants, ClockPort* clock,
                 const GpuOptions& options)
    : memory_(memory), grants_(grants), clock_(clock) {
  for (uint32_t i = 0; i < kOutputCount; ++i) {
    state_.outputs[i].display = options.displays[i];
    state_.outputs[i].link.SetConnected(options.displays[i].connected);
  }
}

Result<bool> Display::Flip(const abi::FlipCommand& command, const AddressSpace& kernel) {
  if (command.output >= kOutputCount || !state_.outputs[command.output].enabled) {
    return Fault{abi::kStatusOutputInvalid, "no such output, or it is off"};
  }
  Output& output = state_.outputs[command.output];
  if (command.format != kFormatXrgb8888 || command.width != output.size.width ||
      command.height != output.size.height || command.pitch % kPixelBytes != 0 ||
      command.pitch < kPixelBytes * output.size.width) {
    return Fault{abi::kStatusOperandInvalid, "a surface that does not fit the mode"};
  }
  if (!IsAligned(command.address, abi::kPageSize)) {
    return Fault{abi::kStatusAddressMisaligned, "a surface that is not aligned to a page",
                 command.address};
  }
  WARD_ASSIGN_OR_RETURN(
      const GuestRange range,
      kernel.Translate(command.address, SurfaceBytes(output.size, command.pitch), Access::kRead));
  WARD_TRY(flow_rule::CheckScanout(range));
  if (range.spans().size() != 1) {
    return Fault{abi::kStatusOperandInvalid, "a surface that is not contiguous", command.address};
  }
  const PhysicalSpan& span = range.spans().front();
  const bool is_protected = span.aperture() == Aperture::kProtected;
  const Surface surface = {span.address() + (is_protected ? abi::kProtectedVramLocalBase : 0),
                           command.pitch, (command.flags & abi::FlipCommand::kFlagFullScreen) != 0};
  if ((command.flags & abi::FlipCommand::kFlagAtVblank) == 0) {
    ShowSurface(&output, surface);
    return true;
  }
  output.flip_waits = true;
  output.next_surface = surface;
  output.flip_vblank = output.vblank.CountAt(clock_->NowNs()) + 1;
  return false;
}

Result<void> Display::SetCursor(const abi::CursorCommand& command, const AddressSpace& kernel) {
  if (command.output >= kOutputCount) return Fault{abi::kStatusOutputInvalid, "no such output"};
  return state_.outputs[command.output].cursor.Set(command, kernel);
}

DisplayMode Display::ModeOf(const Output& output, uint32_t index) const {
  const bool is_standard =
      index < kStandardModeCount || HasPlantedBug(PlantedBug::kModeIndexUnchecked);
  if (is_standard) return kStandardModes[index];
  if (index > kStandardModeCount || !output.display.connected) return {};
  return {output.display.width, output.display.height};
}

uint32_t Display::ReadRegister(uint32_t output, uint32_t offset) const {
  if (output >= kOutputCount || !IsAligned(offset, kRegisterBytes)) return 0;
  const Output& shown = state_.outputs[output];
  switch (offset) {
    case abi::kRegOutputControl - kBlock:
      return shown.enabled ? abi::kOutputControlEnableMask : 0;
    case abi::kRegOutputMode - kBlock:
      return shown.mode;
    case abi::kRegOutputModeCount - kBlock:
      return kModeCount;
    case abi::kRegOutputStatus - kBlock:
      return (shown.active ? abi::kOutputStatusActiveMask : 0) |
             (IsProtected(shown) ? abi::kOutputStatusProtectedMask : 0) |
             (IsBlanked(shown) ? abi::kOutputStatusBlankedMask : 0) |
             (shown.display.connected ? abi::kOutputStatusConnectedMask : 0) |
             (shown.flip_waits ? abi::kOutputStatusFlipWaitsMask : 0);
    case abi::kRegOutputFlipCount - kBlock:
      return shown.flip_count;
    case abi::kRegOutputSize - kBlock:
      return SizeRegister(shown.size);
    case abi::kRegOutputLink - kBlock:
      return static_cast<uint32_t>(shown.link.state()) << abi::kOutputLinkHdcpStateShift |
             static_cast<uint32_t>(shown.link.changes()) << abi::kOutputLinkChangesShift;
    case abi::kRegOutputHotplugCount - kBlock:
      return shown.hotplug_count;
    case abi::kRegOutputVblankCount - kBlock:
      return static_cast<uint32_t>(shown.vblank.CountAt(clock_->NowNs()));
    case abi::kRegOutputRefreshRate - kBlock:
      return kRefreshHz * 1000;
    case abi::kRegOutputCursorPosition - kBlock:
      return shown.cursor.position();
    default:
      break;
  }
  constexpr uint32_t kFirstSize = abi::kRegOutputModeSize - kBlock;
  if (offset < kFirstSize || offset >= kFirstSize + kModeCount * kRegisterBytes) return 0;
  return SizeRegister(ModeOf(shown, (offset - kFirstSize) / kRegisterBytes));
}

void Display::WriteRegister(uint32_t output, uint32_t offset, uint32_t value) {
  if (output >= kOutputCount) return;
  Output& changed = state_.outputs[output];
  if (offset == abi::kRegOutputControl - kBlock) {
    SetEnabled(&changed, (value & abi::kOutputControlEnableMask) != 0);
  } else if (offset == abi::kRegOutputMode - kBlock) {
    SetMode(&changed, value & abi::kOutputModeIndexMask);
  } else if (offset == abi::kRegOutputCursorPosition - kBlock) {
    changed.cursor.set_position(value);
  }
}

void Display::SetEnabled(Output* output, bool enabled) {
  if (enabled == output->enabled) return;
  output->enabled = enabled;
  const uint64_t now = clock_->NowNs();
  if (enabled) {
    output->vblank.Start(now);
    output->told_vblank = output->vblank.CountAt(now);
  } else {
    output->vblank.Stop(now);
    DropSurfaces(output);
  }
}

// The size is kept beside the index: what the last mode is changes with the display, and a mode
// that is set does not.
void Display::SetMode(Output* output, uint32_t index) {
  const DisplayMode mode = ModeOf(*output, index);
  if (mode == DisplayMode()) return;
  output->mode = index;
  if (mode == output->size) return;
  output->size = mode;
  DropSurfaces(output);
}

uint32_t Display::ReadEdid(uint32_t output, uint32_t element) const {
  if (output >= kOutputCount || element >= kEdidBytes / kRegisterBytes) return 0;
  const auto edid = MakeEdid(output, state_.outputs[output].display);
  return LoadLe<uint32_t>(&edid[size_t{element} * kRegisterBytes]);
}

void Display::EnableVblankCauses(uint32_t enabled_causes) {
  for (uint32_t i = 0; i < kOutputCount; ++i) {
    Output& output = state_.outputs[i];
    const bool tells = (enabled_causes & VblankCause(i)) != 0;
    if (tells && !output.tells_vblanks) {
      output.told_vblank = output.vblank.CountAt(clock_->NowNs());
    }
    output.tells_vblanks = tells;
  }
}

ScanoutInfo Display::Scanout(uint32_t output) const {
  if (output >= kOutputCount) return {};
  const Output& shown = state_.outputs[output];
  return {shown.active && shown.display.connected,
          shown.size.width,
          shown.size.height,
          shown.flip_count,
          IsProtected(shown),
          IsBlanked(shown)};
}

void Display::SetLinkFault(uint32_t output, LinkFault fault) {
  if (output < kOutputCount) state_.outputs[output].link.SetFault(fault);
}

Result<void> Display::AttachDisplay(uint32_t output, const AttachedDisplay& display) {
  if (output >= kOutputCount) return Fault{abi::kStatusInvalidArgument, "there is no such output"};
  const bool is_ragged = HasPlantedBug(PlantedBug::kRaggedDisplayRefused) && display.width % 8 != 0;
  if (!IsPossible(display) || is_ragged) {
    return Fault{abi::kStatusInvalidArgument, "a display has 640 x 480 to 3840 x 2160 pixels"};
  }
  Output& changed = state_.outputs[output];
  if (display == changed.display) return {};
  // What a display that is not there would prefer is nobody's business.
  const bool is_seen = display.connected || changed.display.connected;
  changed.display = display;
  if (!is_seen) return {};
  changed.link.SetConnected(display.connected);
  ++changed.hotplug_count;
  state_.causes |= abi::kInterruptCauseHotplugMask;
  return {};
}

Result<VblankWait> Display::CheckWait(const abi::WaitVblankCommand& command) const {
  const bool is_there =
      command.output < kOutputCount || HasPlantedBug(PlantedBug::kOutputUnchecked);
  if (!is_there) return Fault{abi::kStatusOutputInvalid, "no such output"};
  const bool for_flip = (command.flags & abi::WaitVblankCommand::kFlagFlip) != 0;
  if (for_flip && command.count != 0) {
    return Fault{abi::kStatusOperandInvalid, "a count for the wait for a flip"};
  }
  return VblankWait{command.output, for_flip, command.count};
}

uint64_t Display::TimeOf(const VblankWait& wait) const {
  const Output& output = state_.outputs[wait.output];
  if (!output.enabled) return 0;
  if (wait.for_flip) return output.flip_waits ? output.vblank.TimeOf(output.flip_vblank) : 0;
  const uint64_t now = output.vblank.CountAt(clock_->NowNs());
  const auto ahead = static_cast<int32_t>(wait.count - static_cast<uint32_t>(now));
  return ahead > 0 ? output.vblank.TimeOf(now + static_cast<uint32_t>(ahead)) : 0;
}

void Display::Advance() {
  const uint64_t now = clock_->NowNs();
  for (uint32_t i = 0; i < kOutputCount; ++i) {
    Output& output = state_.outputs[i];
    output.link.Advance(now);
    const uint64_t vblank = output.vblank.CountAt(now);
    if (output.flip_waits && vblank >= output.flip_vblank) {
      ShowSurface(&output, Surface(output.next_surface));
      state_.causes |= abi::kInterruptCauseFlipMask;
    }
    if (output.enabled && output.tells_vblanks && vblank > output.told_vblank) {
      output.told_vblank = vblank;
      state_.causes |= VblankCause(i);
    }
  }
}

uint64_t Display::WakeupNs() const {
  uint64_t wakeup_ns = 0;
  for (const Output& output : state_.outputs) {
    wakeup_ns = Earlier(wakeup_ns, output.link.wakeup_ns());
    if (!output.enabled) continue;
    if (output.flip_waits) wakeup_ns = Earlier(wakeup_ns, output.vblank.TimeOf(output.flip_vblank));
    if (output.tells_vblanks) {
      wakeup_ns = Earlier(wakeup_ns, output.vblank.TimeOf(output.told_vblank + 1));
    }
  }
  return wakeup_ns;
}

uint32_t Display::TakeCauses() {
  uint32_t causes = state_.causes;
  state_.causes = 0;
  for (Output& output : state_.outputs) {
    if (output.told_changes != output.link.changes()) causes |= abi::kInterruptCauseLinkMask;
    output.told_changes = output.link.changes();
  }
  return causes;
}

// Looked at anew each time: PROTECTION and the link change while a surface is shown.
bool Display::IsBlanked(const Output& output) const {
  if (!IsProtected(output)) return false;
  const auto surface = memory_->LocalSpan(output.surface.local_address,
                                          SurfaceBytes(output.size, output.surface.pitch));
  return !surface.ok() || !flow_rule::MayShow(*memory_, *grants_, surface.value(),
                                              {output.surface.full_screen, output.link.state()});
}

bool Display::Shows(uint32_t output, PageOwner owner) const {
  if (output >= kOutputCount || owner == kNoOwner || !IsProtected(state_.outputs[output])) {
    return false;
  }
  const Output& shown = state_.outputs[output];
  const uint64_t start = shown.surface.local_address - abi::kProtectedVramLocalBase;
  const uint64_t end = start + SurfaceBytes(shown.size, shown.surface.pitch);
  for (uint64_t page = start / abi::kPageSize; page * abi::kPageSize < end; ++page) {
    if (memory_->OwnerOf(page) == owner) return true;
  }
  return false;
}

bool Display::ReadScanout(uint32_t output, ScanoutView view, ByteSpan pixels,
                          uint32_t pitch) const {
  if (!Scanout(output).active) return false;
  const Output& shown = state_.outputs[output];
  const uint32_t row_bytes = kPixelBytes * shown.size.width;
  if (pitch < row_bytes || pixels.size() < SurfaceBytes(shown.size, pitch)) return false;
  const auto surface = memory_->LocalSpan(shown.surface.local_address,
                                          SurfaceBytes(shown.size, shown.surface.pitch));
  if (!surface.ok()) return false;
  const bool black = IsBlanked(shown) || (view == ScanoutView::kCapture && IsProtected(shown));
  for (uint32_t row = 0; row < shown.size.height; ++row) {
    const ByteSpan target = pixels.subspan(size_t{row} * pitch, row_bytes);
    if (black) {
      FillBlack(target);
    } else if (!memory_
                    ->Read(surface.value().Slice(uint64_t{row} * shown.surface.pitch, row_bytes),
                           target)
                    .ok()) {
      return false;
    }
    // Over what is black too: a cursor's image is never protected.
    shown.cursor.ComposeRow(*memory_, row, target);
  }
  return true;
}

void Display::Reset() {
  for (Output& output : state_.outputs) {
    HdcpLink link = output.link;
    link.Reset();
    const AttachedDisplay display = output.display;
    output = Output();
    output.link = link;
    output.display = display;
  }
  state_.causes = 0;
}

bool Display::CanLoad(const State& state) const {
  constexpr uint32_t kCauses = abi::kInterruptCauseHotplugMask | abi::kInterruptCauseFlipMask |
                               abi::kInterruptCauseVblank0Mask | abi::kInterruptCauseVblank1Mask;
  if ((state.causes & ~kCauses) != 0) return false;
  return std::all_of(std::begin(state.outputs), std::end(state.outputs), [&](const Output& output) {
    const bool runs = output.vblank.running();
    return output.mode < kModeCount && IsMode(output.size) && IsPossible(output.display) &&
           runs == output.enabled && output.vblank.CanLoad() &&
           (!output.active || output.enabled) && (!output.flip_waits || output.enabled) &&
           (!output.active || CanShow(*memory_, output.size, output.surface) ||
            HasPlantedBug(PlantedBug::kSurfaceUnchecked)) &&
           (!output.flip_waits || (CanShow(*memory_, output.size, output.next_surface) &&
                                   output.vblank.CanWaitFor(output.flip_vblank))) &&
           (!output.enabled || output.vblank.CanWaitFor(output.told_vblank + 1)) &&
           output.cursor.CanLoad(*memory_);
  });
}

void Display::Hash(StateHasher* hasher) const { WalkState(*hasher, state_); }

}  // namespace ward::device
