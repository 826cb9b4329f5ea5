// The build of mutants: the environment names the one rule that this process breaks.
#include <cstdlib>
#include <cstring>

#include "base/rule.h"

namespace ward {

bool IsBroken(const char* rule) {
  static const char* const broken = std::getenv("WARD_BROKEN_RULE");
  return broken != nullptr && std::strcmp(rule, broken) == 0;
}

}  // namespace ward
