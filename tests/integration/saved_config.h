// BARs and command register of a PCI function, as who resets it behind a driver's back keeps them
// (PCI Local Bus 3.0, 6.1).
#ifndef WARD_TESTS_INTEGRATION_SAVED_CONFIG_H_
#define WARD_TESTS_INTEGRATION_SAVED_CONFIG_H_

#include <array>
#include <cstdint>

#include "abi/pci_function.h"

namespace ward::test {

class SavedConfig {
 public:
  explicit SavedConfig(abi::PciFunction* function)
      : function_(function), command_(function->ConfigRead(kCommandRegister, 2)) {
    for (uint32_t i = 0; i < kBarCount; ++i) bars_[i] = function->ConfigRead(kFirstBar + 4 * i, 4);
  }
  void Restore() const {
    for (uint32_t i = 0; i < kBarCount; ++i) {
      function_->ConfigWrite(kFirstBar + 4 * i, 4, bars_[i]);
    }
    function_->ConfigWrite(kCommandRegister, 2, command_);
  }

 private:
  static constexpr uint32_t kCommandRegister = 0x04;
  static constexpr uint32_t kFirstBar = 0x10;
  static constexpr uint32_t kBarCount = 6;

  abi::PciFunction* function_;
  uint32_t command_;
  std::array<uint32_t, kBarCount> bars_ = {};
};

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_SAVED_CONFIG_H_
