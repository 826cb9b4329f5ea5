// The state of the command processor: saved, loaded, hashed, and whether it could be in one that
// somebody saved.
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "base/planted_bug.h"
#include "device/command_processor.h"

namespace ward::device {

using Phase = QueueExecution::Phase;

bool CommandProcessor::CanResume(const EngineJob& job) const {
  switch (job.kind) {
    case EngineJob::Kind::kCopy:
    case EngineJob::Kind::kFill:
      return blocks_.copy->CanResume(job);
    case EngineJob::Kind::kDecrypt:
    case EngineJob::Kind::kDecryptSample:
    case EngineJob::Kind::kEncrypt:
      return blocks_.crypto->CanResume(job);
    case EngineJob::Kind::kVideo:
      return blocks_.video->CanResume(job);
    case EngineJob::Kind::kNone:
      break;
  }
  return false;
}

bool CommandProcessor::CanResume(const QueueExecution& execution) const {
  const bool has_job = execution.job.kind != EngineJob::Kind::kNone;
  if (has_job != (execution.phase == Phase::kJob)) return false;
  if (has_job && !CanResume(execution.job)) return false;
  if (!blocks_.memory->Holds(execution.operand) ||
      execution.payload.size() > abi::kMaximumCommandBytes || !execution.CanResumeIndirect() ||
      execution.awaited_queues >> kQueueCount != 0 ||
      execution.vblank_wait.output >= Display::kOutputCount) {
    return false;
  }
  const bool has_message =
      execution.phase == Phase::kMailbox || execution.phase == Phase::kFirmware;
  return !has_message || (execution.response_capacity >= sizeof(abi::ResponseHeader) &&
                          execution.response_capacity == execution.operand.size_bytes());
}

bool CommandProcessor::CanLoad(const State& state, const Surroundings& surroundings) const {
  const SecurityProcessor::State& security = *surroundings.security;
  if (!QueueScheduler::CanLoad(state.scheduler) ||
      (security.busy && security.queue >= kQueueCount)) {
    return false;
  }
  for (uint32_t queue = 0; queue < kQueueCount; ++queue) {
    const CommandRing ring(queue, surroundings.registers, blocks_.memory);
    // A queue that could not be enabled stays so, faulted, until its reset.
    const bool faulted = surroundings.registers->Get(At(queue, abi::kRegFaultStatus)) != 0;
    if (ring.enabled() && !faulted && !ring.CanResume(*surroundings.contexts)) return false;
    if (!CanResume(state.queues[queue])) return false;
  }
  if (!security.busy) return true;
  // The answer goes where the queue that sent the message keeps room for it.
  const QueueExecution& sender = state.queues[security.queue];
  return sender.phase == Phase::kFirmware &&
         security.message.response_capacity <= sender.response_capacity;
}

void CommandProcessor::RestartEncryption() {
  changed_ = kAllQueues;
  for (QueueExecution& execution : state_.queues) {
    if (execution.job.kind == EngineJob::Kind::kEncrypt) {
      blocks_.crypto->RestartEncryption(&execution.job);
    }
  }
}

CommandProcessor::State CommandProcessor::Save() const {
  State state = state_;
  if (!HasPlantedBug(PlantedBug::kSchedulerNotSaved)) state.scheduler = scheduler_.Save();
  return state;
}

void CommandProcessor::Load(const State& state, LoadExtent extent) {
  const uint32_t changed = extent == LoadExtent::kAll ? kAllQueues : changed_;
  for (uint32_t queue = 0; queue < kQueueCount; ++queue) {
    if ((changed >> queue & 1) != 0) state_.queues[queue] = state.queues[queue];
  }
  changed_ = 0;
  state_.last_ticket = state.last_ticket;
  state_.engine_jobs = state.engine_jobs;
  if (extent == LoadExtent::kAll) {
    loaded_awake_ = loaded_awaited_ = 0;
    for (uint32_t queue = 0; queue < kQueueCount; ++queue) {
      if (!IsAtRest(queue)) loaded_awake_ |= 1u << queue;
      loaded_awaited_ |= state_.queues[queue].awaited_queues;
    }
  }
  awake_ = HasPlantedBug(PlantedBug::kRestoredQueueSleeps) ? 0 : loaded_awake_;
  awaited_ = loaded_awaited_;
  scheduler_.Load(state.scheduler);
}

void CommandProcessor::Hash(StateHasher* hasher) const {
  const State state = Save();
  WalkState(*hasher, state);
}

}  // namespace ward::device
