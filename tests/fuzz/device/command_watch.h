// Follows each command and message by the chip's trace, and holds what it did against what it may
// do: fences, statuses, whose keys and pages a blt used, counters that come twice.
#ifndef WARD_TESTS_FUZZ_DEVICE_COMMAND_WATCH_H_
#define WARD_TESTS_FUZZ_DEVICE_COMMAND_WATCH_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/trace.h"
#include "device/ports.h"
#include "tests/fuzz/device/boundary_record.h"
#include "tests/fuzz/device/counter_model.h"
#include "tests/fuzz/device/machine_ports.h"
#include "tests/fuzz/device/page_model.h"
#include "tests/fuzz/device/session_model.h"
#include "tests/fuzz/device/vector_model.h"

namespace ward::fuzz {

class CommandWatch final : public TraceSink, public device::InterruptPort {
 public:
  CommandWatch(BoundaryRecord* record, MachineBus* bus, MachineVram* vram,
               const MachineEntropy* entropy);

  void OnEvent(const TraceEvent& event) override;
  void OnPacket(const TracePacket& packet) override;
  void SendVector(uint32_t vector) override;

  // As at the base, whose sessions and pages are these.
  struct Models {
    SessionModel sessions;
    PageModel pages;
    CounterModel counters;
  };
  void Reset(const Models& models);
  Models models() const { return {sessions_, pages_, counters_}; }
  // Somebody wrote the queue's control register: what has no effect yet may be gone without a word.
  void OnQueueControl(uint32_t queue) { queues_[queue].opcode = 0; }
  SessionModel& sessions() { return sessions_; }
  uint64_t last_fence(uint32_t queue) const { return queues_[queue].last_fence; }

  bool is_orderly = false;  // of the input: Promises
  VectorModel vectors;
  // Masked runs hide what follows from a key by right: ciphertext, and keys that are wrapped.
  bool is_masked_run = false;
  const bool* masks() const { return &masks_; }
  uint32_t decrypts_done = 0;
  // What the base's two sessions may not read back: it is not theirs.
  SecretScanner foreign_to_session;
  SecretScanner foreign_to_other;
  uint32_t session = 0;
  uint32_t other_session = 0;
  // How many protected pages the chip says that they own.
  std::function<uint64_t()> owned_pages;

 private:
  static constexpr uint32_t kQueueCount = 16;

  struct InProgress {
    uint16_t opcode = 0;      // 0: none
    uint64_t last_fence = 0;  // of the queue
    bool is_refused = false;
    bool is_faulted = false;  // until the queue's reset
    bool was_others =
        false;              // ENCRYPT_BLT: the model has a page of the source as another session's
    uint32_t owner = 0;     // COPY: whose the source is
    uint32_t decrypts = 0;  // that had begun when it did
    uint32_t writers = 0;   // likewise, with it: of what changes pages' owners
    bool writes_alone = false;  // when it began
    uint64_t stores = 0;        // atomic ones that had been made when it began
    bool wrote_fence = false;
    bool is_forbidden = false;  // page tables have no right for it
    uint64_t owned_pages = 0;   // FILL by the kernel: when it began
    uint64_t events = 0;        // that there had been then, with it
    // Where page tables led when it began: where its counter belongs, and what it writes.
    std::optional<uint64_t> iv_place;
    std::optional<uint64_t> place;
    std::array<uint8_t, 80> bytes = {};

    template <typename T>
    T As() const {
      T value;
      static_assert(sizeof(T) <= sizeof(bytes));
      __builtin_memcpy(&value, bytes.data(), sizeof(value));
      return value;
    }
  };

  static uint32_t ContextOf(uint32_t queue);
  void OnFence(uint32_t queue, uint64_t value);
  void OnCommand(const TracePacket& packet);
  void OnDone(uint32_t queue);
  void OnDoneBlt(uint32_t queue, const InProgress& command);
  void OnDoneEncrypt(uint32_t context, const InProgress& command);
  void ForgetDestination(uint32_t context, const InProgress& command);
  void NoteWriter(InProgress* command);
  void CheckReleased(const InProgress& command) const;
  uint32_t OwnerMadeBy(const InProgress& command, uint32_t owner) const;
  void FindPlaces(uint32_t context, InProgress* command) const;
  bool IsForbidden(uint32_t context, const InProgress& command) const;
  // Where bytes of a context lie; nothing when they lie in two places.
  std::optional<uint64_t> PlaceOf(uint32_t context, uint64_t address, uint64_t size_bytes) const;
  ConstByteSpan BytesAt(uint64_t place, uint64_t size_bytes) const;
  void CheckCounter(uint32_t of_session, ConstByteSpan iv);
  // The bytes are what the session read back: nothing in them may be another's.
  void CheckReadback(uint32_t of_session, ConstByteSpan iv, ConstByteSpan bytes) const;
  void OnOutcome(uint32_t queue, uint64_t status, bool is_fault);
  void OnAnswer(const TracePacket& packet);
  void OnReset();
  void UpdateMasks();
  // Of a decryption, in which no other command looks at page tables.
  void WatchLeaves(uint32_t context, const InProgress& command);

  BoundaryRecord* record_;
  MachineBus* bus_;
  MachineVram* vram_;
  const MachineEntropy* entropy_;
  uint64_t keys_seen_ = 0;
  SessionModel sessions_;
  PageModel pages_;
  std::array<InProgress, kQueueCount> queues_ = {};
  uint32_t decrypts_begun_ = 0;
  uint32_t writers_begun_ = 0;
  uint64_t events_ = 0;  // and commands
  uint32_t message_context_ = 0;
  bool answers_wrapped_key_ = false;
  bool masks_ = false;
  bool knows_tables_ = true;        // only the guest's processor has written to page tables
  bool fetches_from_data_ = false;  // a command led to one of the pages that operands name
  struct Counter {
    uint32_t session;
    uint64_t iv;
  };
  std::vector<Counter> readback_counters_;
  CounterModel counters_;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_COMMAND_WATCH_H_
