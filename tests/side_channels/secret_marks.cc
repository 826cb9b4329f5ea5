#include "tests/side_channels/secret_marks.h"

#include <openssl/evp.h>
#include <valgrind/memcheck.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "device/crypto/oaep.h"
#include "device/crypto/rsa_private_key.h"
#include "device/crypto/verdict.h"
#include "device/key_vault.h"
#include "tests/side_channels/leaking_code.h"

namespace ward::side_channels {
namespace {

std::vector<uint8_t> BitsOf(ConstByteSpan bytes) {
  std::vector<uint8_t> undefined(bytes.size());
  (void)VALGRIND_GET_VBITS(bytes.data(), undefined.data(), bytes.size());
  return undefined;
}

}  // namespace

void MarkSecret(ByteSpan bytes) { VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size()); }
void MarkPublic(ByteSpan bytes) { VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size()); }

bool IsSecret(ConstByteSpan bytes) {
  const std::vector<uint8_t> bits = BitsOf(bytes);
  return std::all_of(bits.begin(), bits.end(), [](uint8_t byte) { return byte == 0xff; });
}
bool IsPublic(ConstByteSpan bytes) {
  const std::vector<uint8_t> bits = BitsOf(bytes);
  return std::all_of(bits.begin(), bits.end(), [](uint8_t byte) { return byte == 0; });
}

using device::KeyVault;
using device::OaepParameters;
using device::OaepScheme;
using device::RsaPrivateKey;
using device::SecretDifference;

extern "C" {
int __real_EVP_PKEY_decrypt(EVP_PKEY_CTX*, unsigned char*, size_t*, const unsigned char*, size_t);
int __wrap_EVP_PKEY_decrypt(EVP_PKEY_CTX*, unsigned char*, size_t*, const unsigned char*, size_t);
}
bool RealDecodeOaep(const OaepScheme&, ByteSpan, ByteSpan) __asm__("__real_" WARD_DECODE_OAEP);
bool WrapDecodeOaep(const OaepScheme&, ByteSpan, ByteSpan) __asm__("__wrap_" WARD_DECODE_OAEP);
bool RealUnwrapParameters(const RsaPrivateKey*, ConstByteSpan,
                          OaepParameters*) __asm__("__real_" WARD_UNWRAP_PARAMETERS);
bool WrapUnwrapParameters(const RsaPrivateKey*, ConstByteSpan,
                          OaepParameters*) __asm__("__wrap_" WARD_UNWRAP_PARAMETERS);
bool RealStore(KeyVault*, uint32_t, uint32_t, KeyVault::Key&&) __asm__("__real_" WARD_STORE);
bool WrapStore(KeyVault*, uint32_t, uint32_t, KeyVault::Key&&) __asm__("__wrap_" WARD_STORE);
bool RealReveal(SecretDifference) __asm__("__real_" WARD_REVEAL);
bool WrapReveal(SecretDifference) __asm__("__wrap_" WARD_REVEAL);

// libcrypto's RSA has branches of its own behind its blinding; what it hands over is where our code
// takes the secret.
extern "C" int __wrap_EVP_PKEY_decrypt(EVP_PKEY_CTX* context, unsigned char* out, size_t* out_size,
                                       const unsigned char* in, size_t in_size) {
  const int done = __real_EVP_PKEY_decrypt(context, out, out_size, in, in_size);
  if (is_marking && done == 1 && out != nullptr) {
    MarkSecret({out, *out_size});
    ++crossings.blocks;
  }
  return done;
}

bool WrapDecodeOaep(const OaepScheme& scheme, ByteSpan encoded, ByteSpan message) {
  if (mistake != Mistake::kBranchingPadding) return RealDecodeOaep(scheme, encoded, message);
  const bool looks_right = PaddingLooksRight(encoded);
  return RealDecodeOaep(scheme, encoded, message) && looks_right;
}

// The key in the middle is a secret, what stands around it is not (DDI 7.2).
bool WrapUnwrapParameters(const RsaPrivateKey* key, ConstByteSpan blob,
                          OaepParameters* parameters) {
  const bool unwrapped = RealUnwrapParameters(key, blob, parameters);
  MarkPublic(parameters->head);
  MarkPublic(parameters->tail);
  return unwrapped;
}

bool WrapStore(KeyVault* vault, uint32_t slot, uint32_t session, KeyVault::Key&& key) {
  if (is_marking) {
    MarkSecret(key.Expose());
    ++crossings.keys;
  }
  return RealStore(vault, slot, session, std::move(key));
}

bool WrapReveal(SecretDifference difference) {
  auto* const bytes = reinterpret_cast<uint8_t*>(&difference);
  if (!IsPublic({bytes, sizeof(difference)})) ++crossings.verdicts;
  if (mistake == Mistake::kEarlyExit) return IsZeroLeaking({bytes, sizeof(difference)});
  MarkPublic({bytes, sizeof(difference)});
  return RealReveal(difference);
}

}  // namespace ward::side_channels
