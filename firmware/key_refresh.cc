#include "firmware/key_refresh.h"

#include <cstring>

#include "firmware/crypto_session.h"
#include "firmware/decrypt_engine.h"
#include "firmware/key_exchange.h"
#include "firmware/key_store.h"

namespace ward::firmware {

Answer HandleStartKeyRefresh(const Call& call) {
  const auto request = ReadRequest<abi::StartKeyRefreshRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  const uint32_t status = FindKeyStatus(call, session);
  if (status != abi::kStatusOk) return Refuse(status);
  if (request.random_bytes != sizeof(session->refresh_random)) {
    return Refuse(abi::kStatusRefreshSizeInvalid);
  }
  abi::StartKeyRefreshResponse response = {};
  static_assert(sizeof(response.random) == sizeof(session->refresh_random));
  if (!call.platform->DrawRandom(response.random, sizeof(response.random))) {
    return FailBlock(call, *session, SelfTest::kRandom);
  }
  std::memcpy(session->refresh_random, response.random, sizeof(response.random));
  session->refresh_pending = 1;
  return SucceedWith(call, response);
}

// Content key and read-back key stay: what they came under is history once they are in the vault.
Answer HandleFinishKeyRefresh(const Call& call) {
  const auto request = ReadRequest<abi::FinishKeyRefreshRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  const uint32_t status = FindUseStatus(call, session, KeyExchange::kOaep);
  if (status != abi::kStatusOk) return Refuse(status);
  if (session->refresh_pending == 0) return Succeed();

  const uint32_t fresh = call.platform->AllocateSlot(session->number, kSessionKeyUsage);
  if (fresh == kNoSlot) return Refuse(abi::kStatusSessionsExhausted);
  if (!call.platform->XorKey(session->session_slot, fresh, session->number,
                             session->refresh_random)) {
    call.platform->WipeSlot(fresh);
    return Refuse(abi::kStatusKeyDamaged);  // the only reason: a check word failed just now
  }
  Session next = *session;
  next.session_slot = fresh;
  ForgetRefresh(&next);
  const bool admitted = Admit(call.platform, session, next);
  WARD_ASSERT(admitted);  // the read-back slot is as it was: no entropy is drawn
  return Succeed();
}

}  // namespace ward::firmware
