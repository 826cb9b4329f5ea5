// MSI-X vectors and causes. One vector tells of progress (fences, faults and hangs of every queue),
// so a single-threaded driver has one thing to sleep on; the other of events that nobody waits for.
#ifndef WARD_KMD_INTERRUPT_LINE_H_
#define WARD_KMD_INTERRUPT_LINE_H_

#include <cstdint>

#include "abi/generated/registers.h"
#include "abi/pci_function.h"
#include "base/result.h"
#include "kmd/register_window.h"

namespace ward::kmd {

class InterruptLine {
 public:
  explicit InterruptLine(const RegisterWindow* registers) : registers_(registers) {}

  // Enables two vectors (one, when the host has no more), maps sources and enables causes.
  Result<void> Enable();
  void Disable();

  // Clears causes, which comes before looking at what they tell of (docs/spec/interrupts.md).
  void Acknowledge(uint32_t causes) const;
  // Whether the fences of `queues` (a bit each) send the vector of progress; faults and hangs do
  // always. Enable switches them all on. Who goes to sleep for a fence acknowledges, arms its queue
  // and looks once more: a fence that came before the arming sends its vector then.
  void Arm(uint32_t queues) { EnableFences(enabled_ | (queues & kAllQueues)); }
  void Disarm(uint32_t queues) { EnableFences(enabled_ & ~(queues & kAllQueues)); }
  static constexpr uint32_t kAllQueues = abi::kInterruptCauseQueueMask;

  // Sleeps until some queue made progress, at most `timeout_ms`. kTimeout, kGone, ...
  abi::PciError WaitForProgress(uint32_t timeout_ms) const;

  // Enables more causes or disables them; those of progress stay as they are. They send the vector
  // of events.
  void EnableEvents(uint32_t causes);
  void DisableEvents(uint32_t causes);
  // Sleeps until some event happened, at most `timeout_ms`. Takes interrupts of progress too where
  // there is one vector only. kTimeout, kGone, ...
  abi::PciError WaitForEvent(uint32_t timeout_ms) const;

 private:
  void EnableFences(uint32_t enabled);

  const RegisterWindow* registers_;
  uint32_t enabled_ = 0;  // INTERRUPT_ENABLE
  uint32_t event_vector_ = 0;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_INTERRUPT_LINE_H_
