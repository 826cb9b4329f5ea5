#include "kmd/hardware.h"

#include "abi/generated/registers.h"
#include "abi/generated/status.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kFirmwareReady = 1;
constexpr uint32_t kFirmwareFailed = 2;
// Self tests take milliseconds; ten seconds in all.
constexpr int kFirmwarePolls = 1000;
constexpr uint32_t kFirmwarePollMs = 10;

}  // namespace

Hardware::Hardware(abi::PciFunction* function) : registers_(function), interrupts_(&registers_) {}

Result<std::unique_ptr<Hardware>> Hardware::Open(abi::PciFunction* function) {
  std::unique_ptr<Hardware> hardware(new Hardware(function));
  WARD_TRY(hardware->BringUp());
  return hardware;
}

Hardware::~Hardware() { Shutdown(); }

Result<void> Hardware::BringUp() {
  WARD_TRY(CheckIdentity(registers_));
  running_ = true;
  WARD_TRY(ResetFunction());
  // After the reset: another driver may have left the function in any state before it.
  WARD_ASSIGN_OR_RETURN(limits_, Limits::Read(registers_));
  const abi::PciError mastered = registers_.function()->SetBusMaster(true);
  if (mastered != abi::PciError::kNone) {
    return PciFault(mastered, "bus mastering can't be switched on");
  }
  WARD_TRY(interrupts_.Enable());
  WARD_TRY(WaitForFirmware());
  WARD_ASSIGN_OR_RETURN(video_memory_, VideoMemory::Create(registers_.function(), limits_));
  WARD_ASSIGN_OR_RETURN(kernel_queue_, KernelQueue::Create(&registers_, &interrupts_));
  display_ = std::make_unique<Display>(&registers_, kernel_queue_.get(), limits_);
  residency_ =
      std::make_unique<Residency>(video_memory_.get(), kernel_queue_.get(), display_.get());
  queue_scheduler_ =
      std::make_unique<QueueScheduler>(&registers_, &interrupts_, video_memory_.get(), limits_);
  protected_outputs_ = std::make_unique<ProtectedOutputs>(kernel_queue_.get());
  return {};
}

Result<void> Hardware::ResetFunction() {
  const abi::PciError error = registers_.function()->ResetFunction();
  if (error == abi::PciError::kUnsupported) {
    // A host without function-level reset; the register does the same to all that we use.
    registers_.Write(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
    return {};
  }
  if (error != abi::PciError::kNone) return PciFault(error, "the function can't be reset");
  return {};
}

Result<void> Hardware::WaitForFirmware() {
  for (int poll = 0; poll < kFirmwarePolls; ++poll) {
    const uint32_t state =
        registers_.Read(abi::kRegDeviceStatus) & abi::kDeviceStatusFirmwareStateMask;
    if (state == kFirmwareReady) return {};
    if (state == kFirmwareFailed) {
      return Fault{abi::kStatusDeviceNotReady, "the firmware failed its self tests"};
    }
    if (registers_.IsGone()) break;
    const abi::PciError error = interrupts_.WaitForProgress(kFirmwarePollMs);
    if (error != abi::PciError::kNone && error != abi::PciError::kTimeout) {
      return PciFault(error, "waiting for the firmware failed");
    }
  }
  if (registers_.IsGone()) {
    return Fault{abi::kStatusDeviceGone, "the function does not answer any more"};
  }
  return Fault{abi::kStatusDeviceNotReady, "the firmware did not come up"};
}

void Hardware::Shutdown() {
  if (!running_) return;
  running_ = false;
  if (kernel_queue_) kernel_queue_->Abandon();
  // Reset first: what the function could still write to is freed only after it.
  const bool reset = ResetFunction().ok();
  interrupts_.Disable();
  // Without bus mastering it can't write any more even if the reset did not work; should this fail
  // too, the port unmaps DMA memory from the IOMMU as it is freed.
  const bool silent = registers_.function()->SetBusMaster(false) == abi::PciError::kNone;
  (void)reset;
  (void)silent;
}

}  // namespace ward::kmd
