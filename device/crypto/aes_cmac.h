// AES-CMAC with AES-128 (RFC 4493), which the D3D11 authenticated channel calls OMAC.
#ifndef WARD_DEVICE_CRYPTO_AES_CMAC_H_
#define WARD_DEVICE_CRYPTO_AES_CMAC_H_

#include "base/bytes.h"
#include "device/crypto/aes_key.h"

namespace ward::device {

inline constexpr size_t kCmacTagBytes = 16;

// Writes the tag of `message` to the 16 bytes of `tag`. False only when libcrypto fails; `tag` is
// then zero.
[[nodiscard]] bool ComputeAesCmac(const AesKey& key, ConstByteSpan message, ByteSpan tag);

// True when `tag` is the whole 16-byte tag of `message`. Compares in constant time; a tag of any
// other length is wrong.
[[nodiscard]] bool VerifyAesCmac(const AesKey& key, ConstByteSpan message, ConstByteSpan tag);

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_AES_CMAC_H_
