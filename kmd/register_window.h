// The registers of BAR0, and what a PCI function's errors mean to a caller of the driver.
#ifndef WARD_KMD_REGISTER_WINDOW_H_
#define WARD_KMD_REGISTER_WINDOW_H_

#include <cstdint>

#include "abi/pci_function.h"
#include "base/result.h"

namespace ward::kmd {

class RegisterWindow {
 public:
  // `function` outlives the window.
  explicit RegisterWindow(abi::PciFunction* function) : function_(function) {}

  abi::PciFunction* function() const { return function_; }

  uint32_t Read(uint32_t offset) const;
  void Write(uint32_t offset, uint32_t value) const;
  // A pair of halves, low one at `offset`. Consistent when the high half changes seldom
  // (docs/spec/encoding.md, access to registers).
  uint64_t Read64(uint32_t offset) const;
  void Write64(uint32_t offset, uint64_t value) const;

  // A function that was unplugged answers all ones, which no device of ours has as its magic.
  bool IsGone() const;
  // DEVICE_GONE when the function is gone, else DEVICE_TIMEOUT with `reason`.
  Fault TimeoutFault(const char* reason) const;

 private:
  abi::PciFunction* function_;
};

// `error` is not kNone. `reason` is a literal that says what was tried.
Fault PciFault(abi::PciError error, const char* reason);

}  // namespace ward::kmd

#endif  // WARD_KMD_REGISTER_WINDOW_H_
