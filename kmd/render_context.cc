#include "kmd/render_context.h"

#include <cstring>
#include <utility>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "kmd/command.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kCommandBufferBytes = 1 << 20;
constexpr uint64_t kCommandBufferAddress = 1ull << 21;

static_assert(RenderContext::kMaximumCommandBytes <= abi::kMaximumIndirectBytes);
static_assert(RenderContext::kMaximumCommandBytes <=
              kCommandBufferBytes / 2 - RingSpace::kGapBytes);
static_assert(kCommandBufferAddress + kCommandBufferBytes <=
              RenderContext::kFirstAllocationAddress);

}  // namespace

RenderContext::RenderContext(Hardware* hardware, uint32_t number, PageTables tables,
                             MemoryBlock commands)
    : hardware_(hardware),
      number_(number),
      tables_(std::move(tables)),
      commands_(std::move(commands)),
      command_space_(kCommandBufferBytes) {}

Result<std::unique_ptr<RenderContext>> RenderContext::Create(Hardware* hardware, uint32_t number) {
  VideoMemory* memory = &hardware->video_memory();
  WARD_ASSIGN_OR_RETURN(PageTables tables, PageTables::Create(memory));
  WARD_ASSIGN_OR_RETURN(MemoryBlock commands,
                        memory->Allocate(Segment::kSystem, kCommandBufferBytes));
  std::unique_ptr<RenderContext> context(
      new RenderContext(hardware, number, std::move(tables), std::move(commands)));
  WARD_TRY(context->tables_.Reserve(kCommandBufferAddress, context->commands_.size_bytes()));
  context->tables_.Map(kCommandBufferAddress, context->commands_, PageTables::Access::kReadOnly);
  WARD_TRY(hardware->kernel_queue().CreateContext(number, context->tables_.root_address()));
  context->exists_ = true;
  WARD_ASSIGN_OR_RETURN(context->queue_, Queue::Create(&hardware->registers(),
                                                       &hardware->interrupts(), number, number));
  return context;
}

RenderContext::~RenderContext() {
  // The order matters: no enabled queue may be bound to a context that ends, and tables are freed
  // (by the members) only when nothing walks them.
  queue_.reset();
  // A failure is the device's: it stopped answering, and stays unused from here on.
  if (exists_) (void)hardware_->kernel_queue().DestroyContext(number_).ok();
}

Result<void> RenderContext::ReserveRange(uint64_t address, uint64_t size_bytes) {
  return tables_.Reserve(address, size_bytes);
}

void RenderContext::Map(uint64_t address, const MemoryBlock& block) {
  tables_.Map(address, block, PageTables::Access::kReadWrite);
}

Result<void> RenderContext::Unmap(uint64_t address, uint64_t size_bytes) {
  tables_.Unmap(address, size_bytes);
  return hardware_->kernel_queue().Invalidate(number_, address, size_bytes);
}

Result<uint32_t> RenderContext::ReserveCommands(uint32_t size_bytes) {
  while (true) {
    command_space_.Release(queue_->CompletedFence());
    if (const auto piece = command_space_.TryReserve(size_bytes)) return piece->offset;
    const auto oldest = command_space_.OldestFence();
    WARD_ASSERT(oldest.has_value());
    WARD_TRY(queue_->Wait(*oldest));
  }
}

Result<uint64_t> RenderContext::Submit(ConstByteSpan commands,
                                       std::span<const AddressPatch> patches) {
  WARD_ASSERT(!commands.empty() && commands.size() <= kMaximumCommandBytes &&
              IsAligned(commands.size(), abi::kCommandAlignment));
  if (queue_->HasStopped())
    return Fault{abi::kStatusQueueFaulted, "the context's queue has stopped"};
  const auto size = static_cast<uint32_t>(commands.size());
  WARD_ASSIGN_OR_RETURN(const uint32_t offset, ReserveCommands(size));
  uint8_t* copy = commands_.bytes().data() + offset;
  std::memcpy(copy, commands.data(), size);
  for (const AddressPatch& patch : patches) {
    WARD_ASSERT(RangeFits(patch.offset, sizeof(patch.address), size));
    StoreLe<uint64_t>(copy + patch.offset, patch.address);
  }
  auto indirect = MakeCommand<abi::IndirectBufferCommand>();
  indirect.address = kCommandBufferAddress + offset;
  indirect.length_bytes = size;
  auto fence = queue_->Submit(BytesOf(indirect));
  if (!fence.ok()) {
    command_space_.Cancel();
    return fence;
  }
  command_space_.Commit(fence.value());
  return fence;
}

Result<void> RenderContext::WaitUnused(uint64_t fence, uint32_t timeout_ms) {
  const Result<void> outcome = queue_->Wait(fence, is_stuck_ ? 0 : timeout_ms);
  is_stuck_ = !outcome.ok() && outcome.fault().status == abi::kStatusDeviceTimeout;
  if (!outcome.ok() && outcome.fault().status != abi::kStatusQueueFaulted) return outcome.fault();
  return {};
}

Result<void> RenderContext::WaitIdle(uint32_t timeout_ms) {
  return WaitUnused(queue_->last_fence(), timeout_ms);
}

}  // namespace ward::kmd
