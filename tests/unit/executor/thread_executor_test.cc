#include "emulator/executor/thread_executor.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/fakes/fault_tries.h"

namespace ward::emulator {
namespace {

// Counts how often each piece was run.
struct Tally final : device::ExecutorPort::Work {
  explicit Tally(size_t count) : runs(count) {}
  void Run(uint32_t piece) override { ++runs.at(piece); }
  bool EachOnce() const {
    for (const std::atomic<int>& run : runs) {
      if (run != 1) return false;
    }
    return true;
  }
  std::vector<std::atomic<int>> runs;
};

TEST_CASE("each piece is run once, however many there are and whoever runs them") {
  const uint32_t width = GENERATE(1u, 2u, 3u, 8u);
  ThreadExecutor executor(width);
  CHECK(executor.Width() == width);
  for (const uint32_t count : {0u, 1u, 2u, 3u, 7u, 64u, 1000u, 65535u}) {
    Tally tally(count);
    executor.RunAll(count, &tally);
    REQUIRE(tally.EachOnce());
  }
}

TEST_CASE("F16_ work after work, with threads awake, asleep and in between") {
  ThreadExecutor executor(4);
  for (int turn = 0; turn < 3000; ++turn) {
    fakes::BeginFaultTry();
    Tally tally(1 + static_cast<size_t>(turn % 9));
    executor.RunAll(static_cast<uint32_t>(tally.runs.size()), &tally);
    REQUIRE(tally.EachOnce());
    if (turn % 300 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

// Ends when two threads are in it, or when nobody comes for very long.
struct Meeting final : device::ExecutorPort::Work {
  void Run(uint32_t) override {
    ++present;
    for (int i = 0; present < 2 && i < 100'000'000; ++i) std::this_thread::yield();
    if (present == 2) ++met;
  }
  std::atomic<int> met{0};
  std::atomic<int> present{0};
};

TEST_CASE("pieces run beside each other, also on threads that slept") {
  ThreadExecutor executor(2);
  for (int turn = 0; turn < 3; ++turn) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    Meeting meeting;
    executor.RunAll(2, &meeting);
    CHECK(meeting.met == 2);
  }
}

TEST_CASE("what the pieces wrote is there when the work has ended") {
  ThreadExecutor executor(3);
  struct Fill final : device::ExecutorPort::Work {
    void Run(uint32_t piece) override { values[piece] = piece * 3 + turn; }
    uint32_t values[64] = {};
    uint32_t turn = 0;
  } fill;
  for (fill.turn = 0; fill.turn < 2000; ++fill.turn) {
    executor.RunAll(64, &fill);
    for (uint32_t i = 0; i < 64; ++i) REQUIRE(fill.values[i] == i * 3 + fill.turn);
  }
}

TEST_CASE("an executor ends whatever its threads do") {
  for (int turn = 0; turn < 50; ++turn) {
    auto executor = std::make_unique<ThreadExecutor>(4);
    if (turn % 2 != 0) {
      Tally tally(8);
      executor->RunAll(8, &tally);
      CHECK(tally.EachOnce());
    }
    if (turn % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    executor.reset();
  }
}

}  // namespace
}  // namespace ward::emulator
