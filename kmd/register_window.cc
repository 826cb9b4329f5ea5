#include "kmd/register_window.h"

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"

namespace ward::kmd {
namespace {

constexpr int kBar = static_cast<int>(abi::kRegisterBar);
constexpr uint32_t kAllOnes = 0xffffffff;
// A device whose high half never settles is broken; its value is then as good as any.
constexpr int kMaximumTears = 8;

}  // namespace

uint32_t RegisterWindow::Read(uint32_t offset) const { return function_->BarRead32(kBar, offset); }

void RegisterWindow::Write(uint32_t offset, uint32_t value) const {
  function_->BarWrite32(kBar, offset, value);
}

uint64_t RegisterWindow::Read64(uint32_t offset) const {
  uint32_t high = Read(offset + 4);
  for (int tear = 0; tear < kMaximumTears; ++tear) {
    const uint32_t low = Read(offset);
    const uint32_t high_again = Read(offset + 4);
    if (high == high_again || tear + 1 == kMaximumTears) {
      return (static_cast<uint64_t>(high_again) << 32) | low;
    }
    high = high_again;
  }
  return 0;
}

void RegisterWindow::Write64(uint32_t offset, uint64_t value) const {
  Write(offset, static_cast<uint32_t>(value));
  Write(offset + 4, static_cast<uint32_t>(value >> 32));
}

bool RegisterWindow::IsGone() const { return Read(abi::kRegDeviceMagic) == kAllOnes; }

Fault RegisterWindow::TimeoutFault(const char* reason) const {
  if (IsGone()) return {abi::kStatusDeviceGone, "the function does not answer any more"};
  return {abi::kStatusDeviceTimeout, reason};
}

Fault PciFault(abi::PciError error, const char* reason) {
  switch (error) {
    case abi::PciError::kNoMemory:
      return {abi::kStatusOutOfMemory, reason};
    case abi::PciError::kTimeout:
      return {abi::kStatusDeviceTimeout, reason};
    case abi::PciError::kGone:
      return {abi::kStatusDeviceGone, reason};
    case abi::PciError::kNone:
    case abi::PciError::kUnsupported:
    case abi::PciError::kBadArgument:
      break;
  }
  return {abi::kStatusDeviceNotReady, reason};
}

}  // namespace ward::kmd
