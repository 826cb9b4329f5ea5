#include "tests/bench/attachments/subject.h"

#include <stdexcept>
#include <utility>

#include "abi/generated/pci.h"
#include "tests/bench/attachments/edu_subject.h"
#include "tests/bench/attachments/gpu_subject.h"
#include "tests/bench/attachments/sampler.h"

namespace ward::bench {
namespace {

constexpr uint32_t kReadsOfABatch = 32;
constexpr uint32_t kInterruptPatienceMs = 5000;
constexpr uint32_t kCommandRegister = 4;
constexpr uint32_t kMemoryDecoding = 2;

}  // namespace

std::unique_ptr<Subject> MakeSubject(std::unique_ptr<abi::PciFunction> function) {
  const uint32_t command = function->ConfigRead(kCommandRegister, 2);
  function->ConfigWrite(kCommandRegister, 2, command | kMemoryDecoding);
  const uint32_t ids = function->ConfigRead(0, 4);
  if (ids == EduSubject::kIds) return std::make_unique<EduSubject>(std::move(function));
  if (ids == (abi::kDeviceId << 16 | abi::kVendorId)) {
    return std::make_unique<GpuSubject>(std::move(function));
  }
  throw std::runtime_error("a function that is neither a WardGPU nor QEMU's edu");
}

double MeasureRegisterRead(abi::PciFunction* function, uint64_t offset, uint32_t count) {
  Sampler samples(count);
  while (samples.WantsMore()) {
    uint32_t all = ~0u;
    const auto start = Clock::now();
    for (uint32_t i = 0; i < kReadsOfABatch; ++i) all &= function->BarRead32(0, offset);
    samples.Add(NanosecondsSince(start) / kReadsOfABatch);
    if (all == ~0u) throw std::runtime_error("the function is gone");
  }
  return samples.Median();
}

void DrainInterrupts(abi::PciFunction* function) {
  while (function->WaitInterrupt(0, 0) == abi::PciError::kNone) {
  }
}

void TakeInterrupt(abi::PciFunction* function) {
  if (function->WaitInterrupt(0, kInterruptPatienceMs) != abi::PciError::kNone) {
    throw std::runtime_error(std::string("no interrupt: ") + function->LastErrorText());
  }
}

}  // namespace ward::bench
