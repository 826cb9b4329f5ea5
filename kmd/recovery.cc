#include "kmd/recovery.h"

#include <algorithm>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"

namespace ward::kmd {

AdapterHealth Recovery::CheckHealth() const {
  if (hardware_->registers().IsGone()) return AdapterHealth::kGone;
  if (!hardware_->IsRunning()) return AdapterHealth::kReset;
  for (const auto& [handle, device] : *devices_) {
    for (const auto& [context_handle, context] : device->contexts()) {
      if (!IsResponsive(*context)) return AdapterHealth::kHung;
    }
  }
  return AdapterHealth::kGood;
}

Result<RecoveryReport> Recovery::Recover() {
  RecoveryReport report;
  report.health = CheckHealth();
  const uint32_t lost_before = CountLost();
  Result<void> outcome;
  if (report.health == AdapterHealth::kHung && ResetHungEngines().ok()) {
    report.action = RecoveryAction::kEngineReset;
  } else if (report.health != AdapterHealth::kGood) {
    report.action = RecoveryAction::kAdapterReset;
    outcome = ResetFromTimeout();
    if (outcome.ok()) outcome = RestartFromTimeout();
  }
  report.lost_devices = CountLost() - lost_before;
  if (!outcome.ok()) return outcome.fault();
  return report;
}

Result<void> Recovery::ResetHungEngines() {
  for (auto& [handle, device] : *devices_) {
    for (auto& [context_handle, context] : device->contexts()) {
      if (!IsResponsive(*context)) WARD_TRY(ResetEngine(device.get(), context.get()));
    }
  }
  return {};
}

Result<void> Recovery::ResetEngine(RenderDevice* device, RenderContext* context) {
  // First of all: whatever the reset brings, nobody goes on with half of the work.
  device->MarkLost(abi::kStatusDeviceHung);
  bool at_rest = context->StopQueue();
  if (!at_rest) {
    // Costs the other queues what they have in flight: they stop with ENGINE_RESET.
    hardware_->registers().Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
    at_rest = context->StopQueue();
  }
  if (at_rest) {
    device->DropQueues();
    return {};
  }
  return hardware_->registers().TimeoutFault("the queue does not come to rest");
}

Result<void> Recovery::ResetFromTimeout() {
  const Result<void> reset = hardware_->ResetForRecovery();
  for (auto& [handle, device] : *devices_) {
    device->MarkLost(abi::kStatusDeviceReset);
    device->Forget();
  }
  return reset;
}

uint32_t Recovery::CountLost() const {
  return static_cast<uint32_t>(
      std::count_if(devices_->begin(), devices_->end(),
                    [](const auto& at) { return at.second->loss() != abi::kStatusOk; }));
}

}  // namespace ward::kmd
