// The chip's random bit generator: CTR_DRBG of NIST SP 800-90A Rev. 1, 10.2.1, with AES-128 and no
// derivation function, so every seed has to be full entropy. The chip has no entropy of its own:
// seeds come through a port, and the same seeds give the same bytes.
#ifndef WARD_DEVICE_CRYPTO_DRBG_H_
#define WARD_DEVICE_CRYPTO_DRBG_H_

#include "base/bytes.h"
#include "device/crypto/aes_key.h"

namespace ward::device {

// Not thread-safe. The state is secret and wiped with the object.
class Drbg {
 public:
  static constexpr size_t kMaxRequestBytes = 65536;  // SP 800-90A, table 3
  using Seed = SecretBytes<32>;

  // Forgets everything before. False only when libcrypto fails; the generator is then unseeded.
  [[nodiscard]] bool Instantiate(const Seed& entropy);
  // Mixes `entropy` into the state. Needs a seeded generator.
  [[nodiscard]] bool Reseed(const Seed& entropy);
  // Fills `output`, at most kMaxRequestBytes. False, with `output` zero, when unseeded or when
  // libcrypto fails. The state moves on so that earlier output can't be found from it.
  [[nodiscard]] bool Generate(ByteSpan output);
  void Wipe();
  bool seeded() const { return seeded_; }

 private:
  bool NextBlock(ByteSpan block);
  bool Update(ConstByteSpan provided_data);

  AesKey key_;
  SecretBytes<kAesBlockBytes> v_;
  bool seeded_ = false;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_DRBG_H_
