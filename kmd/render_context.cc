#include "kmd/render_context.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/planted_bug.h"

namespace ward::kmd {
namespace {

constexpr uint64_t kCommandBufferAddress = 1ull << 21;
constexpr uint32_t kEscapeQueueReport = 1;  // QUEUE_REPORT.escape
constexpr uint32_t kStateIdle = 1;
constexpr uint32_t kStateFaulted = 4;

static_assert(kCommandBufferAddress + UserQueue::kCommandBufferBytes <=
              RenderContext::kFirstAllocationAddress);

uint32_t AddSaturating(uint32_t a, uint32_t b) {
  return b > std::numeric_limits<uint32_t>::max() - a ? std::numeric_limits<uint32_t>::max()
                                                      : a + b;
}

}  // namespace

RenderContext::RenderContext(Hardware* hardware, uint32_t number, PageTables tables)
    : hardware_(hardware), number_(number), tables_(std::move(tables)) {
  record_.escape = kEscapeQueueReport;
  record_.queue_state = kStateIdle;
}

Result<std::unique_ptr<RenderContext>> RenderContext::Create(Hardware* hardware, uint32_t number) {
  WARD_ASSIGN_OR_RETURN(PageTables tables, PageTables::Create(&hardware->video_memory()));
  std::unique_ptr<RenderContext> context(new RenderContext(hardware, number, std::move(tables)));
  WARD_TRY(context->tables_.Reserve(kCommandBufferAddress, UserQueue::kCommandBufferBytes));
  // Also when the queue stops: that may have been behind the command, at its fence.
  context->exists_ = true;
  WARD_TRY(hardware->kernel_queue().CreateContext(number, context->tables_.root_address()));
  return context;
}

RenderContext::~RenderContext() {
  // The order matters: no enabled queue may be bound to a context that ends, and tables are freed
  // (by the members) only when nothing walks them.
  if (queue_ != nullptr) GiveQueueBack();
  // Once more when the queue stopped, which may have been before the command. A failure after that
  // is the device's: it has no such context, or stopped answering and stays unused from here on.
  KernelQueue& kernel_queue = hardware_->kernel_queue();
  if (exists_ && !kernel_queue.DestroyContext(number_).ok()) {
    (void)kernel_queue.DestroyContext(number_).ok();
  }
}

Fault RenderContext::LossFault() const { return {loss_, "the runtime device is lost"}; }

void RenderContext::Map(uint64_t address, const MemoryBlock& block) {
  tables_.Map(address, block, PageTables::Access::kReadWrite);
}

Result<void> RenderContext::Unmap(uint64_t address, uint64_t size_bytes) {
  tables_.Unmap(address, size_bytes);
  if (!exists_) return {};  // nothing walks them any more
  return hardware_->kernel_queue().Invalidate(number_, address, size_bytes);
}

Result<void> RenderContext::TakeQueue() {
  WARD_ASSIGN_OR_RETURN(UserQueue * queue, hardware_->queue_scheduler().Take(this));
  queue_ = queue;
  fence_shift_ = queue->queue().last_fence() - last_fence_;
  // Read-only for the GPU, never seen by a user; nobody else's as long as the queue is ours.
  tables_.Map(kCommandBufferAddress, queue->command_buffer(), PageTables::Access::kReadOnly);
  started_priority_ = priority_;
  const Result<void> started = queue->Start(number_, static_cast<uint32_t>(priority_));
  // It counts as stopped, and is given back as such when somebody needs it.
  if (!started.ok()) return started.fault();
  return {};
}

bool RenderContext::StopQueue() {
  if (queue_ == nullptr) return true;
  queue_->Stop();
  return queue_->queue().IsDisabled();
}

void RenderContext::DropQueue() {
  WARD_ASSERT(loss_ != abi::kStatusOk);
  record_ = Report();
  // Whatever is mapped there, nothing runs for this context any more.
  if (queue_ != nullptr) GiveQueueBack();
}

void RenderContext::GiveQueueBack() {
  queue_->Stop();
  hardware_->queue_scheduler().GiveBack(queue_);
  queue_ = nullptr;
}

Result<void> RenderContext::LetGo() {
  WARD_ASSERT(queue_ != nullptr);
  const Queue& queue = queue_->queue();
  stopped_ = queue.HasStopped();
  // Whatever the device wrote, it is one of the fences that were given out on this queue.
  const uint64_t first = ToQueueFence(ended_fence_);
  ended_fence_ = std::clamp(queue.CompletedFence(), first, queue.last_fence()) - fence_shift_;
  record_ = Report();
  // The next context must find its own commands there alone, and this one nothing of the next.
  WARD_TRY(Unmap(kCommandBufferAddress, UserQueue::kCommandBufferBytes));
  GiveQueueBack();
  return {};
}

Result<uint64_t> RenderContext::Submit(ConstByteSpan commands,
                                       std::span<const AddressPatch> patches) {
  WARD_ASSERT(!commands.empty() && commands.size() <= kMaximumCommandBytes &&
              IsAligned(commands.size(), abi::kCommandAlignment));
  if (loss_ != abi::kStatusOk) return LossFault();
  if (stopped_) return Fault{abi::kStatusQueueFaulted, "the context's queue has stopped"};
  if (queue_ != nullptr && queue_->queue().HasStopped()) return queue_->queue().StopFault();
  // A queue takes a priority when it is enabled.
  if (queue_ != nullptr && started_priority_ != priority_ && queue_->IsIdle()) WARD_TRY(LetGo());
  if (queue_ == nullptr) WARD_TRY(TakeQueue());
  WARD_ASSIGN_OR_RETURN(const uint64_t fence,
                        queue_->Submit(commands, patches, kCommandBufferAddress));
  hardware_->queue_scheduler().Touch(queue_);
  last_fence_ = fence - fence_shift_;
  return last_fence_;
}

Result<void> RenderContext::Wait(uint64_t fence, uint32_t timeout_ms) {
  if (HasPlantedBug(PlantedBug::kFenceBelievedFirst) && queue_ != nullptr &&
      queue_->queue().CompletedFence() >= ToQueueFence(fence)) {
    return {};
  }
  if (fence > last_fence_) {
    return Fault{abi::kStatusInvalidArgument, "the fence was never submitted"};
  }
  if (fence <= ended_fence_) return {};
  if (loss_ != abi::kStatusOk) return LossFault();
  if (queue_ != nullptr) return queue_->queue().Wait(ToQueueFence(fence), timeout_ms);
  return Fault{abi::kStatusQueueFaulted, "the queue stopped before the fence"};
}

bool RenderContext::IsUnused(uint64_t fence) const {
  if (fence <= ended_fence_ || queue_ == nullptr || loss_ != abi::kStatusOk) return true;
  return queue_->queue().CompletedFence() >= ToQueueFence(fence) || queue_->queue().HasStopped();
}

Result<void> RenderContext::WaitUnused(uint64_t fence, uint32_t timeout_ms) {
  if (loss_ != abi::kStatusOk) return {};
  const Result<void> outcome = Wait(fence, is_stuck_ ? 0 : timeout_ms);
  is_stuck_ = !outcome.ok() && outcome.fault().status == abi::kStatusDeviceTimeout;
  if (!outcome.ok() && outcome.fault().status != abi::kStatusQueueFaulted) return outcome.fault();
  return {};
}

Result<void> RenderContext::WaitIdle(uint32_t timeout_ms) {
  return WaitUnused(last_fence_, timeout_ms);
}

abi::QueueReport RenderContext::Report() const {
  abi::QueueReport report = ReportOfQueues();
  if (loss_ == abi::kStatusOk) return report;
  report.queue_state = kStateFaulted;
  report.fault_status = loss_;
  report.fault_opcode = 0;
  report.fault_address = 0;
  return report;
}

abi::QueueReport RenderContext::ReportOfQueues() const {
  if (queue_ == nullptr) return record_;
  abi::QueueReport report = queue_->queue().Report();
  if (report.refusal_count == 0) report.refusal_status = record_.refusal_status;
  report.refusal_count = AddSaturating(report.refusal_count, record_.refusal_count);
  return report;
}

}  // namespace ward::kmd
