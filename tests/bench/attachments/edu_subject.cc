#include "tests/bench/attachments/edu_subject.h"

#include <stdexcept>
#include <utility>

#include "tests/bench/attachments/sampler.h"

namespace ward::bench {
namespace {

constexpr uint64_t kStatus = 0x20;
constexpr uint64_t kInterruptRaise = 0x60;
constexpr uint64_t kInterruptAcknowledge = 0x64;

}  // namespace

EduSubject::EduSubject(std::unique_ptr<abi::PciFunction> function)
    : function_(std::move(function)) {
  if (function_->SetBusMaster(true) != abi::PciError::kNone ||
      function_->EnableInterrupts(1) != abi::PciError::kNone) {
    throw std::runtime_error(std::string("edu: ") + function_->LastErrorText());
  }
}

EduSubject::~EduSubject() {
  (void)function_->EnableInterrupts(0);
  (void)function_->SetBusMaster(false);
}

double EduSubject::Measure(const std::string& figure, uint32_t count) {
  if (figure == "register_read") return MeasureRegisterRead(function_.get(), kStatus, count);
  if (figure == "interrupt") return MeasureInterrupt(count);
  throw std::invalid_argument(figure);
}

double EduSubject::MeasureInterrupt(uint32_t count) {
  Sampler samples(count);
  DrainInterrupts(function_.get());
  while (samples.WantsMore()) {
    const auto start = Clock::now();
    function_->BarWrite32(0, kInterruptRaise, 1);
    TakeInterrupt(function_.get());
    samples.Add(NanosecondsSince(start));
    function_->BarWrite32(0, kInterruptAcknowledge, 1);
  }
  return samples.Median();
}

}  // namespace ward::bench
