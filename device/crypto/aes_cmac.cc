#include "device/crypto/aes_cmac.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <atomic>
#include <utility>

#include "base/assert.h"
#include "device/crypto/openssl_handles.h"
#include "device/crypto/verdict.h"

namespace ward::device {
namespace {

// Ready for AES-128, which takes several lookups by name; under a key of zeros, without which
// libcrypto makes no copy. Null: libcrypto fails.
MacContextHandle MakeTemplate() {
  char cipher_name[] = "AES-128-CBC";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher_name, 0),
      OSSL_PARAM_construct_end()};
  const MacHandle cmac(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
  MacContextHandle context(cmac ? EVP_MAC_CTX_new(cmac.get()) : nullptr);
  const uint8_t zeros[AesKey::kSizeBytes] = {};
  const bool ok = context && EVP_MAC_init(context.get(), zeros, sizeof(zeros), parameters) == 1;
  return ok ? std::move(context) : nullptr;
}

// It stays as long as the process. Null: libcrypto fails; the next call may find that it does not.
const EVP_MAC_CTX* FindTemplate() {
  static std::atomic<const EVP_MAC_CTX*> kept = nullptr;
  const EVP_MAC_CTX* found = kept.load(std::memory_order_acquire);
  if (found != nullptr) return found;
  MacContextHandle made = MakeTemplate();
  // Of threads that make one each, the first one's is kept.
  const bool is_first = made && kept.compare_exchange_strong(found, made.get());
  return is_first ? made.release() : found;
}

}  // namespace

bool ComputeAesCmac(const AesKey& key, ConstByteSpan message, ByteSpan tag) {
  WARD_ASSERT(tag.size() == kCmacTagBytes);
  const OpenSslErrorScope errors;
  const EVP_MAC_CTX* const ready = FindTemplate();
  const MacContextHandle context(ready != nullptr ? EVP_MAC_CTX_dup(ready) : nullptr);
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
