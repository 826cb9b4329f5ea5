#include "emulator/vfio_user/thread_patience.h"

#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

#include "catch2/catch_test_macros.hpp"

namespace ward::test {
namespace {

using emulator::ThreadPatience;
using emulator::ThreadState;
using std::chrono::milliseconds;

constexpr ThreadPatience::Time kStart{};

TEST_CASE("A thread that sleeps spends all the time that passes") {
  ThreadPatience patience(milliseconds(500), kStart, {});
  CHECK(patience.Spend(kStart + milliseconds(499), {}));
  CHECK_FALSE(patience.Spend(kStart + milliseconds(500), {}));
}

TEST_CASE("A thread that waits for a processor spends what it ran") {
  ThreadPatience patience(milliseconds(500), kStart, {true, milliseconds(100)});
  CHECK(patience.Spend(kStart + std::chrono::hours(1), {true, milliseconds(100)}));
  CHECK(patience.Spend(kStart + std::chrono::hours(2), {true, milliseconds(599)}));
  CHECK_FALSE(patience.Spend(kStart + std::chrono::hours(3), {true, milliseconds(600)}));
}

TEST_CASE("A thread that runs all the time spends it") {
  ThreadPatience patience(milliseconds(500), kStart, {});
  CHECK_FALSE(patience.Spend(kStart + milliseconds(500), {true, milliseconds(500)}));
}

TEST_CASE("A thread that nobody can tell of any more spends all the time that passes") {
  ThreadPatience patience(milliseconds(500), kStart, {true, milliseconds(100)});
  CHECK(patience.Spend(kStart + milliseconds(400), {}));
  CHECK_FALSE(patience.Spend(kStart + milliseconds(500), {}));
}

TEST_CASE("A thread's state tells whether it works and what it ran") {
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  std::promise<const ThreadState*> made;
  bool was_runnable = false;
  ssize_t got = 0;
  std::thread thread([&] {
    const ThreadState state;
    const auto enough = state.Read().ran + milliseconds(20);
    while (state.Read().ran < enough) continue;
    was_runnable = state.Read().is_runnable;
    made.set_value(&state);
    char byte;
    got = read(pipe_ends[0], &byte, 1);
  });
  const ThreadState* const state = made.get_future().get();
  while (state->Read().is_runnable) std::this_thread::yield();  // until it sleeps
  CHECK(state->Read().ran >= milliseconds(20));
  CHECK(write(pipe_ends[1], "", 1) == 1);
  thread.join();
  CHECK(was_runnable);
  CHECK(got == 1);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace ward::test
