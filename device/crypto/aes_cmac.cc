#include "device/crypto/aes_cmac.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/assert.h"
#include "device/crypto/openssl_handles.h"
#include "device/crypto/verdict.h"

namespace ward::device {
namespace {

// Ready for AES-128, which takes several lookups by name; under a key of zeros, without which
// libcrypto makes no copy. It stays as long as the process. Null: libcrypto has no CMAC.
EVP_MAC_CTX* MakeTemplate() {
  char cipher_name[] = "AES-128-CBC";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher_name, 0),
      OSSL_PARAM_construct_end()};
  const MacHandle cmac(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
  MacContextHandle context(cmac ? EVP_MAC_CTX_new(cmac.get()) : nullptr);
  const uint8_t zeros[AesKey::kSizeBytes] = {};
  const bool ok = context && EVP_MAC_init(context.get(), zeros, sizeof(zeros), parameters) == 1;
  return ok ? context.release() : nullptr;
}

}  // namespace

bool ComputeAesCmac(const AesKey& key, ConstByteSpan message, ByteSpan tag) {
  WARD_ASSERT(tag.size() == kCmacTagBytes);
  const OpenSslErrorScope errors;
  static EVP_MAC_CTX* const kTemplate = MakeTemplate();
  const MacContextHandle context(kTemplate != nullptr ? EVP_MAC_CTX_dup(kTemplate) : nullptr);
  size_t written = 0;
  const bool ok =
      context &&
      EVP_MAC_init(context.get(), key.Expose().data(), AesKey::kSizeBytes, nullptr) == 1 &&
      EVP_MAC_update(context.get(), message.data(), message.size()) == 1 &&
      EVP_MAC_final(context.get(), tag.data(), &written, tag.size()) == 1 &&
      written == kCmacTagBytes;
  if (!ok) SecureWipe(tag.data(), tag.size());
  return ok;
}

bool VerifyAesCmac(const AesKey& key, ConstByteSpan message, ConstByteSpan tag) {
  if (tag.size() != kCmacTagBytes) return false;
  // The right tag of a hostile message is a secret: with it the message could be forged.
  SecretBytes<kCmacTagBytes> expected;
  if (!ComputeAesCmac(key, message, expected.Expose())) return false;
  const uint8_t* right = expected.Expose().data();
  const auto half = [&](size_t at) {
    return SecretDifference{LoadLe<uint64_t>(right + at) ^ LoadLe<uint64_t>(&tag[at])};
  };
  return RevealIsZero(half(0) | half(8));
}

}  // namespace ward::device
