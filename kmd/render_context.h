// A GPU context: its address space, and the queue that executes for it while it has work.
#ifndef WARD_KMD_RENDER_CONTEXT_H_
#define WARD_KMD_RENDER_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <span>

#include "abi/generated/private_data.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kmd/adapter.h"
#include "kmd/hardware.h"
#include "kmd/page_tables.h"
#include "kmd/queue_scheduler.h"
#include "kmd/user_queue.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

class RenderContext final : public QueueScheduler::Holder {
 public:
  static constexpr uint32_t kMaximumCommandBytes = UserQueue::kMaximumCommandBytes;
  // Virtual addresses below are the driver's own (command buffers), or are never mapped.
  static constexpr uint64_t kFirstAllocationAddress = 1ull << 32;

  // `number` names the context in the device. `hardware` outlives it.
  static Result<std::unique_ptr<RenderContext>> Create(Hardware* hardware, uint32_t number);
  // Drops what was submitted; waits for nothing but the device's own destruction of the context.
  ~RenderContext();
  RenderContext(const RenderContext&) = delete;
  RenderContext& operator=(const RenderContext&) = delete;

  uint32_t number() const { return number_; }
  // From the first Submit on that finds nothing in flight.
  void set_priority(ContextPriority priority) { priority_ = priority; }

  // As the page tables' functions of these names. The GPU sees nothing of a range until it is
  // mapped.
  Result<void> Reserve(uint64_t address, uint64_t size_bytes) {
    return tables_.Reserve(address, size_bytes);
  }
  Result<void> ReserveFor(uint64_t address, const MemoryBlock& block) {
    return tables_.ReserveFor(address, block);
  }
  // A range that was reserved.
  void Map(uint64_t address, const MemoryBlock& block);
  // The device has forgotten the range when this succeeds.
  Result<void> Unmap(uint64_t address, uint64_t size_bytes);

  // Copies and patches the commands, then submits the copy. `commands` is a multiple of 16, 16 to
  // kMaximumCommandBytes; patches lie inside. Gives the context's fence, which counts from 1.
  // QUEUE_FAULTED; DEVICE_TIMEOUT when no queue becomes free; OUT_OF_MEMORY.
  Result<uint64_t> Submit(ConstByteSpan commands, std::span<const AddressPatch> patches);
  // QUEUE_FAULTED, DEVICE_TIMEOUT, DEVICE_GONE; INVALID_ARGUMENT for a fence not yet submitted.
  Result<void> Wait(uint64_t fence, uint32_t timeout_ms = Queue::kDefaultTimeoutMs);
  // Wait for the last submission.
  Result<void> WaitLast() { return Wait(last_fence_); }
  // Whether nothing up to `fence` is left that could run. Does not wait.
  bool IsUnused(uint64_t fence) const;
  // Until everything up to `fence` has ended; a stopped queue has nothing left that could run.
  Result<void> WaitUnused(uint64_t fence, uint32_t timeout_ms = Queue::kDefaultTimeoutMs);
  // Until everything submitted has ended.
  Result<void> WaitIdle(uint32_t timeout_ms = Queue::kDefaultTimeoutMs);
  // Of the queue that it has, with the refusals of those that it had.
  abi::QueueReport Report() const;

  // Whether the device reports its queue as hung.
  bool IsHung() const { return queue_ != nullptr && queue_->queue().IsHung(); }
  // Its device is lost: from now on Submit and Wait answer `reason`, and nothing is waited for.
  void MarkLost(uint32_t reason) { loss_ = reason; }
  // Resets its queue. False: the queue does not come to rest.
  bool StopQueue();
  // Gives its queue back, reset. Only of a lost context.
  void DropQueue();
  // The function was reset: the device does not know the context any more.
  void Forget() { exists_ = false; }

  // Of the scheduler.
  Result<void> LetGo() override;

 private:
  RenderContext(Hardware* hardware, uint32_t number, PageTables tables);
  Result<void> TakeQueue();
  // What a queue of ours is asked for instead of the context's fence; a queue counts for all.
  uint64_t ToQueueFence(uint64_t fence) const { return fence + fence_shift_; }
  void GiveQueueBack();
  abi::QueueReport ReportOfQueues() const;
  Fault LossFault() const;

  Hardware* hardware_;
  uint32_t number_;
  bool exists_ = false;    // in the device
  bool is_stuck_ = false;  // let us wait in vain: from then on looked at, not waited for
  PageTables tables_;
  UserQueue* queue_ = nullptr;  // none while nothing is in flight, maybe
  ContextPriority priority_ = ContextPriority::kNormal;
  ContextPriority started_priority_ = ContextPriority::kNormal;  // of the queue that it has
  uint64_t fence_shift_ = 0;  // from a fence of ours to the queue's, modulo 2^64
  uint64_t last_fence_ = 0;
  uint64_t ended_fence_ = 0;   // reached on queues that were given back
  abi::QueueReport record_{};  // of queues that were given back
  uint32_t loss_ = 0;          // why its device is lost; OK while it is not
  bool stopped_ = false;       // the last of them had stopped: nothing runs any more
};

}  // namespace ward::kmd

#endif  // WARD_KMD_RENDER_CONTEXT_H_
