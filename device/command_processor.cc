#include "device/command_processor.h"

#include <algorithm>
#include <bit>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "device/command_decoder.h"
#include "device/engine_latency.h"

namespace ward::device {
namespace {

using Phase = QueueExecution::Phase;

// Calls `visit` with the number of each bit of `queues`, upward.
template <typename Visit>
void ForEachQueue(uint32_t queues, const Visit& visit) {
  for (; queues != 0; queues &= queues - 1) {
    visit(static_cast<uint32_t>(std::countr_zero(queues)));
  }
}

enum State : uint32_t { kDisabled = 0, kIdle = 1, kRunning = 2, kWaiting = 3, kFaulted = 4 };

}  // namespace

CommandProcessor::CommandProcessor(const CommandBlocks& blocks)
    : blocks_(blocks),
      scheduler_(blocks.registers),
      fetch_buffer_(abi::kMaximumCommandBytes),
      ahead_(kQueueCount) {
  for (uint32_t queue = 0; queue < kQueueCount; ++queue) {
    rings_.emplace_back(queue, blocks.registers, blocks.memory);
  }
}

bool CommandProcessor::HasWork(uint32_t queue) const {
  return !Faulted(queue) && rings_[queue].enabled() &&
         (state_.queues[queue].InIndirect() || rings_[queue].HasCommands());
}

bool CommandProcessor::CanGoOn(uint32_t queue) const {
  switch (state_.queues[queue].phase) {
    case Phase::kNone:
      return HasWork(queue);
    case Phase::kJob:
      return true;
    case Phase::kWaitMemory:
    case Phase::kStuck:
      return false;
    case Phase::kMailbox:
      return !blocks_.security->Busy() && IsNextForMailbox(queue);
    case Phase::kFirmware:
      return blocks_.security->ReadyAtNs() <= blocks_.clock->NowNs();
    case Phase::kInvalidate:
      return state_.queues[queue].awaited_queues == 0;
    case Phase::kVblank:
      return VblankTime(queue) == 0;
    case Phase::kEngineTime:
      return state_.queues[queue].ready_ns <= blocks_.clock->NowNs();
  }
  return false;
}

uint64_t CommandProcessor::VblankTime(uint32_t queue) const {
  const QueueExecution& execution = state_.queues[queue];
  return execution.phase == Phase::kVblank ? blocks_.display->TimeOf(execution.vblank_wait) : 0;
}

bool CommandProcessor::WaitsOnMemory(uint32_t queue) const {
  return state_.queues[queue].phase == Phase::kWaitMemory;
}

bool CommandProcessor::MayHang(uint32_t queue) const {
  const Phase phase = state_.queues[queue].phase;
  return WaitsOnMemory(queue) || phase == Phase::kVblank || phase == Phase::kStuck;
}

// First come, first served, whatever the priority: a message takes too long for one queue to send
// all of them.
bool CommandProcessor::IsNextForMailbox(uint32_t queue) const {
  const uint64_t ticket = state_.queues[queue].mailbox_ticket;
  return std::none_of(state_.queues.begin(), state_.queues.end(), [&](const QueueExecution& other) {
    return other.phase == Phase::kMailbox && other.mailbox_ticket < ticket;
  });
}

uint32_t CommandProcessor::QueueStatus(uint32_t queue) const {
  return QueueState(queue) | (state_.queues[queue].is_hung ? abi::kQueueStatusHungMask : 0);
}

uint32_t CommandProcessor::QueueState(uint32_t queue) const {
  if (Faulted(queue)) return kFaulted;
  const Phase phase = state_.queues[queue].phase;
  if (phase == Phase::kJob || phase == Phase::kEngineTime || phase == Phase::kStuck) {
    return kRunning;
  }
  if (phase != Phase::kNone) return kWaiting;
  if (!rings_[queue].enabled()) return kDisabled;
  return HasWork(queue) ? kRunning : kIdle;
}

bool CommandProcessor::ConfigurationIsOpen(uint32_t queue) const {
  return !rings_[queue].enabled() && state_.queues[queue].phase == Phase::kNone;
}

void CommandProcessor::WriteControl(uint32_t queue, uint32_t value) {
  Wake(queue);
  const bool reset = (value & abi::kQueueControlResetMask) != 0;
  if (reset) ResetQueue(queue);
  // A reset disables, and a faulted queue needs one before it runs again.
  const bool enable = (value & abi::kQueueControlEnableMask) != 0 && !reset && !Faulted(queue);
  if (rings_[queue].enabled()) {
    if (!enable) Disable(queue);
    return;
  }
  if (!ConfigurationIsOpen(queue)) return;
  blocks_.registers->SetWritable(At(queue, abi::kRegQueueControl),
                                 enable ? value : value & ~abi::kQueueControlEnableMask);
  if (!enable) return;
  scheduler_.Admit(queue);
  auto started = rings_[queue].Start(*blocks_.contexts);
  if (!started.ok()) Stop(queue, started.fault(), CommandInProgress{});
}

void CommandProcessor::Disable(uint32_t queue) {
  const uint32_t control = At(queue, abi::kRegQueueControl);
  blocks_.registers->Set(control, blocks_.registers->Get(control) & ~abi::kQueueControlEnableMask);
  QueueExecution& execution = state_.queues[queue];
  // A job or a message comes to its end first; what has no effect yet does not.
  if (execution.phase != Phase::kJob && execution.phase != Phase::kEngineTime &&
      execution.phase != Phase::kFirmware) {
    execution = QueueExecution{};
    StopAwaiting(queue);
  }
}

void CommandProcessor::RingDoorbell(uint32_t queue, uint32_t tail) {
  if (!rings_[queue].enabled() || Faulted(queue)) return;
  Wake(queue);
  auto accepted = rings_[queue].AcceptTail(tail);
  if (accepted.ok()) return;
  CommandInProgress none;
  none.position = rings_[queue].head();
  Stop(queue, accepted.fault(), none);
}

ProcessResult CommandProcessor::Process(uint64_t budget_bytes) {
  blocks_.memory->BeginSlice();
  if (!HasPlantedBug(PlantedBug::kTranslationsKept)) blocks_.contexts->FlushTranslations();
  for (ReadAhead& ahead : ahead_) {
    ahead.failed = false;
    ahead.size_bytes = 0;
  }
  ReportHangs();
  uint64_t left = std::max(budget_bytes, kCommandCost);
  uint64_t charged = blocks_.memory->work();
  bool got_on = false;
  while (left > 0 && TakeTurn(left)) {
    got_on = true;
    // Looks of WAITs in vain are the slice's work too.
    left -= std::min(left, std::max(kCommandCost, blocks_.memory->work() - charged));
    charged = blocks_.memory->work();
  }
  ProcessResult result;
  if (left == 0) {
    ForEachQueue(awake_, [&](uint32_t queue) {
      result.more = result.more || CanGoOn(queue) || (got_on && WaitsOnMemory(queue));
      result.in_job = result.in_job || state_.queues[queue].phase == Phase::kJob;
    });
  }
  result.wakeup_ns = FindWakeup();
  blocks_.memory->EndSlice();
  return result;
}

bool CommandProcessor::TakeTurn(uint64_t left) {
  do {
    const QueueScheduler::Order order = scheduler_.Next(awake_);
    for (uint32_t i = 0; i < order.count; ++i) {
      const uint32_t queue = order.queues[i];
      const uint64_t before = blocks_.memory->work();
      const bool is_alone = IsAlone(queue);
      if (!Visit(queue, is_alone ? left : std::min(left, kTurnBytes))) {
        if (IsAtRest(queue)) awake_ &= ~(1u << queue);
        continue;
      }
      const uint64_t work = std::max(kCommandCost, blocks_.memory->work() - before);
      scheduler_.Charge(queue, work);
      // As between turns: rounds that nobody else asked for are over when others come.
      if (is_alone && work > kTurnBytes) scheduler_.BeginRound(1u << queue);
      return true;
    }
  } while (scheduler_.BeginRound(ActiveQueues()));
  return false;
}

bool CommandProcessor::IsAlone(uint32_t queue) const {
  const uint32_t others = ~(1u << queue);
  return (awake_ & others) == 0 || (ActiveQueues() & others) == 0;
}

uint32_t CommandProcessor::ActiveQueues() const {
  uint32_t active = 0;
  ForEachQueue(awake_, [&](uint32_t queue) {
    if (WaitsOnMemory(queue) || CanGoOn(queue)) active |= 1u << queue;
  });
  return active;
}

uint64_t CommandProcessor::HangsAtNs(uint32_t queue) const {
  constexpr uint64_t kNanosecondsPerMicrosecond = 1000;
  const QueueExecution& execution = state_.queues[queue];
  if (!MayHang(queue) || execution.is_hung) return UINT64_MAX;
  const uint64_t timeout_us = blocks_.registers->Get(At(queue, abi::kRegQueueTimeout));
  if (timeout_us == 0) return UINT64_MAX;
  const uint64_t timeout_ns = timeout_us * kNanosecondsPerMicrosecond;
  return execution.wait_since_ns > UINT64_MAX - timeout_ns ? UINT64_MAX
                                                           : execution.wait_since_ns + timeout_ns;
}

void CommandProcessor::ReportHangs() {
  const uint64_t now = blocks_.clock->NowNs();
  ForEachQueue(awake_, [&](uint32_t queue) {
    const uint64_t hangs_at = HangsAtNs(queue);
    if (hangs_at == UINT64_MAX || hangs_at > now) return;
    MarkChanged(queue);
    // Looked at once more: what it waited for may be there since.
    if (WaitsOnMemory(queue) && PollWait(queue)) return;
    if (state_.queues[queue].phase == Phase::kVblank && PollVblank(queue)) return;
    QueueExecution& execution = state_.queues[queue];
    execution.is_hung = true;
    blocks_.trace->OnEvent({"hang", "", {queue, execution.command.position, 0}});
    blocks_.interrupts->Raise(Interrupts::kSourceHang);
  });
}

uint64_t CommandProcessor::FindWakeup() const {
  uint64_t wakeup = blocks_.security->Busy() ? blocks_.security->ReadyAtNs() : UINT64_MAX;
  ForEachQueue(awake_, [&](uint32_t queue) {
    wakeup = std::min(wakeup, HangsAtNs(queue));
    const uint64_t vblank_ns = VblankTime(queue);
    if (vblank_ns != 0) wakeup = std::min(wakeup, vblank_ns);
    const QueueExecution& execution = state_.queues[queue];
    if (execution.phase == Phase::kEngineTime) wakeup = std::min(wakeup, execution.ready_ns);
  });
  return wakeup == UINT64_MAX ? 0 : wakeup;
}

bool CommandProcessor::Visit(uint32_t queue, uint64_t budget) {
  if (state_.queues[queue].phase == Phase::kNone && !HasWork(queue)) return false;
  MarkChanged(queue);
  switch (state_.queues[queue].phase) {
    case Phase::kNone:
      return RunCommand(queue, budget);
    case Phase::kJob:
      return StepJob(queue, budget);
    case Phase::kWaitMemory:
      return PollWait(queue);
    case Phase::kMailbox:
      return SubmitMessage(queue);
    case Phase::kFirmware:
      return TakeAnswer(queue);
    case Phase::kInvalidate:
      return PollInvalidate(queue);
    case Phase::kVblank:
      return PollVblank(queue);
    case Phase::kEngineTime:
      return PollEngineTime(queue);
    case Phase::kStuck:
      return false;
  }
  return false;
}

bool CommandProcessor::RunCommand(uint32_t queue, uint64_t budget) {
  auto fetched = FetchNext(queue);
  const CommandInProgress& command = state_.queues[queue].command;
  if (!fetched.ok()) {
    if (const abi::CommandInfo* described = abi::FindCommand(command.opcode)) {
      blocks_.trace->OnEvent({"invalid command", described->name, {queue, command.position, 0}});
    }
    Conclude(queue, fetched.fault());
    return true;
  }
  blocks_.trace->OnEvent(
      {"command", fetched.value().info->name, {queue, command.position, command.indirect_offset}});
  blocks_.trace->OnPacket({TracePacket::Kind::kCommand, queue, command.position,
                           command.indirect_offset, fetched.value().info->opcode,
                           fetched.value().bytes});
  auto outcome = Execute(queue, fetched.value());
  if (!outcome.ok()) {
    blocks_.crypto->ForgetKeyUse();
    Conclude(queue, outcome);
    return true;
  }
  const Phase phase = state_.queues[queue].phase;
  if (phase == Phase::kNone) Finish(queue);
  if (phase == Phase::kJob) StepJob(queue, budget);
  // Whether or not it had its first step.
  blocks_.crypto->ForgetKeyUse();
  return true;
}

Result<CommandProcessor::Fetched> CommandProcessor::FetchNext(uint32_t queue) {
  QueueExecution& execution = state_.queues[queue];
  CommandInProgress& command = execution.command;
  command = CommandInProgress{};
  command.in_indirect = execution.InIndirect();
  command.position = rings_[queue].head();
  if (command.in_indirect) {
    command.is_nested = execution.indirect_depth > 1;
    command.position = execution.indirect[0].position;
    command.indirect_offset = execution.Innermost().next;
    command.outer_offset = command.is_nested ? execution.Innermost().position : 0;
  }

  CommandPlace place;
  place.on_kernel_queue = queue == abi::kKernelQueue;
  place.indirect_depth = execution.indirect_depth;
  place.available_bytes = command.in_indirect
                              ? execution.Innermost().bytes - execution.Innermost().next
                              : rings_[queue].AvailableBytes();

  constexpr uint32_t kHeaderBytes = sizeof(abi::CommandHeader);
  WARD_ASSIGN_OR_RETURN(const uint8_t* const first, FetchBytes(queue, 0, kHeaderBytes));
  abi::CommandHeader header;
  std::memcpy(&header, first, sizeof(header));
  if (abi::FindCommand(header.opcode) != nullptr) {
    command.opcode = header.opcode;
  } else {
    const uint32_t number = PublicNumber(header.opcode);
    blocks_.trace->OnEvent({"unmodelled command", "", {queue, command.position, number}});
  }
  WARD_ASSIGN_OR_RETURN(const abi::CommandInfo* info, CheckHeader(header, place));

  Fetched fetched{info, ConstByteSpan(first, kHeaderBytes)};
  if (header.opcode != abi::NoopCommand::kOpcode) {
    WARD_ASSIGN_OR_RETURN(const uint8_t* const rest,
                          FetchBytes(queue, kHeaderBytes, header.length - kHeaderBytes));
    fetched.bytes = ConstByteSpan(first, header.length);
    if (rest != first + kHeaderBytes) {  // the header was ahead, the rest no more
      WARD_ASSERT(rest == fetch_buffer_.data() + kHeaderBytes);
      std::memcpy(fetch_buffer_.data(), &header, kHeaderBytes);
      fetched.bytes = ConstByteSpan(fetch_buffer_.data(), header.length);
    }
    WARD_TRY(CheckBody(*info, fetched.bytes));
    if (HasPlantedBug(PlantedBug::kHeaderReadTwice)) {
      WARD_TRY(FetchApart(queue, 0, ByteSpan(fetch_buffer_).first(header.length)));
      fetched.bytes = ConstByteSpan(fetch_buffer_.data(), header.length);
    }
  }
  Skip(queue, header.length);
  return fetched;
}

Result<const uint8_t*> CommandProcessor::FetchApart(uint32_t queue, uint32_t offset,
                                                    ByteSpan buffer) {
  const QueueExecution& execution = state_.queues[queue];
  if (!execution.InIndirect()) {
    WARD_TRY(rings_[queue].Fetch(offset, buffer));
    return buffer.data();
  }
  WARD_ASSIGN_OR_RETURN(const AddressSpace space, blocks_.contexts->Space(rings_[queue].context()));
  WARD_ASSIGN_OR_RETURN(
      const GuestRange range,
      space.TranslateControl(execution.Innermost().address + execution.Innermost().next + offset,
                             buffer.size(), sizeof(abi::CommandHeader), Access::kRead));
  WARD_TRY(blocks_.memory->Read(range, buffer));
  return buffer.data();
}

const uint8_t* CommandProcessor::FindAhead(uint32_t queue, uint32_t offset, uint32_t size_bytes) {
  if (state_.queues[queue].InIndirect()) return nullptr;
  const CommandRing& ring = rings_[queue];
  const uint32_t position = ring.head() + offset;
  ReadAhead& ahead = ahead_[queue];
  if (!ahead.Holds(position, size_bytes)) {
    if (offset != 0 || ahead.failed) return nullptr;
    ahead.position = position;
    ahead.size_bytes = std::min<uint32_t>(ring.AvailableBytes(), sizeof(ahead.bytes));
    ahead.failed = !ring.ReadAhead(ByteSpan(ahead.bytes.data(), ahead.size_bytes));
    if (ahead.failed) ahead.size_bytes = 0;
    if (!ahead.Holds(position, size_bytes)) return nullptr;
  }
  blocks_.memory->AddWork(Memory::TransferWork(size_bytes));
  return ahead.bytes.data() + (position - ahead.position);
}

void CommandProcessor::Skip(uint32_t queue, uint32_t length) {
  QueueExecution& execution = state_.queues[queue];
  if (execution.InIndirect()) {
    execution.indirect[execution.indirect_depth - 1].next += length;
  } else {
    rings_[queue].Advance(length);
  }
}

bool CommandProcessor::StepJob(uint32_t queue, uint64_t budget) {
  EngineJob& job = state_.queues[queue].job;
  auto may_move = CheckDataMayMove();
  if (!may_move.ok()) {
    Conclude(queue, may_move);
    return true;
  }
  auto done = StepEngine(&job, budget);
  if (!done.ok()) {
    // No engine but a cipher that does not run answers this.
    if (done.fault().status == abi::kStatusDeviceInErrorState) blocks_.security->FailCipher();
    Conclude(queue, done.fault());
  } else if (done.value() || HasPlantedBug(PlantedBug::kJobEndsAtFirstStep)) {
    FinishJob(queue);
  }
  return true;
}

// The data has moved; with a latency the command ends later.
void CommandProcessor::FinishJob(uint32_t queue) {
  QueueExecution& execution = state_.queues[queue];
  const uint64_t latency_ns = EngineLatencyNs(blocks_.latency, execution.job);
  if (latency_ns == 0) return Finish(queue);
  const uint64_t now = blocks_.clock->NowNs();
  execution.ready_ns = now > UINT64_MAX - latency_ns ? UINT64_MAX : now + latency_ns;
  execution.phase = Phase::kEngineTime;
  execution.job = EngineJob{};
}

bool CommandProcessor::PollEngineTime(uint32_t queue) {
  if (blocks_.clock->NowNs() < state_.queues[queue].ready_ns) return false;
  Finish(queue);
  return true;
}

bool CommandProcessor::PollWait(uint32_t queue) {
  auto over = WaitIsOver(queue);
  if (over.ok() && !over.value()) return false;
  if (over.ok()) {
    Finish(queue);
  } else {
    Conclude(queue, over.fault());
  }
  return true;
}

// Translated at each look, so that an INVALIDATE has nothing to wait for here.
Result<bool> CommandProcessor::WaitIsOver(uint32_t queue) const {
  const QueueExecution& execution = state_.queues[queue];
  WARD_ASSIGN_OR_RETURN(const AddressSpace space, blocks_.contexts->Space(rings_[queue].context()));
  uint8_t bytes[sizeof(uint64_t)];
  WARD_ASSIGN_OR_RETURN(
      const GuestRange operand,
      space.TranslateControl(execution.wait_address, sizeof(bytes), sizeof(bytes), Access::kRead));
  WARD_TRY(blocks_.memory->Read(operand, bytes));
  return LoadLe<uint64_t>(bytes) >= execution.wait_value;
}

bool CommandProcessor::PollInvalidate(uint32_t queue) {
  if (state_.queues[queue].awaited_queues != 0) return false;
  Finish(queue);
  return true;
}

bool CommandProcessor::PollVblank(uint32_t queue) {
  if (VblankTime(queue) != 0) return false;
  Finish(queue);
  return true;
}

bool CommandProcessor::SubmitMessage(uint32_t queue) {
  if (blocks_.security->Busy() || !IsNextForMailbox(queue)) return false;
  QueueExecution& execution = state_.queues[queue];
  blocks_.security->Submit(queue, rings_[queue].context(), execution.message, execution.payload,
                           execution.response_capacity);
  execution.payload.clear();
  execution.phase = Phase::kFirmware;
  return true;
}

bool CommandProcessor::TakeAnswer(uint32_t queue) {
  if (!blocks_.security->Busy() || blocks_.security->queue() != queue) {
    Conclude(queue, Fault{abi::kStatusEngineReset, "message was dropped"});
    return true;
  }
  const ConstByteSpan response = blocks_.security->TakeResponse();
  if (response.empty()) return false;
  const GuestRange& operand = state_.queues[queue].operand;
  WARD_ASSERT(response.size() <= operand.size_bytes());
  auto written = blocks_.memory->Write(operand.Slice(0, response.size()), response);
  if (!written.ok()) {
    Conclude(queue, written);
  } else {
    Finish(queue);
  }
  return true;
}

void CommandProcessor::Conclude(uint32_t queue, const Result<void>& outcome) {
  const Fault& fault = outcome.fault();
  if (abi::StatusStopsQueue(fault.status)) {
    Stop(queue, fault, state_.queues[queue].command);
  } else {
    Refuse(queue, fault);
  }
}

void CommandProcessor::Refuse(uint32_t queue, const Fault& fault) {
  RegisterFile& registers = *blocks_.registers;
  const uint32_t count = registers.Get(At(queue, abi::kRegRefusalCount));
  if (count != UINT32_MAX) registers.Set(At(queue, abi::kRegRefusalCount), count + 1);
  registers.Set(At(queue, abi::kRegRefusalStatus), fault.status);
  const CommandInProgress command = state_.queues[queue].command;
  if (command.session != 0) {
    blocks_.grants->CountRefusal(command.session, rings_[queue].context(), fault.status);
  }
  blocks_.trace->OnEvent(
      {"refusal", abi::StatusName(fault.status), {queue, command.position, fault.status}});
  Finish(queue);
  blocks_.interrupts->Raise(Interrupts::kSourceRefusal);
}

void CommandProcessor::Stop(uint32_t queue, const Fault& fault, const CommandInProgress& record) {
  const CommandInProgress command = record;  // DropExecution wipes where it may come from
  DropExecution(queue);
  RegisterFile& registers = *blocks_.registers;
  registers.Set(At(queue, abi::kRegFaultStatus), fault.status);
  registers.Set(At(queue, abi::kRegFaultPosition), command.position);
  registers.Set64(At(queue, abi::kRegFaultAddressLo), fault.address);
  registers.Set(At(queue, abi::kRegFaultCommand),
                command.opcode | (command.in_indirect ? abi::kFaultCommandInIndirectMask : 0) |
                    (command.is_nested ? abi::kFaultCommandNestedMask : 0));
  registers.Set(At(queue, abi::kRegFaultIndirectOffset), command.indirect_offset);
  registers.Set(At(queue, abi::kRegFaultOuterOffset), command.outer_offset);
  registers.Set(At(queue, abi::kRegRingHead), command.position);
  blocks_.trace->OnEvent(
      {"fault", abi::StatusName(fault.status), {queue, command.position, fault.status}});
  blocks_.interrupts->Raise(Interrupts::kSourceFault);
}

void CommandProcessor::Finish(uint32_t queue) {
  QueueExecution& execution = state_.queues[queue];
  const CommandInProgress& command = execution.command;
  const abi::CommandInfo* described = abi::FindCommand(command.opcode);
  blocks_.trace->OnEvent({"done",
                          described != nullptr ? described->name : "",
                          {queue, command.position, command.indirect_offset}});
  execution.EndCommand();
  // Disabled meanwhile: this is the border to stop at.
  if (!rings_[queue].enabled()) execution = QueueExecution{};
  StopAwaiting(queue);
}

void CommandProcessor::DropExecution(uint32_t queue) {
  if (state_.queues[queue].phase == Phase::kFirmware) blocks_.security->Abandon(queue);
  state_.queues[queue] = QueueExecution{};
  StopAwaiting(queue);
}

void CommandProcessor::StopAwaiting(uint32_t queue) {
  const uint32_t self = 1u << queue;
  if ((awaited_ & self) == 0) return;
  awaited_ &= ~self;
  changed_ = kAllQueues;
  for (QueueExecution& execution : state_.queues) execution.awaited_queues &= ~self;
}

void CommandProcessor::ResetQueue(uint32_t queue) {
  DropExecution(queue);
  RegisterFile& registers = *blocks_.registers;
  for (uint32_t offset = abi::kRegFaultStatus; offset <= abi::kRegRefusalStatus; offset += 4) {
    registers.Set(At(queue, offset), 0);
  }
  registers.Set(At(queue, abi::kRegFaultOuterOffset), 0);
  const uint32_t control = At(queue, abi::kRegQueueControl);
  registers.Set(control, registers.Get(control) & ~abi::kQueueControlEnableMask);
  rings_[queue].ClearPositions();
  blocks_.trace->OnEvent({"reset", "queue", {queue, 0, 0}});
}

void CommandProcessor::ResetEngines() {
  blocks_.trace->OnEvent({"reset", "engines", {0, 0, 0}});
  for (uint32_t queue = 0; queue < kQueueCount; ++queue) {
    if (state_.queues[queue].phase == Phase::kNone) continue;
    MarkChanged(queue);
    Conclude(queue, Fault{abi::kStatusEngineReset, "engines were reset"});
  }
}

void CommandProcessor::Reset() {
  const uint64_t engine_jobs = state_.engine_jobs;
  if (!HasPlantedBug(PlantedBug::kJobOutlivesReset)) state_ = State{};
  changed_ = kAllQueues;
  awake_ = kAllQueues;
  awaited_ = kAllQueues;
  state_.engine_jobs = engine_jobs;
  scheduler_.Reset();
}

}  // namespace ward::device
