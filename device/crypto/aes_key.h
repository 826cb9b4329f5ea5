// The key of every AES block of the chip.
#ifndef WARD_DEVICE_CRYPTO_AES_KEY_H_
#define WARD_DEVICE_CRYPTO_AES_KEY_H_

#include "base/secret_bytes.h"

namespace ward::device {

inline constexpr size_t kAesBlockBytes = 16;

using AesKey = SecretBytes<16>;  // AES-128

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_AES_KEY_H_
