// Folds state into 64 bits, word by word. Not for secrets: those are first replaced by a keyed
// digest (KeyVault::Hash).
#ifndef WARD_DEVICE_STATE_HASHER_H_
#define WARD_DEVICE_STATE_HASHER_H_

#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace ward::device {

class StateHasher {
 public:
  void Add(uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9fb21c651e98df25ull;
    hash_ ^= hash_ >> 32;
  }
  void Add(ConstByteSpan bytes) {
    Add(bytes.size());
    size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) Add(LoadLe<uint64_t>(bytes.data() + at));
    uint8_t tail[8] = {};
    if (at < bytes.size()) {
      std::memcpy(tail, bytes.data() + at, bytes.size() - at);
      Add(LoadLe<uint64_t>(tail));
    }
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0x243f6a8885a308d3ull;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_STATE_HASHER_H_
