#include "kmd/limits.h"

#include <algorithm>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/bytes.h"
#include "base/planted_bug.h"

namespace ward::kmd {
namespace {

constexpr uint32_t ResetValueOf(uint32_t offset) {
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    if (info.offset == offset) return info.reset_value;
  }
  return 0;
}

constexpr uint32_t kMagic = ResetValueOf(abi::kRegDeviceMagic);
static_assert(kMagic != 0);

Fault NotOurs(const char* reason) { return {abi::kStatusDeviceNotOurs, reason}; }

}  // namespace

Result<void> CheckIdentity(const RegisterWindow& registers) {
  if (registers.function()->BarSize(static_cast<int>(abi::kRegisterBar)) < abi::kRegisterBarSize) {
    return NotOurs("BAR0 is smaller than the register file");
  }
  if (registers.Read(abi::kRegDeviceMagic) != kMagic) {
    return NotOurs("the identity register is another");
  }
  if (registers.Read(abi::kRegAbiVersion) >> abi::kAbiVersionMajorShift != abi::kAbiMajor) {
    return NotOurs("the device has another ABI major version");
  }
  return {};
}

Result<Limits> Limits::Read(const RegisterWindow& registers) {
  WARD_TRY(CheckIdentity(registers));
  Limits limits;
  limits.abi_version = registers.Read(abi::kRegAbiVersion);
  limits.features = registers.Read64(abi::kRegFeaturesLo);
  limits.queue_count = std::min(registers.Read(abi::kRegQueueCount), abi::kQueueBlockCount);
  limits.context_count = registers.Read(abi::kRegContextCount);
  limits.session_count = registers.Read(abi::kRegSessionCount);
  limits.visible_vram_bytes = registers.Read64(abi::kRegVisibleVramSizeLo);
  limits.protected_vram_base = registers.Read64(abi::kRegProtectedVramBaseLo);
  limits.protected_vram_bytes = registers.Read64(abi::kRegProtectedVramSizeLo);
  if ((limits.features & abi::kFeaturesDisplayMask) != 0) {
    limits.output_count = std::min(registers.Read(abi::kRegOutputCount), abi::kOutputBlockCount);
  }
  if (limits.queue_count < 2 || limits.context_count < 2) {
    return NotOurs("the device has no queue or context for users");
  }
  if ((registers.Read(abi::kRegPageSizes) & abi::kPageSize) == 0 ||
      (registers.Read(abi::kRegAddressBits) & abi::kAddressBitsVirtualMask) !=
          abi::kVirtualAddressBits) {
    return NotOurs("the device's address space is another");
  }
  if (limits.visible_vram_bytes > abi::kMaximumVisibleVram ||
      !IsAligned(limits.visible_vram_bytes, abi::kPageSize) ||
      (limits.visible_vram_bytes > registers.function()->BarSize(static_cast<int>(abi::kVramBar)) &&
       !HasPlantedBug(PlantedBug::kVramSizeBelieved))) {
    return NotOurs("visible VRAM is larger than BAR2 or than the contract allows");
  }
  // Overlap would let the driver place protected content where the CPU looks.
  if (limits.protected_vram_base < limits.visible_vram_bytes ||
      limits.protected_vram_bytes > abi::kMaximumProtectedVram ||
      !IsAligned(limits.protected_vram_base | limits.protected_vram_bytes, abi::kPageSize) ||
      !RangeFits(limits.protected_vram_base, limits.protected_vram_bytes,
                 abi::kPhysicalAddressMask + 1)) {
    return NotOurs("protected VRAM lies where the contract does not allow it");
  }
  return limits;
}

}  // namespace ward::kmd
