#include "emulator/vfio_user/call_limit.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

namespace ward::emulator {
namespace {

constexpr int kSignal = SIGALRM;

thread_local volatile sig_atomic_t has_passed = 0;

// On the thread whose timer it is.
void OnTimer(int) { has_passed = 1; }

bool CatchTimers() {
  static const bool caught = [] {
    struct sigaction action{};
    action.sa_handler = OnTimer;
    action.sa_flags = 0;  // no SA_RESTART: the call is to end
    sigemptyset(&action.sa_mask);
    return sigaction(kSignal, &action, nullptr) == 0;
  }();
  return caught;
}

class ThreadTimer {
 public:
  ThreadTimer() {
    struct sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = kSignal;
    event._sigev_un._tid = gettid();  // glibc has no other name for it
    // Whoever started us may have had it blocked.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, kSignal);
    is_there_ = CatchTimers() && pthread_sigmask(SIG_UNBLOCK, &signals, nullptr) == 0 &&
                timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  }
  ~ThreadTimer() {
    if (is_there_) timer_delete(timer_);
  }
  ThreadTimer(const ThreadTimer&) = delete;
  ThreadTimer& operator=(const ThreadTimer&) = delete;

  // 0 stops it.
  bool Set(int milliseconds) {
    const timespec time = {milliseconds / 1000, (milliseconds % 1000) * 1'000'000L};
    const itimerspec times = {time, time};
    return is_there_ && timer_settime(timer_, 0, &times, nullptr) == 0;
  }

 private:
  timer_t timer_{};
  bool is_there_ = false;
};

ThreadTimer& Timer() {
  thread_local ThreadTimer timer;
  return timer;
}

}  // namespace

CallLimit::CallLimit(int milliseconds) {
  has_passed = 0;
  is_set_ = Timer().Set(milliseconds);
}

CallLimit::~CallLimit() { Timer().Set(0); }

bool CallLimit::HasPassed() const { return has_passed != 0; }

}  // namespace ward::emulator
