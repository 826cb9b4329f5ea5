// What the suites run on: a chip in this process, made anew for each case, or one PCI function that
// the command line names, which finds its way out of whatever the case before left behind.
#ifndef WARD_TESTS_INTEGRATION_FUNCTION_UNDER_TEST_H_
#define WARD_TESTS_INTEGRATION_FUNCTION_UNDER_TEST_H_

#include <memory>
#include <string>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/pci_function.h"
#include "tests/integration/machine.h"

namespace ward::test {

// For the rest of the program: cases run on the function at `address` (kmd/ports/open_function.h),
// whose certificates lead to `root` (PEM). False with `error` when it can't be opened.
bool ChooseFunction(const std::string& address, std::string root, std::string* error);

// A case's hold on what it runs on. One at a time.
class FunctionUnderTest {
 public:
  FunctionUnderTest();
  // A machine in this process that the case sets up itself: skips where a function was chosen.
  explicit FunctionUnderTest(const MachineOptions& options);

  abi::PciFunction* get() const { return function_; }
  abi::PciFunction* operator->() const { return function_; }
  // Bytes of memory that it has.
  uint64_t visible_vram() const { return Read64(abi::kRegVisibleVramSizeLo); }
  uint64_t protected_vram() const { return Read64(abi::kRegProtectedVramSizeLo); }
  // The machine behind it, for cases that look into it: skips where there is none.
  emulator::InProcessHost& host() const;

 private:
  uint64_t Read64(uint64_t low) const {
    return function_->BarRead32(abi::kRegisterBar, low) |
           uint64_t{function_->BarRead32(abi::kRegisterBar, low + 4)} << 32;
  }

  std::unique_ptr<emulator::InProcessHost> machine_;  // null on a function that was chosen
  abi::PciFunction* function_;
};

// A machine that the case itself sets up and looks into. Such cases carry the tag [host]: where a
// function was chosen they are skipped.
std::unique_ptr<emulator::InProcessHost> MakeHostMachine(const MachineOptions& options);

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_FUNCTION_UNDER_TEST_H_
