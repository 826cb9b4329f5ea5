// What has to hold whatever a client does. One that does not hold ends the process and names
// itself, so that a planted bug can be told to have been found by the oracle that it was planted
// for.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_ORACLE_H_
#define WARD_TESTS_FUZZ_VFIO_USER_ORACLE_H_

#include <cstdio>
#include <cstdlib>

namespace ward::fuzz {

inline void Require(bool holds, const char* oracle, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "oracle %s: %s\n", oracle, what);
  std::abort();
}

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_ORACLE_H_
