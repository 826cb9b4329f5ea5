#include "tests/fuzz/device/command_watch.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "base/assert.h"

namespace ward::fuzz {
namespace {

bool IsDecrypt(uint16_t opcode) {
  return opcode == abi::DecryptBltCommand::kOpcode || opcode == abi::DecryptSampleCommand::kOpcode;
}

// What may make a page of protected memory somebody's, as long as it runs.
bool WritesPages(uint16_t opcode) {
  return IsDecrypt(opcode) || opcode == abi::CopyCommand::kOpcode ||
         opcode == abi::FillCommand::kOpcode || opcode == abi::VideoBltCommand::kOpcode;
}

bool WritesMemory(uint16_t opcode) {
  return WritesPages(opcode) || opcode == abi::EncryptBltCommand::kOpcode ||
         opcode == abi::SecurityMessageCommand::kOpcode;
}

// Of a command that moves rows, in a context's addresses.
struct Rows {
  uint64_t address;  // of the first one
  uint32_t bytes;
  uint32_t pitch;
  uint32_t count;
};

// That are written; what they are made of depends on the filter.
Rows RowsOf(const abi::VideoBltCommand& blt) {
  constexpr uint32_t kPixelBytes = 4;
  const bool has_window =
      (blt.window_left | blt.window_top | blt.window_width | blt.window_height) != 0;
  const uint32_t width = has_window ? blt.window_width : blt.destination_width;
  return {blt.destination, width * kPixelBytes, blt.destination_pitch,
          has_window ? blt.window_height : blt.destination_height};
}

const abi::StatusInfo* FindStatus(uint64_t code) {
  for (const abi::StatusInfo& info : abi::kStatuses) {
    if (info.code == code) return &info;
  }
  return nullptr;
}

}  // namespace

CommandWatch::CommandWatch(BoundaryRecord* record, MachineBus* bus, MachineVram* vram,
                           const MachineEntropy* entropy)
    : record_(record),
      bus_(bus),
      vram_(vram),
      entropy_(entropy),
      pages_(&std::as_const(*vram).memory()) {}

void CommandWatch::Reset(const Models& models) {
  sessions_ = models.sessions;
  pages_ = models.pages;
  counters_ = models.counters;
  for (InProgress& queue : queues_) queue = {};
  decrypts_begun_ = decrypts_done = writers_begun_ = 0;
  answers_wrapped_key_ = masks_ = is_masked_run = is_orderly = fetches_from_data_ = false;
  readback_counters_.clear();
  keys_seen_ = entropy_->key_count;
  vectors.Reset();
  knows_tables_ = true;
}

uint32_t CommandWatch::ContextOf(uint32_t queue) {
  return queue == 0 ? 0 : (queue == layout::kOtherQueue ? 2 : 1);
}

void CommandWatch::SendVector(uint32_t vector) {
  vectors.OnSent(vector);
  record_->Add(vector);
}

void CommandWatch::OnEvent(const TraceEvent& event) {
  ++events_;
  const std::string_view name = event.name;
  const std::string_view detail = event.detail;
  record_->AddName(name);
  record_->AddName(detail);
  record_->Show(0, {reinterpret_cast<const uint8_t*>(event.arguments), sizeof(event.arguments)});
  vram_->ForgetLeaves();
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
  } else if (name == "interrupt") {
    vectors.OnRaised(static_cast<uint32_t>(event.arguments[1]));
  }
}

void CommandWatch::OnFence(uint32_t queue, uint64_t value) {
  InProgress& current = queues_[queue];
  const bool is_own = current.opcode == abi::FenceCommand::kOpcode &&
                      current.As<abi::FenceCommand>().value == value;
  Expect(is_own, "fences", "a fence was written that no command asked for");
  Expect(value > current.last_fence, "fences", "a fence is not greater than the last one");
  current.last_fence = value;
  current.wrote_fence = true;
  if (!is_orderly || queue >= layout::kQueues) return;
  const BoundaryRecord::Store& store = record_->last_store;
  const bool is_stored = store.count == current.stores + 1 && store.value == value &&
                         store.address == layout::kFences + queue * 8;
  Expect(is_stored, "fences", "a fence is told of that was not stored, once, where it belongs");
}

