// Ends a system call of this thread that a client may have wait for ever: a timer of the thread's
// own, whose signal (SIGALRM) does nothing but interrupt the call.
#ifndef WARD_EMULATOR_VFIO_USER_CALL_LIMIT_H_
#define WARD_EMULATOR_VFIO_USER_CALL_LIMIT_H_

namespace ward::emulator {

class CallLimit {
 public:
  // From now on, and again and again: a signal just before the call would be lost. One at a time in
  // a thread. The process's SIGALRM is taken over.
  explicit CallLimit(int milliseconds);
  ~CallLimit();
  CallLimit(const CallLimit&) = delete;
  CallLimit& operator=(const CallLimit&) = delete;

  // False when the kernel has no timer: nothing would end the call.
  bool is_set() const { return is_set_; }
  // After a call that failed with EINTR: whether it was us.
  bool HasPassed() const;

 private:
  bool is_set_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_CALL_LIMIT_H_
