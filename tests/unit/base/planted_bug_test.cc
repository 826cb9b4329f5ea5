#include "base/planted_bug.h"

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

namespace ward {
namespace {

#ifdef WARD_PLANTED_BUGS
#error "tests are of the chip as it is shipped"
#endif
static_assert(!HasPlantedBug(PlantedBug::kCopyOutByPart), "is a constant, and costs nothing");

constexpr bool HasAny() {
  for (const PlantedBugInfo& info : kPlantedBugs) {
    if (HasPlantedBug(info.bug)) return true;
  }
  return false;
}
static_assert(!HasAny());

// That their oracles are those of their targets: tests/unit/tools/test_planted.py.
TEST_CASE("Planted bugs are of all kinds and have names of their own") {
  std::map<std::string, int> kinds;
  std::map<std::string, int> targets;
  std::set<std::string> names;
  for (const PlantedBugInfo& info : kPlantedBugs) {
    CHECK(info.bug != PlantedBug::kNone);
    CHECK(names.insert(info.name).second);
    CHECK(std::string(info.sentence).ends_with('.'));
    ++kinds[info.kind];
    ++targets[info.target];
  }
  CHECK(targets["device"] >= 20);
  for (const char* target : {"driver", "firmware", "recording", "saved_state", "vfio_user"}) {
    INFO(target);
    CHECK(targets[target] >= 3);
  }
  CHECK(targets.size() == 6);
  for (const char* kind :
       {"leak", "bounds", "wrap", "double_fetch", "stale_state", "lock_bypass", "reset_residue",
        "counter_reuse", "determinism", "unbounded_work", "fences", "restore", "other_context",
        "unchecked", "lifetime", "diagnosis"}) {
    INFO(kind);
    CHECK(kinds[kind] > 0);
  }
  CHECK(kinds.size() == 16);
}

TEST_CASE("The guide lists the planted bugs that a fuzzer's program has") {
  std::ifstream file(WARD_SOURCE_DIR "/docs/guide/planted-bugs.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const PlantedBugInfo& info : kPlantedBugs) {
    INFO(info.name);
    const bool has_row =
        page.find("| `" + std::string(info.name) + "` | `" + info.target + "` | ") !=
            std::string::npos &&
        page.find("| `" + std::string(info.oracle) + "` | " + info.sentence + " |\n") !=
            std::string::npos;
    CHECK(has_row);
  }
  CHECK(page.find("\n" + std::to_string(std::size(kPlantedBugs)) + " bugs:\n") !=
        std::string::npos);
}

}  // namespace
}  // namespace ward
