#include "tests/side_channels/leaking_code.h"

namespace ward::side_channels {
namespace {

// Not seen through by a compiler that would make one comparison of the loop.
volatile uint8_t table[256];

}  // namespace

bool IsZeroLeaking(ConstByteSpan difference) {
  for (const uint8_t& byte : difference) {
    if (*const_cast<const volatile uint8_t*>(&byte) != 0) return false;
  }
  return true;
}

bool PaddingLooksRight(ConstByteSpan encoded) {
  size_t zeros = 0;
  while (zeros < encoded.size() && *const_cast<const volatile uint8_t*>(&encoded[zeros]) == 0) {
    ++zeros;
  }
  return zeros == 1;
}

uint8_t LookUp(uint8_t secret) { return table[secret]; }

}  // namespace ward::side_channels
