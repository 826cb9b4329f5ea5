// kmd's own queue (kmd/queue.h), as a driver that submits and waits. Figures: "wait", nanoseconds
// from the submission of a NOOP until the wait for it returns; "sleep", the same by a driver that
// takes the interrupt first, each time; "strict", commands a second, 64 to a submission, by a
// thread that may not make any system call.
#ifndef WARD_TESTS_BENCH_RIVALS_DRIVER_SUBJECT_H_
#define WARD_TESTS_BENCH_RIVALS_DRIVER_SUBJECT_H_

#include <memory>
#include <string>

#include "abi/pci_function.h"
#include "base/bytes.h"
#include "kmd/interrupt_line.h"
#include "kmd/queue.h"
#include "kmd/register_window.h"
#include "tests/bench/attachments/subject.h"

namespace ward::bench {

class DriverSubject final : public Subject {
 public:
  // Queue `index` of a function that is up, for a context that exists. `function` outlives this.
  // Throws std::runtime_error.
  DriverSubject(abi::PciFunction* function, uint32_t index, uint32_t context);

  const char* Kind() const override { return "driver"; }
  double Measure(const std::string& figure, uint32_t count) override;

 private:
  double MeasureWait(uint32_t count, bool looks_first);
  double MeasureStrict(uint32_t count);
  // Many submissions of a batch, each looked at until its fence is there.
  void SubmitAndLook(ConstByteSpan batch);

  kmd::RegisterWindow registers_;
  kmd::InterruptLine interrupts_;
  uint32_t index_;
  std::unique_ptr<kmd::Queue> queue_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_DRIVER_SUBJECT_H_
