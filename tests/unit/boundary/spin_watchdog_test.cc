#include "emulator/boundary/spin_watchdog.h"

#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"

namespace ward::emulator {
namespace {

constexpr uint32_t kStatus = abi::kRegDeviceStatus;
constexpr uint32_t kHead = abi::kRegRingHead;
constexpr uint64_t kMicrosecond = 1000;

struct Bench {
  explicit Bench(const SpinLimits& limits = {}) : watchdog(limits) {}
  void Read(uint32_t offset, uint32_t value, uint64_t after_ns = kMicrosecond) {
    now_ns += after_ns;
    watchdog.OnRead(offset, value, now_ns, command);
  }
  void Write() { watchdog.OnOther(now_ns); }
  std::vector<SpinEntry> Ranked() const { return watchdog.Ranked(now_ns); }

  SpinWatchdog watchdog;
  uint64_t now_ns = 1;
  LastCommand command = {"FENCE", 3};
};

TEST_CASE("A loop is told of by its count of reads") {
  Bench bench({.reads = 12000});
  for (int i = 0; i < 11999; ++i) bench.Read(kStatus, 0);
  CHECK(bench.Ranked().empty());
  CHECK(bench.watchdog.changes() == 0);
  bench.Read(kStatus, 0);
  REQUIRE(bench.Ranked().size() == 1);
  CHECK(bench.watchdog.changes() == 1);
  const SpinEntry entry = bench.Ranked()[0];
  REQUIRE(entry.registers.size() == 1);
  CHECK(entry.registers[0].offset == kStatus);
  CHECK(entry.reads == 12000);
  CHECK(entry.longest_ns == 11999 * kMicrosecond);
  CHECK(entry.is_running);
  CHECK(entry.given_up == 0);
  CHECK(entry.before.queue == 3);
}

TEST_CASE("A host's options set the limits in reads and milliseconds, and 0 leaves them") {
  const auto told_at = [](const SpinLimits& limits, uint64_t after_ns) {
    Bench bench(limits);
    uint64_t reads = 0;
    while (bench.Ranked().empty() && reads < 100000) {
      bench.Read(kStatus, 0, after_ns);
      ++reads;
    }
    return reads;
  };
  CHECK(told_at(SpinLimits::Of(0, 0), kMicrosecond) == 10000);
  CHECK(told_at(SpinLimits::Of(50, 0), kMicrosecond) == 50);
  CHECK(told_at(SpinLimits::Of(50000, UINT32_MAX), kMicrosecond) == 50000);
  // The first read is at the beginning of the time.
  CHECK(told_at(SpinLimits::Of(UINT32_MAX, 0), kMicrosecond * 100) == 1001);
  CHECK(told_at(SpinLimits::Of(UINT32_MAX, 7), kMicrosecond * 100) == 71);
}

TEST_CASE("A loop is told of by its time, but not for two reads far apart") {
  Bench bench({.ns = 400'000'000});
  for (int i = 0; i < 10; ++i) bench.Read(kStatus, 0, 49'000'000);
  CHECK(bench.Ranked().empty());
  for (int i = 0; i < 6; ++i) bench.Read(kStatus, 0, 49'000'000);
  REQUIRE(bench.Ranked().size() == 1);
  CHECK(bench.Ranked()[0].reads == 16);
  // A driver that looks once a second polls nothing.
  Bench slow({.ns = 400'000'000});
  for (int i = 0; i < 1000; ++i) slow.Read(kStatus, 0, 1'000'000'000);
  CHECK(slow.Ranked().empty());
}

TEST_CASE("Loops over one to eight registers are found, over nine not") {
  for (uint32_t period = 1; period <= 9; ++period) {
    INFO("period " << period);
    Bench bench({.reads = 1000});
    for (uint32_t i = 0; i < 2000; ++i) bench.Read(kHead + 0x100 * (i % period), 7);
    if (period > SpinWatchdog::kLongestPeriod) {
      CHECK(bench.Ranked().empty());
      continue;
    }
    REQUIRE(bench.Ranked().size() == 1);
    CHECK(bench.Ranked()[0].registers.size() == period);
    CHECK(bench.Ranked()[0].reads == 2000);
  }
}

TEST_CASE("A loop with a clock in it is one, though the clock goes on") {
  Bench bench({.reads = 1000});
  for (uint32_t i = 0; i < 2000; ++i) {
    bench.Read(kStatus, 0);
    bench.Read(abi::kRegTimestampLo, 100 * i);
  }
  REQUIRE(bench.Ranked().size() == 1);
  CHECK(bench.Ranked()[0].registers.size() == 2);
  // The clock alone is a delay, which ends as it should.
  Bench delay({.reads = 1000});
  for (uint32_t i = 0; i < 2000; ++i) delay.Read(abi::kRegTimestampLo, 100 * i);
  delay.Write();
  delay.now_ns += 1'000'000'000;
  delay.Write();
  REQUIRE(delay.Ranked().size() == 1);
  CHECK(delay.Ranked()[0].given_up == 0);
}

TEST_CASE("A value that changes answers the loop") {
  Bench bench({.reads = 1000});
  for (int i = 0; i < 1500; ++i) bench.Read(kStatus, 0);
  bench.Read(kStatus, 1);
  REQUIRE(bench.Ranked().size() == 1);
  const SpinEntry entry = bench.Ranked()[0];
  CHECK(entry.answered == 1);
  CHECK(entry.given_up == 0);
  CHECK_FALSE(entry.is_running);
  CHECK(entry.changed.offset == kStatus);
  CHECK(entry.changed.value == 0);
  CHECK(entry.changed_value == 1);
  CHECK(entry.reads == 1500);
}

TEST_CASE("A driver that goes on without an answer gave up, and after how long is told") {
  Bench bench;
  for (int i = 0; i < 201; ++i) bench.Read(kStatus, 0, 1'000'000);
  bench.Write();
  CHECK(bench.Ranked()[0].given_up == 0);  // an interrupt's handler may have come between
  bench.now_ns += 100'000'000;
  REQUIRE(bench.Ranked().size() == 1);
  CHECK(bench.Ranked()[0].given_up == 1);
  CHECK(bench.Ranked()[0].given_up_ns == 200'000'000);
  bench.Write();
  REQUIRE(bench.Ranked().size() == 1);
  CHECK(bench.Ranked()[0].given_up == 1);
  CHECK(bench.Ranked()[0].loops == 1);
}

TEST_CASE("Few reads that end without an answer are no waiting") {
  Bench bench;
  for (int i = 0; i < 99; ++i) bench.Read(kStatus, 0);
  bench.Write();
  bench.now_ns += 100'000'000;
  CHECK(bench.Ranked().empty());
}

TEST_CASE("What comes between the reads of a loop does not end it") {
  Bench bench({.reads = 1000});
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 200; ++i) bench.Read(kStatus, 0);
    bench.Write();
    bench.Read(abi::kRegInterruptCause, static_cast<uint32_t>(round));
  }
  REQUIRE(bench.Ranked().size() == 1);
  CHECK(bench.Ranked()[0].loops == 1);
  CHECK(bench.Ranked()[0].reads == 2000);
  // The answer comes after such an interruption.
  bench.Read(kStatus, 2);
  CHECK(bench.Ranked()[0].answered == 1);
  CHECK(bench.Ranked()[0].given_up == 0);
}

TEST_CASE("Another loop makes the one before it a given-up one") {
  Bench bench({.reads = 1000});
  for (int i = 0; i < 1000; ++i) bench.Read(kStatus, 0);
  for (int i = 0; i < 1001; ++i) bench.Read(kHead, 0);
  bench.now_ns += 100'000'000;
  REQUIRE(bench.Ranked().size() == 2);
  CHECK(bench.Ranked()[0].registers[0].offset == kHead);
  CHECK(bench.Ranked()[0].given_up == 1);
  CHECK(bench.Ranked()[1].given_up == 1);
}

TEST_CASE("The table of loops stays small, and keeps those of most reads") {
  Bench bench({.reads = 10});
  for (int i = 0; i < 5000; ++i) bench.Read(kStatus, 0);
  for (uint32_t i = 0; i < 1000; ++i) {
    for (int reads = 0; reads < 20; ++reads) bench.Read(abi::kRegOutputEdid + 4 * i, 0);
    bench.Write();
  }
  CHECK(bench.Ranked().size() <= SpinWatchdog::kEntries + 1);
  CHECK(bench.Ranked()[0].registers[0].offset == kStatus);
}

}  // namespace
}  // namespace ward::emulator
