// The operating system's random source: the one call that this driver makes past its callbacks.
#ifndef WARD_UMD_RANDOM_COOKIE_H_
#define WARD_UMD_RANDOM_COOKIE_H_

#include <cstdint>

namespace ward::umd {

// 64 unguessable bits. False when the system has none to give.
bool MakeRandomCookie(uint64_t* cookie);

}  // namespace ward::umd

#endif  // WARD_UMD_RANDOM_COOKIE_H_
