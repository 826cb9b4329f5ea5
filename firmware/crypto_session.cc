#include "firmware/crypto_session.h"

#include "base/planted_bug.h"
#include "base/rule.h"
#include "firmware/authenticated_channel.h"
#include "firmware/decrypt_engine.h"
#include "firmware/guid.h"
#include "firmware/handle_source.h"
#include "firmware/key_exchange.h"
#include "firmware/key_store.h"
#include "firmware/session_state.h"

namespace ward::firmware {
namespace {

// QUERY_SESSION's `state`.
uint32_t NumberOf(SessionState state) {
  switch (state) {
    case SessionState::kNone:
    case SessionState::kNoKey:
      return 0;
    case SessionState::kKeyed:
    case SessionState::kRefresh:
      return 1;
    case SessionState::kDamaged:
      return 2;
    case SessionState::kTornDown:
      return 3;
  }
  return 0;
}

bool IsHardware(const abi::CreateSessionRequest& request) {
  return IsGuid(request.key_exchange_type, kHwProtection.bytes);
}

uint32_t FindSupportStatus(const abi::CreateSessionRequest& request) {
  if (WARD_RULE("4.2.crypto_type", !IsGuid(request.crypto_type, kAes128Ctr))) {
    return abi::kStatusCryptoTypeUnsupported;
  }
  if (WARD_RULE("4.2.decode_profile", !IsGuid(request.decode_profile, kNullGuid) &&
                                          !IsGuid(request.decode_profile, kH264VldNoFgt))) {
    return abi::kStatusProfileUnsupported;
  }
  if (WARD_RULE("4.2.key_exchange_type",
                !IsGuid(request.key_exchange_type, kRsaesOaep) && !IsHardware(request))) {
    return abi::kStatusKeyExchangeUnsupported;
  }
  return abi::kStatusOk;
}

uint32_t FindFreeIndex(const State& state) {
  uint32_t index = 0;
  while (index < kSessionCount && state.sessions[index].number != 0) ++index;
  return index;
}

}  // namespace

Session* FindSession(State* state, uint32_t number, uint32_t context) {
  const uint32_t index = IndexOf(number);
  const bool is_inside = index < kSessionCount || HasPlantedBug(PlantedBug::kSessionIndexUnchecked);
  if (number == 0 || !is_inside) return nullptr;
  Session* session = &state->sessions[index];
  const bool is_own =
      session->context == context || HasPlantedBug(PlantedBug::kMessageOfAnyContext);
  return session->number == number && is_own ? session : nullptr;
}

Session* FindSessionOfHandle(State* state, uint64_t handle, uint32_t handle_bytes,
                             uint32_t context) {
  for (Session& session : state->sessions) {
    if (session.number != 0 && session.torn_down == 0 &&
        (WARD_BROKEN("8.5.session_of_device") || session.context == context) &&
        (WARD_BROKEN("R4.session_cookie") || CutHandle(session.handle, handle_bytes) == handle)) {
      return &session;
    }
  }
  return nullptr;
}

void EndSession(Platform* platform, Session* session) {
  const bool forgets = HasPlantedBug(PlantedBug::kSessionUsableAfterDestroy);
  if (!forgets) Withdraw(platform, *session);
  if (!WARD_BROKEN("4.2.destroy_frees_keys") && !forgets) WipeSlots(platform, *session);
  if (!WARD_BROKEN("5.session_ends") && !HasPlantedBug(PlantedBug::kOwnerOutlivesSession)) {
    platform->ReleaseProtectedPages(session->number);
  }
  const uint32_t generation = session->generation;
  *session = Session{};
  session->generation = generation;
}

// The pages go too: what a session made is lost with its keys.
void LoseSession(Platform* platform, Session* session) {
  Session lost = *session;
  ForgetSlots(&lost);
  ForgetRefresh(&lost);
  lost.token_pending = 0;
  lost.torn_down = 1;
  const bool admitted = Admit(platform, session, lost);
  WARD_ASSERT(admitted);  // there is no read-back key: no entropy is drawn
  platform->ReleaseProtectedPages(session->number);
}

uint32_t FindState(Platform* platform, const Session& session) {
  return NumberOf(StateOf(platform, &session));
}

Answer HandleCreateSession(const Call& call) {
  const auto request = ReadRequest<abi::CreateSessionRequest>(call);
  const uint32_t support = FindSupportStatus(request);
  if (support != abi::kStatusOk) return Refuse(support);
  const uint32_t index = FindFreeIndex(*call.state);
  if (WARD_BROKEN("4.2.sixty_four") && index >= 8) return Refuse(abi::kStatusSessionsExhausted);
  if (index == kSessionCount)
    return Refuse(WARD_BROKEN("4.2.exhausted") ? abi::kStatusSessionInvalid
                                               : abi::kStatusSessionsExhausted);

  Session born = {};
  const uint32_t drawn = MakeHandle(call, &born.handle);
  if (drawn != abi::kStatusOk) return Refuse(drawn);
  Session* session = &call.state->sessions[index];
  const bool repeats = HasPlantedBug(PlantedBug::kSessionNumberReused) && session->generation != 0;
  born.generation = repeats ? session->generation : NextGeneration(session->generation);
  born.number = born.generation << 16 | index;
  born.context = call.message.context;
  born.key_epoch = call.platform->KeyEpoch();
  born.exchange = IsHardware(request) ? KeyExchange::kHardware : KeyExchange::kOaep;
  ForgetSlots(&born);
  born.protection =
      WARD_BROKEN("protection.new_session") ? 0 : ProtectionOf(*call.state, born.context);
  // No keys yet, so there is nothing to wipe and no IV to draw.
  *session = born;
  const bool admitted = Admit(call.platform, session, born);
  WARD_ASSERT(admitted);

  abi::CreateSessionResponse response = {};
  response.session = born.number;
  response.key_epoch = born.key_epoch;
  response.handle = born.handle;
  return SucceedWith(call, response);
}

Answer HandleDestroySession(const Call& call) {
  const auto request = ReadRequest<abi::DestroySessionRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  if (session == nullptr) return Refuse(abi::kStatusSessionInvalid);
  EndSession(call.platform, session);
  return Succeed();
}

Answer HandleQuerySession(const Call& call) {
  const auto request = ReadRequest<abi::QuerySessionRequest>(call);
  const Session* session = FindSession(call.state, request.session, call.message.context);
  if (session == nullptr) return Refuse(abi::kStatusSessionInvalid);

  const SessionRefusals refusals = call.platform->ReadRefusals(IndexOf(session->number));
  abi::QuerySessionResponse response = {};
  response.state = FindState(call.platform, *session);
  response.refusal_count = refusals.count;
  response.last_refusal = refusals.last_status;
  response.iv_repeats = refusals.iv_repeats;
  response.key_epoch = session->key_epoch;
  return SucceedWith(call, response);
}

}  // namespace ward::firmware
