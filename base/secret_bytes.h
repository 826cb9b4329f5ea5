// Bytes that are used and never read by people: no printing, no implicit copy, comparison in
// constant time, wiped when they end. Freestanding: firmware uses it too.
#ifndef WARD_BASE_SECRET_BYTES_H_
#define WARD_BASE_SECRET_BYTES_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace ward {

// Overwrites with zeros in a way that the compiler may not drop.
inline void SecureWipe(void* bytes, size_t size) {
  if (size == 0) return;  // there may be no bytes to point at
  // A builtin: also where there is no library but the mem* functions.
  __builtin_memset(bytes, 0, size);
  __asm__ __volatile__("" : : "r"(bytes) : "memory");
}

// Compares without a branch that depends on the bytes.
inline bool ConstantTimeEqual(const uint8_t* a, const uint8_t* b, size_t size) {
  uint8_t difference = 0;
  for (size_t i = 0; i < size; ++i) difference = static_cast<uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

template <size_t kSize>
class SecretBytes {
 public:
  static constexpr size_t kSizeBytes = kSize;

  SecretBytes() = default;
  ~SecretBytes() { Wipe(); }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept { TakeFrom(other); }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) TakeFrom(other);
    return *this;
  }

  // The only two doors to the bytes. Call them where a cipher takes its key, nowhere else.
  ByteSpan Expose() { return ByteSpan(bytes_, kSize); }
  ConstByteSpan Expose() const { return ConstByteSpan(bytes_, kSize); }

  // An explicit copy, so that each one can be found by its name.
  void CopyFrom(const SecretBytes& other) { __builtin_memcpy(bytes_, other.bytes_, kSize); }
  void Wipe() { SecureWipe(bytes_, kSize); }

  friend bool operator==(const SecretBytes& a, const SecretBytes& b) {
    return ConstantTimeEqual(a.bytes_, b.bytes_, kSize);
  }

 private:
  void TakeFrom(SecretBytes& other) {
    CopyFrom(other);
    other.Wipe();
  }

  uint8_t bytes_[kSize] = {};
};

}  // namespace ward

#endif  // WARD_BASE_SECRET_BYTES_H_
