// The life of sessions, channels and protected outputs as the spec tells it, kept from messages and
// their answers alone, and held against what the chip has in its vault (P8, P11).
#ifndef WARD_TESTS_FUZZ_DEVICE_SESSION_MODEL_H_
#define WARD_TESTS_FUZZ_DEVICE_SESSION_MODEL_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "device/gpu.h"

namespace ward::fuzz {

class SessionModel {
 public:
  enum class Kind : uint8_t { kSession, kHardwareSession, kChannel, kOutput };
  struct Holder {
    uint32_t owner;  // its name at the key vault
    uint32_t context;
    Kind kind;
    bool has_session_key = false;
    bool has_content_key = false;
    bool has_readback_key = false;
    bool is_torn_down = false;
    std::array<uint8_t, 16> readback_key = {};  // as it was drawn
  };

  void OnMessage(uint32_t context, uint32_t number, ConstByteSpan payload);
  // To the message that was seen last: the mailbox has room for one. What it says has happened.
  void OnAnswer(uint32_t number, ConstByteSpan response);
  void OnTearDown();
  void OnReset() {
    holders_.clear();
    numbers_.clear();
  }
  void OnContextEnd(uint32_t context);

  // A blt was done for `context` with a key of the session: whether it may have been.
  enum class Use : uint8_t { kSessionKey, kContentKey, kReadbackKey };
  void CheckUse(uint32_t session, uint32_t context, Use use) const;
  // What the vault holds is what the model says, as far as it can say.
  void CheckSlots(const std::vector<device::KeySlotInfo>& slots) const;

  // What the message in the mailbox begins with: the session that it is about, if it is about one.
  uint32_t named() const;
  // The session whose end the last answer told of; 0: none.
  uint32_t ended() const { return ended_; }
  bool is_checked = false;  // since the last answer
  // The session's, if it has a read-back key; null otherwise.
  const Holder* FindReadback(uint32_t session) const;
  // The read-back key of the session that the last message named is this.
  void SetReadbackKey(ConstByteSpan key);

 private:
  const Holder* Find(uint32_t owner) const;
  Holder* Find(uint32_t owner) {
    return const_cast<Holder*>(static_cast<const SessionModel*>(this)->Find(owner));
  }
  void Remove(uint32_t owner);
  void OnSessionAnswer(uint32_t number, uint32_t session);
  void CheckLength(uint32_t number, uint32_t status) const;

  std::vector<Holder> holders_;
  std::vector<uint32_t> numbers_;  // of sessions, since the last reset
  uint32_t context_ = 0;           // of the message in the mailbox
  std::vector<uint8_t> payload_;
  uint32_t ended_ = 0;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_SESSION_MODEL_H_
