// One hardware queue: its ring and fence in DMA memory, its registers, its doorbell. What the
// device writes (fence, registers) is compared with, never used as an index or a bound.
#ifndef WARD_KMD_QUEUE_H_
#define WARD_KMD_QUEUE_H_

#include <cstdint>
#include <memory>

#include "abi/generated/pci.h"
#include "abi/generated/private_data.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kmd/dma_memory.h"
#include "kmd/interrupt_line.h"
#include "kmd/register_window.h"
#include "kmd/ring_space.h"
#include "kmd/spin_budget.h"

namespace ward::kmd {

class Queue {
 public:
  static constexpr uint32_t kDefaultTimeoutMs = 10000;
  static constexpr uint32_t kMaximumSubmitBytes = 8000;
  static constexpr uint32_t kNormalPriority = 1;
  static constexpr uint32_t kHighPriority = 2;

  // From the next Restart on: values of QUEUE_PRIORITY. Only of a device with that feature.
  void SetPriority(uint32_t priority) { priority_ = priority; }
  // From the next Restart on: the device reports the queue as hung after this much virtual time
  // without progress; 0: never, which is all that a device without HANG_DETECTION can do.
  void SetHangTimeout(uint32_t microseconds) { hang_timeout_us_ = microseconds; }

  // Memory for queue `index`, which Restart enables. OUT_OF_MEMORY.
  static Result<std::unique_ptr<Queue>> Create(const RegisterWindow* registers,
                                               InterruptLine* interrupts, uint32_t index);
  ~Queue() { Stop(); }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // Puts whole commands and a fence behind them into the ring and rings the doorbell; waits for
  // room when it is full. At most kMaximumSubmitBytes. Gives the fence's value.
  Result<uint64_t> Submit(ConstByteSpan commands);
  // Looks at the fence in memory for a while, then sleeps until interrupts. QUEUE_FAULTED,
  // DEVICE_TIMEOUT (at once when the queue hangs), DEVICE_GONE; INVALID_ARGUMENT for a fence not
  // yet submitted.
  Result<void> Wait(uint64_t fence, uint32_t timeout_ms = kDefaultTimeoutMs);

  // What the device wrote last. It may be anything: compare it, and do nothing else with it.
  uint64_t CompletedFence() const;
  uint64_t last_fence() const { return last_fence_; }
  // Whether the device has stopped executing: faulted, or disabled.
  bool HasStopped() const;
  // Whether the function was reset, or is gone, since the queue was enabled: nothing else disables
  // a queue. Asked before Restart.
  bool WasReset() const;
  // Whether the device reports it as hung (QUEUE_STATUS.HUNG).
  bool IsHung() const;
  // Whether it is disabled and at rest.
  bool IsDisabled() const;
  // Drops what is in the ring and starts again. Fences go on counting.
  Result<void> Restart();
  // Restart, for another context from then on. QUEUE_FAULTED when the device refuses.
  Result<void> Restart(uint32_t context);
  // Drops what is in the ring and leaves the queue disabled: its context may end.
  void Stop();
  // Why a wait on a queue that has stopped ends: QUEUE_FAULTED, or DEVICE_GONE.
  Fault StopFault() const;
  uint32_t RefusalCount() const;
  abi::QueueReport Report() const;

 private:
  Queue(const RegisterWindow* registers, InterruptLine* interrupts, uint32_t index,
        DmaMemory memory);
  Result<void> Enable();
  uint32_t Status() const;
  Result<RingSpace::Piece> Reserve(uint32_t bytes);
  uint32_t Register(uint32_t offset) const;
  // Whether the fence came while its memory was looked at, a bounded number of times.
  bool Spin(uint64_t fence);

  const RegisterWindow* registers_;
  InterruptLine* interrupts_;
  uint32_t index_;
  uint32_t context_ = abi::kKernelContext;
  DmaMemory memory_;  // the ring, and a page whose first 8 bytes are the fence
  RingSpace space_;
  uint32_t hang_timeout_us_ = 0;
  uint32_t priority_ = kNormalPriority;
  bool wrote_priority_ = false;
  uint64_t last_fence_ = 0;
  SpinBudget spin_budget_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_QUEUE_H_
