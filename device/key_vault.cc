#include "device/key_vault.h"

#include <sys/random.h>

#include <algorithm>
#include <new>
#include <utility>

#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/planted_bug.h"
#include "device/crypto/verdict.h"
#include "device/sip_hash.h"

namespace ward::device {

namespace {

template <typename T>
T DrawKey() {
  T drawn;
  const bool filled = getentropy(&drawn, sizeof(drawn)) == 0;
  WARD_ASSERT(filled);
  return drawn;
}

// The key, two words of what it is for, and the round keys.
using CheckHash = NhHash<(KeyVault::kKeyBytes + 16 + decltype(CtrKey::round_keys)::kSizeBytes) / 8>;

// Drawn once by this process: check words leave neither the vault nor the process.
const CheckHash::Key& ProcessCheckKey() {
  static const auto key = DrawKey<CheckHash::Key>();
  return key;
}

}  // namespace

const SipKey& ProcessDigestKey() {
  static const auto key = DrawKey<SipKey>();
  return key;
}

// A forked child sees zeros here: no slot is allocated there.
struct KeyVault::Slot {
  uint32_t session = 0;  // 0: free
  uint32_t usage = 0;
  bool filled = false;
  bool locked = false;
  bool damaged = false;
  uint64_t serial = 0;
  CtrKey cipher;    // `key`, and what the CTR block made of it
  NhSum check = 0;  // of key, round keys, session and usage

  Key& key() { return cipher.key; }
  const Key& key() const { return cipher.key; }

