// Who has which hardware queue. There are many more contexts than queues: a context takes one when
// it submits, and keeps it until it has nothing in flight and another one needs it.
#ifndef WARD_KMD_QUEUE_SCHEDULER_H_
#define WARD_KMD_QUEUE_SCHEDULER_H_

#include <cstdint>
#include <list>
#include <memory>

#include "abi/generated/registers.h"
#include "base/result.h"
#include "kmd/adapter.h"
#include "kmd/interrupt_line.h"
#include "kmd/limits.h"
#include "kmd/register_window.h"
#include "kmd/user_queue.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

class QueueScheduler {
 public:
  // Who has a queue: a context.
  class Holder {
   public:
    // Stops its queue, which has nothing in flight or has stopped by itself, and forgets it. A
    // failure means that the queue must not be another's.
    virtual Result<void> LetGo() = 0;

   protected:
    ~Holder() = default;
  };

  QueueScheduler(const RegisterWindow* registers, InterruptLine* interrupts, VideoMemory* memory,
                 const Limits& limits)
      : registers_(registers),
        interrupts_(interrupts),
        memory_(memory),
        queue_count_(limits.queue_count),
        hang_timeout_us_((limits.features & abi::kFeaturesHangDetectionMask) != 0
                             ? Adapter::kHangTimeoutUs
                             : 0) {}
  QueueScheduler(const QueueScheduler&) = delete;
  QueueScheduler& operator=(const QueueScheduler&) = delete;

  // A stopped queue that is `holder`'s from now on, until it gives it back or is asked to let go:
  // a free one, else the least recently used one at rest. While all are busy it waits:
  // DEVICE_TIMEOUT when none gets on for Queue::kDefaultTimeoutMs. OUT_OF_MEMORY.
  Result<UserQueue*> Take(Holder* holder);
  // The holder submitted to it.
  void Touch(const UserQueue* queue);
  // Stopped by its holder.
  void GiveBack(UserQueue* queue);

 private:
  struct Entry {
    std::unique_ptr<UserQueue> queue;
    Holder* holder;  // null: free
  };
  using Entries = std::list<Entry>;

  Result<void> MakeOne();
  // Frees the least recently used queue at rest. LIMIT_REACHED when none is.
  Result<void> FreeOne();
  Result<void> WaitAndFreeOne();

  const RegisterWindow* registers_;
  InterruptLine* interrupts_;
  VideoMemory* memory_;
  uint32_t queue_count_;
  uint32_t hang_timeout_us_;
  Entries entries_;  // the least recently used first
};

}  // namespace ward::kmd

#endif  // WARD_KMD_QUEUE_SCHEDULER_H_
