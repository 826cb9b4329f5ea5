// A function that is brought up for measuring: bus mastering, one interrupt vector, firmware ready.
#ifndef WARD_TESTS_BENCH_ATTACHMENTS_BENCH_FUNCTION_H_
#define WARD_TESTS_BENCH_ATTACHMENTS_BENCH_FUNCTION_H_

#include "abi/pci_function.h"

namespace ward::bench {

class BenchFunction {
 public:
  // Throws std::runtime_error with what did not come up.
  explicit BenchFunction(abi::PciFunction* function);
  ~BenchFunction();
  BenchFunction(const BenchFunction&) = delete;
  BenchFunction& operator=(const BenchFunction&) = delete;

 private:
  void WaitForFirmware();

  abi::PciFunction* function_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_ATTACHMENTS_BENCH_FUNCTION_H_
