// SHA-512 (FIPS 180-4), the hash of the key exchange's OAEP.
#ifndef WARD_DEVICE_CRYPTO_SHA512_H_
#define WARD_DEVICE_CRYPTO_SHA512_H_

#include "base/bytes.h"

namespace ward::device {

inline constexpr size_t kSha512Bytes = 64;

// Writes the digest of `message` to the 64 bytes of `digest`. False only when libcrypto fails;
// `digest` is then zero.
[[nodiscard]] bool ComputeSha512(ConstByteSpan message, ByteSpan digest);

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_SHA512_H_
