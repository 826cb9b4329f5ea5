#include "device/crypto/rsa_private_key.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "base/assert.h"
#include "base/rule.h"
#include "device/crypto/openssl_handles.h"
#include "device/crypto/rsa_numbers.h"
#include "device/crypto/sha256.h"

namespace ward::device {
namespace {

constexpr int kModulusBits = 2048;
constexpr unsigned long kMinExponent = 65537;

// Without it libcrypto would ask at the terminal.
int RefusePassPhrase(char*, int, int, void*) { return -1; }

bool IsAcceptableExponent(const EVP_PKEY* key) {
  BIGNUM* exponent = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1) return false;
  const BigNumberHandle owner(exponent);
  const BigNumberHandle minimum(BN_new());
  return minimum && BN_set_word(minimum.get(), kMinExponent) == 1 && BN_is_odd(exponent) == 1 &&
         BN_cmp(exponent, minimum.get()) >= 0;
}

// libcrypto's whole check; the time goes into whether the factors are prime.
bool IsProvenPair(EVP_PKEY* key) {
  const KeyContextHandle context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context && EVP_PKEY_check(context.get()) == 1;
}

// nullptr, or why the chip refuses `key`.
const char* FindFlaw(EVP_PKEY* key, bool factors_are_known) {
  if (key == nullptr) return "is not an unencrypted private key";
  if (EVP_PKEY_is_a(key, "RSA") != 1) return "is not an RSA key";
  if (EVP_PKEY_get_bits(key) != kModulusBits) return "is not 2048 bits long";
  if (!IsAcceptableExponent(key)) return "has a public exponent that is even or below 65537";
  if (factors_are_known ? !RsaNumbersAgree(key) : !IsProvenPair(key)) {
    return "is damaged: its numbers do not form a pair";
  }
  return nullptr;
}

// Null: libcrypto fails.
KeyContextHandle MakeRawDecryption(EVP_PKEY* key) {
  KeyContextHandle context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  const bool ok = context && EVP_PKEY_decrypt_init(context.get()) == 1 &&
                  EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1;
  return ok ? std::move(context) : nullptr;
}

KeyContextHandle MakeWrapping(EVP_PKEY* key) {
  KeyContextHandle context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  const bool ok = context && EVP_PKEY_encrypt_init(context.get()) == 1 &&
                  EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha512()) == 1 &&
                  EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha512()) == 1;
  return ok ? std::move(context) : nullptr;
}

// One for one use: chips on several threads may share the key. One that could not be made ahead is
// made now.
template <typename Make>
KeyContextHandle CopyOf(const KeyContextHandle& context, EVP_PKEY* key, const Make& make) {
  return context ? KeyContextHandle(EVP_PKEY_CTX_dup(context.get())) : make(key);
}

}  // namespace

// Ready but for the input, which takes libcrypto many lookups by name. Null: it failed then.
struct RsaPrivateKey::Operations {
  explicit Operations(EVP_PKEY* key)
      : raw_decryption(MakeRawDecryption(key)), wrapping(MakeWrapping(key)) {}

  KeyContextHandle raw_decryption;
  KeyContextHandle wrapping;
};

RsaPrivateKey::RsaPrivateKey(evp_pkey_st* handle)
    : handle_(handle), operations_(std::make_shared<Operations>(handle)) {
  EVP_PKEY_up_ref(handle);
}

void RsaPrivateKey::Free::operator()(evp_pkey_st* handle) const { EVP_PKEY_free(handle); }

