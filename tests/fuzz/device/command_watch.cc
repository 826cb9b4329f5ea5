#include "tests/fuzz/device/command_watch.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/status.h"

namespace ward::fuzz {
namespace {

bool IsDecrypt(uint16_t opcode) {
  return opcode == abi::DecryptBltCommand::kOpcode || opcode == abi::DecryptSampleCommand::kOpcode;
}

const abi::StatusInfo* FindStatus(uint64_t code) {
  for (const abi::StatusInfo& info : abi::kStatuses) {
    if (info.code == code) return &info;
  }
  return nullptr;
}

}  // namespace

CommandWatch::CommandWatch(BoundaryRecord* record, MachineBus* bus, const MachineVram* vram)
    : record_(record), bus_(bus), vram_(vram), pages_(&const_cast<MachineVram*>(vram)->memory()) {}

void CommandWatch::Reset(const SessionModel& sessions, const PageModel& pages) {
  sessions_ = sessions;
  pages_ = pages;
  for (InProgress& queue : queues_) queue = {};
  decrypts_begun_ = decrypts_done = 0;
  answers_wrapped_key_ = masks_ = is_masked_run = is_orderly = false;
  counters_.clear();
}

uint32_t CommandWatch::ContextOf(uint32_t queue) {
  return queue == 0 ? 0 : (queue == layout::kOtherQueue ? 2 : 1);
}

void CommandWatch::SendVector(uint32_t vector) {
  Expect(vector < 32, "commands", "a vector that the function does not have");
  record_->Add(vector);
}

void CommandWatch::OnEvent(const TraceEvent& event) {
  const std::string_view name = event.name;
  record_->Show(0, {reinterpret_cast<const uint8_t*>(name.data()), name.size()});
  const std::string_view detail = event.detail;
  record_->Show(1, {reinterpret_cast<const uint8_t*>(detail.data()), detail.size()});
  for (const uint64_t argument : event.arguments) record_->Add(argument);
  const auto queue = static_cast<uint32_t>(event.arguments[0]);
  if (name == "done") {
    OnDone(queue);
  } else if (name == "fault" || name == "refusal") {
    OnOutcome(queue, event.arguments[2], name == "fault");
  } else if (name == "message") {
    message_context_ = static_cast<uint32_t>(event.arguments[1]);
  } else if (name == "teardown" || (name == "firmware" && detail == "failed")) {
    // The error state holds no key either (P12).
    sessions_.OnTearDown();
    pages_.Forget();
  } else if (name == "load") {
    is_orderly = false;
  } else if (name == "reset" && detail == "queue") {
    queues_[queue] = {};
    UpdateMasks();
  } else if (name == "reset" && detail == "function") {
    OnReset();
  } else if (name == "fence") {
    OnFence(queue, event.arguments[1]);
  }
}

void CommandWatch::OnFence(uint32_t queue, uint64_t value) {
  InProgress& current = queues_[queue];
  const bool is_own = current.opcode == abi::FenceCommand::kOpcode &&
                      current.As<abi::FenceCommand>().value == value;
  Expect(is_own, "fences", "a fence was written that no command asked for");
  current.wrote_fence = true;
  if (!is_orderly || queue >= layout::kQueues) return;
  const BoundaryRecord::Store& store = record_->last_store;
  const bool is_stored = store.count == current.stores + 1 && store.value == value &&
                         store.address == layout::kFences + queue * 8;
  Expect(is_stored, "fences", "a fence is told of that was not stored, once, where it belongs");
}

void CommandWatch::OnReset() {
  sessions_.OnReset();
  pages_.Forget();
  counters_.clear();
  for (InProgress& queue : queues_) queue = {};
  answers_wrapped_key_ = false;
  UpdateMasks();
}

void CommandWatch::OnPacket(const TracePacket& packet) {
  switch (packet.kind) {
    case TracePacket::Kind::kCommand:
      return OnCommand(packet);
    case TracePacket::Kind::kMessage:
      return sessions_.OnMessage(message_context_, packet.number, packet.bytes);
    case TracePacket::Kind::kAnswer:
      return OnAnswer(packet);
  }
}

void CommandWatch::OnAnswer(const TracePacket& packet) {
  sessions_.OnAnswer(packet.number, packet.bytes);
  if (sessions_.ended() != 0) pages_.OnSessionEnd(sessions_.ended());
  answers_wrapped_key_ = packet.number == abi::kMessageGetReadbackKey;
  UpdateMasks();
}

void CommandWatch::OnCommand(const TracePacket& packet) {
  InProgress& current = queues_[packet.queue];
  Expect(!current.is_faulted, "commands", "a queue went on behind a fault");
  Expect(current.opcode == 0, "commands", "a command began before the last one of its queue ended");
  current.stores = record_->last_store.count;
  current.wrote_fence = false;
  current.opcode = static_cast<uint16_t>(packet.number);
  current.is_refused = false;
  const size_t size = std::min(packet.bytes.size(), current.bytes.size());
  std::memcpy(current.bytes.data(), packet.bytes.data(), size);
  const uint32_t context = ContextOf(packet.queue);
  if (IsDecrypt(current.opcode)) ++decrypts_begun_;
  if (current.opcode == abi::IndirectBufferCommand::kOpcode) bus_->ForgetIndirect();
  if (current.opcode == abi::EncryptBltCommand::kOpcode) {
    const auto blt = current.As<abi::EncryptBltCommand>();
    current.decrypts = decrypts_begun_;
    current.was_others = pages_.IsOthers(context, blt.source, blt.length_bytes, blt.session);
    for (const InProgress& other : queues_) {
      if (IsDecrypt(other.opcode)) current.was_others = false;
    }
    UpdateMasks();
  }
  if (current.opcode == abi::ContextDestroyCommand::kOpcode) is_orderly = false;
}

void CommandWatch::OnDone(uint32_t queue) {
  InProgress& current = queues_[queue];
  const InProgress command = current;
  current.opcode = 0;
  if (command.opcode == abi::EncryptBltCommand::kOpcode ||
      command.opcode == abi::SecurityMessageCommand::kOpcode) {
    answers_wrapped_key_ = false;
    UpdateMasks();
  }
  if (command.is_refused) return;
  Expect(command.opcode != abi::FenceCommand::kOpcode || command.wrote_fence, "fences",
         "a FENCE is done, and no fence was written");
  if (command.opcode == abi::ContextDestroyCommand::kOpcode) {
    sessions_.OnContextEnd(command.As<abi::ContextDestroyCommand>().context);
    pages_.Forget();
  }
  OnDoneBlt(queue, command);
}

void CommandWatch::OnDoneBlt(uint32_t queue, const InProgress& command) {
  const uint32_t context = ContextOf(queue);
  switch (command.opcode) {
    case abi::DecryptBltCommand::kOpcode: {
      ++decrypts_done;
      const auto blt = command.As<abi::DecryptBltCommand>();
      const bool by_content_key = (blt.flags & abi::DecryptBltCommand::kFlagContentKey) != 0;
      if (is_orderly) {
        sessions_.CheckUse(
            blt.session, context,
            by_content_key ? SessionModel::Use::kContentKey : SessionModel::Use::kSessionKey);
      }
      return pages_.Take(context, blt.destination, blt.length_bytes, blt.session);
    }
    case abi::DecryptSampleCommand::kOpcode: {
      ++decrypts_done;
      const auto blt = command.As<abi::DecryptSampleCommand>();
      return pages_.Take(context, blt.destination, blt.length_bytes, blt.session);
    }
    case abi::EncryptBltCommand::kOpcode:
      return OnDoneEncrypt(context, command);
    case abi::CopyCommand::kOpcode: {
      const auto copy = command.As<abi::CopyCommand>();
      if (copy.row_count != 1) return pages_.Forget();
      const uint32_t owner = pages_.OwnerOf(context, copy.source, copy.row_bytes);
      return pages_.Take(context, copy.destination, copy.row_bytes, owner);
    }
    case abi::FillCommand::kOpcode:
    case abi::VideoBltCommand::kOpcode:
      return pages_.Forget();
    default:
      return;
  }
}

void CommandWatch::OnDoneEncrypt(uint32_t context, const InProgress& command) {
  if (!is_orderly) return;
  const auto blt = command.As<abi::EncryptBltCommand>();
  sessions_.CheckUse(blt.session, context, SessionModel::Use::kReadbackKey);
  const bool is_others = command.was_others && decrypts_begun_ == command.decrypts &&
                         pages_.IsOthers(context, blt.source, blt.length_bytes, blt.session);
  Expect(!is_others, "page_owners", "a session encrypted another session's content");
  if (!is_masked_run) CheckCounter(context, blt.session, blt.iv_address);
}

void CommandWatch::CheckCounter(uint32_t context, uint32_t session, uint64_t iv_address) {
  const auto place = pages_.Translate(context, iv_address);
  // Wholly in one page, so that there is one place.
  if (!place || iv_address % abi::kPageSize > abi::kPageSize - 16) return;
  const bool is_local = (*place & abi::kPhysicalLocal) != 0;
  const uint64_t offset = is_local ? *place & ~abi::kPhysicalLocal : *place - layout::kBus;
  const PagedBytes& memory = is_local ? const_cast<MachineVram*>(vram_)->memory() : bus_->memory();
  if (!RangeFits(offset, 16, memory.size())) return;
  const uint64_t iv = LoadBe64(memory.data() + offset);
  Expect(LoadBe64(memory.data() + offset + 8) == 0, "counter_reuse",
         "the counter of a read-back does not begin at 0");
  for (const Counter& counter : counters_) {
    Expect(counter.session != session || counter.iv != iv, "counter_reuse",
           "two read-backs of a session have the same counter");
  }
  counters_.push_back({session, iv});
}

void CommandWatch::OnOutcome(uint32_t queue, uint64_t status, bool is_fault) {
  InProgress& current = queues_[queue];
  const abi::StatusInfo* info = FindStatus(status);
  const auto expected = is_fault ? abi::StatusClass::kFault : abi::StatusClass::kRefusal;
  Expect(info != nullptr && info->status_class == expected, "commands",
         "a status that does not stop the queue did, or one that does did not");
  if (is_fault) {
    current = {};
    current.is_faulted = true;
    UpdateMasks();
  } else {
    current.is_refused = true;
  }
}

void CommandWatch::UpdateMasks() {
  masks_ =
      is_masked_run && (answers_wrapped_key_ ||
                        std::any_of(queues_.begin(), queues_.end(), [](const InProgress& queue) {
                          return queue.opcode == abi::EncryptBltCommand::kOpcode;
                        }));
}

}  // namespace ward::fuzz
