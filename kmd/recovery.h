// Detection of time-outs and recovery, in the steps in which dxgkrnl asks a display miniport driver
// for them: is an engine responsive; reset it; reset the adapter; start it again. Also for resets
// that came from outside. What is lost and what stays: docs/spec/queues.md, recovery.
#ifndef WARD_KMD_RECOVERY_H_
#define WARD_KMD_RECOVERY_H_

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/result.h"
#include "kmd/adapter.h"
#include "kmd/hardware.h"
#include "kmd/render_device.h"

namespace ward::kmd {

class Recovery {
 public:
  using Devices = std::unordered_map<DeviceHandle, std::unique_ptr<RenderDevice>>;

  Recovery(Hardware* hardware, Devices* devices) : hardware_(hardware), devices_(devices) {}

  // Reads registers and changes nothing.
  AdapterHealth CheckHealth() const;
  // Everything below, as far as CheckHealth says that it is needed. DEVICE_GONE and what bringing
  // the function up can say: the adapter is of no use, until a later call succeeds.
  Result<RecoveryReport> Recover();

  // DxgkDdiQueryEngineStatus: an engine is a queue, named by its context.
  bool IsResponsive(const RenderContext& context) const { return !context.IsHung(); }
  // DxgkDdiResetEngine: the context's queue is reset, or all engines when that does not help. The
  // context's device is lost. DEVICE_TIMEOUT: it did not help either.
  Result<void> ResetEngine(RenderDevice* device, RenderContext* context);
  // DxgkDdiResetFromTimeout: nothing of the function runs afterwards, and every device is lost.
  Result<void> ResetFromTimeout();
  // DxgkDdiRestartFromTimeout: new devices work.
  Result<void> RestartFromTimeout() { return hardware_->Restart(); }

 private:
  Result<void> ResetHungEngines();
  uint32_t CountLost() const;

  Hardware* hardware_;
  Devices* devices_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_RECOVERY_H_
