#include "tests/conformance/content_protection/stage.h"

#include <algorithm>

#include "catch2/catch_test_macros.hpp"

namespace ward::test {

EVP_PKEY* Process::device_key() {
  if (!device_key_) {
    const SessionPointer session = MakeSession();
    uint32_t size_bytes = 0;
    REQUIRE(session->GetCertificateSize(&size_bytes) == S_OK);
    std::vector<uint8_t> bundle(size_bytes);
    REQUIRE(session->GetCertificate(bundle) == S_OK);
    device_key_ = examples::VerifyChain(bundle, SharedRoot()).key;
  }
  return device_key_.get();
}

SessionPointer Process::MakeKeyedSession(const Key& key) {
  SessionPointer session = MakeSession();
  REQUIRE(Negotiate(session.get(), WrapOaep(device_key(), key)) == S_OK);
  return session;
}

HRESULT Process::Negotiate(runtime::CryptoSession* session, std::vector<uint8_t> blob) {
  return app.video().NegotiateCryptoSessionKeyExchange(session, blob);
}

TrustedReply Process::ImportKey(runtime::CryptoSession* session, const Key& key_id,
                                const Key& key) {
  uint64_t token = 0;
  REQUIRE(session->GetDataForNewHardwareKey(key_id, &token) == S_OK);
  const std::vector<uint8_t> blob = WrapOaep(device_key(), MakeImportPlain(token, key));
  return CallTrusted(&app, session, kTrustedImport, MakeImport(key_id, blob));
}

ResourcePointer Process::MakeStaging(uint32_t size_bytes) {
  ResourcePointer buffer;
  REQUIRE(runtime::Resource::CreateBuffer(&app.device(), size_bytes, runtime::Usage::kStaging,
                                          runtime::kCpuAccessRead | runtime::kCpuAccessWrite, 0,
                                          &buffer) == S_OK);
  return buffer;
}

ResourcePointer Process::MakeDefault(uint32_t size_bytes, bool is_restricted) {
  ResourcePointer buffer;
  REQUIRE(runtime::Resource::CreateBuffer(
              &app.device(), size_bytes, runtime::Usage::kDefault, 0,
              is_restricted ? umd::kApiResourceMiscRestrictedContent : 0, &buffer) == S_OK);
  return buffer;
}

HRESULT Process::Decrypt(runtime::CryptoSession* session, ConstByteSpan ciphertext, const Key& iv,
                         runtime::Resource* destination, ConstByteSpan wrapped_content_key,
                         const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern) {
  const ResourcePointer staging = MakeStaging(static_cast<uint32_t>(ciphertext.size()));
  app.Upload(staging.get(), ciphertext);
  return app.video().DecryptionBlt(session, staging.get(), destination, pattern,
                                   wrapped_content_key, iv);
}

std::vector<uint8_t> Process::ReadProtected(runtime::CryptoSession* session, const Key& session_key,
                                            runtime::Resource* source) {
  Key wrapped{};
  REQUIRE(app.video().GetEncryptionBltKey(session, wrapped) == S_OK);
  const ResourcePointer staging = MakeStaging(source->description().width);
  Key counter_block{};
  REQUIRE(app.video().EncryptionBlt(session, source, staging.get(), counter_block) == S_OK);
  const std::vector<uint8_t> bytes = app.Download(staging.get());
  if (counter_block == Key{}) {
    CHECK(IsZero(bytes));  // refused: nothing arrived
    return {};
  }
  return RunCtr(EcbDecrypt(session_key, wrapped), counter_block, bytes);
}

std::vector<uint8_t> Process::DecryptAndRead(runtime::CryptoSession* session,
                                             const Key& session_key, ConstByteSpan ciphertext,
                                             const Key& iv, ConstByteSpan wrapped_content_key,
                                             const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern) {
  const ResourcePointer frame = MakeDefault(static_cast<uint32_t>(ciphertext.size()), true);
  REQUIRE(Decrypt(session, ciphertext, iv, frame.get(), wrapped_content_key, pattern) == S_OK);
  return ReadProtected(session, session_key, frame.get());
}

bool Process::HasKey(runtime::CryptoSession* session, const Key& key) {
  const std::vector<uint8_t> text = MakeText(64);
  Key iv{};
  StoreBe64(iv.data(), next_iv_++);
  return DecryptAndRead(session, key, RunCtr(key, iv, text), iv) == text;
}

std::vector<uint8_t> MakeText(size_t size_bytes) {
  std::vector<uint8_t> text(size_bytes);
  for (size_t i = 0; i < size_bytes; ++i) text[i] = static_cast<uint8_t>(i * 7 + 3);
  return text;
}

bool IsZero(ConstByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace ward::test
