// A number for bytes, by which two runs are compared. Not for adversaries.
#ifndef WARD_TESTS_FUZZ_DEVICE_DIGEST_H_
#define WARD_TESTS_FUZZ_DEVICE_DIGEST_H_

#include <cstdint>

#include "base/bytes.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {

[[gnu::always_inline]] inline uint64_t Mix(uint64_t digest, uint64_t value) {
  digest = (digest ^ value) * 0x9fb21c651e98df25;
  return digest ^ digest >> 32;
}

[[gnu::always_inline]] inline uint64_t LoadWord(const uint8_t* at) {
  uint64_t word = 0;
  __builtin_memcpy(&word, at, sizeof(word));
  return word;
}

// Of the bytes and how many they are, on top of `digest`.
WARD_UNINSTRUMENTED inline uint64_t Digest(uint64_t digest, ConstByteSpan bytes) {
  constexpr size_t kWord = sizeof(uint64_t);
  digest ^= bytes.size();
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  if (left >= 8 * kWord) {
    // Side by side: a product takes as long as four of them.
    uint64_t lanes[4] = {digest, 1, 2, 3};
    for (; left >= 4 * kWord; at += 4 * kWord, left -= 4 * kWord) {
      lanes[0] = Mix(lanes[0], LoadWord(at));
      lanes[1] = Mix(lanes[1], LoadWord(at + kWord));
      lanes[2] = Mix(lanes[2], LoadWord(at + 2 * kWord));
      lanes[3] = Mix(lanes[3], LoadWord(at + 3 * kWord));
    }
    digest = Mix(Mix(Mix(lanes[0], lanes[1]), lanes[2]), lanes[3]);
  }
  for (; left >= kWord; at += kWord, left -= kWord) digest = Mix(digest, LoadWord(at));
  if (left == 0) return digest;
  uint64_t word = 0;
  for (size_t i = 0; i < left; ++i) word |= uint64_t{at[i]} << 8 * i;
  return Mix(digest, word);
}

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_DIGEST_H_
