#include "firmware/key_store.h"

namespace ward::firmware {
namespace {

bool IsDamaged(Platform* platform, uint32_t slot) {
  return slot != kNoSlot && platform->IsSlotDamaged(slot);
}

void WipeUnlessKept(Platform* platform, uint32_t held, uint32_t kept) {
  if (held != kNoSlot && held != kept) platform->WipeSlot(held);
}

}  // namespace

void WipeDroppedSlots(Platform* platform, const Session& held, const Session& kept) {
  WipeUnlessKept(platform, held.session_slot, kept.session_slot);
  WipeUnlessKept(platform, held.content_slot, kept.content_slot);
  WipeUnlessKept(platform, held.readback_slot, kept.readback_slot);
}

void WipeSlots(Platform* platform, const Session& session) {
  Session nothing = session;
  nothing.session_slot = nothing.content_slot = nothing.readback_slot = kNoSlot;
  WipeDroppedSlots(platform, session, nothing);
}

bool IsLost(Platform* platform, const Session& session) {
  return IsDamaged(platform, session.session_slot) || IsDamaged(platform, session.content_slot) ||
         IsDamaged(platform, session.readback_slot);
}

}  // namespace ward::firmware
