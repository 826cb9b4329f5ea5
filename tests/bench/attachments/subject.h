// A PCI function that figures are taken of. The same code measures it whatever is behind it.
#ifndef WARD_TESTS_BENCH_ATTACHMENTS_SUBJECT_H_
#define WARD_TESTS_BENCH_ATTACHMENTS_SUBJECT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "abi/pci_function.h"

namespace ward::bench {

class Subject {
 public:
  virtual ~Subject() = default;

  // "gpu" or "edu".
  virtual const char* Kind() const = 0;
  // The median of `count` samples, or of as many as half a second has (Sampler): nanoseconds, MiB/s
  // of those that move data, commands a second.
  // Throws std::runtime_error when the function does not do its part, std::invalid_argument for a
  // figure that there is not.
  virtual double Measure(const std::string& figure, uint32_t count) = 0;
};

// Looks at the function's IDs and brings it up. Throws std::runtime_error when it is neither a
// WardGPU nor QEMU's educational device, or does not come up.
std::unique_ptr<Subject> MakeSubject(std::unique_ptr<abi::PciFunction> function);

// Median time of one read of a 32-bit register of BAR0. A sample is a batch of reads: a clock costs
// as much as the quickest of them.
double MeasureRegisterRead(abi::PciFunction* function, uint64_t offset, uint32_t count);
// Forgets vectors that fired before.
void DrainInterrupts(abi::PciFunction* function);
// Until vector 0 fires. Throws std::runtime_error when it does not.
void TakeInterrupt(abi::PciFunction* function);

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_ATTACHMENTS_SUBJECT_H_
