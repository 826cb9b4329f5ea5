// Bugs that prove the oracles of the fuzz target of served devices where that is tested with all
// else; others are in base/planted_bug.h. Each is one that a server of this kind has had. Only a
// sanitized build has them, and it has one at a time, the one that the environment names
// (WARD_PLANTED_BUG); elsewhere WARD_HAS_BUG(name) is false. tests/fuzz/vfio_user/prove_oracles.py
// has the list.
#ifndef WARD_EMULATOR_VFIO_USER_PLANTED_BUG_H_
#define WARD_EMULATOR_VFIO_USER_PLANTED_BUG_H_

#ifdef WARD_SERVER_BUGS
#include <cstdlib>
#include <cstring>
namespace ward::emulator {
inline bool HasServerBug(const char* name) {
  static const char* const planted = std::getenv("WARD_PLANTED_BUG");
  return planted != nullptr && std::strcmp(name, planted) == 0;
}
}  // namespace ward::emulator
#define WARD_HAS_BUG(name) ::ward::emulator::HasServerBug(name)
#else
#define WARD_HAS_BUG(name) false
#endif

#endif  // WARD_EMULATOR_VFIO_USER_PLANTED_BUG_H_
