// What each command does, once it is fetched and the table's checks hold.
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "device/command_processor.h"

namespace ward::device {
namespace {

using Phase = QueueExecution::Phase;

constexpr uint32_t kPayloadOffset = abi::SecurityMessageCommand::kSizeBytes;
constexpr uint32_t kMaximumResponseBytes = 65536;
constexpr uint32_t kSubSampleBytes = 8;

constexpr uint64_t RoundUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// The session that a command names, for the session's own count of refusals.
uint32_t SessionOf(const abi::CommandInfo& info, ConstByteSpan bytes) {
  if (info.opcode == abi::DecryptBltCommand::kOpcode) {
    return LoadLe<uint32_t>(bytes.data() + offsetof(abi::DecryptBltCommand, session));
  }
  if (info.opcode == abi::DecryptSampleCommand::kOpcode) {
    return LoadLe<uint32_t>(bytes.data() + offsetof(abi::DecryptSampleCommand, session));
  }
  if (info.opcode == abi::EncryptBltCommand::kOpcode) {
    return LoadLe<uint32_t>(bytes.data() + offsetof(abi::EncryptBltCommand, session));
  }
  return 0;
}

// `body` is `payload_bytes` and zeros up to whole 16 bytes.
Result<void> CheckPadding(ConstByteSpan body, uint64_t payload_bytes) {
  if (RoundUp(payload_bytes, abi::kCommandAlignment) != body.size()) {
    return Fault{abi::kStatusCommandLengthInvalid, "length does not fit what follows the command"};
  }
  for (uint8_t byte : body.subspan(payload_bytes)) {
    if (byte != 0) return Fault{abi::kStatusReservedNotZero, "padding is not zero"};
  }
  return {};
}

// The list behind a DECRYPT_SAMPLE.
Result<ConstByteSpan> FindSubSamples(const abi::DecryptSampleCommand& command,
                                     ConstByteSpan bytes) {
  if (command.sub_sample_count == 0 || command.sub_sample_count > abi::kMaximumSubSamples) {
    return Fault{abi::kStatusOperandInvalid, "sub_sample_count is not 1 to MAXIMUM_SUB_SAMPLES"};
  }
  const ConstByteSpan list = bytes.subspan(sizeof(command));
  WARD_TRY(CheckPadding(list, uint64_t{command.sub_sample_count} * kSubSampleBytes));
  return list;
}

}  // namespace

Result<void> CommandProcessor::Execute(uint32_t queue, const Fetched& command) {
  switch (command.info->opcode) {
    case abi::NoopCommand::kOpcode:
      return {};
    case abi::FenceCommand::kOpcode:
      return ExecuteFence(queue, command.As<abi::FenceCommand>());
    case abi::WaitCommand::kOpcode:
      return ExecuteWait(queue, command.As<abi::WaitCommand>());
    case abi::IndirectBufferCommand::kOpcode:
      return ExecuteIndirect(queue, command.As<abi::IndirectBufferCommand>());
    case abi::FlipCommand::kOpcode:
      return ExecuteFlip(command.As<abi::FlipCommand>());
    case abi::CursorCommand::kOpcode:
      return ExecuteCursor(command.As<abi::CursorCommand>());
    case abi::WaitVblankCommand::kOpcode:
      return ExecuteWaitVblank(queue, command.As<abi::WaitVblankCommand>());
    case abi::SecurityMessageCommand::kOpcode:
      return ExecuteMessage(queue, command);
    case abi::ContextCreateCommand::kOpcode: {
      const auto create = command.As<abi::ContextCreateCommand>();
      return blocks_.contexts->Create(create.context, create.page_table_root);
    }
    case abi::ContextDestroyCommand::kOpcode:
      return ExecuteContextDestroy(command.As<abi::ContextDestroyCommand>());
    case abi::InvalidateCommand::kOpcode:
      return ExecuteInvalidate(queue, command.As<abi::InvalidateCommand>());
    default:
      return ExecuteEngine(queue, command);
  }
}

Result<void> CommandProcessor::ExecuteFence(uint32_t queue, const abi::FenceCommand& command) {
  const uint64_t last = rings_[queue].last_fence();
  const bool repeats = HasPlantedBug(PlantedBug::kFenceRepeats) && command.value == last;
  if (command.value <= last && !repeats) {
    if (HasPlantedBug(PlantedBug::kRefusedFenceWritten)) {
      WARD_TRY(rings_[queue].WriteFence(blocks_.memory, command.value));
    }
    return Fault{abi::kStatusFenceNotMonotonic, "fence is not greater than the last one"};
  }
  WARD_TRY(rings_[queue].WriteFence(blocks_.memory, command.value));
  blocks_.trace->OnEvent({"fence", "", {queue, command.value, 0}});
  if ((command.flags & abi::FenceCommand::kFlagInterrupt) != 0) blocks_.interrupts->Raise(queue);
  return {};
}

Result<void> CommandProcessor::ExecuteWait(uint32_t queue, const abi::WaitCommand& command) {
  WARD_ASSIGN_OR_RETURN(const AddressSpace space, blocks_.contexts->Space(rings_[queue].context()));
  WARD_TRY(
      space.TranslateControl(command.address, sizeof(uint64_t), sizeof(uint64_t), Access::kRead));
  state_.queues[queue].wait_address = command.address;
  state_.queues[queue].wait_value = command.value;
  state_.queues[queue].wait_since_ns = blocks_.clock->NowNs();
  state_.queues[queue].phase = Phase::kWaitMemory;
  return {};
}

Result<void> CommandProcessor::ExecuteIndirect(uint32_t queue,
                                               const abi::IndirectBufferCommand& command) {
  if (command.length_bytes == 0 || command.length_bytes > abi::kMaximumIndirectBytes ||
      !IsAligned(command.length_bytes, abi::kCommandAlignment)) {
    return Fault{abi::kStatusOperandInvalid, "length of an indirect buffer"};
  }
  WARD_ASSIGN_OR_RETURN(const AddressSpace space, blocks_.contexts->Space(rings_[queue].context()));
  WARD_TRY(space.TranslateControl(command.address, command.length_bytes, abi::kCommandAlignment,
                                  Access::kRead));
  QueueExecution& execution = state_.queues[queue];
  const CommandInProgress& self = execution.command;
  execution.EnterIndirect({command.address, command.length_bytes, 0,
                           self.in_indirect ? self.indirect_offset : self.position});
  return {};
}

Result<void> CommandProcessor::ExecuteFlip(const abi::FlipCommand& command) {
  WARD_TRY(CheckDataMayMove());
  WARD_ASSIGN_OR_RETURN(const bool shown,
                        blocks_.display->Flip(command, AddressSpace::Kernel(blocks_.memory)));
  if (shown) blocks_.interrupts->Raise(Interrupts::kSourceFlip);
  return {};
}

Result<void> CommandProcessor::ExecuteCursor(const abi::CursorCommand& command) {
  WARD_TRY(CheckDataMayMove());
  return blocks_.display->SetCursor(command, AddressSpace::Kernel(blocks_.memory));
}

Result<void> CommandProcessor::ExecuteWaitVblank(uint32_t queue,
                                                 const abi::WaitVblankCommand& command) {
  WARD_ASSIGN_OR_RETURN(state_.queues[queue].vblank_wait, blocks_.display->CheckWait(command));
  state_.queues[queue].wait_since_ns = blocks_.clock->NowNs();
  state_.queues[queue].phase = Phase::kVblank;
  return {};
}

Result<void> CommandProcessor::ExecuteMessage(uint32_t queue, const Fetched& command) {
  const auto message = command.As<abi::SecurityMessageCommand>();
  const ConstByteSpan body = command.bytes.subspan(kPayloadOffset);
  WARD_TRY(CheckPadding(body, message.payload_bytes));
  if (message.response_capacity < sizeof(abi::ResponseHeader) ||
      message.response_capacity > kMaximumResponseBytes) {
    return Fault{abi::kStatusOperandInvalid, "response_capacity is not 16 to 65536"};
  }
  WARD_ASSIGN_OR_RETURN(const AddressSpace space, blocks_.contexts->Space(rings_[queue].context()));
  QueueExecution& execution = state_.queues[queue];
  // The range is kept until the answer is there; INVALIDATE waits for that.
  WARD_ASSIGN_OR_RETURN(execution.operand,
                        space.TranslateControl(message.response_address, message.response_capacity,
                                               abi::kCommandAlignment, Access::kWrite));
  execution.message = message.message;
  execution.response_capacity = message.response_capacity;
  execution.payload.assign(body.begin(), body.begin() + message.payload_bytes);
  execution.phase = Phase::kMailbox;
  execution.mailbox_ticket = ++state_.last_ticket;
  SubmitMessage(queue);
  return {};
}

Result<void> CommandProcessor::ExecuteContextDestroy(const abi::ContextDestroyCommand& command) {
  WARD_TRY(blocks_.contexts->CheckUser(command.context));
  for (uint32_t queue = 0; queue < kQueueCount; ++queue) {
    const bool at_rest = ConfigurationIsOpen(queue);
    if (!at_rest && rings_[queue].context() == command.context) {
      return Fault{abi::kStatusContextBusy, "an enabled queue is bound to the context"};
    }
  }
  blocks_.contexts->Destroy(command.context);
  blocks_.security->EndContext(command.context);
  return {};
}

Result<void> CommandProcessor::ExecuteInvalidate(uint32_t queue,
                                                 const abi::InvalidateCommand& command) {
  WARD_TRY(blocks_.contexts->CheckUser(command.context));
  if (!IsAligned(command.address, abi::kPageSize)) {
    return Fault{abi::kStatusAddressMisaligned, "address of an invalidate", command.address};
  }
  if (!IsAligned(command.length_bytes, abi::kPageSize)) {
    return Fault{abi::kStatusOperandInvalid, "length of an invalidate"};
  }
  if (!RangeFits(command.address, command.length_bytes, uint64_t{1} << abi::kVirtualAddressBits)) {
    return Fault{abi::kStatusAddressOutOfRange, "range of an invalidate", command.address};
  }
  if (!HasPlantedBug(PlantedBug::kTranslationsKept)) blocks_.contexts->FlushTranslations();
  // Later translations read the page tables anew, so only commands in flight hold older ones. Those
  // that begin later do not count, or a busy context could hold this queue for ever.
  uint32_t awaited = 0;
  for (uint32_t other = 0; other < kQueueCount; ++other) {
    const bool in_flight = state_.queues[other].HoldsTranslations();
    if (in_flight && rings_[other].context() == command.context) awaited |= 1u << other;
  }
  if (awaited == 0) return {};
  state_.queues[queue].awaited_queues = awaited;
  awaited_ |= awaited;
  state_.queues[queue].phase = Phase::kInvalidate;
  return {};
}

Result<void> CommandProcessor::CheckDataMayMove() const {
  constexpr uint32_t kFailed = 2;
  if (blocks_.security->firmware_state() == kFailed) {
    return Fault{abi::kStatusDeviceInErrorState, "firmware failed; no data moves until reset"};
  }
  return {};
}

Result<void> CommandProcessor::ExecuteEngine(uint32_t queue, const Fetched& command) {
  QueueExecution& execution = state_.queues[queue];
  execution.command.session = SessionOf(*command.info, command.bytes);
  WARD_TRY(CheckDataMayMove());
  WARD_ASSIGN_OR_RETURN(const AddressSpace space, blocks_.contexts->Space(rings_[queue].context()));
  auto begun = BeginJob(command, space, &execution.job);
  if (!begun.ok()) {
    execution.job.Clear();
    return begun;
  }
  execution.phase = Phase::kJob;
  if (++state_.engine_jobs == blocks_.engine_hang_after) {
    execution.job = EngineJob{};
    execution.phase = Phase::kStuck;
    execution.wait_since_ns = blocks_.clock->NowNs();
  }
  return {};
}

Result<void> CommandProcessor::BeginJob(const Fetched& command, const AddressSpace& space,
                                        EngineJob* job) {
  switch (command.info->opcode) {
    case abi::CopyCommand::kOpcode: {
      WARD_ASSIGN_OR_RETURN(*job, blocks_.copy->Begin(command.As<abi::CopyCommand>(), space));
      return {};
    }
    case abi::FillCommand::kOpcode: {
      WARD_ASSIGN_OR_RETURN(*job, blocks_.copy->Begin(command.As<abi::FillCommand>(), space));
      return {};
    }
    case abi::DecryptBltCommand::kOpcode:
      return blocks_.crypto->Begin(command.As<abi::DecryptBltCommand>(), space, job);
    case abi::DecryptSampleCommand::kOpcode: {
      const auto sample = command.As<abi::DecryptSampleCommand>();
      WARD_ASSIGN_OR_RETURN(const ConstByteSpan list, FindSubSamples(sample, command.bytes));
      return blocks_.crypto->Begin(sample, list, space, job);
    }
    case abi::EncryptBltCommand::kOpcode:
      return blocks_.crypto->Begin(command.As<abi::EncryptBltCommand>(), space, job);
    case abi::VideoBltCommand::kOpcode: {
      WARD_ASSIGN_OR_RETURN(*job, blocks_.video->Begin(command.As<abi::VideoBltCommand>(), space));
      return {};
    }
    default:
      return Fault{abi::kStatusCommandUnimplemented, "command has no engine"};
  }
}

Result<bool> CommandProcessor::StepEngine(EngineJob* job, uint64_t budget) {
  switch (job->kind) {
    case EngineJob::Kind::kCopy:
    case EngineJob::Kind::kFill:
      return blocks_.copy->Step(job, budget);
    case EngineJob::Kind::kDecrypt:
    case EngineJob::Kind::kDecryptSample:
    case EngineJob::Kind::kEncrypt:
      return blocks_.crypto->Step(job, budget);
    case EngineJob::Kind::kVideo:
      return blocks_.video->Step(job, budget);
    case EngineJob::Kind::kNone:
      break;
  }
  return Fault{abi::kStatusEngineReset, "no engine has this job"};
}

}  // namespace ward::device
