#include "device/vblank_clock.h"

#include "catch2/catch_test_macros.hpp"

namespace ward::device {
namespace {

constexpr uint64_t kSecond = 1000000000;
constexpr uint64_t kStart = 123456789;

TEST_CASE("a second has exactly 60 vblanks, however long it runs") {
  VblankClock clock;
  clock.Start(kStart);
  CHECK(clock.CountAt(kStart) == 0);
  for (const uint64_t seconds : {uint64_t{1}, uint64_t{2}, uint64_t{1000}, uint64_t{10000000000}}) {
    CHECK(clock.CountAt(kStart + seconds * kSecond) == seconds * 60);
    CHECK(clock.CountAt(kStart + seconds * kSecond - 1) == seconds * 60 - 1);
  }
  CHECK(clock.CountAt(kStart - 1) == 0);
}

TEST_CASE("the time of a vblank is the first moment that counts it") {
  VblankClock clock;
  clock.Start(kStart);
  CHECK(clock.TimeOf(1) == kStart + 16666667);
  CHECK(clock.TimeOf(3) == kStart + 50000000);
  for (uint64_t count = 1; count < 200; ++count) {
    CHECK(clock.CountAt(clock.TimeOf(count)) == count);
    CHECK(clock.CountAt(clock.TimeOf(count) - 1) == count - 1);
  }
}

TEST_CASE("a clock that was stopped keeps its count and goes on from there") {
  VblankClock clock;
  clock.Start(kStart);
  clock.Stop(kStart + kSecond);
  CHECK_FALSE(clock.running());
  CHECK(clock.CountAt(kStart + 5 * kSecond) == 60);
  clock.Start(kStart + 7 * kSecond);
  clock.Start(kStart + 9 * kSecond);  // it runs already
  CHECK(clock.CountAt(kStart + 8 * kSecond) == 120);
  CHECK(clock.TimeOf(61) == kStart + 7 * kSecond + 16666667);
}

}  // namespace
}  // namespace ward::device
