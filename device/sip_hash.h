// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed 64-bit digest of short inputs. What of a
// key enters the state hash goes through it.
#ifndef WARD_DEVICE_SIP_HASH_H_
#define WARD_DEVICE_SIP_HASH_H_

#include <cstdint>

#include "base/bytes.h"

namespace ward::device {

struct SipKey {
  uint64_t low;
  uint64_t high;
};

uint64_t SipHash(const SipKey& key, ConstByteSpan bytes);

}  // namespace ward::device

#endif  // WARD_DEVICE_SIP_HASH_H_
