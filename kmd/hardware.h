// An opened function: reset, firmware running, interrupts on, memory and the kernel's queue ready.
// Everything is given back when it ends, on every path.
#ifndef WARD_KMD_HARDWARE_H_
#define WARD_KMD_HARDWARE_H_

#include <memory>

#include "abi/pci_function.h"
#include "base/result.h"
#include "kmd/display.h"
#include "kmd/interrupt_line.h"
#include "kmd/kernel_queue.h"
#include "kmd/limits.h"
#include "kmd/protected_output.h"
#include "kmd/queue_scheduler.h"
#include "kmd/register_window.h"
#include "kmd/residency.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

class Hardware {
 public:
  // DEVICE_NOT_OURS before anything was written to the function, DEVICE_NOT_READY, OUT_OF_MEMORY.
  static Result<std::unique_ptr<Hardware>> Open(abi::PciFunction* function);
  ~Hardware();
  Hardware(const Hardware&) = delete;
  Hardware& operator=(const Hardware&) = delete;

  const RegisterWindow& registers() const { return registers_; }
  const InterruptLine& interrupts() const { return interrupts_; }
  const Limits& limits() const { return limits_; }
  VideoMemory& video_memory() { return *video_memory_; }
  KernelQueue& kernel_queue() { return *kernel_queue_; }
  Display& display() { return *display_; }
  Residency& residency() { return *residency_; }
  QueueScheduler& queue_scheduler() { return *queue_scheduler_; }
  ProtectedOutputs& protected_outputs() { return *protected_outputs_; }

  // Resets the function: nothing runs afterwards, and nothing can be asked of it any more.
  void Shutdown();

 private:
  explicit Hardware(abi::PciFunction* function);
  Result<void> BringUp();
  Result<void> ResetFunction();
  Result<void> WaitForFirmware();

  RegisterWindow registers_;
  InterruptLine interrupts_;
  Limits limits_;
  bool running_ = false;  // the function is known to be ours and was touched
  std::unique_ptr<VideoMemory> video_memory_;
  std::unique_ptr<KernelQueue> kernel_queue_;
  std::unique_ptr<Display> display_;
  std::unique_ptr<Residency> residency_;
  std::unique_ptr<QueueScheduler> queue_scheduler_;
  std::unique_ptr<ProtectedOutputs> protected_outputs_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_HARDWARE_H_
