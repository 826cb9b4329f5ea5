#include "tests/integration/needs.h"

#include <array>
#include <bitset>
#include <exception>
#include <sstream>

#include "catch2/catch_test_case_info.hpp"
#include "catch2/catch_test_macros.hpp"
#include "catch2/reporters/catch_reporter_event_listener.hpp"
#include "catch2/reporters/catch_reporter_registrars.hpp"

namespace ward::test {
namespace {

constexpr size_t kNeedCount = static_cast<size_t>(Need::kCount);
constexpr std::array<const char*, kNeedCount> kNames = {
    "entropy", "hand",   "injection", "inside", "latency", "open-decrypt",
    "power",   "screen", "strict-iv", "time",   "vram"};
using Needs = std::bitset<kNeedCount>;

Needs offered = Needs().set();
Needs declared;  // by the running case
Needs asked;
Needs used;

std::string ListOf(const Needs& needs) {
  std::string list;
  for (size_t i = 0; i < kNeedCount; ++i) {
    if (needs[i]) list += (list.empty() ? "" : ", ") + std::string(kNames[i]);
  }
  return list;
}

class TagReader final : public Catch::EventListenerBase {
 public:
  using EventListenerBase::EventListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    declared.reset();
    asked.reset();
    for (const Catch::Tag& tag : info.tags) {
      for (size_t i = 0; i < kNeedCount; ++i) {
        if (tag.original == Catch::StringRef("needs-" + std::string(kNames[i]))) declared.set(i);
      }
    }
  }
};

CATCH_REGISTER_LISTENER(TagReader)

}  // namespace

const char* NameOf(Need need) { return kNames.at(static_cast<size_t>(need)); }

bool SetOffered(const std::string& names) {
  offered.reset();
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) {
    size_t at = 0;
    while (at < kNeedCount && name != kNames[at]) ++at;
    if (at == kNeedCount) return false;
    offered.set(at);
  }
  return true;
}

bool Offers(Need need) {
  asked.set(static_cast<size_t>(need));
  return offered[static_cast<size_t>(need)];
}

NeedsScope::NeedsScope() {
  used.reset();
  const Needs missing = declared & ~offered;
  if (missing.any()) SKIP("needs " << ListOf(missing));
}

NeedsScope::~NeedsScope() {
  if (std::uncaught_exceptions() != 0) return;  // it did not come to its uses
  INFO("tags without a use: " << ListOf(declared & ~used));
  CHECK((declared & ~used).none());
}

void NeedsScope::Use(Need need) {
  const auto at = static_cast<size_t>(need);
  if (!declared[at] && !asked[at]) FAIL("uses it without the tag [needs-" << NameOf(need) << "]");
  used.set(at);
}

}  // namespace ward::test
