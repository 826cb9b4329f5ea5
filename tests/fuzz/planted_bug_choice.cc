// Chooses the planted bug that a fuzzer's program runs with: WARD_PLANTED_BUG is its name. The name
// "list" prints all of them, a line each: name, target, kind, oracle and sentence, with tabs
// between.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/planted_bug.h"

namespace ward::fuzz {
namespace {

constexpr int kUsageExitCode = 2;

PlantedBug FindBug(const char* name) {
  for (const PlantedBugInfo& info : kPlantedBugs) {
    if (std::strcmp(info.name, name) == 0) return info.bug;
  }
  return PlantedBug::kNone;
}

void PrintList(std::FILE* file) {
  for (const PlantedBugInfo& info : kPlantedBugs) {
    std::fprintf(file, "%s\t%s\t%s\t%s\t%s\n", info.name, info.target, info.kind, info.oracle,
                 info.sentence);
  }
}

// Before main(), because a fuzzer has none of its own.
[[gnu::constructor]] void ChooseBug() {
  const char* name = std::getenv("WARD_PLANTED_BUG");
  if (name == nullptr) return;
  if (std::strcmp(name, "list") == 0) {
    PrintList(stdout);
    std::exit(0);
  }
  chosen_planted_bug = FindBug(name);
  if (chosen_planted_bug != PlantedBug::kNone) return;
  std::fprintf(stderr, "WARD_PLANTED_BUG=%s: there is no such bug; these are:\n", name);
  PrintList(stderr);
  std::exit(kUsageExitCode);
}

}  // namespace
}  // namespace ward::fuzz