void CommandWatch::OnReset() {
  vectors.Reset();
  sessions_.OnReset();
  pages_.Forget();
  counters_.Reset();
  readback_counters_.clear();
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
  if (packet.number == abi::kMessageGetReadbackKey && entropy_->key_count != keys_seen_) {
    sessions_.SetReadbackKey(entropy_->last_key);
  }
  keys_seen_ = entropy_->key_count;
  const uint32_t named = sessions_.named();
  const bool is_ok = LoadLe<uint32_t>(packet.bytes.data()) == abi::kStatusOk;
  if (packet.number == abi::kMessageQuerySession && is_ok) {
    constexpr size_t kRepeats = offsetof(abi::QuerySessionResponse, iv_repeats);
    counters_.Check(named, LoadLe<uint32_t>(packet.bytes.data() + kRepeats));
  } else if (packet.number == abi::kMessageNegotiateSessionKey ||
             packet.number == abi::kMessageFinishKeyRefresh ||
             packet.number == abi::kMessageSetContentKey ||
             packet.number == abi::kMessageSelectKey || packet.number == abi::kMessageCallTrusted) {
    counters_.OnNewKey(named);
  }
  if (sessions_.ended() != 0) pages_.OnSessionEnd(sessions_.ended());
  answers_wrapped_key_ = packet.number == abi::kMessageGetReadbackKey;
  UpdateMasks();
}

void CommandWatch::OnCommand(const TracePacket& packet) {
  ++events_;
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
  FindPlaces(context, &current);
  // The kernel's addresses lead anywhere, to page tables too.
  knows_tables_ = knows_tables_ && (context != 0 || !WritesMemory(current.opcode));
  current.is_forbidden = knows_tables_ && is_orderly && IsForbidden(context, current);
  if (current.opcode == abi::CopyCommand::kOpcode) {
    const auto copy = current.As<abi::CopyCommand>();
    current.owner = pages_.OwnerOf(context, copy.source, copy.row_bytes);
  }
  if (context == 0 && current.opcode == abi::FillCommand::kOpcode && owned_pages) {
    current.owned_pages = owned_pages();
    current.events = events_;
  }
  ForgetDestination(context, current);
  if (WritesPages(current.opcode)) NoteWriter(&current);
  if (IsDecrypt(current.opcode)) {
    ++decrypts_begun_;
    const auto blt = current.As<abi::DecryptBltCommand>();
    counters_.OnDecrypt(blt);
    if (current.opcode != abi::DecryptBltCommand::kOpcode) counters_.Forget(blt.session);
  }
  WatchLeaves(context, current);
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

// Of two that run beside each other, nobody knows which wrote a page last.
void CommandWatch::NoteWriter(InProgress* command) {
  command->writers = ++writers_begun_;
  command->writes_alone = std::none_of(queues_.begin(), queues_.end(), [&](const auto& other) {
    return &other != command && WritesPages(other.opcode);
  });
}

uint32_t CommandWatch::OwnerMadeBy(const InProgress& command, uint32_t owner) const {
  const bool is_certain = command.writes_alone && command.writers == writers_begun_;
  return is_certain ? owner : PageModel::kUnknown;
}

void CommandWatch::WatchLeaves(uint32_t context, const InProgress& command) {
  vram_->ForgetLeaves();
  if (command.opcode == abi::IndirectBufferCommand::kOpcode) {
    const auto indirect = command.As<abi::IndirectBufferCommand>();
    fetches_from_data_ =
        fetches_from_data_ || indirect.address < layout::kNamedPages * abi::kPageSize;
  }
  if (!is_orderly || fetches_from_data_ || context == 0 ||
      command.opcode != abi::DecryptBltCommand::kOpcode) {
    return;
  }
  for (const InProgress& other : queues_) {
    if (other.opcode == abi::WaitCommand::kOpcode) return;
  }
  const auto blt = command.As<abi::DecryptBltCommand>();
  const uint64_t pages = blt.length_bytes / abi::kPageSize + 2;
  const uint64_t from = blt.source / abi::kPageSize;
  const uint64_t to = blt.destination / abi::kPageSize;
  if (from < to + pages && to < from + pages) return;
  vram_->WatchLeaves();
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
  Expect(!command.is_forbidden || !is_orderly, "page_rights",
         "a command is done that page tables have no right for");
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
      return pages_.Take(context, blt.destination, blt.length_bytes,
                         OwnerMadeBy(command, blt.session));
    }
    case abi::DecryptSampleCommand::kOpcode: {
      ++decrypts_done;
      const auto blt = command.As<abi::DecryptSampleCommand>();
      return pages_.Take(context, blt.destination, blt.length_bytes,
                         OwnerMadeBy(command, blt.session));
    }
    case abi::EncryptBltCommand::kOpcode:
      return OnDoneEncrypt(context, command);
    case abi::CopyCommand::kOpcode: {
      const auto copy = command.As<abi::CopyCommand>();
      if (copy.row_count != 1) return;
      return pages_.Take(context, copy.destination, copy.row_bytes,
                         OwnerMadeBy(command, command.owner));
    }
    case abi::FillCommand::kOpcode: {
      if (context == 0) CheckReleased(command);
      const auto fill = command.As<abi::FillCommand>();
      const BoundaryRecord::Write& write = record_->last_write;
      const bool is_there =
          !command.place || write.address + write.size_bytes == *command.place + fill.row_bytes;
      return Expect(!is_orderly || is_there, "translations",
                    "a fill did not end where page tables lead");
    }
    default:
      return;
  }
}

