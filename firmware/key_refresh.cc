#include "firmware/key_refresh.h"

#include <cstring>

#include "base/rule.h"
#include "firmware/crypto_session.h"
#include "firmware/decrypt_engine.h"
#include "firmware/key_exchange.h"
#include "firmware/key_store.h"
#include "firmware/session_state.h"

namespace ward::firmware {

Answer HandleStartKeyRefresh(const Call& call) {
  const auto request = ReadRequest<abi::StartKeyRefreshRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  const uint32_t status = CheckEvent(call, session, SessionEvent::kStartRefresh);
  if (status != abi::kStatusOk) return Refuse(status);
  if (request.random_bytes != sizeof(session->refresh_random)) {
    return Refuse(abi::kStatusRefreshSizeInvalid);
  }
  abi::StartKeyRefreshResponse response = {};
  static_assert(sizeof(response.random) == sizeof(session->refresh_random));
  if (!call.platform->DrawRandom(response.random, sizeof(response.random))) {
    return FailBlock(call, *session, SelfTest::kRandom);
  }
  const bool keeps_first = WARD_BROKEN("7.7.last_start_wins") && session->refresh_pending != 0;
  if (!keeps_first) {
    std::memcpy(session->refresh_random, response.random, sizeof(response.random));
  }
  session->refresh_pending = 1;
  if (WARD_BROKEN("7.7.at_finish")) (void)HandleFinishKeyRefresh(call);
  return SucceedWith(call, response);
}

// Content key and read-back key stay: what they came under is history once they are in the vault.
Answer HandleFinishKeyRefresh(const Call& call) {
  const auto request = ReadRequest<abi::FinishKeyRefreshRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  const uint32_t status = CheckEvent(call, session, SessionEvent::kFinishRefresh);
  if (status != abi::kStatusOk) return Refuse(status);
  if (WARD_RULE("7.7.finish_once", session->refresh_pending == 0)) return Succeed();

  const uint32_t fresh = call.platform->AllocateSlot(session->number, kSessionKeyUsage);
  if (fresh == kNoSlot) return Refuse(abi::kStatusSessionsExhausted);
  if (!call.platform->XorKey(session->session_slot, fresh, session->number,
                             session->refresh_random)) {
    call.platform->WipeSlot(fresh);
    return Refuse(abi::kStatusKeyDamaged);  // the only reason: a check word failed just now
  }
  Session next = *session;
  next.session_slot = fresh;
  if (!WARD_BROKEN("7.7.finish_once")) ForgetRefresh(&next);
  if (WARD_BROKEN("7.6.survives_refresh")) next.readback_slot = kNoSlot;
  const bool admitted = Admit(call.platform, session, next);
  WARD_ASSERT(admitted);  // the read-back slot is as it was: no entropy is drawn
  return Succeed();
}

}  // namespace ward::firmware
