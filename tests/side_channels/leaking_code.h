// What the chip must not do, for the controls: memcheck has to report each of these.
#ifndef WARD_TESTS_SIDE_CHANNELS_LEAKING_CODE_H_
#define WARD_TESTS_SIDE_CHANNELS_LEAKING_CODE_H_

#include "base/bytes.h"

namespace ward::side_channels {

// Stops at the first byte that is not 0.
bool IsZeroLeaking(ConstByteSpan difference);
// Counts the zeros that a decrypted block begins with until there is none.
bool PaddingLooksRight(ConstByteSpan encoded);
// A table by a secret's byte, as ciphers without the processor's help have it.
uint8_t LookUp(uint8_t secret);

}  // namespace ward::side_channels

#endif  // WARD_TESTS_SIDE_CHANNELS_LEAKING_CODE_H_
