#include "firmware/key_exchange.h"

#include <cstddef>

#include "base/planted_bug.h"
#include "base/rule.h"
#include "firmware/crypto_session.h"
#include "firmware/decrypt_engine.h"
#include "firmware/key_store.h"
#include "firmware/session_state.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kContentKeyBytes = 16;

}  // namespace

Answer FailBlock(const Call& call, const Session& session, SelfTest test) {
  if (IsLost(call.platform, session)) return Refuse(abi::kStatusKeyDamaged);
  EnterFailure(call.platform, call.state, test);
  return Refuse(abi::kStatusSelfTestFailed);
}

void ForgetRefresh(Session* session) {
  session->refresh_pending = 0;
  for (uint8_t& byte : session->refresh_random) byte = 0;
}

// The previous key stays when the exchange fails. When it succeeds, the content key goes with the
// session key that it came under, and so does a refresh that was begun; the read-back key is the
// device's own and stays (DDI 7.6).
Answer HandleNegotiateSessionKey(const Call& call) {
  const auto request = ReadRequest<abi::NegotiateSessionKeyRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  const uint32_t status = CheckEvent(call, session, SessionEvent::kNegotiateKey);
  if (status != abi::kStatusOk) return Refuse(status);

  if (WARD_BROKEN("R17.session") && session->session_slot != kNoSlot) {
    return Refuse(abi::kStatusKeyExchangeFailed);
  }
  const uint32_t fresh = call.platform->AllocateSlot(session->number, kSessionKeyUsage);
  if (fresh == kNoSlot) return Refuse(abi::kStatusSessionsExhausted);
  // Nothing here looks at the blob: its length is a reason to fail like any other.
  if (!call.platform->UnwrapRsaOaep(fresh, session->number, sizeof(request), request.blob_bytes)) {
    call.platform->WipeSlot(fresh);
    if (WARD_BROKEN("R5.keeps_session_key")) session->session_slot = kNoSlot;
    return Refuse(abi::kStatusKeyExchangeFailed);
  }
  Session next = *session;
  next.session_slot = fresh;
  next.content_slot = kNoSlot;
  if (!WARD_BROKEN("R17.pending_refresh")) ForgetRefresh(&next);
  const bool admitted = Admit(call.platform, session, next);
  WARD_ASSERT(admitted);  // the read-back slot is as it was: no entropy is drawn
  return Succeed();
}

Answer HandleSetContentKey(const Call& call) {
  const auto request = ReadRequest<abi::SetContentKeyRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  const uint32_t status = CheckEvent(call, session, SessionEvent::kSetContentKey);
  if (status != abi::kStatusOk) return Refuse(status);
  if (request.key_bytes != kContentKeyBytes) return Refuse(abi::kStatusContentKeyInvalid);

  const uint32_t fresh = call.platform->AllocateSlot(session->number, kContentKeyUsage);
  if (fresh == kNoSlot) return Refuse(abi::kStatusSessionsExhausted);
  if (!call.platform->UnwrapAesEcb(session->session_slot, fresh, session->number,
                                   offsetof(abi::SetContentKeyRequest, wrapped_key))) {
    call.platform->WipeSlot(fresh);
    return FailBlock(call, *session, SelfTest::kAesDecrypt);
  }
  Session next = *session;
  next.content_slot = fresh;
  const bool admitted = Admit(call.platform, session, next);
  WARD_ASSERT(admitted);
  return Succeed();
}

Answer HandleGetReadbackKey(const Call& call) {
  const auto request = ReadRequest<abi::GetReadbackKeyRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  const uint32_t status = CheckEvent(call, session, SessionEvent::kGetReadbackKey);
  if (status != abi::kStatusOk) return Refuse(status);

  const bool reuses = WARD_BROKEN("7.6.new_key") && session->readback_slot != kNoSlot;
  const bool in_place =
      HasPlantedBug(PlantedBug::kReadbackKeyInPlace) && session->readback_slot != kNoSlot;
  const uint32_t fresh = reuses || in_place
                             ? session->readback_slot
                             : call.platform->AllocateSlot(session->number, kReadbackKeyUsage);
  if (fresh == kNoSlot) return Refuse(abi::kStatusSessionsExhausted);
  if (!reuses && !call.platform->GenerateKey(fresh, session->number)) {
    call.platform->WipeSlot(fresh);
    return FailBlock(call, *session, SelfTest::kRandom);
  }
  if (!call.platform->WrapAesEcb(session->session_slot, fresh, session->number,
                                 offsetof(abi::GetReadbackKeyResponse, wrapped_key))) {
    call.platform->WipeSlot(fresh);
    return FailBlock(call, *session, SelfTest::kAesEncrypt);
  }
  Session next = *session;
  next.readback_slot = fresh;
  if (!Admit(call.platform, session, next)) {
    call.platform->WipeSlot(fresh);
    return FailBlock(call, *session, SelfTest::kRandom);
  }
  return {abi::kStatusOk, sizeof(abi::GetReadbackKeyResponse)};
}

}  // namespace ward::firmware
