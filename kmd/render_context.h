// A GPU context: its address space, its queue, and the buffer that user commands are copied to.
#ifndef WARD_KMD_RENDER_CONTEXT_H_
#define WARD_KMD_RENDER_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "kmd/hardware.h"
#include "kmd/page_tables.h"
#include "kmd/queue.h"
#include "kmd/ring_space.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

// A checked patch: 8 bytes at `offset` of the commands become `address`.
struct AddressPatch {
  uint32_t offset;
  uint64_t address;
};

class RenderContext {
 public:
  static constexpr uint32_t kMaximumCommandBytes = 256 << 10;
  // Virtual addresses below are the driver's own (command buffers), or are never mapped.
  static constexpr uint64_t kFirstAllocationAddress = 1ull << 32;

  // `number` names both the queue and the context in the device. `hardware` outlives it.
  static Result<std::unique_ptr<RenderContext>> Create(Hardware* hardware, uint32_t number);
  // Drops what was submitted; waits for nothing but the device's own destruction of the context.
  ~RenderContext();
  RenderContext(const RenderContext&) = delete;
  RenderContext& operator=(const RenderContext&) = delete;

  uint32_t number() const { return number_; }
  Queue& queue() { return *queue_; }

  // OUT_OF_MEMORY. The GPU sees nothing of a range until it is mapped.
  Result<void> ReserveRange(uint64_t address, uint64_t size_bytes);
  // A range that was reserved.
  void Map(uint64_t address, const MemoryBlock& block);
  // The device has forgotten the range when this succeeds.
  Result<void> Unmap(uint64_t address, uint64_t size_bytes);

  // Copies and patches the commands, then submits the copy. `commands` is a multiple of 16, 16 to
  // kMaximumCommandBytes; patches lie inside. Gives the fence's value. QUEUE_FAULTED.
  Result<uint64_t> Submit(ConstByteSpan commands, std::span<const AddressPatch> patches);
  // Until everything up to `fence` has ended; a stopped queue has nothing left that could run.
  Result<void> WaitUnused(uint64_t fence, uint32_t timeout_ms = Queue::kDefaultTimeoutMs);
  // Until everything submitted has ended.
  Result<void> WaitIdle(uint32_t timeout_ms = Queue::kDefaultTimeoutMs);

 private:
  RenderContext(Hardware* hardware, uint32_t number, PageTables tables, MemoryBlock commands);
  Result<uint32_t> ReserveCommands(uint32_t size_bytes);

  Hardware* hardware_;
  uint32_t number_;
  bool exists_ = false;    // in the device
  bool is_stuck_ = false;  // let us wait in vain: from then on looked at, not waited for
  PageTables tables_;
  MemoryBlock commands_;  // mapped read-only for the GPU, never seen by a user
  RingSpace command_space_;
  std::unique_ptr<Queue> queue_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_RENDER_CONTEXT_H_
