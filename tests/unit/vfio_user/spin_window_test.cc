#include "emulator/vfio_user/spin_window.h"

#include "catch2/catch_test_macros.hpp"

namespace ward::emulator {
namespace {

using std::chrono::microseconds;

constexpr microseconds kLength{50};

// A clock that stands until it is told to go.
class Bench {
 public:
  explicit Bench(microseconds length = kLength) : window_(length) {}

  // Input comes `after` the last one or the end of its window. Whether it is then looked for more.
  bool Input(microseconds after = microseconds{1}) {
    now_ += after;
    window_.OnInput(now_);
    return window_.IsOpen(now_);
  }
  // It is looked until the thread sleeps: for how long.
  microseconds LookInVain() {
    const SpinWindow::Time start = now_;
    while (window_.IsOpen(now_)) now_ += microseconds{1};
    return std::chrono::duration_cast<microseconds>(now_ - start);
  }
  // How many inputs in a row are not looked after.
  uint32_t CountLeftOut() {
    uint32_t count = 0;
    while (!Input()) ++count;
    return count;
  }

 private:
  SpinWindow window_;
  SpinWindow::Time now_{std::chrono::hours{1}};
};

TEST_CASE("nothing is looked for before there was input, nor with a length of 0") {
  SpinWindow window(kLength);
  CHECK_FALSE(window.IsOpen(SpinWindow::Time{std::chrono::hours{1}}));
  Bench never(microseconds{0});
  CHECK_FALSE(never.Input());
}

TEST_CASE("it is looked for as long as was said, from the last input on") {
  Bench bench;
  REQUIRE(bench.Input());
  CHECK(bench.LookInVain() == kLength);
  Bench again;
  REQUIRE(again.Input());
  REQUIRE(again.Input(microseconds{49}));
  CHECK(again.LookInVain() == kLength);
}

TEST_CASE("a client that answers in time is always looked for") {
  Bench bench;
  for (int i = 0; i < 10'000; ++i) REQUIRE(bench.Input(microseconds{30}));
}

TEST_CASE("who is looked for in vain again and again is looked for ever more rarely") {
  Bench bench;
  REQUIRE(bench.Input());
  for (const uint32_t left_out : {1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1023, 1023}) {
    CHECK(bench.LookInVain() == kLength);
    CHECK(bench.CountLeftOut() == left_out);
  }
}

TEST_CASE("one reward makes up for all") {
  Bench bench;
  REQUIRE(bench.Input());
  for (int i = 0; i < 20; ++i) {
    bench.LookInVain();
    bench.CountLeftOut();
  }
  REQUIRE(bench.Input());  // in time
  bench.LookInVain();
  CHECK(bench.CountLeftOut() == 1);
}

}  // namespace
}  // namespace ward::emulator
