// SHA-256 (FIPS 180-4), the digest over a saved state and the name of an identity in it.
#ifndef WARD_DEVICE_CRYPTO_SHA256_H_
#define WARD_DEVICE_CRYPTO_SHA256_H_

#include "base/bytes.h"

namespace ward::device {

inline constexpr size_t kSha256Bytes = 32;

// Writes the digest of `message` to the 32 bytes of `digest`. False only when libcrypto fails;
// `digest` is then zero.
[[nodiscard]] bool ComputeSha256(ConstByteSpan message, ByteSpan digest);

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_SHA256_H_
