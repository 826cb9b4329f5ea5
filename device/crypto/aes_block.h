// AES-128 on one block (ECB): content keys are unwrapped and read-back keys wrapped with it
// (D3D11_1DDI content key, GetEncryptionBltKey).
#ifndef WARD_DEVICE_CRYPTO_AES_BLOCK_H_
#define WARD_DEVICE_CRYPTO_AES_BLOCK_H_

#include "base/bytes.h"
#include "device/crypto/aes_key.h"

namespace ward::device {

// `source` and `destination` are 16 bytes, the same or disjoint. False only when libcrypto fails
// (no memory, or no AES in its providers); `destination` is then zero.
[[nodiscard]] bool AesEncryptBlock(const AesKey& key, ConstByteSpan source, ByteSpan destination);
[[nodiscard]] bool AesDecryptBlock(const AesKey& key, ConstByteSpan source, ByteSpan destination);

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_AES_BLOCK_H_
