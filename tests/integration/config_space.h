// A PCI function's configuration space (PCI Local Bus 3.0, 6.1 and 6.7): where its capabilities
// are, which differs between attachments, and what a reset takes from it.
#ifndef WARD_TESTS_INTEGRATION_CONFIG_SPACE_H_
#define WARD_TESTS_INTEGRATION_CONFIG_SPACE_H_

#include <array>
#include <cstdint>

#include "abi/pci_function.h"

namespace ward::test {

enum : uint32_t { kPowerManagementCapability = 0x01, kExpressCapability = 0x10 };

// `read(offset, size_bytes)` reads it. Its offset; 0 when there is none.
template <typename Read>
uint32_t FindCapability(uint32_t id, Read read) {
  constexpr uint32_t kFirst = 0x34;
  constexpr int kMost = 48;  // as many as there is room for
  uint32_t at = read(kFirst, 1);
  for (int i = 0; i < kMost && at != 0; ++i) {
    if (read(at, 1) == id) return at;
    at = read(at + 1, 1);
  }
  return 0;
}
inline uint32_t FindCapability(uint32_t id, abi::PciFunction* function) {
  return FindCapability(
      id, [=](uint32_t offset, uint32_t size) { return function->ConfigRead(offset, size); });
}

// BARs and command register, as who resets it behind a driver's back keeps them.
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

#endif  // WARD_TESTS_INTEGRATION_CONFIG_SPACE_H_
