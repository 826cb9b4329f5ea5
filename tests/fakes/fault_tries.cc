#include "tests/fakes/fault_tries.h"

#include <cstdio>
#include <cstdlib>

#include "catch2/catch_test_case_info.hpp"
#include "catch2/reporters/catch_reporter_event_listener.hpp"
#include "catch2/reporters/catch_reporter_registrars.hpp"

namespace ward::fakes {
namespace {

// Of the case that runs.
struct Tries {
  uint64_t begun = 0;
  uint64_t survived = 0;
  bool is_open = false;
  bool has_failed = false;

  void Begin() {
    End();
    ++begun;
    is_open = true;
    has_failed = false;
  }
  void End() {
    if (is_open && !has_failed) ++survived;
    is_open = false;
  }
};

Tries tries;

// Appends "BEGUN SURVIVED" to the file WARD_FAULT_REPORT after each case.
class FaultCounter final : public Catch::EventListenerBase {
 public:
  using Catch::EventListenerBase::EventListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo&) override { tries = Tries(); }
  void testCasePartialStarting(const Catch::TestCaseInfo&, uint64_t) override {
    begun_before_ = tries.begun;
    failed_assertions_ = false;
  }
  void assertionEnded(const Catch::AssertionStats& stats) override {
    if (stats.assertionResult.isOk()) return;
    tries.has_failed = true;
    failed_assertions_ = true;
  }
  void testCasePartialEnded(const Catch::TestCaseStats& stats, uint64_t) override {
    if (tries.begun == begun_before_ && stats.totals.testCases.skipped == 0) {
      tries.Begin();
      tries.has_failed = failed_assertions_;
    }
    tries.End();
  }
  void testCaseEnded(const Catch::TestCaseStats&) override {
    const char* path = std::getenv("WARD_FAULT_REPORT");
    if (path == nullptr) return;
    FILE* file = std::fopen(path, "a");
    if (file == nullptr) return;  // the runner misses the line
    std::fprintf(file, "%llu %llu\n", static_cast<unsigned long long>(tries.begun),
                 static_cast<unsigned long long>(tries.survived));
    std::fclose(file);
  }

 private:
  uint64_t begun_before_ = 0;
  bool failed_assertions_ = false;
};

CATCH_REGISTER_LISTENER(FaultCounter)

}  // namespace

void BeginFaultTry() { tries.Begin(); }

uint32_t FaultSeed(uint32_t index) {
  const char* text = std::getenv("WARD_FAULT_SEED");
  const auto run = text == nullptr ? 0 : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
  return run * 2654435761u + index;
}

}  // namespace ward::fakes
