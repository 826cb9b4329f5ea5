// For how long somebody waits for a thread, in the thread's own time: while it could run and has no
// processor, the machine keeps it waiting, not a client. A busy host's devices are not given up for
// that.
#ifndef WARD_EMULATOR_VFIO_USER_THREAD_PATIENCE_H_
#define WARD_EMULATOR_VFIO_USER_THREAD_PATIENCE_H_

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/file_descriptor.h"

namespace ward::emulator {

struct ThreadReading {
  bool is_runnable = false;  // has a processor or waits for one; false too: nobody can tell
  std::chrono::nanoseconds ran = {};  // what processors gave it, since its start
};

// What a thread does, for another one.
class ThreadState {
 public:
  // Of the calling thread, before the sandbox closes /proc.
  ThreadState();
  ThreadReading Read() const;

 private:
  pthread_t thread_;
  FileDescriptor stat_;  // not valid: there is no /proc
};

class ThreadPatience {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // The thread has `length` from `now` on.
  ThreadPatience(std::chrono::nanoseconds length, Time now, const ThreadReading& reading)
      : left_(length), then_(now), ran_(reading.ran) {}

  // Takes off what has passed since the last time: of a thread that can run, what it ran; of one
  // that sleeps, all. False when nothing is left.
  bool Spend(Time now, const ThreadReading& reading) {
    const std::chrono::nanoseconds passed = now - std::exchange(then_, now);
    left_ -= reading.is_runnable ? std::min(reading.ran - ran_, passed) : passed;
    ran_ = reading.ran;
    return left_.count() > 0;
  }

 private:
  std::chrono::nanoseconds left_;
  Time then_;
  std::chrono::nanoseconds ran_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_THREAD_PATIENCE_H_
