#include "firmware/key_store.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kSlotCount = 3 + kImportedKeyCount;

// A selected key's slot is there twice.
struct Slots {
  uint32_t numbers[kSlotCount];
};

Slots SlotsOf(const Session& session) {
  Slots slots = {{session.session_slot, session.content_slot, session.readback_slot}};
  for (uint32_t i = 0; i < kImportedKeyCount; ++i) slots.numbers[3 + i] = session.imported[i].slot;
  return slots;
}

bool Holds(const Slots& slots, uint32_t wanted) {
  for (uint32_t slot : slots.numbers) {
    if (slot == wanted) return true;
  }
  return false;
}

}  // namespace

void ForgetSlots(Session* session) {
  session->session_slot = session->content_slot = session->readback_slot = kNoSlot;
  for (ImportedKey& key : session->imported) key = {{}, kNoSlot};
}

void WipeDroppedSlots(Platform* platform, const Session& held, const Session& kept) {
  const Slots still_held = SlotsOf(kept);
  for (uint32_t slot : SlotsOf(held).numbers) {
    if (slot != kNoSlot && !Holds(still_held, slot)) platform->WipeSlot(slot);
  }
}

void WipeSlots(Platform* platform, const Session& session) {
  Session nothing = session;
  ForgetSlots(&nothing);
  WipeDroppedSlots(platform, session, nothing);
}

bool HoldsKey(const Session& session) {
  for (uint32_t slot : SlotsOf(session).numbers) {
    if (slot != kNoSlot) return true;
  }
  return false;
}

bool IsLost(Platform* platform, const Session& session) {
  for (uint32_t slot : SlotsOf(session).numbers) {
    if (slot != kNoSlot && platform->IsSlotDamaged(slot)) return true;
  }
  return false;
}

}  // namespace ward::firmware
