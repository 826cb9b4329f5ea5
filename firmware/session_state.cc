#include "firmware/session_state.h"

#include "base/rule.h"
#include "firmware/key_store.h"

namespace ward::firmware {
namespace {

bool IsOfOtherExchange(const Session* session, KeyExchange exchange) {
  return session != nullptr && session->torn_down == 0 &&
         WARD_RULE("drm.session_type", session->exchange != exchange);
}

}  // namespace

SessionState StateOf(Platform* platform, const Session* session) {
  if (session == nullptr) return SessionState::kNone;
  if (WARD_RULE("teardown.session_lost", session->torn_down != 0)) return SessionState::kTornDown;
  if (IsLost(platform, *session)) return SessionState::kDamaged;
  if (!HoldsKey(*session)) return SessionState::kNoKey;
  return session->refresh_pending != 0 ? SessionState::kRefresh : SessionState::kKeyed;
}

HardwareState HardwareStateOf(Platform* platform, const Session* session) {
  switch (StateOf(platform, session)) {
    case SessionState::kNone:
      return HardwareState::kNone;
    case SessionState::kNoKey:
    case SessionState::kKeyed:
    case SessionState::kRefresh:
      break;
    case SessionState::kDamaged:
      return HardwareState::kDamaged;
    case SessionState::kTornDown:
      return HardwareState::kTornDown;
  }
  return HardwareState::kOpen;
}

uint32_t CheckEvent(const Call& call, const Session* session, SessionEvent event) {
  if (IsOfOtherExchange(session, KeyExchange::kOaep)) return abi::kStatusSessionTypeInvalid;
  const uint32_t status = kSessionTable.Find(StateOf(call.platform, session), event).status;
  const bool lacks_key = status == abi::kStatusSessionNoKey;
  return lacks_key && WARD_BROKEN("R26.key_first") ? abi::kStatusOk : status;
}

uint32_t CheckEvent(const Call& call, const Session* session, HardwareEvent event) {
  if (IsOfOtherExchange(session, KeyExchange::kHardware)) return abi::kStatusSessionTypeInvalid;
  return kHardwareTable.Find(HardwareStateOf(call.platform, session), event).status;
}

}  // namespace ward::firmware
