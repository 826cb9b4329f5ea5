// How what must hold is told from what does: an oracle that falls says its name and ends the
// process, which is what fuzzers take for a crash.
#ifndef WARD_TESTS_FUZZ_ORACLE_H_
#define WARD_TESTS_FUZZ_ORACLE_H_

#include <cstdio>
#include <cstdlib>

// Of functions that look for secrets or see each byte: instrumented compares would teach a fuzzer
// the secret, and the sanitizers' checks would be most of the time.
#if defined(__clang__)
#define WARD_UNINSTRUMENTED \
  __attribute__((no_sanitize("coverage", "address", "undefined"), noinline))
#else
#define WARD_UNINSTRUMENTED
#endif

namespace ward::fuzz {

[[noreturn]] inline void OracleFell(const char* name, const char* what) {
  std::fprintf(stderr, "oracle %s: %s\n", name, what);
  std::abort();
}

// `name` is a word, `what` says what should have held; some say what came instead.
inline void Expect(bool holds, const char* name, const char* what) {
  if (!holds) [[unlikely]]
    OracleFell(name, what);
}

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_ORACLE_H_
