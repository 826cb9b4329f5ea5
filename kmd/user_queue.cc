#include "kmd/user_queue.h"

#include <cstring>
#include <utility>

#include "abi/generated/pci.h"
#include "base/assert.h"
#include "kmd/command.h"

namespace ward::kmd {

static_assert(UserQueue::kMaximumCommandBytes <= abi::kMaximumIndirectBytes);
static_assert(UserQueue::kMaximumCommandBytes <=
              UserQueue::kCommandBufferBytes / 2 - RingSpace::kGapBytes);

UserQueue::UserQueue(std::unique_ptr<Queue> queue, MemoryBlock commands)
    : commands_(std::move(commands)),
      command_space_(kCommandBufferBytes),
      queue_(std::move(queue)) {}

Result<std::unique_ptr<UserQueue>> UserQueue::Create(const RegisterWindow* registers,
                                                     InterruptLine* interrupts, VideoMemory* memory,
                                                     uint32_t index, uint32_t hang_timeout_us) {
  WARD_ASSIGN_OR_RETURN(MemoryBlock commands,
                        memory->Allocate(Segment::kSystem, kCommandBufferBytes));
  WARD_ASSIGN_OR_RETURN(auto queue, Queue::Create(registers, interrupts, index));
  queue->SetHangTimeout(hang_timeout_us);
  return std::unique_ptr<UserQueue>(new UserQueue(std::move(queue), std::move(commands)));
}

Result<void> UserQueue::Start(uint32_t context, uint32_t priority) {
  command_space_.Reset();
  queue_->SetPriority(priority);
  return queue_->Restart(context);
}

void UserQueue::Stop() { queue_->Stop(); }

Result<uint32_t> UserQueue::ReserveCommands(uint32_t size_bytes) {
  while (true) {
    command_space_.Release(queue_->CompletedFence());
    if (const auto piece = command_space_.TryReserve(size_bytes)) return piece->offset;
    const auto oldest = command_space_.OldestFence();
    WARD_ASSERT(oldest.has_value());
    WARD_TRY(queue_->Wait(*oldest));
    command_space_.Release(*oldest);  // as Queue::Reserve
  }
}

Result<uint64_t> UserQueue::Submit(ConstByteSpan commands, std::span<const AddressPatch> patches,
                                   uint64_t buffer_address) {
  const auto size = static_cast<uint32_t>(commands.size());
  WARD_ASSIGN_OR_RETURN(const uint32_t offset, ReserveCommands(size));
  uint8_t* copy = commands_.bytes().data() + offset;
  std::memcpy(copy, commands.data(), size);
  for (const AddressPatch& patch : patches) {
    WARD_ASSERT(RangeFits(patch.offset, sizeof(patch.address), size));
    StoreLe<uint64_t>(copy + patch.offset, patch.address);
  }
  auto indirect = MakeCommand<abi::IndirectBufferCommand>();
  indirect.address = buffer_address + offset;
  indirect.length_bytes = size;
  auto fence = queue_->Submit(BytesOf(indirect));
  if (!fence.ok()) {
    command_space_.Cancel();
    return fence;
  }
  command_space_.Commit(fence.value());
  return fence;
}

}  // namespace ward::kmd
