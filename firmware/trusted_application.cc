#include "firmware/trusted_application.h"

#include <cstring>

#include "base/bytes.h"
#include "base/planted_bug.h"
#include "base/rule.h"
#include "firmware/crypto_session.h"
#include "firmware/decrypt_engine.h"
#include "firmware/key_exchange.h"
#include "firmware/key_store.h"
#include "firmware/session_state.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kVersion = 1;
constexpr uint32_t kFunctionCount = 4;
constexpr uint32_t kLargestDataBytes = 1024;  // of input, and of output
constexpr uint32_t kLargestRandomBytes = 256;
constexpr uint32_t kKeyIdBytes = sizeof(ImportedKey::key_id);
constexpr uint32_t kInputOffset = sizeof(abi::CallTrustedRequest);
constexpr uint32_t kOutputOffset = sizeof(abi::CallTrustedResponse);

// HRESULTs of drm_result.
constexpr uint32_t kDone = 0;
constexpr uint32_t kInvalidArgument = 0x80070057;
constexpr uint32_t kNotImplemented = 0x80004001;

struct TrustedCall {
  const Call& call;
  Session* session;
  uint32_t input_bytes;
  uint32_t output_capacity;

  void Read(uint32_t offset, void* destination, uint32_t size_bytes) const {
    const bool read = call.platform->ReadPayload(kInputOffset + offset, destination, size_bytes);
    WARD_ASSERT(read);
  }
  void Write(uint32_t offset, const void* source, uint32_t size_bytes) const {
    const bool written = call.platform->WriteResponse(kOutputOffset + offset, source, size_bytes);
    WARD_ASSERT(written);
  }
};

// What a function says; or, with `status` other than OK, that it could not be run.
struct Outcome {
  uint32_t drm_result;
  uint32_t output_bytes = 0;
  uint32_t status = abi::kStatusOk;
};
constexpr Outcome kRefused = {kInvalidArgument};

// True when the caller wants that much output.
bool HasRoomFor(const TrustedCall& trusted, uint32_t output_bytes) {
  return !WARD_RULE("drm.output_capacity", output_bytes > trusted.output_capacity);
}

Outcome RunVersion(const TrustedCall& trusted) {
  uint8_t output[16];
  StoreLe(output, kVersion);
  StoreLe(output + 4, kFunctionCount);
  StoreLe(output + 8, kImportedKeyCount);
  StoreLe(output + 12, kLargestDataBytes);
  if (WARD_RULE("drm.version_input", trusted.input_bytes != 0)) return kRefused;
  if (!HasRoomFor(trusted, sizeof(output))) return kRefused;
  trusted.Write(0, output, sizeof(output));
  return {kDone, sizeof(output)};
}

Outcome RunRandom(const TrustedCall& trusted) {
  uint8_t field[4];
  if (trusted.input_bytes != sizeof(field)) return kRefused;
  trusted.Read(0, field, sizeof(field));
  const auto count = LoadLe<uint32_t>(field);
  if (WARD_RULE("drm.random_count", count == 0 || count > kLargestRandomBytes)) return kRefused;
  if (!HasRoomFor(trusted, count)) return kRefused;
  uint8_t bytes[kLargestRandomBytes];
  if (!trusted.call.platform->DrawRandom(bytes, count)) {
    return {kDone, 0, FailBlock(trusted.call, *trusted.session, SelfTest::kRandom).status};
  }
  trusted.Write(0, bytes, count);
  if (HasPlantedBug(PlantedBug::kRandomRoundedUp)) return {kDone, (count + 7) & ~7u};
  return {kDone, count};
}

Outcome RunEcho(const TrustedCall& trusted) {
  if (WARD_RULE("drm.echo_limit", trusted.input_bytes > kLargestDataBytes)) return kRefused;
  if (!HasRoomFor(trusted, trusted.input_bytes)) return kRefused;
  uint8_t piece[64];
  for (uint32_t at = 0; at < trusted.input_bytes; at += sizeof(piece)) {
    const uint32_t left = trusted.input_bytes - at;
    const bool fits = left < sizeof(piece) || HasPlantedBug(PlantedBug::kEchoPieceOverflow);
    const uint32_t size = fits ? left : static_cast<uint32_t>(sizeof(piece));
    trusted.Read(at, piece, size);
    trusted.Write(at, piece, size);
  }
  return {kDone, trusted.input_bytes};
}

bool IsSameKey(const uint8_t (&a)[kKeyIdBytes], const uint8_t (&b)[kKeyIdBytes]) {
  return std::memcmp(a, b, kKeyIdBytes) == 0;
}

// The place of that name, else a free one; kImportedKeyCount when there is neither.
uint32_t FindPlace(const Session& session, const uint8_t (&key_id)[kKeyIdBytes]) {
  uint32_t free_place = kImportedKeyCount;
  for (uint32_t i = kImportedKeyCount; i-- > 0;) {
    const ImportedKey& key = session.imported[i];
    if (key.slot == kNoSlot) free_place = i;
    if (key.slot != kNoSlot && IsSameKey(key.key_id, key_id)) return i;
  }
  return WARD_BROKEN("drm.import_capacity") && free_place == kImportedKeyCount ? 0 : free_place;
}