  void CopyFrom(const Slot& other) {
    session = other.session;
    usage = other.usage;
    filled = other.filled;
    locked = other.locked && !HasPlantedBug(PlantedBug::kLockNotRestored);
    damaged = other.damaged;
    serial = other.serial;
    cipher.Wipe();
    key().CopyFrom(other.key());
    cipher.round_keys.CopyFrom(other.cipher.round_keys);
    cipher.expanded = other.cipher.expanded;
    check = other.check;
  }
  void Clear() {
    cipher.Wipe();
    session = usage = 0;
    filled = locked = damaged = false;
    serial = 0;
    check = 0;
  }
};

KeyVault::State::State(uint32_t count)
    : pages(count * sizeof(Slot)), slots(static_cast<Slot*>(pages.data())), slot_count(count) {
  for (uint32_t i = 0; i < count; ++i) new (&slots[i]) Slot();
}

KeyVault::KeyVault(uint32_t slot_count)
    : pages_(slot_count * sizeof(Slot)),
      slots_(static_cast<Slot*>(pages_.data())),
      slot_count_(slot_count),
      changed_(slot_count) {
  for (uint32_t i = 0; i < slot_count; ++i) new (&slots_[i]) Slot();
}

KeyVault::~KeyVault() { WipeAll(); }

Result<uint32_t> KeyVault::Allocate(uint32_t session, uint32_t usage) {
  WARD_ASSERT(session != 0 && usage != 0);
  for (uint32_t index = 0; index < slot_count_; ++index) {
    Slot& slot = slots_[index];
    if (slot.session != 0) continue;
    changed_.Add(index);
    slot.session = session;
    slot.usage = usage;
    free_from_ = std::max(free_from_, index + 1);
    return index;
  }
  return Fault{abi::kStatusSessionsExhausted, "no key slot is free"};
}

bool KeyVault::Store(uint32_t slot, uint32_t session, Key&& key) {
  Key taken = std::move(key);
  Slot* target = ChangeAllocated(slot);
  if (target == nullptr || target->session != session || target->locked || target->damaged) {
    return false;
  }
  target->cipher.Wipe();
  target->key() = std::move(taken);
  target->cipher.Expand();
  target->filled = true;
  if (HasPlantedBug(PlantedBug::kStaticKeySerial)) {
    static uint64_t last_serial = 0;
    last_serial_ = ++last_serial;
  } else {
    ++last_serial_;
  }
  target->serial = last_serial_;
  target->check = CheckWord(*target);
  return true;
}

void KeyVault::Lock(uint32_t slot) {
  if (Slot* target = ChangeAllocated(slot)) target->locked = true;
}

void KeyVault::Wipe(uint32_t slot) {
  if (Slot* target = ChangeAllocated(slot)) target->Clear();
}

void KeyVault::WipeAll() {
  for (uint32_t index = 0; index < free_from_; ++index) {
    // A free one is clear.
    if (slots_[index].session != 0) changed_.Add(index);
    slots_[index].Clear();
  }
  free_from_ = 0;
}

Result<const KeyVault::Key*> KeyVault::Release(uint32_t slot, uint32_t session, uint32_t usage) {
  WARD_ASSIGN_OR_RETURN(const CtrKey* cipher, ReleaseForCtr(slot, session, usage));
  return &cipher->key;
}

Result<const CtrKey*> KeyVault::ReleaseForCtr(uint32_t slot, uint32_t session, uint32_t usage) {
  Slot* target = FindAllocated(slot);
  if (target == nullptr || target->session != session) {
    return Fault{abi::kStatusSessionInvalid, "the key slot is not the session's"};
  }
  if (!target->damaged && target->filled && !Fits(*target)) {
    LoseSession(session);
  }
  if (target->damaged) return Fault{abi::kStatusKeyDamaged, "the session lost its keys"};
  if (!target->filled || (target->usage & usage) != usage) {
    return Fault{abi::kStatusSessionNoKey, "the slot holds no key for this use"};
  }
  return static_cast<const CtrKey*>(&target->cipher);
}

uint64_t KeyVault::SerialOf(uint32_t slot) const {
  const Slot* target = FindAllocated(slot);
  return target == nullptr ? 0 : target->serial;
}

bool KeyVault::IsDamaged(uint32_t slot) const {
  const Slot* target = FindAllocated(slot);
  return target != nullptr && target->damaged;
}

uint32_t KeyVault::allocated_count() const {
  uint32_t count = 0;
  for (const Slot& slot : Slots().first(free_from_)) count += slot.session != 0;
  return count;
}

std::unique_ptr<KeyVault::State> KeyVault::Save() const {
  auto state = std::make_unique<State>(slot_count_);
  for (uint32_t i = 0; i < slot_count_; ++i) state->slots[i].CopyFrom(slots_[i]);
  state->free_from = free_from_;
  state->last_serial = last_serial_;
  return state;
}

void KeyVault::Load(const State& state, LoadExtent extent) {
  WARD_ASSERT(state.slot_count == slot_count_);
  if (extent == LoadExtent::kAll) {
    for (uint32_t i = 0; i < slot_count_; ++i) slots_[i].CopyFrom(state.slots[i]);
  } else {
    for (uint64_t i = changed_.Next(0); i != PageSet::kNone; i = changed_.Next(i + 1)) {
      slots_[i].CopyFrom(state.slots[i]);
    }
  }
  changed_.Clear();
  free_from_ = state.free_from;
  last_serial_ = state.last_serial;
}

std::unique_ptr<KeyVault::State> KeyVault::EmptyState(uint64_t last_serial) const {
  auto state = std::make_unique<State>(slot_count_);
  state->last_serial = last_serial;
  return state;
}

void KeyVault::Seal(SealingStream* stream) const {
  stream->AddNumber(allocated_count());
  for (uint32_t index = 0; index < slot_count_; ++index) {
    const Slot& slot = slots_[index];
    if (slot.session == 0) continue;
    stream->AddNumber(index);
    stream->AddNumber(slot.session);
    stream->AddNumber(slot.usage);
    stream->AddNumber(slot.serial);
    // A key whose check word does not fit stays so: a fresh word would make it good again.
    const bool fits = slot.filled && Fits(slot);
    stream->AddNumber(static_cast<uint8_t>((slot.filled ? 1 : 0) | (slot.locked ? 2 : 0) |
                                           (slot.damaged ? 4 : 0) | (fits ? 8 : 0)));
    stream->Add(slot.key().Expose());
  }
}

std::unique_ptr<KeyVault::State> KeyVault::Unseal(OpeningStream* stream,
                                                  uint64_t last_serial) const {
  std::unique_ptr<State> state = EmptyState(last_serial);
  uint32_t least = 0;
  for (uint32_t count = stream->ReadNumber<uint32_t>(); stream->ok() && count != 0; --count) {
    const auto index = stream->ReadNumber<uint32_t>();
    if (index < least || index >= slot_count_) return nullptr;
    least = state->free_from = index + 1;
    Slot& slot = state->slots[index];
    slot.session = stream->ReadNumber<uint32_t>();
    slot.usage = stream->ReadNumber<uint32_t>();
    slot.serial = stream->ReadNumber<uint64_t>();
    const auto flags = stream->ReadNumber<uint8_t>();
    // A key of nobody would be the next owner's.
    if (slot.session == 0 || flags > 15) return nullptr;
    slot.filled = (flags & 1) != 0;
    slot.locked = (flags & 2) != 0;
    slot.damaged = (flags & 4) != 0;
    const bool fits = (flags & 8) != 0;
    stream->Read(slot.key().Expose());
    if (!slot.filled) continue;
    slot.cipher.Expand();
    slot.check = CheckWord(slot) ^ (fits ? 0 : 1);
  }
  if (!stream->ok()) return nullptr;
  return state;
}

void KeyVault::Hash(StateHasher* hasher, const SipKey& digest_key) const {
  hasher->Add(last_serial_);
  for (const Slot& slot : Slots()) {
    hasher->Add(slot.session);
    if (slot.session == 0) continue;
    hasher->Add(slot.usage);
    hasher->Add(slot.serial);
    // The check word itself is the process's; that it no longer fits is the chip's state.
    const bool fits = slot.filled && Fits(slot);
    hasher->Add((slot.filled ? 1u : 0u) | (slot.locked ? 2u : 0u) | (slot.damaged ? 4u : 0u) |
                (fits ? 8u : 0u));
    hasher->Add(slot.filled ? SipHash(digest_key, slot.key().Expose()) : 0);
  }
}

std::vector<KeySlotInfo> KeyVault::Describe() const {
  std::vector<KeySlotInfo> slots;
  for (uint32_t index = 0; index < free_from_; ++index) {
    const Slot& slot = slots_[index];
    if (slot.session == 0) continue;
    slots.push_back({index, slot.session, slot.usage, slot.filled, slot.locked, slot.damaged});
  }
  return slots;
}

void KeyVault::DamageForTest(uint32_t slot) {
  if (Slot* target = ChangeAllocated(slot)) target->key().Expose()[7] ^= 0x10;
}

bool KeyVault::DamageRoundKeysForTest(uint32_t slot, uint32_t bit) {
  Slot* target = ChangeAllocated(slot);
  if (target == nullptr || !target->cipher.expanded) return false;
  uint8_t& byte = target->cipher.round_keys.Expose()[bit / 8];
  byte = static_cast<uint8_t>(byte ^ 1u << bit % 8);
  return true;
}

std::span<KeyVault::Slot> KeyVault::Slots() const { return {slots_, slot_count_}; }

KeyVault::Slot* KeyVault::FindAllocated(uint32_t slot) const {
  return slot < slot_count_ && slots_[slot].session != 0 ? &slots_[slot] : nullptr;
}

KeyVault::Slot* KeyVault::ChangeAllocated(uint32_t slot) {
  if (slot < slot_count_) changed_.Add(slot);
  return FindAllocated(slot);
}

// All of a key and its round keys, at each use: NH takes a product for 16 bytes of them.
NhSum KeyVault::CheckWord(const Slot& slot) {
  CheckHash hash(ProcessCheckKey());
  hash.Add(slot.key().Expose());
  hash.Add(uint64_t{slot.session} << 32 | slot.usage, slot.cipher.expanded ? 1 : 0);
  hash.Add(slot.cipher.round_keys.Expose());
  return hash.sum();
}

bool KeyVault::Fits(const Slot& slot) { return RevealIsZero(slot.check ^ CheckWord(slot)); }

void KeyVault::LoseSession(uint32_t session) {
  for (uint32_t index = 0; index < slot_count_; ++index) {
    Slot& slot = slots_[index];
    if (slot.session != session) continue;
    changed_.Add(index);
    slot.cipher.Wipe();
    slot.filled = false;
    slot.damaged = true;
  }
}

}  // namespace ward::device
