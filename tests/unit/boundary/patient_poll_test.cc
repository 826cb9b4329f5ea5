#include "emulator/boundary/patient_poll.h"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "catch2/catch_test_macros.hpp"
#include "emulator/boundary/standard_error.h"

namespace ward::emulator {
namespace {

constexpr int kLongMs = 60000;

volatile std::sig_atomic_t signals;
volatile std::sig_atomic_t reads_at_signal;  // 0: never
volatile int pipe_to_read;

void OnAlarm(int) {
  signals = signals + 1;
  std::array<char, 65536> bytes;
  if (signals == reads_at_signal) (void)!read(pipe_to_read, bytes.data(), bytes.size());
}

// A full pipe, which a signal each millisecond interrupts; the `reads_at`th of them makes room.
class FullPipe {
 public:
  explicit FullPipe(int reads_at) {
    REQUIRE(pipe2(ends_, O_CLOEXEC | O_NONBLOCK) == 0);
    constexpr std::array<char, 4096> kPage = {};
    while (write(ends_[1], kPage.data(), kPage.size()) > 0) {
    }
    signals = 0;
    reads_at_signal = reads_at;
    pipe_to_read = ends_[0];
    struct sigaction alarm = {};
    alarm.sa_handler = OnAlarm;
    REQUIRE(sigaction(SIGALRM, &alarm, &before_) == 0);
    constexpr itimerval kOften = {{0, 1000}, {0, 1000}};
    REQUIRE(setitimer(ITIMER_REAL, &kOften, nullptr) == 0);
  }
  ~FullPipe() {
    constexpr itimerval kNever = {};
    setitimer(ITIMER_REAL, &kNever, nullptr);
    sigaction(SIGALRM, &before_, nullptr);
    close(ends_[0]);
    close(ends_[1]);
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;

  int input() const { return ends_[1]; }

 private:
  int ends_[2] = {};
  struct sigaction before_ = {};
};

TEST_CASE("Signals do not end a wait") {
  const FullPipe pipe(3);
  pollfd output = {pipe.input(), POLLOUT, 0};
  CHECK(PollPatiently({&output, 1}, kLongMs) == 1);
  CHECK(output.revents == POLLOUT);
  CHECK(signals >= 3);
}

TEST_CASE("Signals do not prolong a wait") {
  const FullPipe pipe(0);
  pollfd output = {pipe.input(), POLLOUT, 0};
  CHECK(PollPatiently({&output, 1}, 20) == 0);
}

TEST_CASE("Standard error waits for its reader through signals") {
  const int kept = dup(STDERR_FILENO);
  REQUIRE(kept >= 0);
  bool is_written = false;
  {
    const FullPipe pipe(3);
    REQUIRE(dup2(pipe.input(), STDERR_FILENO) >= 0);
    is_written = StandardError::Write("a line\n", kLongMs);
    REQUIRE(dup2(kept, STDERR_FILENO) >= 0);
  }
  close(kept);
  CHECK(is_written);
}

}  // namespace
}  // namespace ward::emulator
