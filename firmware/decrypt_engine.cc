#include "firmware/decrypt_engine.h"

#include "base/assert.h"
#include "base/rule.h"
#include "firmware/crypto_session.h"
#include "firmware/key_store.h"

namespace ward::firmware {

// R27: keys of the trusted application decrypt into protected memory whatever the host chose.
bool HasOpenDecrypt(Platform* platform, const Session& session) {
  return platform->HasOpenDecrypt() &&
         !WARD_RULE("R27.not_hardware", session.exchange == KeyExchange::kHardware);
}

bool Admit(Platform* platform, Session* session, const Session& next) {
  const SessionGrant grant = {
      next.number,        next.context,   next.session_slot, next.content_slot,
      next.readback_slot, next.torn_down, next.protection,   HasOpenDecrypt(platform, next)};
  if (!platform->WriteGrant(IndexOf(next.number), grant)) return false;
  WipeDroppedSlots(platform, *session, next);
  *session = next;
  return true;
}

void Withdraw(Platform* platform, const Session& session) {
  const SessionGrant none = {0, 0, kNoSlot, kNoSlot, kNoSlot, 0};
  const bool freed = platform->WriteGrant(IndexOf(session.number), none);
  WARD_ASSERT(freed);  // freeing an entry takes no entropy
}

}  // namespace ward::firmware
