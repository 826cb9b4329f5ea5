#include "umd/random_cookie.h"

#ifdef _WIN32
#include "umd/ddi/windows_types.h"
// RtlGenRandom, exported by advapi32 under this name only.
extern "C" BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG size_bytes);
#else
#include <sys/random.h>
#endif

namespace ward::umd {

bool MakeRandomCookie(uint64_t* cookie) {
#ifdef _WIN32
  return SystemFunction036(cookie, sizeof(*cookie)) != FALSE;
#else
  return getrandom(cookie, sizeof(*cookie), 0) == static_cast<ssize_t>(sizeof(*cookie));
#endif
}

}  // namespace ward::umd
