// Keys by slot. A slot goes to a cipher block of the chip and nowhere else: no register, message,
// trace or saved state holds its bytes (docs/security-model.md).
#ifndef WARD_DEVICE_KEY_VAULT_H_
#define WARD_DEVICE_KEY_VAULT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "device/crypto/ctr_engine.h"
#include "device/crypto/nh_hash.h"
#include "device/crypto/sealed_stream.h"
#include "device/gpu.h"
#include "device/load_extent.h"
#include "device/locked_pages.h"
#include "device/page_set.h"
#include "device/sip_hash.h"
#include "device/state_hasher.h"

namespace ward::device {

// What a key may be used for; fixed when the slot is allocated.
enum KeyUsage : uint32_t {
  kKeyUsageUnwrap = 1,   // unwrap content keys, wrap read-back keys (AES-ECB, inside the vault)
  kKeyUsageDecrypt = 2,  // AES-CTR of DECRYPT_BLT
  kKeyUsageEncrypt = 4,  // AES-CTR of ENCRYPT_BLT
  kKeyUsageMac = 8,      // AES-CMAC of channel messages
};

inline constexpr uint32_t kNoSlot = 0xffffffff;

// Drawn once by this process, so that two chips in it agree and nobody outside can try keys against
// a digest.
const SipKey& ProcessDigestKey();

class KeyVault {
 public:
  static constexpr size_t kKeyBytes = 16;
  using Key = SecretBytes<kKeyBytes>;

  explicit KeyVault(uint32_t slot_count);
  ~KeyVault();  // wipes
  KeyVault(const KeyVault&) = delete;
  KeyVault& operator=(const KeyVault&) = delete;

  // An empty slot for a session; SESSIONS_EXHAUSTED when none is left.
  Result<uint32_t> Allocate(uint32_t session, uint32_t usage);
  // Moves a key in. False, with `key` wiped all the same, unless the slot is the session's and not
  // locked.
  [[nodiscard]] bool Store(uint32_t slot, uint32_t session, Key&& key);
  // No later Store until the slot is wiped.
  void Lock(uint32_t slot);
  // Always allowed. Wipes and frees; kNoSlot is ignored.
  void Wipe(uint32_t slot);
  void WipeAll();

  // The key for one use by a cipher block. SESSION_INVALID when the slot is not the session's,
  // SESSION_NO_KEY when it is empty or lacks the usage, KEY_DAMAGED when its check word fails. A
  // damaged slot costs its session: every key of the session is wiped then, and its slots answer
  // KEY_DAMAGED until they are wiped. The pointer is good until the next call of this object.
  Result<const Key*> Release(uint32_t slot, uint32_t session, uint32_t usage);
  // The same for the CTR block, with its round keys: the slot keeps them as long as the key, and
  // its check word covers them.
  Result<const CtrKey*> ReleaseForCtr(uint32_t slot, uint32_t session, uint32_t usage);

  // Which key this is: no two that a chip stored have the same number, so one that replaced another
  // can be told from it, also in the same slot. 0 when the slot is empty.
  uint64_t SerialOf(uint32_t slot) const;
  // Whether the slot's session lost its keys.
  bool IsDamaged(uint32_t slot) const;

  uint32_t slot_count() const { return slot_count_; }
  uint32_t allocated_count() const;

  struct State;  // value copy for snapshots; wipes itself
  std::unique_ptr<State> Save() const;
  void Load(const State& state, LoadExtent extent = LoadExtent::kAll);
  // What stays of a vault that was saved without its keys: no slot, and the count of serials.
  std::unique_ptr<State> EmptyState(uint64_t last_serial) const;
  uint64_t last_serial() const { return last_serial_; }
  // The keys, sealed; this is the one way in which they leave the vault.
  void Seal(SealingStream* stream) const;
  // Nothing when the stream does not hold what Seal wrote.
  std::unique_ptr<State> Unseal(OpeningStream* stream, uint64_t last_serial) const;
  // Keys enter only through a one-way function under `digest_key`: the process's own, or that of a
  // recording, which holds all that the keys follow from anyway.
  void Hash(StateHasher* hasher, const SipKey& digest_key = ProcessDigestKey()) const;
  // The slots that are allocated.
  std::vector<KeySlotInfo> Describe() const;

  // Test switch for F19: flips one bit of the key in the slot.
  void DamageForTest(uint32_t slot);
  // The same with one of the 1,408 bits of its round keys. False: it has none on this machine.
  bool DamageRoundKeysForTest(uint32_t slot, uint32_t bit);

 private:
  struct Slot;

  std::span<Slot> Slots() const;
  Slot* FindAllocated(uint32_t slot) const;
  // The same, for a change.
  Slot* ChangeAllocated(uint32_t slot);
  static NhSum CheckWord(const Slot& slot);
  // Whether the key is as it was stored.
  static bool Fits(const Slot& slot);
  void LoseSession(uint32_t session);

  LockedPages pages_;
  Slot* slots_;  // in pages_
  uint32_t slot_count_;
  uint32_t free_from_ = 0;  // every slot from this one on is free
  uint64_t last_serial_ = 0;
  PageSet changed_;  // slots that may not be what was loaded last
};

struct KeyVault::State {
  explicit State(uint32_t slot_count);
  LockedPages pages;  // wiped when the state ends
  Slot* slots;        // in pages
  uint32_t slot_count;
  uint32_t free_from = 0;
  uint64_t last_serial = 0;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_KEY_VAULT_H_
