// Always-on assertion for our own bugs. Never for anything a guest, a driver or a file can cause:
// those are Faults (base/result.h).
#ifndef WARD_BASE_ASSERT_H_
#define WARD_BASE_ASSERT_H_

#if __STDC_HOSTED__
#include <cstdio>
#include <cstdlib>
namespace ward {
[[noreturn]] inline void AssertFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: internal error: %s does not hold\n", file, line, expression);
  std::abort();
}
}  // namespace ward
#define WARD_ASSERT(expression) \
  ((expression) ? (void)0 : ::ward::AssertFailed(#expression, __FILE__, __LINE__))
#else
// The security processor has no console: an illegal instruction halts it.
#define WARD_ASSERT(expression) ((expression) ? (void)0 : __builtin_trap())
#endif

#endif  // WARD_BASE_ASSERT_H_
