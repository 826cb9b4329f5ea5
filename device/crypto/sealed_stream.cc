#include "device/crypto/sealed_stream.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/assert.h"
#include "device/crypto/openssl_handles.h"

namespace ward::device {
namespace {

using KdfHandle = OpenSslHandle<EVP_KDF, EVP_KDF_free>;
using KdfContextHandle = OpenSslHandle<EVP_KDF_CTX, EVP_KDF_CTX_free>;

// HKDF's info.
constexpr std::string_view InfoOf(SealPurpose purpose) {
  return purpose == SealPurpose::kRecording ? "WardGPU recording, AES-256-GCM"
                                            : "WardGPU saved state, AES-256-GCM";
}
// One call of libcrypto takes an int of bytes.
constexpr size_t kPieceBytes = 1 << 20;

bool Expand(const SealKey& operator_key, ConstByteSpan salt, SealPurpose purpose, ByteSpan output) {
  const std::string_view info = InfoOf(purpose);
  const KdfHandle kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
  const KdfContextHandle context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  if (!context) return false;
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
                                        const_cast<uint8_t*>(operator_key.Expose().data()),
                                        SealKey::kSizeBytes),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, const_cast<uint8_t*>(salt.data()),
                                        salt.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(info.data()),
                                        info.size()),
      OSSL_PARAM_construct_end()};
  return EVP_KDF_derive(context.get(), output.data(), output.size(), parameters) == 1;
}

// A context of the seal, fed with the public part; null when libcrypto fails.
internal::CipherContext Begin(const DerivedSeal& seal, ConstByteSpan public_part, bool encrypt) {
  internal::CipherContext context(EVP_CIPHER_CTX_new());
  if (!context || EVP_CipherInit_ex2(context.get(), EVP_aes_256_gcm(), seal.key.Expose().data(),
                                     seal.nonce, encrypt ? 1 : 0, nullptr) != 1) {
    return nullptr;
  }
  for (size_t at = 0; at < public_part.size(); at += kPieceBytes) {
    const ConstByteSpan piece =
        public_part.subspan(at).first(std::min(kPieceBytes, public_part.size() - at));
    int written = 0;
    if (EVP_CipherUpdate(context.get(), nullptr, &written, piece.data(),
                         static_cast<int>(piece.size())) != 1) {
      return nullptr;
    }
  }
  return context;
}

// `output` is as long as `input`.
bool Update(EVP_CIPHER_CTX* context, ConstByteSpan input, uint8_t* output) {
  for (size_t at = 0; at < input.size(); at += kPieceBytes) {
    const int size = static_cast<int>(std::min(kPieceBytes, input.size() - at));
    int written = 0;
    if (EVP_CipherUpdate(context, output + at, &written, input.data() + at, size) != 1 ||
        written != size) {
      return false;
    }
  }
  return true;
}

}  // namespace

void internal::FreeCipherContext::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

bool DeriveSeal(const SealKey& operator_key, ConstByteSpan salt, DerivedSeal* seal,
                SealPurpose purpose) {
  WARD_ASSERT(salt.size() == kSealSaltBytes);
  const OpenSslErrorScope errors;
  constexpr size_t kKeyBytes = decltype(seal->key)::kSizeBytes;
  SecretBytes<kKeyBytes + sizeof(seal->nonce) + kSealKeyCheckBytes> derived;
  if (!Expand(operator_key, salt, purpose, derived.Expose())) return false;
  const ConstByteSpan bytes = derived.Expose();
  std::copy_n(bytes.begin(), kKeyBytes, seal->key.Expose().begin());
  std::memcpy(seal->nonce, bytes.data() + kKeyBytes, sizeof(seal->nonce));
  std::memcpy(seal->key_check, bytes.data() + kKeyBytes + sizeof(seal->nonce), kSealKeyCheckBytes);
  return true;
}

SealingStream::SealingStream(const DerivedSeal& seal, ConstByteSpan public_part) {
  const OpenSslErrorScope errors;
  context_ = Begin(seal, public_part, true);
  ok_ = context_ != nullptr;
}

SealingStream::~SealingStream() = default;

void SealingStream::Add(ConstByteSpan plaintext) {
  const OpenSslErrorScope errors;
  const size_t before = ciphertext_.size();
  ciphertext_.resize(before + plaintext.size());
  ok_ = ok_ && Update(context_.get(), plaintext, ciphertext_.data() + before);
}

bool SealingStream::Finish(std::vector<uint8_t>* sealed) {
  const OpenSslErrorScope errors;
  uint8_t tag[kSealTagBytes];
  int written = 0;
  ok_ = ok_ && EVP_CipherFinal_ex(context_.get(), tag, &written) == 1 && written == 0 &&
        EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kSealTagBytes, tag) == 1;
  if (!ok_) return false;
  sealed->insert(sealed->end(), ciphertext_.begin(), ciphertext_.end());
  sealed->insert(sealed->end(), tag, tag + kSealTagBytes);
  return true;
}

OpeningStream::OpeningStream(const DerivedSeal& seal, ConstByteSpan public_part,
                             ConstByteSpan sealed) {
  const OpenSslErrorScope errors;
  if (sealed.size() < kSealTagBytes) return;
  rest_ = sealed.first(sealed.size() - kSealTagBytes);
  if (!Verify(seal, public_part, sealed.last(kSealTagBytes))) return;
  context_ = Begin(seal, public_part, false);
  ok_ = context_ != nullptr;
}

OpeningStream::~OpeningStream() = default;

bool OpeningStream::Verify(const DerivedSeal& seal, ConstByteSpan public_part, ConstByteSpan tag) {
  const internal::CipherContext context = Begin(seal, public_part, false);
  if (!context) return false;
  SecretBytes<4096> plaintext;  // of no use yet
  for (size_t at = 0; at < rest_.size(); at += plaintext.kSizeBytes) {
    const size_t size = std::min(plaintext.kSizeBytes, rest_.size() - at);
    if (!Update(context.get(), rest_.subspan(at, size), plaintext.Expose().data())) return false;
  }
  uint8_t expected[kSealTagBytes];
  std::memcpy(expected, tag.data(), sizeof(expected));
  int written = 0;
  return EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kSealTagBytes, expected) == 1 &&
         EVP_CipherFinal_ex(context.get(), plaintext.Expose().data(), &written) == 1;
}

void OpeningStream::Read(ByteSpan plaintext) {
  const OpenSslErrorScope errors;
  ok_ = ok_ && plaintext.size() <= rest_.size() &&
        Update(context_.get(), rest_.first(plaintext.size()), plaintext.data());
  if (ok_) {
    rest_ = rest_.subspan(plaintext.size());
  } else if (!plaintext.empty()) {
    SecureWipe(plaintext.data(), plaintext.size());
  }
}

}  // namespace ward::device
