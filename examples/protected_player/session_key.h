// The application's session key and what it does with it: wraps it for the device, wraps content
// keys and unwraps read-back keys under it.
#ifndef WARD_EXAMPLES_PROTECTED_PLAYER_SESSION_KEY_H_
#define WARD_EXAMPLES_PROTECTED_PLAYER_SESSION_KEY_H_

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace ward::examples {

using AesKey = SecretBytes<16>;

class SessionKey {
 public:
  // A random one. Throws StepFailure (step "session_key") when libcrypto fails, as do the others.
  SessionKey();

  // RSAES-OAEP with SHA-512, MGF1-SHA-512 and an empty label: 256 bytes for RSA-2048.
  std::vector<uint8_t> WrapFor(EVP_PKEY* device_key) const;
  // One block of AES-128-ECB under the session key.
  std::array<uint8_t, 16> WrapContentKey(const AesKey& content_key) const;
  AesKey UnwrapReadbackKey(ConstByteSpan wrapped) const;

 private:
  AesKey key_;
};

// AES-128-CTR in place, `counter_block` as stored by the device.
void DecryptCtr(const AesKey& key, ConstByteSpan counter_block, ByteSpan data);

}  // namespace ward::examples

#endif  // WARD_EXAMPLES_PROTECTED_PLAYER_SESSION_KEY_H_
