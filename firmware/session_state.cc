#include "firmware/session_state.h"

#include "firmware/key_store.h"

namespace ward::firmware {

SessionState StateOf(Platform* platform, const Session* session) {
  if (session == nullptr) return SessionState::kNone;
  if (IsLost(platform, *session)) return SessionState::kDamaged;
  if (session->session_slot == kNoSlot) return SessionState::kNoKey;
  return session->refresh_pending != 0 ? SessionState::kRefresh : SessionState::kKeyed;
}

uint32_t CheckEvent(const Call& call, const Session* session, SessionEvent event) {
  return kSessionTable.Find(StateOf(call.platform, session), event).status;
}

}  // namespace ward::firmware