// The kernel's FILL takes whole pages from their owners, and no others.
void CommandWatch::CheckReleased(const InProgress& command) const {
  const auto fill = command.As<abi::FillCommand>();
  // The one event since is that it is done.
  if (!owned_pages || fill.row_count != 1 || events_ != command.events + 1) return;
  const uint64_t first = (fill.destination + abi::kPageSize - 1) / abi::kPageSize;
  const uint64_t end = (fill.destination + fill.row_bytes) / abi::kPageSize;
  const uint64_t whole = end > first ? end - first : 0;
  Expect(owned_pages() + whole >= command.owned_pages, "page_owners",
         "a page that was filled in part has lost its owner");
}

void CommandWatch::OnDoneEncrypt(uint32_t context, const InProgress& command) {
  const auto blt = command.As<abi::EncryptBltCommand>();
  if (is_orderly) {
    sessions_.CheckUse(blt.session, context, SessionModel::Use::kReadbackKey);
    const bool is_others = command.was_others && decrypts_begun_ == command.decrypts &&
                           pages_.IsOthers(context, blt.source, blt.length_bytes, blt.session);
    Expect(!is_others, "page_owners", "a session encrypted another session's content");
  }
  if (is_masked_run || !command.iv_place) return;
  if (is_orderly) {
    Expect(record_->last_write.address == *command.iv_place && record_->last_write.size_bytes == 16,
           "translations", "a counter was not stored where page tables lead");
    CheckCounter(blt.session, BytesAt(*command.iv_place, 16));
  }
  if (!command.place || record_->scanner() == nullptr) return;
  CheckReadback(blt.session, BytesAt(*command.iv_place, 16),
                BytesAt(*command.place, blt.length_bytes));
}

