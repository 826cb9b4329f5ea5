#include "device/display.h"

#include <algorithm>
#include <iterator>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"

namespace ward::device {
namespace {

constexpr Display::Mode kModes[] = {{640, 360},  {640, 480},   {800, 600},  {1024, 768},
                                    {1280, 720}, {1920, 1080}, {3840, 2160}};
static_assert(std::size(kModes) == Display::kModeCount);

constexpr uint32_t kFormatXrgb8888 = 0;
constexpr uint32_t kPixelBytes = 4;
constexpr uint32_t kBlock = abi::kRegOutputControl;  // first register of the block

constexpr uint32_t SizeRegister(const Display::Mode& mode) {
  return mode.width << abi::kOutputSizeWidthShift | mode.height << abi::kOutputSizeHeightShift;
}

constexpr uint64_t SurfaceBytes(const Display::Mode& mode, uint32_t pitch) {
  return uint64_t{pitch} * (mode.height - 1) + kPixelBytes * mode.width;
}

bool IsProtected(const Display::Output& output) {
  return output.active && output.surface_local_address >= abi::kProtectedVramLocalBase;
}

void DropSurface(Display::Output* output) {
  output->active = false;
  output->surface_local_address = 0;
  output->surface_pitch = 0;
  output->full_screen = false;
}

void FillBlack(ByteSpan row) {
  std::fill(row.begin(), row.end(), uint8_t{0});
  for (size_t x = kPixelBytes - 1; x < row.size(); x += kPixelBytes) row[x] = 0xff;
}

}  // namespace

Result<void> Display::Flip(const abi::FlipCommand& command, const AddressSpace& kernel) {
  if (command.output >= kOutputCount || !state_.outputs[command.output].enabled) {
    return Fault{abi::kStatusOutputInvalid, "no such output, or it is off"};
  }
  Output& output = state_.outputs[command.output];
  const Mode& mode = kModes[output.mode];
  if (command.format != kFormatXrgb8888 || command.width != mode.width ||
      command.height != mode.height || command.pitch % kPixelBytes != 0 ||
      command.pitch < kPixelBytes * mode.width) {
    return Fault{abi::kStatusOperandInvalid, "a surface that does not fit the mode"};
  }
  if (!IsAligned(command.address, abi::kPageSize)) {
    return Fault{abi::kStatusAddressMisaligned, "a surface that is not aligned to a page",
                 command.address};
  }
  WARD_ASSIGN_OR_RETURN(
      const GuestRange surface,
      kernel.Translate(command.address, SurfaceBytes(mode, command.pitch), Access::kRead));
  WARD_TRY(flow_rule::CheckScanout(surface));
  if (surface.spans().size() != 1) {
    return Fault{abi::kStatusOperandInvalid, "a surface that is not contiguous", command.address};
  }
  const PhysicalSpan& span = surface.spans().front();
  const bool is_protected = span.aperture() == Aperture::kProtected;
  output.surface_local_address = span.address() + (is_protected ? abi::kProtectedVramLocalBase : 0);
  output.surface_pitch = command.pitch;
  output.full_screen = (command.flags & abi::FlipCommand::kFlagFullScreen) != 0;
  output.active = true;
  ++output.flip_count;
  return {};
}

uint32_t Display::ReadRegister(uint32_t output, uint32_t offset) const {
  if (output >= kOutputCount || !IsAligned(offset, sizeof(uint32_t))) return 0;
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
             (IsBlanked(shown) ? abi::kOutputStatusBlankedMask : 0);
    case abi::kRegOutputFlipCount - kBlock:
      return shown.flip_count;
    case abi::kRegOutputSize - kBlock:
      return SizeRegister(kModes[shown.mode]);
    case abi::kRegOutputLink - kBlock:
      return static_cast<uint32_t>(shown.link.state()) << abi::kOutputLinkHdcpStateShift |
             static_cast<uint32_t>(shown.link.changes()) << abi::kOutputLinkChangesShift;
    default:
      break;
  }
  constexpr uint32_t kFirstSize = abi::kRegOutputModeSize - kBlock;
  if (offset >= kFirstSize && offset < kFirstSize + kModeCount * sizeof(uint32_t)) {
    return SizeRegister(kModes[(offset - kFirstSize) / sizeof(uint32_t)]);
  }
  return 0;
}

void Display::WriteRegister(uint32_t output, uint32_t offset, uint32_t value) {
  if (output >= kOutputCount) return;
  Output& changed = state_.outputs[output];
  if (offset == abi::kRegOutputControl - kBlock) {
    changed.enabled = (value & abi::kOutputControlEnableMask) != 0;
    if (!changed.enabled) DropSurface(&changed);
  } else if (offset == abi::kRegOutputMode - kBlock) {
    const uint32_t mode = value & abi::kOutputModeIndexMask;
    if (mode >= kModeCount || mode == changed.mode) return;
    changed.mode = mode;
    DropSurface(&changed);
  }
}

