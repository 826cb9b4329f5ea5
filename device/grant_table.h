// What firmware admitted. Firmware writes an entry once a session exists and whenever its keys
// change; the crypto engine runs from the entry without entering firmware, and counts what it
// refused there.
#ifndef WARD_DEVICE_GRANT_TABLE_H_
#define WARD_DEVICE_GRANT_TABLE_H_

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/state_fields.h"
#include "device/key_vault.h"
#include "device/load_extent.h"
#include "device/state_hasher.h"

namespace ward::device {

struct Grant {
  uint32_t session = 0;  // number of the session; 0: the entry is free
  uint32_t context = 0;  // who owns the session
  bool torn_down = false;
  // Its pixels are shown by an overlay or a full-screen flip alone (DDI 8.5, PROTECTION).
  bool needs_full_screen = false;
  bool open_decrypt = false;  // DECRYPT_BLT may write memory that is not protected (R27)
  uint32_t session_slot = kNoSlot;
  uint32_t content_slot = kNoSlot;
  uint32_t readback_slot = kNoSlot;
  // Counter of ENCRYPT_BLT under the read-back key: random 63 bits at first, plus one each time
  // (R22).
  uint64_t readback_iv = 0;
  // R21: (IV, Count) behind the furthest DECRYPT_BLT under the current decrypt key, which the next
  // one has to reach by the strict policy, for the session key [0] and the content key [1].
  struct IvFloor {
    bool used = false;
    uint64_t iv = 0;
    uint64_t count = 0;

    WARD_STATE_FIELDS(used, iv, count)
  };
  IvFloor floors[2];
  uint32_t refusal_count = 0;  // saturates
  uint32_t last_refusal = 0;
  uint32_t iv_repeats = 0;  // R21, relaxed policy; saturates

  WARD_STATE_FIELDS(session, context, torn_down, needs_full_screen, open_decrypt, session_slot,
                    content_slot, readback_slot, readback_iv, floors, refusal_count, last_refusal,
                    iv_repeats)
};

class GrantTable {
 public:
  explicit GrantTable(uint32_t session_count) : grants_(session_count) {}

  // The entry of a session that `context` owns; SESSION_INVALID otherwise, SESSION_LOST when it was
  // torn down. Session numbers carry their index in the low 16 bits.
  Result<Grant*> Find(uint32_t session, uint32_t context);
  // The entry of the session that a protected page belongs to; nullptr when there is none.
  const Grant* FindOwner(uint32_t session) const;
  // Firmware's door: entry by index.
  Grant& At(uint32_t index);
  void Clear();  // all entries free
  // Counts a refusal for the session, if it is the context's.
  void CountRefusal(uint32_t session, uint32_t context, uint32_t status);

  const std::vector<Grant>& Save() const { return grants_; }
  void Load(const std::vector<Grant>& grants, LoadExtent extent = LoadExtent::kAll) {
    if (extent == LoadExtent::kAll || changed_) grants_ = grants;
    changed_ = false;
  }
  // Whether each stands at its session's index and names slots that exist.
  bool CanLoad(const std::vector<Grant>& grants, uint32_t slot_count) const;
  void Hash(StateHasher* hasher) const;

 private:
  Grant* FindOwned(uint32_t session, uint32_t context);  // nullptr: the context has none

  std::vector<Grant> grants_;
  bool changed_ = true;  // one may not be what was loaded last
};

}  // namespace ward::device

#endif  // WARD_DEVICE_GRANT_TABLE_H_
