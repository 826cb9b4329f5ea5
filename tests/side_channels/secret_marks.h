// Which bytes memcheck counts as undefined, because nothing that others can see may depend on them,
// and the places where one stops being a secret. The chip's code is that of a release: the linker
// puts these marks between its files (--wrap).
#ifndef WARD_TESTS_SIDE_CHANNELS_SECRET_MARKS_H_
#define WARD_TESTS_SIDE_CHANNELS_SECRET_MARKS_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace ward::side_channels {

// What a control does wrong instead of the chip's code.
enum class Mistake {
  kNone,
  kEarlyExit,        // a comparison ends at the first byte that differs
  kBranchingPadding  // OAEP's padding is looked at with a branch
};

inline Mistake mistake = Mistake::kNone;
// Not while the chip starts: its self tests compare keys that everybody knows.
inline bool is_marking = false;

// What went over the marks so far. A silent run in which nothing did would prove nothing.
struct Crossings {
  uint64_t blocks = 0;    // padded blocks that RSA decrypted
  uint64_t keys = 0;      // keys that entered the vault
  uint64_t verdicts = 0;  // comparisons whose difference was a secret
};
inline Crossings crossings;

void MarkSecret(ByteSpan bytes);
void MarkPublic(ByteSpan bytes);
// Whether each bit, or no bit, of `bytes` is a secret.
bool IsSecret(ConstByteSpan bytes);
bool IsPublic(ConstByteSpan bytes);

}  // namespace ward::side_channels

#endif  // WARD_TESTS_SIDE_CHANNELS_SECRET_MARKS_H_
