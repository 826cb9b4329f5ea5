#include "kmd/kernel_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "base/rule.h"
#include "kmd/command.h"

namespace ward::kmd {
namespace {

constexpr uint64_t kMaximumRowBytes = 256 << 20;  // of one FILL or COPY; whole pages
constexpr uint32_t kResponseBytes = KernelQueue::kMaximumAnswerBytes + sizeof(abi::ResponseHeader);

static_assert(KernelQueue::kMaximumPayloadBytes + abi::SecurityMessageCommand::kSizeBytes <=
              Queue::kMaximumSubmitBytes);

// The command, and its payload padded with zeros.
std::vector<uint8_t> MakeMessage(uint32_t message, ConstByteSpan payload, uint64_t response_address,
                                 uint32_t response_capacity) {
  auto command = MakeCommand<abi::SecurityMessageCommand>();
  const size_t padded = (payload.size() + abi::kCommandAlignment - 1) / abi::kCommandAlignment *
                        abi::kCommandAlignment;
  command.length = static_cast<uint32_t>(sizeof(command) + padded);
  command.message = message;
  command.payload_bytes = static_cast<uint32_t>(payload.size());
  command.response_address = response_address;
  command.response_capacity = response_capacity;
  std::vector<uint8_t> bytes(command.length);
  std::memcpy(bytes.data(), &command, sizeof(command));
  std::copy(payload.begin(), payload.end(), bytes.begin() + sizeof(command));
  return bytes;
}

}  // namespace

Result<std::unique_ptr<KernelQueue>> KernelQueue::Create(const RegisterWindow* registers,
                                                         InterruptLine* interrupts,
                                                         const Limits& limits) {
  WARD_ASSIGN_OR_RETURN(auto queue, Queue::Create(registers, interrupts, abi::kKernelQueue));
  // Flips, paging and page tables go before the work of users.
  if ((limits.features & abi::kFeaturesQueuePriorityMask) != 0) {
    queue->SetPriority(Queue::kHighPriority);
  }
  WARD_TRY(queue->Restart(abi::kKernelContext));
  return std::unique_ptr<KernelQueue>(new KernelQueue(std::move(queue), registers->function()));
}

Result<void> KernelQueue::Execute(ConstByteSpan command) {
  NoticeReset();
  if (lost_) return Fault{abi::kStatusDeviceGone, "the device stopped answering, or was reset"};
  auto fence = queue_->Submit(command);
  const Result<void> outcome = fence.ok() ? queue_->Wait(fence.value()) : fence.fault();
  if (outcome.ok()) return {};
  NoticeReset();
  if (lost_) return outcome.fault();
  // After a timeout the command might still run one day, with memory that is somebody else's by
  // then; the reset in Restart drops it. A device that let us wait once is not waited for again.
  const bool restarted = queue_->Restart().ok();
  if (!restarted || outcome.fault().status != abi::kStatusQueueFaulted) lost_ = true;
  return outcome.fault();
}

// After a reset from outside no context, session or interrupt setting is left. A queue that was
// started again would work and have every wait run out, since nothing interrupts any more.
void KernelQueue::NoticeReset() { lost_ = lost_ || WARD_RULE("reset.noticed", queue_->WasReset()); }

Result<void> KernelQueue::Revive() {
  WARD_TRY(queue_->Restart());
  lost_ = false;
  return {};
}

Result<void> KernelQueue::CreateContext(uint32_t context, uint64_t page_table_root) {
  auto command = MakeCommand<abi::ContextCreateCommand>();
  command.context = context;
  command.page_table_root = page_table_root;
  return Execute(BytesOf(command));
}

Result<void> KernelQueue::DestroyContext(uint32_t context) {
  auto command = MakeCommand<abi::ContextDestroyCommand>();
  command.context = context;
  return Execute(BytesOf(command));
}

Result<void> KernelQueue::Invalidate(uint32_t context, uint64_t address, uint64_t size_bytes) {
  auto command = MakeCommand<abi::InvalidateCommand>();
  command.context = context;
  command.address = address;
  command.length_bytes = size_bytes;
  return Execute(BytesOf(command));
}

Result<void> KernelQueue::Clear(uint64_t local_address, uint64_t size_bytes) {
  const uint32_t refusals = queue_->RefusalCount();
  for (uint64_t offset = 0; offset < size_bytes; offset += kMaximumRowBytes) {
    auto command = MakeCommand<abi::FillCommand>();
    command.destination = (local_address + offset) | abi::kPhysicalLocal;
    command.row_bytes = static_cast<uint32_t>(std::min(size_bytes - offset, kMaximumRowBytes));
    command.row_count = 1;
    WARD_TRY(Execute(BytesOf(command)));
  }
  if (queue_->RefusalCount() != refusals) {
    return Fault{abi::kStatusDeviceInErrorState, "the device refused to clear protected memory"};
  }
  return {};
}

Result<void> KernelQueue::Copy(uint64_t destination, uint64_t source, uint64_t size_bytes) {
  const uint32_t refusals = queue_->RefusalCount();
  for (uint64_t offset = 0; offset < size_bytes; offset += kMaximumRowBytes) {
    auto command = MakeCommand<abi::CopyCommand>();
    command.destination = destination + offset;
    command.source = source + offset;
    command.row_bytes = static_cast<uint32_t>(std::min(size_bytes - offset, kMaximumRowBytes));
    command.row_count = 1;
    WARD_TRY(Execute(BytesOf(command)));
  }
  if (queue_->RefusalCount() != refusals) {
    return Fault{abi::kStatusDeviceInErrorState, "the device refused to copy memory"};
  }
  return {};
}

Result<void> KernelQueue::Send(uint32_t message, ConstByteSpan payload, ByteSpan answer) {
  if (payload.size() > kMaximumPayloadBytes || answer.size() > kMaximumAnswerBytes) {
    return Fault{abi::kStatusInvalidArgument, "a message that is too long"};
  }
  if (response_.bytes().empty()) {
    WARD_ASSIGN_OR_RETURN(response_, DmaMemory::Allocate(function_, kResponseBytes));
  }
  const auto capacity = static_cast<uint32_t>(sizeof(abi::ResponseHeader) + answer.size());
  // So that what is taken below is known to be this message's.
  std::fill_n(response_.bytes().begin(), capacity, uint8_t{0});
  WARD_TRY(Execute(MakeMessage(message, payload, response_.bus_address(), capacity)));
  return TakeAnswer(message, answer);
}

// What stands there may be anything: the header is copied once and compared.
Result<void> KernelQueue::TakeAnswer(uint32_t message, ByteSpan answer) const {
  abi::ResponseHeader header;
  std::memcpy(&header, response_.bytes().data(), sizeof(header));
  if (header.message != message) {
    return Fault{abi::kStatusDeviceGone, "the device did not answer the message"};
  }
  const bool has_other_size = header.length_bytes != sizeof(header) + answer.size();
  if (header.status != abi::kStatusOk ||
      (has_other_size && HasPlantedBug(PlantedBug::kRefusalSaysOk))) {
    return Fault{header.status, "the device refused the message"};
  }
  if (has_other_size) {
    return Fault{abi::kStatusDeviceGone, "the device's answer has another size"};
  }
  std::copy_n(response_.bytes().begin() + sizeof(header), answer.size(), answer.begin());
  return {};
}

Result<void> KernelQueue::ExecuteForScreen(ConstByteSpan commands, const char* reason) {
  const uint32_t refusals = queue_->RefusalCount();
  WARD_TRY(Execute(commands));
  if (queue_->RefusalCount() != refusals) return Fault{abi::kStatusScanoutRefused, reason};
  return {};
}

Result<void> KernelQueue::Flip(const abi::FlipCommand& command, std::optional<uint32_t> begin_at) {
  std::vector<uint8_t> commands;
  const auto append = [&commands](ConstByteSpan bytes) {
    commands.insert(commands.end(), bytes.begin(), bytes.end());
  };
  auto wait = MakeCommand<abi::WaitVblankCommand>();
  wait.output = command.output;
  if (begin_at.has_value()) {
    wait.count = *begin_at;
    append(BytesOf(wait));
  }
  append(BytesOf(command));
  if ((command.flags & abi::FlipCommand::kFlagAtVblank) != 0) {
    wait.flags = abi::WaitVblankCommand::kFlagFlip;
    wait.count = 0;
    append(BytesOf(wait));
  }
  return ExecuteForScreen(commands, "the device refused to show the surface");
}

Result<void> KernelQueue::SetCursor(const abi::CursorCommand& command) {
  return ExecuteForScreen(BytesOf(command), "the device refused to show the cursor");
}

}  // namespace ward::kmd