std::optional<RsaPrivateKey> RsaPrivateKey::LoadPem(ConstByteSpan pem, const char** reason) {
  const OpenSslErrorScope errors;
  const BioHandle source(
      pem.size() > INT_MAX ? nullptr : BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const KeyHandle key(
      source ? PEM_read_bio_PrivateKey(source.get(), nullptr, RefusePassPhrase, nullptr) : nullptr);
  return FromHandle(key.get(), reason);
}

std::optional<RsaPrivateKey> RsaPrivateKey::LoadDer(ConstByteSpan der, const char** reason) {
  const OpenSslErrorScope errors;
  const unsigned char* next = der.data();
  const KeyHandle key(der.size() > INT_MAX
                          ? nullptr
                          : d2i_AutoPrivateKey(nullptr, &next, static_cast<long>(der.size())));
  const bool whole = next == der.data() + der.size();
  return FromHandle(whole ? key.get() : nullptr, reason);
}

std::optional<RsaPrivateKey> RsaPrivateKey::FromHandle(evp_pkey_st* handle, const char** reason) {
  return Check(handle, false, reason);
}

std::optional<RsaPrivateKey> RsaPrivateKey::FromCertified(evp_pkey_st* handle,
                                                          const char** reason) {
  return Check(handle, true, reason);
}

std::optional<RsaPrivateKey> RsaPrivateKey::Check(evp_pkey_st* handle, bool factors_are_known,
                                                  const char** reason) {
  const OpenSslErrorScope errors;
  *reason = FindFlaw(handle, factors_are_known);
  if (*reason != nullptr) return std::nullopt;
  return RsaPrivateKey(handle);
}

RsaPrivateKey RsaPrivateKey::Share() const {
  const OpenSslErrorScope errors;
  return RsaPrivateKey(handle_.get());
}

bool RsaPrivateKey::UnwrapKey(ConstByteSpan blob, AesKey* key) const {
  return DecryptOaep(OaepScheme{}, blob, key->Expose()) ||
         (WARD_BROKEN("7.1.hash") && DecryptOaep({OaepHash::kSha256}, blob, key->Expose()));
}

bool RsaPrivateKey::UnwrapParameters(ConstByteSpan blob, OaepParameters* parameters) const {
  constexpr size_t kHead = OaepParameters::kHeadBytes;
  SecretBytes<kHead + AesKey::kSizeBytes + OaepParameters::kTailBytes> plain;
  const bool unwrapped = DecryptOaepBeginning(OaepScheme{}, blob, plain.Expose());
  const ConstByteSpan bytes = plain.Expose();
  std::copy_n(bytes.begin(), kHead, parameters->head);
  std::copy_n(bytes.begin() + kHead, AesKey::kSizeBytes, parameters->key.Expose().begin());
  std::copy_n(bytes.end() - OaepParameters::kTailBytes, OaepParameters::kTailBytes,
              parameters->tail);
  return unwrapped;
}

bool RsaPrivateKey::WrapKey(const AesKey& key, ByteSpan blob) const {
  WARD_ASSERT(blob.size() == kModulusBytes);
  const OpenSslErrorScope errors;
  const KeyContextHandle context = CopyOf(operations_->wrapping, handle_.get(), MakeWrapping);
  size_t size = blob.size();
  return context &&
         EVP_PKEY_encrypt(context.get(), blob.data(), &size, key.Expose().data(),
                          AesKey::kSizeBytes) == 1 &&
         size == blob.size();
}

bool RsaPrivateKey::DecryptOaep(const OaepScheme& scheme, ConstByteSpan blob,
                                ByteSpan message) const {
  return DecryptWith(DecodeOaep, scheme, blob, message);
}

bool RsaPrivateKey::DecryptOaepBeginning(const OaepScheme& scheme, ConstByteSpan blob,
                                         ByteSpan beginning) const {
  return DecryptWith(DecodeOaepBeginning, scheme, blob, beginning);
}

bool RsaPrivateKey::DecryptRaw(ConstByteSpan blob, ByteSpan encoded) const {
  const KeyContextHandle context =
      CopyOf(operations_->raw_decryption, handle_.get(), MakeRawDecryption);
  size_t size = encoded.size();
  return context &&
         EVP_PKEY_decrypt(context.get(), encoded.data(), &size, blob.data(), blob.size()) == 1 &&
         size == encoded.size();
}

// libcrypto's own OAEP leaves the padded message in freed memory (rsa_enc.c frees its buffer
// without cleansing), from which the key can be had back: so only the RSA operation is its work.
bool RsaPrivateKey::DecryptWith(Decoder decode, const OaepScheme& scheme, ConstByteSpan blob,
                                ByteSpan message) const {
  const OpenSslErrorScope errors;
  SecretBytes<kModulusBytes> encoded;
  // What can fail here, length and value, the sender knows anyway. Decoding goes on over zeros so
  // that the work done is the same.
  const bool computed = blob.size() == kModulusBytes && DecryptRaw(blob, encoded.Expose());
  if (!computed) encoded.Wipe();
  return decode(scheme, encoded.Expose(), message) && computed;
}

bool RsaPrivateKey::PublicFingerprint(ByteSpan digest) const {
  const OpenSslErrorScope errors;
  uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(handle_.get(), &der);
  if (size <= 0) return false;
  const bool ok = ComputeSha256({der, static_cast<size_t>(size)}, digest);
  OPENSSL_free(der);
  return ok;
}

}  // namespace ward::device