// Until it is done, or for good if it fails, nobody knows whose its destination is.
void CommandWatch::ForgetDestination(uint32_t context, const InProgress& command) {
  switch (command.opcode) {
    case abi::DecryptBltCommand::kOpcode:
    case abi::DecryptSampleCommand::kOpcode: {
      static_assert(offsetof(abi::DecryptSampleCommand, destination) ==
                        offsetof(abi::DecryptBltCommand, destination) &&
                    offsetof(abi::DecryptSampleCommand, length_bytes) ==
                        offsetof(abi::DecryptBltCommand, length_bytes));
      const auto blt = command.As<abi::DecryptBltCommand>();
      return pages_.Take(context, blt.destination, blt.length_bytes, PageModel::kUnknown);
    }
    case abi::CopyCommand::kOpcode: {
      const auto copy = command.As<abi::CopyCommand>();
      if (copy.row_count != 1) return pages_.Forget();
      return pages_.Take(context, copy.destination, copy.row_bytes, PageModel::kUnknown);
    }
    case abi::FillCommand::kOpcode:
    case abi::VideoBltCommand::kOpcode:
      return pages_.Forget();
    default:
      return;
  }
}

void CommandWatch::FindPlaces(uint32_t context, InProgress* command) const {
  command->iv_place = command->place = std::nullopt;
  if (command->opcode == abi::EncryptBltCommand::kOpcode) {
    const auto blt = command->As<abi::EncryptBltCommand>();
    command->iv_place = PlaceOf(context, blt.iv_address, 16);
    command->place = PlaceOf(context, blt.destination, blt.length_bytes);
  } else if (command->opcode == abi::FillCommand::kOpcode) {
    const auto fill = command->As<abi::FillCommand>();
    if (fill.row_count == 1) command->place = PlaceOf(context, fill.destination, fill.row_bytes);
  }
}

// Whether page tables lack a right for what the command reads or writes (P13), as far as one can
// say: of rows the first ones are looked at, and not what lies between them.
bool CommandWatch::IsForbidden(uint32_t context, const InProgress& command) const {
  using Right = PageModel::Right;
  const auto lacks = [&](Right right, uint64_t address, uint64_t size_bytes) {
    return pages_.Lacks(context, right, address, size_bytes);
  };
  const auto lacks_rows = [&](Right right, const Rows& rows) {
    constexpr uint32_t kMostRows = 64;
    for (uint32_t i = 0; i < std::min(rows.count, kMostRows); ++i) {
      if (lacks(right, rows.address + uint64_t{i} * rows.pitch, rows.bytes)) return true;
    }
    return false;
  };
  switch (command.opcode) {
    case abi::CopyCommand::kOpcode: {
      const auto copy = command.As<abi::CopyCommand>();
      return lacks_rows(Right::kWrite, {copy.destination, copy.row_bytes, copy.destination_pitch,
                                        copy.row_count}) ||
             lacks_rows(Right::kRead,
                        {copy.source, copy.row_bytes, copy.source_pitch, copy.row_count});
    }
    case abi::FillCommand::kOpcode: {
      const auto fill = command.As<abi::FillCommand>();
      return lacks_rows(Right::kWrite,
                        {fill.destination, fill.row_bytes, fill.destination_pitch, fill.row_count});
    }
    case abi::DecryptBltCommand::kOpcode:
    case abi::DecryptSampleCommand::kOpcode: {
      static_assert(offsetof(abi::DecryptSampleCommand, source) ==
                    offsetof(abi::DecryptBltCommand, source));
      const auto blt = command.As<abi::DecryptBltCommand>();
      return lacks(Right::kWrite, blt.destination, blt.length_bytes) ||
             lacks(Right::kRead, blt.source, blt.length_bytes);
    }
    case abi::EncryptBltCommand::kOpcode: {
      const auto blt = command.As<abi::EncryptBltCommand>();
      return lacks(Right::kWrite, blt.destination, blt.length_bytes) ||
             lacks(Right::kWrite, blt.iv_address, 16) ||
             lacks(Right::kRead, blt.source, blt.length_bytes);
    }
    case abi::VideoBltCommand::kOpcode: {
      const auto blt = command.As<abi::VideoBltCommand>();
      return lacks_rows(Right::kWrite, RowsOf(blt));
    }
    case abi::SecurityMessageCommand::kOpcode: {
      const auto message = command.As<abi::SecurityMessageCommand>();
      return lacks(Right::kWrite, message.response_address, message.response_capacity);
    }
    default:
      return false;
  }
}

