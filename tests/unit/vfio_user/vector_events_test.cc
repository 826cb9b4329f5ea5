#include "emulator/vfio_user/vector_events.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <limits>
#include <thread>

#include "catch2/catch_test_macros.hpp"
#include "emulator/vfio_user/call_limit.h"

namespace ward::test {
namespace {

using emulator::CallLimit;
using emulator::VectorEvents;

// The client's end of an eventfd, and the server's.
struct Event {
  Event() : mine(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  FileDescriptor Other() const { return FileDescriptor(fcntl(mine.get(), F_DUPFD_CLOEXEC, 0)); }
  static constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max() - 1;
  // One more would have to wait.
  void Fill() const { REQUIRE(write(mine.get(), &kMost, sizeof(kMost)) == sizeof(kMost)); }
  uint64_t Take() const {
    uint64_t count = 0;
    return read(mine.get(), &count, sizeof(count)) == sizeof(count) ? count : 0;
  }
  FileDescriptor mine;
};

TEST_CASE("a vector fires its own eventfd, once each time") {
  VectorEvents events;
  events.SetBusMaster(true);
  const Event first, second;
  events.Assign(3, first.Other());
  events.Assign(31, second.Other());
  events.Fire(31);
  CHECK(first.Take() == 0);
  CHECK(second.Take() == 1);
  events.Fire(3);
  events.Fire(3);
  CHECK(first.Take() == 2);
  CHECK(events.pending() == 0);
}

TEST_CASE("a vector that fires without an eventfd fires when it gets one") {
  VectorEvents events;
  events.SetBusMaster(true);
  events.Fire(7);
  events.Fire(7);
  CHECK(events.pending() == 1u << 7);
  const Event event;
  events.Assign(6, event.Other());
  CHECK(event.Take() == 0);
  events.Assign(7, event.Other());
  CHECK(event.Take() == 1);
  CHECK(events.pending() == 0);
  events.DropEvents();  // QEMU does so each time the guest enables one more
  events.Fire(7);
  CHECK(event.Take() == 0);
  events.Assign(7, event.Other());
  CHECK(event.Take() == 1);
}

TEST_CASE("no vector fires while the function may not master the bus") {
  VectorEvents events;
  const Event event;
  events.Assign(0, event.Other());
  events.Fire(0);
  CHECK(event.Take() == 0);
  events.SetBusMaster(true);
  CHECK(event.Take() == 1);
  events.SetBusMaster(false);
  events.Fire(0);
  events.DropPending();  // a reset
  events.SetBusMaster(true);
  CHECK(event.Take() == 0);
}

TEST_CASE("F17_ V4 a full eventfd, also one that its owner lets wait, holds nobody up") {
  VectorEvents events;
  events.SetBusMaster(true);
  const Event event;
  events.Assign(0, event.Other());
  event.Fill();
  REQUIRE(fcntl(event.mine.get(), F_SETFL, 0) == 0);  // shared with the server's end
  for (int i = 0; i < 100; ++i) events.Fire(0);       // would wait for ever
  CHECK(event.Take() == Event::kMost);
  CHECK(events.pending() == 0);
  events.Fire(0);
  CHECK(event.Take() == 1);
}

TEST_CASE("F17_ V63 a write that would wait for ever ends, whether or not signals are blocked") {
  const Event event;
  event.Fill();
  REQUIRE(fcntl(event.mine.get(), F_SETFL, 0) == 0);
  std::thread other([&event] {
    sigset_t signals;
    sigfillset(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    for (int i = 0; i < 3; ++i) {
      const CallLimit limit(10);
      CHECK(limit.is_set());
      CHECK_FALSE(limit.HasPassed());
      const uint64_t one = 1;
      CHECK(write(event.mine.get(), &one, sizeof(one)) < 0);
      CHECK(errno == EINTR);
      CHECK(limit.HasPassed());
    }
  });
  other.join();
}

TEST_CASE("F17_ V63 P14_ a client that has its full eventfd wait meanwhile is held up once") {
  VectorEvents events;
  events.SetBusMaster(true);
  const Event event;
  events.Assign(0, event.Other());
  event.Fill();
  std::atomic<bool> is_over{false};
  std::thread racer([&] {
    while (!is_over) fcntl(event.mine.get(), F_SETFL, 0);
  });
  // Who wins is the scheduler's; that it comes back is ours.
  for (int i = 0; i < 200'000 && !events.is_held_up(); ++i) events.Fire(0);
  is_over = true;
  racer.join();
  const bool was_held_up = events.is_held_up();
  events.Fire(0);
  CHECK((events.pending() != 0) == was_held_up);  // its eventfd is gone
  CHECK(event.Take() == Event::kMost);
}

TEST_CASE("P14_ only an eventfd is taken for one") {
  int pipes[2];
  REQUIRE(pipe2(pipes, O_CLOEXEC) == 0);
  const FileDescriptor in(pipes[0]), out(pipes[1]);
  const FileDescriptor file(open("/dev/null", O_RDWR | O_CLOEXEC));
  CHECK_FALSE(VectorEvents::IsUsable(in));
  CHECK_FALSE(VectorEvents::IsUsable(out));
  CHECK_FALSE(VectorEvents::IsUsable(file));
  CHECK_FALSE(VectorEvents::IsUsable(FileDescriptor()));
  CHECK(VectorEvents::IsUsable(FileDescriptor(eventfd(0, EFD_CLOEXEC))));
  CHECK(VectorEvents::IsUsable(FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE))));
}

}  // namespace
}  // namespace ward::test
