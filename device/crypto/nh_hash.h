// NH, the universal hash of UMAC (RFC 4418), on words of 64 bits: a sum of products of the message
// and a key as long as it. A change that does not depend on the key is missed by chance alone,
// once in 2^64. Unlike that of a PRF, the sum tells about the message: it is as secret as that.
#ifndef WARD_DEVICE_CRYPTO_NH_HASH_H_
#define WARD_DEVICE_CRYPTO_NH_HASH_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace ward::device {

using NhSum = unsigned __int128;

template <size_t kWords>
class NhHash {
 public:
  static_assert(kWords % 2 == 0);
  // Random, and used for this alone.
  struct Key {
    uint64_t words[kWords];
  };

  explicit NhHash(const Key& key) : key_(key.words) {}

  // The next two words of a message of as many words as the key has.
  void Add(uint64_t first, uint64_t second) {
    // Each sum wraps at 64 bits, the product has all of its 128.
    sum_ += static_cast<NhSum>(first + key_[0]) * (second + key_[1]);
    key_ += 2;
  }
  // The same for `bytes`, whose size is a multiple of 16.
  void Add(ConstByteSpan bytes) {
    for (size_t at = 0; at < bytes.size(); at += 16) {
      Add(LoadLe<uint64_t>(&bytes[at]), LoadLe<uint64_t>(&bytes[at + 8]));
    }
  }
  NhSum sum() const { return sum_; }

 private:
  const uint64_t* key_;
  NhSum sum_ = 0;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_NH_HASH_H_