std::optional<uint64_t> CommandWatch::PlaceOf(uint32_t context, uint64_t address,
                                              uint64_t size_bytes) const {
  const auto place = pages_.Translate(context, address);
  if (!place || size_bytes == 0 || address % abi::kPageSize + size_bytes > abi::kPageSize) {
    return std::nullopt;
  }
  const bool is_local = (*place & abi::kPhysicalLocal) != 0;
  const uint64_t offset = is_local ? *place & ~abi::kPhysicalLocal : *place - layout::kBus;
  const uint64_t end = is_local ? layout::kVisibleBytes : layout::kBusBytes;
  return RangeFits(offset, size_bytes, end) ? place : std::nullopt;
}

ConstByteSpan CommandWatch::BytesAt(uint64_t place, uint64_t size_bytes) const {
  const bool is_local = (place & abi::kPhysicalLocal) != 0;
  const uint64_t offset = is_local ? place & ~abi::kPhysicalLocal : place - layout::kBus;
  return {(is_local ? vram_->memory() : bus_->memory()).data() + offset, size_bytes};
}

void CommandWatch::CheckCounter(uint32_t of_session, ConstByteSpan iv_bytes) {
  const uint64_t iv = LoadBe64(iv_bytes.data());
  Expect(LoadBe64(iv_bytes.data() + 8) == 0, "counter_reuse",
         "the counter of a read-back does not begin at 0");
  for (const Counter& counter : readback_counters_) {
    Expect(counter.session != of_session || counter.iv != iv, "counter_reuse",
           "two read-backs of a session have the same counter");
  }
  readback_counters_.push_back({of_session, iv});
}

// As the application decrypts it, by libcrypto alone.
void CommandWatch::CheckReadback(uint32_t of_session, ConstByteSpan iv, ConstByteSpan bytes) const {
  if (of_session != session && of_session != other_session) return;
  const SessionModel::Holder* holder = sessions_.FindReadback(of_session);
  if (holder == nullptr || holder->kind != SessionModel::Kind::kSession) return;
  struct Free {
    void operator()(EVP_CIPHER_CTX* handle) const { EVP_CIPHER_CTX_free(handle); }
  };
  static const std::unique_ptr<EVP_CIPHER_CTX, Free> cipher(EVP_CIPHER_CTX_new());
  static const EVP_CIPHER* const kind = EVP_aes_128_ctr();
  uint8_t plain[abi::kPageSize];
  int size = 0;
  WARD_ASSERT(EVP_DecryptInit_ex(cipher.get(), kind, nullptr, holder->readback_key.data(),
                                 iv.data()) == 1 &&
              EVP_DecryptUpdate(cipher.get(), plain, &size, bytes.data(),
                                static_cast<int>(bytes.size())) == 1);
  const SecretScanner& foreign = of_session == session ? foreign_to_session : foreign_to_other;
  if (const char* oracle = foreign.Find({plain, bytes.size()})) {
    OracleFell(oracle, "a session read back what is not its own");
  }
}

void CommandWatch::OnOutcome(uint32_t queue, uint64_t status, bool is_fault) {
  InProgress& current = queues_[queue];
  const abi::StatusInfo* info = FindStatus(status);
  const auto expected = is_fault ? abi::StatusClass::kFault : abi::StatusClass::kRefusal;
  Expect(info != nullptr && info->status_class == expected, "commands",
         "a status that does not stop the queue did, or one that does did not");
  const bool is_fence = current.opcode == abi::FenceCommand::kOpcode;
  Expect(!is_orderly || !is_fence || record_->last_store.count == current.stores, "fences",
         "a fence that was refused is written");
  if (IsDecrypt(current.opcode)) counters_.Forget(current.As<abi::DecryptBltCommand>().session);
  if (is_fault) {
    const uint64_t last_fence = current.last_fence;
    current = {};
    current.last_fence = last_fence;
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
