#include "tests/bench/attachments/bench_function.h"

#include <chrono>
#include <stdexcept>
#include <string>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "tests/bench/attachments/sampler.h"

namespace ward::bench {
namespace {

constexpr uint32_t kFirmwareReady = 1;
constexpr auto kPatience = std::chrono::seconds(20);

}  // namespace

BenchFunction::BenchFunction(abi::PciFunction* function) : function_(function) {
  if (function->SetBusMaster(true) != abi::PciError::kNone ||
      function->EnableInterrupts(1) != abi::PciError::kNone) {
    throw std::runtime_error(std::string("bring-up: ") + function->LastErrorText());
  }
  WaitForFirmware();
}

BenchFunction::~BenchFunction() {
  (void)function_->EnableInterrupts(0);
  (void)function_->SetBusMaster(false);
}

void BenchFunction::WaitForFirmware() {
  const auto end = Clock::now() + kPatience;
  while ((function_->BarRead32(abi::kRegisterBar, abi::kRegDeviceStatus) &
          abi::kDeviceStatusFirmwareStateMask) != kFirmwareReady) {
    if (Clock::now() > end) throw std::runtime_error("the firmware is not ready");
    (void)function_->WaitInterrupt(0, 1);  // lets time pass for a chip in this process too
  }
}

}  // namespace ward::bench
