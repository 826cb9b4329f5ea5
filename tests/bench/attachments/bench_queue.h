// The kernel's queue, with as little around it as a driver can have: what is timed is the device.
#ifndef WARD_TESTS_BENCH_ATTACHMENTS_BENCH_QUEUE_H_
#define WARD_TESTS_BENCH_ATTACHMENTS_BENCH_QUEUE_H_

#include <cstdint>

#include "abi/pci_function.h"
#include "base/bytes.h"

namespace ward::bench {

class BenchQueue {
 public:
  // Brings the function up: bus mastering, vector 0 for the queue, firmware, the queue itself.
  // Throws std::runtime_error with what did not come up.
  explicit BenchQueue(abi::PciFunction* function);
  ~BenchQueue();
  BenchQueue(const BenchQueue&) = delete;
  BenchQueue& operator=(const BenchQueue&) = delete;

  enum class Fence { kSilent, kInterrupts };

  // Puts a command into the ring; nothing of it is told to the device yet. Between two doorbells no
  // more than half the ring, and what went before a doorbell is waited for before the next one.
  void Append(ConstByteSpan command);
  void AppendFence(Fence fence);
  void RingDoorbell();
  // Spins until the last fence is in memory. Throws std::runtime_error.
  void SpinUntilFence() const;
  // Clears the cause of the queue's interrupts.
  void ClearCause();

 private:
  static constexpr uint32_t kRingBytes = 1 << 16;

  void WaitForFirmware();
  void Enable();
  uint64_t LoadFence() const;

  abi::PciFunction* function_;
  abi::DmaBuffer memory_;  // the ring, then the fence's page
  uint32_t tail_ = 0;
  uint64_t last_fence_ = 0;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_ATTACHMENTS_BENCH_QUEUE_H_