// What stands around the key in the blob: token, zeros, and more zeros.
bool CarriesToken(const Session& session, const uint8_t (&around)[kPublicParameterBytes],
                  const uint8_t (&key_id)[kKeyIdBytes]) {
  if (WARD_RULE("drm.token_pending", session.token_pending == 0)) return false;
  if (WARD_RULE("drm.token_match", LoadLe<uint64_t>(around) != session.token)) return false;
  if (WARD_RULE("drm.token_key", !IsSameKey(session.token_key_id, key_id))) return false;
  uint32_t rest = 0;
  for (uint32_t i = sizeof(session.token); i < kPublicParameterBytes; ++i) rest |= around[i];
  return !WARD_RULE("drm.import_zeros", rest != 0);
}

// `place` may be occupied: then the key of that name is replaced and, if it was selected, no longer
// is. A blt in flight under it goes on under no other.
void Keep(Platform* platform, Session* session, uint32_t place, const ImportedKey& key) {
  Session next = *session;
  if (next.content_slot == next.imported[place].slot) next.content_slot = kNoSlot;
  next.imported[place] = key;
  const bool admitted = Admit(platform, session, next);
  WARD_ASSERT(admitted);  // there is no read-back key: no entropy is drawn
}

// Whatever is wrong with it, an import is refused with one result after the same work, and the
// token is used up: a blob that was refused once is never accepted later.
Outcome RunImportKey(const TrustedCall& trusted) {
  Platform* platform = trusted.call.platform;
  Session* session = trusted.session;
  const uint32_t fresh = platform->AllocateSlot(session->number, kContentKeyUsage);
  if (fresh == kNoSlot) return {kDone, 0, abi::kStatusSessionsExhausted};

  ImportedKey key = {{}, fresh};
  const bool has_name = trusted.input_bytes >= kKeyIdBytes;
  if (has_name) trusted.Read(0, key.key_id, kKeyIdBytes);
  uint8_t around[kPublicParameterBytes];
  const bool unwrapped =
      platform->UnwrapRsaOaepParameters(fresh, session->number, kInputOffset + kKeyIdBytes,
                                        has_name ? trusted.input_bytes - kKeyIdBytes : 0, around);
  const uint32_t place = FindPlace(*session, key.key_id);
  const bool is_right =
      unwrapped && CarriesToken(*session, around, key.key_id) && place != kImportedKeyCount;
  if (!WARD_BROKEN("drm.token_once")) session->token_pending = 0;
  if (!is_right) {
    platform->WipeSlot(fresh);
    return kRefused;
  }
  Keep(platform, session, place, key);
  return {kDone};
}

using Function = Outcome (*)(const TrustedCall& trusted);
constexpr Function kFunctions[kFunctionCount] = {RunVersion, RunRandom, RunImportKey, RunEcho};

}  // namespace

Answer HandleGetNewKeyData(const Call& call) {
  const auto request = ReadRequest<abi::GetNewKeyDataRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  const uint32_t status = CheckEvent(call, session, HardwareEvent::kGetNewKeyData);
  if (status != abi::kStatusOk) return Refuse(status);

  abi::GetNewKeyDataResponse response = {};
  if (!call.platform->DrawRandom(&response.token, sizeof(response.token))) {
    return FailBlock(call, *session, SelfTest::kRandom);
  }
  if (response.token == 0) response.token = 1;
  session->token = response.token;
  session->token_pending = 1;
  std::memcpy(session->token_key_id, request.key_id, kKeyIdBytes);
  return SucceedWith(call, response);
}

Answer HandleCallTrusted(const Call& call) {
  const auto request = ReadRequest<abi::CallTrustedRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  const uint32_t status = CheckEvent(call, session, HardwareEvent::kCallTrusted);
  if (status != abi::kStatusOk) return Refuse(status);
  // Looked at before the function runs, so that one without room for its output has no effect.
  const uint32_t most =
      request.output_capacity < kLargestDataBytes ? request.output_capacity : kLargestDataBytes;
  if (call.message.response_capacity - kOutputOffset < most) {
    return Refuse(abi::kStatusResponseTooSmall);
  }
  const TrustedCall trusted = {call, session, request.input_bytes, request.output_capacity};
  const Outcome outcome = request.function < kFunctionCount ? kFunctions[request.function](trusted)
                                                            : Outcome{kNotImplemented};
  if (outcome.status != abi::kStatusOk) return Refuse(outcome.status);
  abi::CallTrustedResponse response = {};
  response.drm_result = outcome.drm_result;
  response.output_bytes = outcome.output_bytes;
  response.execution_ns = call.platform->ChargeNs();
  return SucceedWith(call, response, outcome.output_bytes);
}

Answer HandleSelectKey(const Call& call) {
  const auto request = ReadRequest<abi::SelectKeyRequest>(call);
  Session* session = FindSession(call.state, request.session, call.message.context);
  const uint32_t status = CheckEvent(call, session, HardwareEvent::kSelectKey);
  if (status != abi::kStatusOk) return Refuse(status);
  const uint32_t place = FindPlace(*session, request.key_id);
  const bool is_there = place != kImportedKeyCount && session->imported[place].slot != kNoSlot;
  if (WARD_RULE("drm.select_imported", !is_there)) {
    return Refuse(abi::kStatusSessionNoContentKey);
  }
  Session next = *session;
  next.content_slot = session->imported[place].slot;
  const bool admitted = Admit(call.platform, session, next);
  WARD_ASSERT(admitted);  // there is no read-back key: no entropy is drawn
  return Succeed();
}

}  // namespace ward::firmware
