// A queue, the kernel's unless another is named, with as little around it as a driver can have:
// what is timed is the device.
#ifndef WARD_TESTS_BENCH_ATTACHMENTS_BENCH_QUEUE_H_
#define WARD_TESTS_BENCH_ATTACHMENTS_BENCH_QUEUE_H_

#include <cstdint>

#include "abi/generated/pci.h"
#include "abi/pci_function.h"
#include "base/bytes.h"

namespace ward::bench {

class BenchQueue {
 public:
  // Enables a queue of a function that is up (BenchFunction), vector 0 for it. Throws
  // std::runtime_error with what did not come up.
  explicit BenchQueue(abi::PciFunction* function, uint32_t queue = abi::kKernelQueue,
                      uint32_t context = abi::kKernelContext);
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
  // Commands that the device has refused on this queue.
  uint32_t Refusals() const;

 private:
  static constexpr uint32_t kRingBytes = 1 << 16;

  void Enable(uint32_t context);
  void WriteQueue(uint32_t offset, uint32_t value);
  uint32_t ReadQueue(uint32_t offset) const;
  uint64_t LoadFence() const;

  abi::PciFunction* function_;
  uint32_t queue_;
  abi::DmaBuffer memory_;  // the ring, then the fence's page
  uint32_t tail_ = 0;
  uint64_t last_fence_ = 0;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_ATTACHMENTS_BENCH_QUEUE_H_
