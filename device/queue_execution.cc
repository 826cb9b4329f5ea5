#include "device/queue_execution.h"

namespace ward::device {
namespace {

void HashRange(const GuestRange& range, StateHasher* hasher) {
  hasher->Add(range.spans().size());
  for (const PhysicalSpan& span : range.spans()) {
    hasher->Add(static_cast<uint64_t>(span.aperture()));
    hasher->Add(span.address());
    hasher->Add(span.size_bytes());
  }
}

void HashJob(const EngineJob& job, StateHasher* hasher) {
  hasher->Add(static_cast<uint64_t>(job.kind));
  hasher->Add(ConstByteSpan(job.command));
  hasher->Add(job.context);
  HashRange(job.destination, hasher);
  HashRange(job.source, hasher);
  HashRange(job.second_source, hasher);
  HashRange(job.iv_destination, hasher);
  hasher->Add(job.owner);
  hasher->Add(job.done);
  hasher->Add(job.key_serial);
  hasher->Add(ConstByteSpan(job.counter_block));
  hasher->Add(job.keystream_position);
  // The stripe is in the command.
  hasher->Add(job.sample.sub_samples().size());
  for (const SubSample& sub_sample : job.sample.sub_samples()) {
    hasher->Add(sub_sample.clear_bytes);
    hasher->Add(sub_sample.encrypted_bytes);
  }
}

}  // namespace

void QueueExecution::EndCommand() {
  phase = Phase::kNone;
  command = CommandInProgress{};
  job = EngineJob{};
  operand = GuestRange{};
  wait_address = 0;
  wait_value = 0;
  vblank_wait = VblankWait{};
  awaited_queues = 0;
  message = 0;
  response_capacity = 0;
  payload.clear();
  if (!InIndirect()) {
    indirect_address = 0;
    indirect_bytes = 0;
    indirect_next = 0;
    indirect_position = 0;
  }
}

void QueueExecution::Hash(StateHasher* hasher) const {
  hasher->Add(static_cast<uint64_t>(phase));
  hasher->Add(command.opcode);
  hasher->Add(command.position);
  hasher->Add(command.in_indirect);
  hasher->Add(command.indirect_offset);
  hasher->Add(command.session);
  HashJob(job, hasher);
  HashRange(operand, hasher);
  hasher->Add(wait_address);
  hasher->Add(wait_value);
  hasher->Add(vblank_wait.output);
  hasher->Add(vblank_wait.for_flip ? 1 : 0);
  hasher->Add(vblank_wait.count);
  hasher->Add(awaited_queues);
  hasher->Add(message);
  hasher->Add(response_capacity);
  hasher->Add(ConstByteSpan(payload));
  hasher->Add(indirect_address);
  hasher->Add(indirect_bytes);
  hasher->Add(indirect_next);
  hasher->Add(indirect_position);
}

}  // namespace ward::device
