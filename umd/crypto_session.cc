#include "umd/crypto_session.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/registers.h"
#include "base/assert.h"
#include "base/rule.h"
#include "umd/ddi/guids.h"
#include "umd/device.h"
#include "umd/resource.h"

namespace ward::umd {

namespace {

// R11: the same bytes in Map order on both sides.
HRESULT CheckPair(const Resource& source, const Resource& destination, EventLog* events) {
  if (!source.exists() || !destination.exists()) {
    return events->Refuse("encrypted copy of a resource without memory");
  }
  if (&source == &destination) return events->Refuse("encrypted copy of a resource onto itself");
  if (WARD_RULE("R11.layouts", source.layout() != destination.layout())) {
    return events->Refuse("encrypted copy between resources of different sizes");
  }
  return S_OK;
}

}  // namespace

HRESULT CryptoSession::Open(const D3D11_1DDIARG_CREATECRYPTOSESSION& arguments) {
  abi::CreateSessionRequest request = {};
  static_assert(sizeof(GUID) == sizeof(request.crypto_type));
  std::memcpy(request.crypto_type, &arguments.CryptoType, sizeof(GUID));
  std::memcpy(request.decode_profile, &arguments.DecodeProfile, sizeof(GUID));
  std::memcpy(request.key_exchange_type, &arguments.KeyExchangeType, sizeof(GUID));
  abi::CreateSessionResponse response = {};
  const HRESULT result = device().messages().Ask(abi::kMessageCreateSession, request, &response);
  session_ = response.session;
  events_.session = response.session;
  handle_ = response.handle;
  is_hardware_ = arguments.KeyExchangeType == D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION;
  if (SUCCEEDED(result)) device().sessions().Add(this);
  return result;
}

HRESULT CryptoSession::Close() {
  FetchRefusals();
  device().sessions().Remove(this);
  const abi::DestroySessionRequest request = {session_, {}};
  abi::ResponseHeader response = {};
  return device().messages().Ask(abi::kMessageDestroySession, request, &response);
}

HRESULT CryptoSession::CheckStatus(D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS* status) {
  constexpr uint32_t kKeyed = 1;
  constexpr uint32_t kKeyLost = 2;
  const abi::QuerySessionRequest request = {session_, {}};
  abi::QuerySessionResponse response = {};
  const HRESULT result = device().messages().Ask(abi::kMessageQuerySession, request, &response);
  *status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
  if (WARD_RULE("reset.status", FAILED(result))) return result;
  if (response.state <= kKeyed || WARD_BROKEN("hw.status"))
    *status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK;
  if (response.state == kKeyLost) *status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST;
  return result;
}

HRESULT CryptoSession::NegotiateKey(ConstByteSpan blob) {
  const abi::NegotiateSessionKeyRequest request = {session_, static_cast<uint32_t>(blob.size())};
  abi::ResponseHeader response = {};
  const HRESULT result =
      device().messages().Ask(abi::kMessageNegotiateSessionKey, request, &response, blob);
  if (SUCCEEDED(result)) NoteNewSessionKey();
  return result;
}

HRESULT CryptoSession::StartKeyRefresh(ByteSpan random_number) {
  const abi::StartKeyRefreshRequest request = {session_,
                                               static_cast<uint32_t>(random_number.size())};
  abi::StartKeyRefreshResponse response = {};
  const HRESULT result = device().messages().Ask(abi::kMessageStartKeyRefresh, request, &response);
  WARD_ASSERT(random_number.size() == sizeof(response.random));
  std::memcpy(random_number.data(), response.random, sizeof(response.random));
  if (SUCCEEDED(result)) is_refresh_pending_ = true;
  return result;
}

HRESULT CryptoSession::FinishKeyRefresh() {
  const abi::FinishKeyRefreshRequest request = {session_, {}};
  abi::ResponseHeader response = {};
  const HRESULT result = device().messages().Ask(abi::kMessageFinishKeyRefresh, request, &response);
  // Without a refresh it changes nothing (7.7).
  if (SUCCEEDED(result) && is_refresh_pending_) NoteNewSessionKey();
  return result;
}

void CryptoSession::NoteNewSessionKey() {
  is_refresh_pending_ = false;
  if (WARD_BROKEN("7.5.unwrap_by_new_key")) return;
  has_content_key_ = false;
  ++serials_.session_key;
}

HRESULT CryptoSession::GetReadbackKey(ByteSpan wrapped_key) {
  const abi::GetReadbackKeyRequest request = {session_, {}};
  abi::GetReadbackKeyResponse response = {};
  const HRESULT result = device().messages().Ask(abi::kMessageGetReadbackKey, request, &response);
  WARD_ASSERT(wrapped_key.size() == sizeof(response.wrapped_key));
  std::memcpy(wrapped_key.data(), response.wrapped_key, sizeof(response.wrapped_key));
  return result;
}

HRESULT CryptoSession::Decrypt(const Resource& source, const Resource& destination,
                               const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern,
                               ConstByteSpan content_key, ConstByteSpan iv) {
  EventLog& events = device().events();
  if (const HRESULT result = CheckPair(source, destination, &events); FAILED(result)) return result;
  const bool may_be_open =
      !WARD_BROKEN("R27.switch") && device().adapter().Has(abi::kFeaturesOpenDecryptMask);
  if (WARD_RULE("R27.destination", !destination.is_protected() && !may_be_open)) {
    return events.Refuse("DecryptionBlt to a resource without RESTRICTED_CONTENT");
  }
  abi::DecryptBltCommand command = {};
  if (!content_key.empty()) {
    if (const HRESULT result = UseContentKey(content_key); FAILED(result)) return result;
    command.flags |= abi::DecryptBltCommand::kFlagContentKey;
  }
  if (pattern != nullptr) {
    command.flags |= abi::DecryptBltCommand::kFlagPattern;
    command.encrypted_bytes_at_beginning = pattern->NumEncryptedBytesAtBeginning;
    command.skip_bytes = pattern->NumBytesInSkipPattern;
    command.encrypt_bytes = pattern->NumBytesInEncryptPattern;
  }
  command.session = session_;
  command.length_bytes = source.layout().size_bytes;
  std::copy(iv.begin(), iv.end(), command.iv);
  const AddressField addresses[] = {
      {offsetof(abi::DecryptBltCommand, destination), destination.allocation(), 0, true},
      {offsetof(abi::DecryptBltCommand, source), source.allocation(), 0, false},
  };
  has_unseen_blts_ = true;
  return device().commands().Append(command, addresses);
}

HRESULT CryptoSession::Encrypt(const Resource& source, const Resource& destination, ByteSpan iv) {
  std::fill(iv.begin(), iv.end(), uint8_t{0});
  EventLog& events = device().events();
  if (const HRESULT result = CheckPair(source, destination, &events); FAILED(result)) return result;
  if (WARD_RULE("R28.destination", !destination.is_staging())) {
    return events.Refuse("EncryptionBlt to a resource not for staging");
  }
  AnswerBuffer& answers = device().answers();
  HRESULT result = answers.Clear(AnswerBuffer::kCounterBlockOffset, kKeyBytes);
  if (FAILED(result)) return result;
  abi::EncryptBltCommand command = {};
  command.session = session_;
  command.length_bytes = source.layout().size_bytes;
  const AddressField addresses[] = {
      {offsetof(abi::EncryptBltCommand, destination), destination.allocation(), 0, true},
      {offsetof(abi::EncryptBltCommand, source), source.allocation(), 0, false},
      {offsetof(abi::EncryptBltCommand, iv_address), answers.allocation(),
       AnswerBuffer::kCounterBlockOffset, true},
  };
  result = device().commands().Append(command, addresses);
  if (SUCCEEDED(result)) result = answers.Read(AnswerBuffer::kCounterBlockOffset, iv);
  const bool refused = std::all_of(iv.begin(), iv.end(), [](uint8_t byte) { return byte == 0; });
  if (FAILED(result) || !refused) return result;
  has_unseen_blts_ = true;
  FetchRefusals();
  return events.Refuse("the device refused the EncryptionBlt");
}

void CryptoSession::FetchRefusals() {
  if (!has_unseen_blts_ || device().kernel().removed()) return;
  has_unseen_blts_ = false;
  const abi::QuerySessionRequest request = {session_, {}};
  abi::QuerySessionResponse response = {};
  if (FAILED(device().messages().Ask(abi::kMessageQuerySession, request, &response))) return;
  device().events().NoteDeviceEvents(
      &events_, {response.refusal_count, response.last_refusal, response.iv_repeats});
}

HRESULT CryptoSession::UseContentKey(ConstByteSpan wrapped_key) {
  WARD_ASSERT(wrapped_key.size() == kKeyBytes);
  const bool is_known = has_content_key_ && std::equal(wrapped_key.begin(), wrapped_key.end(),
                                                       std::begin(wrapped_content_key_));
  if (is_known) return S_OK;
  has_content_key_ = false;
  ++serials_.content_key;
  abi::SetContentKeyRequest request = {session_, kKeyBytes, {}};
  std::copy(wrapped_key.begin(), wrapped_key.end(), request.wrapped_key);
  abi::ResponseHeader response = {};
  const HRESULT result = device().messages().Ask(abi::kMessageSetContentKey, request, &response);
  if (FAILED(result)) return result;
  std::copy(wrapped_key.begin(), wrapped_key.end(), wrapped_content_key_);
  has_content_key_ = true;
  return result;
}

HRESULT CryptoSession::RestoreContentKey(ConstByteSpan wrapped_key, const KeySerials& serials) {
  if (serials_.content_key == serials.content_key) return S_OK;
  if (serials_.session_key != serials.session_key) {
    return device().events().Refuse("the frame's content key is gone with the key that wrapped it");
  }
  return UseContentKey(wrapped_key);
}

HRESULT CryptoSession::SelectKey(const GUID& key_id) {
  has_content_key_ = false;
  ++serials_.content_key;
  abi::SelectKeyRequest request = {session_, {}, {}};
  static_assert(sizeof(key_id) == sizeof(request.key_id));
  std::memcpy(request.key_id, &key_id, sizeof(key_id));
  abi::ResponseHeader response = {};
  return device().messages().Ask(abi::kMessageSelectKey, request, &response);
}

void CryptoSessionList::Add(CryptoSession* session) {
  session->next_ = first_;
  first_ = session;
}

void CryptoSessionList::Remove(CryptoSession* session) {
  for (CryptoSession** at = &first_; *at != nullptr; at = &(*at)->next_) {
    if (*at != session) continue;
    *at = session->next_;
    return;
  }
}

CryptoSession* CryptoSessionList::Find(uint32_t number) const {
  CryptoSession* session = first_;
  while (session != nullptr && session->session_ != number) session = session->next_;
  return session;
}

}  // namespace ward::umd
