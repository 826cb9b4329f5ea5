// A hardware queue for users' contexts, with the buffer that their commands are copied to. It
// executes for one context at a time and passes from one to the next at rest (QueueScheduler).
#ifndef WARD_KMD_USER_QUEUE_H_
#define WARD_KMD_USER_QUEUE_H_

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "kmd/interrupt_line.h"
#include "kmd/queue.h"
#include "kmd/register_window.h"
#include "kmd/ring_space.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

// A checked patch: 8 bytes at `offset` of the commands become `address`.
struct AddressPatch {
  uint32_t offset;
  uint64_t address;
};

class UserQueue {
 public:
  static constexpr uint32_t kMaximumCommandBytes = 256 << 10;
  static constexpr uint32_t kCommandBufferBytes = 1 << 20;

  // Queue `index`, not enabled yet; a time-out as Queue::SetHangTimeout. OUT_OF_MEMORY.
  static Result<std::unique_ptr<UserQueue>> Create(const RegisterWindow* registers,
                                                   InterruptLine* interrupts, VideoMemory* memory,
                                                   uint32_t index, uint32_t hang_timeout_us);

  // Enables the queue for a context of the device, with a value of QUEUE_PRIORITY. QUEUE_FAULTED
  // when the device refuses.
  Result<void> Start(uint32_t context, uint32_t priority);
  // Drops what is left in it; no context is bound to it afterwards.
  void Stop();

  // Copies and patches the commands and submits the copy, which the context finds in its address
  // space from `buffer_address` on. Sizes as RenderContext::Submit. Gives the queue's fence.
  Result<uint64_t> Submit(ConstByteSpan commands, std::span<const AddressPatch> patches,
                          uint64_t buffer_address);
  bool IsIdle() const { return queue_->CompletedFence() >= queue_->last_fence(); }

  Queue& queue() const { return *queue_; }
  const MemoryBlock& command_buffer() const { return commands_; }

 private:
  UserQueue(std::unique_ptr<Queue> queue, MemoryBlock commands);
  Result<uint32_t> ReserveCommands(uint32_t size_bytes);

  MemoryBlock commands_;
  RingSpace command_space_;
  std::unique_ptr<Queue> queue_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_USER_QUEUE_H_
