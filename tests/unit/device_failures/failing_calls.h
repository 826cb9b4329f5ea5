// What a chip asks of libcrypto and of the heap, made to fail at a chosen call.
#ifndef WARD_TESTS_UNIT_DEVICE_FAILURES_FAILING_CALLS_H_
#define WARD_TESTS_UNIT_DEVICE_FAILURES_FAILING_CALLS_H_

#include <cstdint>

namespace ward::test {

enum class Failing {
  kNothing,
  kLibcryptoCall,    // it says that it failed
  kLibcryptoMemory,  // it gets no memory
  kHeap,             // operator new throws
};

// While one lives, calls of that kind are counted, and the one of number `at` (from 0) fails.
class FailingCall {
 public:
  FailingCall(Failing kind, uint64_t at);
  ~FailingCall();
  FailingCall(const FailingCall&) = delete;
  FailingCall& operator=(const FailingCall&) = delete;
  bool WasReached() const;
};

// What the test does itself in between does not fail, and is not counted.
class Unfailing {
 public:
  Unfailing();
  ~Unfailing();
  Unfailing(const Unfailing&) = delete;
  Unfailing& operator=(const Unfailing&) = delete;

 private:
  Failing before_;
};

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_DEVICE_FAILURES_FAILING_CALLS_H_
