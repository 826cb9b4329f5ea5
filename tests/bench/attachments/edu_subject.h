// QEMU's educational device (docs/specs/edu in QEMU): what a device of QEMU's own costs.
#ifndef WARD_TESTS_BENCH_ATTACHMENTS_EDU_SUBJECT_H_
#define WARD_TESTS_BENCH_ATTACHMENTS_EDU_SUBJECT_H_

#include <memory>
#include <string>

#include "tests/bench/attachments/subject.h"

namespace ward::bench {

// Figures: "register_read", and "interrupt": from the write that raises it to the driver that
// waits.
class EduSubject final : public Subject {
 public:
  static constexpr uint32_t kIds = 0x11e81234;

  explicit EduSubject(std::unique_ptr<abi::PciFunction> function);
  ~EduSubject() override;

  const char* Kind() const override { return "edu"; }
  double Measure(const std::string& figure, uint32_t count) override;

 private:
  double MeasureInterrupt(uint32_t count);

  std::unique_ptr<abi::PciFunction> function_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_ATTACHMENTS_EDU_SUBJECT_H_
