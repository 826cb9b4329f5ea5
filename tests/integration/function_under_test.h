// What the suites run on: a chip in this process, made anew for each case, or one PCI function that
// the command line names, which finds its way out of whatever the case before left behind.
#ifndef WARD_TESTS_INTEGRATION_FUNCTION_UNDER_TEST_H_
#define WARD_TESTS_INTEGRATION_FUNCTION_UNDER_TEST_H_

#include <memory>
#include <string>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/pci_function.h"
#include "base/bytes.h"
#include "tests/integration/machine.h"
#include "tests/integration/needs.h"

namespace ward::test {

// For the rest of the program: cases run on the function at `address` (kmd/ports/open_function.h),
// whose certificates lead to `root` (PEM). It offers nothing that SetOffered does not name then.
// False with `error` when it can't be opened.
bool ChooseFunction(const std::string& address, std::string root, std::string* error);

// Null without one.
abi::PciFunction* ChosenFunction();

// A case's hold on what it runs on. One at a time. What is more than a PCI function is a need, and
// the case must declare it.
class FunctionUnderTest {
 public:
  FunctionUnderTest() : FunctionUnderTest(MachineOptions()) {}
  // A machine that was set up so: options are needs too.
  explicit FunctionUnderTest(const MachineOptions& options);

  abi::PciFunction* get() const { return function_; }
  abi::PciFunction* operator->() const { return function_; }
  // Bytes of memory that it has.
  uint64_t visible_vram() const { return Read64(abi::kRegVisibleVramSizeLo); }
  uint64_t protected_vram() const { return Read64(abi::kRegProtectedVramSizeLo); }

  // Need::kInside.
  emulator::InProcessHost& inside() const { return Use(Need::kInside); }
  // Need::kEntropy, with an entropy seed: the chip's next random bytes.
  void SetNextRandom(ConstByteSpan bytes) const { Use(Need::kEntropy).SetNextRandom(bytes); }
  // Need::kInside: the resets of the machine, past the driver.
  void Reset(device::ResetKind kind) const;
  // Need::kHand: by whoever started the program (owner_hand.h) on a function that was chosen.
  void SetLinkFault(uint32_t output, device::LinkFault fault) const;
  void TearDown() const;
  // Need::kScreen: the picture of `view`, as device::Gpu::ReadScanout.
  void ReadScreen(uint32_t output, device::ScanoutView view, ByteSpan pixels, uint32_t pitch) const;
  device::ScanoutInfo Scanout(uint32_t output) const;
  // Need::kTime: what the case does next, up to its next wait, takes the chip no time.
  void HoldTime() const { NeedsScope::Use(Need::kTime); }
  // Need::kTime: nanoseconds of the chip's time.
  uint64_t now_ns() const { return Use(Need::kTime).now_ns(); }
  // Need::kPower: D3hot behind the driver's back, and D0 again.
  void PowerDown() const;
  void PowerUp() const;
  // Need::kVram.
  bool CanFillVram() const;

 private:
  uint64_t Read64(uint64_t low) const {
    return function_->BarRead32(abi::kRegisterBar, low) |
           uint64_t{function_->BarRead32(abi::kRegisterBar, low + 4)} << 32;
  }
  emulator::InProcessHost& Use(Need need) const;

  std::unique_ptr<NeedsScope> needs_ = std::make_unique<NeedsScope>();
  std::unique_ptr<emulator::InProcessHost> machine_;  // null on a function that was chosen
  abi::PciFunction* function_;
};

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_FUNCTION_UNDER_TEST_H_
