// Folds state into 64 bits, word by word. Not for secrets: those are first replaced by a keyed
// digest (KeyVault::Hash).
#ifndef WARD_DEVICE_STATE_HASHER_H_
#define WARD_DEVICE_STATE_HASHER_H_

#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "device/state_walk.h"

namespace ward::device {

class StateHasher {
 public:
  static constexpr bool kReads = false;

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

  // As an archive (device/state_walk.h): WalkState(hasher, state).
  template <typename... T>
  void Fields(const char*, const T&... fields) {
    (WalkState(*this, fields), ...);
  }
  template <typename T>
  void Number(const T& value) {
    Add(static_cast<uint64_t>(value));
  }
  template <typename T>
  void Enumerator(const T& value) {
    Add(static_cast<uint64_t>(value));
  }
  template <typename T>
  void Bytes(const T& bytes) {
    Add(ConstByteSpan(bytes));
  }
  template <typename T>
  void Records(const T& records) {
    for (const auto& record : records) WalkState(*this, record);
  }
  template <typename T>
  void List(const std::vector<T>& list) {
    if constexpr (std::is_same_v<T, uint8_t>) {
      Add(ConstByteSpan(list));
    } else {
      Add(list.size());
      for (const T& element : list) WalkState(*this, element);
    }
  }

 private:
  uint64_t hash_ = 0x243f6a8885a308d3ull;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_STATE_HASHER_H_