ScanoutInfo Display::Scanout(uint32_t output) const {
  if (output >= kOutputCount) return {};
  const Output& shown = state_.outputs[output];
  const Mode& mode = kModes[shown.mode];
  return {shown.active,     mode.width,         mode.height,
          shown.flip_count, IsProtected(shown), IsBlanked(shown)};
}

Display::Mode Display::CurrentMode(uint32_t output) const {
  return kModes[state_.outputs[output].mode];
}

void Display::SetLinkFault(uint32_t output, LinkFault fault) {
  if (output < kOutputCount) state_.outputs[output].link.SetFault(fault);
}

void Display::AdvanceLinks(uint64_t now_ns) {
  for (Output& output : state_.outputs) output.link.Advance(now_ns);
}

uint64_t Display::LinkWakeupNs() const {
  uint64_t wakeup_ns = 0;
  for (const Output& output : state_.outputs) {
    const uint64_t own = output.link.wakeup_ns();
    if (own != 0 && (wakeup_ns == 0 || own < wakeup_ns)) wakeup_ns = own;
  }
  return wakeup_ns;
}

bool Display::TakeLinkChange() {
  bool changed = false;
  for (Output& output : state_.outputs) {
    changed = changed || output.told_changes != output.link.changes();
    output.told_changes = output.link.changes();
  }
  return changed;
}

// Looked at anew each time: PROTECTION and the link change while a surface is shown.
bool Display::IsBlanked(const Output& output) const {
  if (!IsProtected(output)) return false;
  const auto surface = memory_->LocalSpan(output.surface_local_address,
                                          SurfaceBytes(kModes[output.mode], output.surface_pitch));
  return !surface.ok() || !flow_rule::MayShow(*memory_, *grants_, surface.value(),
                                              {output.full_screen, output.link.state()});
}

bool Display::Shows(uint32_t output, PageOwner owner) const {
  if (output >= kOutputCount || owner == kNoOwner || !IsProtected(state_.outputs[output])) {
    return false;
  }
  const Output& shown = state_.outputs[output];
  const uint64_t start = shown.surface_local_address - abi::kProtectedVramLocalBase;
  const uint64_t end = start + SurfaceBytes(kModes[shown.mode], shown.surface_pitch);
  for (uint64_t page = start / abi::kPageSize; page * abi::kPageSize < end; ++page) {
    if (memory_->OwnerOf(page) == owner) return true;
  }
  return false;
}

bool Display::ReadScanout(uint32_t output, ScanoutView view, ByteSpan pixels,
                          uint32_t pitch) const {
  if (output >= kOutputCount || !state_.outputs[output].active) return false;
  const Output& shown = state_.outputs[output];
  const Mode& mode = kModes[shown.mode];
  const uint32_t row_bytes = kPixelBytes * mode.width;
  if (pitch < row_bytes || pixels.size() < SurfaceBytes(mode, pitch)) return false;
  const auto surface =
      memory_->LocalSpan(shown.surface_local_address, SurfaceBytes(mode, shown.surface_pitch));
  if (!surface.ok()) return false;
  const bool black = IsBlanked(shown) || (view == ScanoutView::kCapture && IsProtected(shown));
  for (uint64_t row = 0; row < mode.height; ++row) {
    const ByteSpan target = pixels.subspan(row * pitch, row_bytes);
    if (black) {
      FillBlack(target);
    } else if (!memory_->Read(surface.value().Slice(row * shown.surface_pitch, row_bytes), target)
                    .ok()) {
      return false;
    }
  }
  return true;
}

void Display::Reset() {
  for (Output& output : state_.outputs) {
    HdcpLink link = output.link;
    link.Reset();
    output = Output();
    output.link = link;
  }
}

bool Display::CanLoad(const State& state) const {
  for (const Output& output : state.outputs) {
    if (output.mode >= kModeCount) return false;
    if (!output.active) continue;
    const Mode& mode = kModes[output.mode];
    if (output.surface_pitch % kPixelBytes != 0 ||
        output.surface_pitch < kPixelBytes * mode.width ||
        !memory_->LocalSpan(output.surface_local_address, SurfaceBytes(mode, output.surface_pitch))
             .ok()) {
      return false;
    }
  }
  return true;
}

void Display::Hash(StateHasher* hasher) const { WalkState(*hasher, state_); }

}  // namespace ward::device
