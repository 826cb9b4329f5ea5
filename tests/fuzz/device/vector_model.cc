#include "tests/fuzz/device/vector_model.h"

#include "abi/generated/pci.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {
namespace {

constexpr const char* kOracle = "vectors";

// PCI Local Bus 3.0, sections 6.1, 6.7 and 6.8.2; PCI Power Management 1.2, section 3.2.
constexpr uint32_t kCommand = 0x04, kBusMaster = 1u << 2;
constexpr uint32_t kFirstCapability = 0x34;
constexpr uint32_t kMsixCapability = 0x11, kMsixEnable = 1u << 15, kFunctionMask = 1u << 14;
constexpr uint32_t kPowerCapability = 0x01, kPowerState = 3;
constexpr uint32_t kEntryBytes = 16, kEntryControl = 12, kEntryMask = 1;

uint32_t FindCapability(device::Gpu* function, uint32_t id) {
  uint32_t at = function->ReadConfig(kFirstCapability, 1);
  while (at != 0 && function->ReadConfig(at, 1) != id) at = function->ReadConfig(at + 1, 1);
  Expect(at != 0, kOracle, "the function has MSI-X and power management");
  return at;
}

}  // namespace

void VectorModel::UseFunction(device::Gpu* function) {
  function_ = function;
  msix_ = FindCapability(function, kMsixCapability);
  power_ = FindCapability(function, kPowerCapability);
}

bool VectorModel::HoldsBack(uint32_t control) const {
  return (control & kFunctionMask) != 0 || (function_->ReadConfig(kCommand, 2) & kBusMaster) == 0 ||
         (function_->ReadConfig(power_ + 4, 2) & kPowerState) != 0;
}

bool VectorModel::IsMasked(uint32_t vector) const {
  const uint64_t entry = abi::kMsixTableOffset + vector * uint64_t{kEntryBytes};
  return (function_->ReadMsix(entry + kEntryControl, 4) & kEntryMask) != 0;
}

void VectorModel::OnSent(uint32_t vector) {
  Expect(vector < abi::kVectorCount, "commands", "a vector that the function does not have");
  Expect((waiting_ >> vector & 1) != 0, kOracle, "a vector came that no source raised");
  const uint32_t others = waiting_ & ~(1u << vector);
  const uint32_t control = Control();
  if ((control & kMsixEnable) == 0) {
    // One that was pending before MSI-X was disabled is so still.
    waiting_ &= others | function_->ReadMsix(abi::kMsixPbaOffset, 4);
    return;
  }
  waiting_ = others;
  Expect(!HoldsBack(control), kOracle, "a vector came that the function may not send");
  Expect(!IsMasked(vector), kOracle, "a vector came that is masked");
}

void VectorModel::CheckWaiting() const {
  const uint32_t pending = function_->ReadMsix(abi::kMsixPbaOffset, 4);
  Expect((waiting_ & ~pending) == 0, kOracle, "a vector that was held back is not pending");
  const uint32_t control = Control();
  if ((control & kMsixEnable) == 0 || HoldsBack(control)) return;
  for (uint32_t vector = 0; vector < abi::kVectorCount; ++vector) {
    Expect((waiting_ >> vector & 1) == 0 || IsMasked(vector), kOracle,
           "a vector is pending that nothing holds back");
  }
}

}  // namespace ward::fuzz
