#include "device/queue_execution.h"

#include "base/assert.h"

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

void QueueExecution::EnterIndirect(const IndirectBuffer& buffer) {
  WARD_ASSERT(indirect_depth < indirect.size());
  indirect[indirect_depth++] = buffer;
}

void QueueExecution::EndCommand() {
  phase = Phase::kNone;
  command = CommandInProgress{};
  job = EngineJob{};
  operand = GuestRange{};
  wait_address = 0;
  wait_value = 0;
  wait_since_ns = 0;
  is_hung = false;
  mailbox_ticket = 0;
  awaited_queues = 0;
  message = 0;
  response_capacity = 0;
  payload.clear();
  while (InIndirect() && Innermost().next >= Innermost().bytes) {
    indirect[--indirect_depth] = IndirectBuffer{};
  }
}

void QueueExecution::Hash(StateHasher* hasher) const {
  hasher->Add(static_cast<uint64_t>(phase));
  hasher->Add(command.opcode);
  hasher->Add(command.position);
  hasher->Add(command.in_indirect);
  hasher->Add(command.is_nested);
  hasher->Add(command.indirect_offset);
  hasher->Add(command.outer_offset);
  hasher->Add(command.session);
  HashJob(job, hasher);
  HashRange(operand, hasher);
  hasher->Add(wait_address);
  hasher->Add(wait_value);
  hasher->Add(wait_since_ns);
  hasher->Add(is_hung);
  hasher->Add(mailbox_ticket);
  hasher->Add(awaited_queues);
  hasher->Add(message);
  hasher->Add(response_capacity);
  hasher->Add(ConstByteSpan(payload));
  hasher->Add(indirect_depth);
  for (const IndirectBuffer& buffer : indirect) {
    hasher->Add(buffer.address);
    hasher->Add(buffer.bytes);
    hasher->Add(buffer.next);
    hasher->Add(buffer.position);
  }
}

}  // namespace ward::device
