#include "tests/integration/function_under_test.h"

#include <utility>

#include "catch2/catch_test_macros.hpp"
#include "kmd/ports/open_function.h"
#include "tests/integration/config_space.h"
#include "tests/integration/owner_hand.h"

namespace ward::test {
namespace {

// PCI Express Base 4.0, 7.5.2.2: PMCSR.
constexpr uint32_t kPowerControl = 4;  // in the capability
constexpr uint32_t kPowerD0 = 0;
constexpr uint32_t kPowerD3Hot = 3;

void SetPower(abi::PciFunction* function, uint32_t state) {
  NeedsScope::Use(Need::kPower);
  const uint32_t capability = FindCapability(kPowerManagementCapability, function);
  REQUIRE(capability != 0);
  function->ConfigWrite(capability + kPowerControl, 2, state);
}

std::unique_ptr<abi::PciFunction>& Chosen() {
  static std::unique_ptr<abi::PciFunction> function;
  return function;
}

void UseOptions(const MachineOptions& options) {
  const MachineOptions plain;
  if (options.entropy_seed != plain.entropy_seed) NeedsScope::Use(Need::kEntropy);
  if (options.strict_iv) NeedsScope::Use(Need::kStrictIv);
  if (options.open_decrypt) NeedsScope::Use(Need::kOpenDecrypt);
  if (options.latency != plain.latency) NeedsScope::Use(Need::kLatency);
  if (options.injects_faults) NeedsScope::Use(Need::kInjection);
  if (options.listener != nullptr || options.trace != nullptr) NeedsScope::Use(Need::kInside);
}

}  // namespace

bool ChooseFunction(const std::string& address, std::string root, std::string* error) {
  SetSharedRoot(std::move(root));
  SetOffered("");
  return kmd::OpenFunction(address, &Chosen(), error) == abi::PciError::kNone;
}

abi::PciFunction* ChosenFunction() { return Chosen().get(); }

FunctionUnderTest::FunctionUnderTest(const MachineOptions& options) : function_(ChosenFunction()) {
  UseOptions(options);
  if (function_ != nullptr) {
    OwnerHand::MendLinks();
    return;
  }
  machine_ = MakeMachine(options);
  function_ = machine_.get();
}

emulator::InProcessHost& FunctionUnderTest::Use(Need need) const {
  NeedsScope::Use(need);
  if (machine_ == nullptr) FAIL("a function that was chosen can't offer " << NameOf(need));
  return *machine_;
}

void FunctionUnderTest::SetLinkFault(uint32_t output, device::LinkFault fault) const {
  NeedsScope::Use(Need::kHand);
  if (machine_ == nullptr) return OwnerHand::SetLinkFault(output, fault);
  machine_->boundary().SetLinkFault(output, fault);
}

void FunctionUnderTest::TearDown() const {
  NeedsScope::Use(Need::kHand);
  if (machine_ == nullptr) return OwnerHand::TearDown();
  machine_->boundary().TearDown();
}

void FunctionUnderTest::Reset(device::ResetKind kind) const {
  Use(Need::kInside).boundary().Reset(kind);
}

void FunctionUnderTest::ReadScreen(uint32_t output, device::ScanoutView view, ByteSpan pixels,
                                   uint32_t pitch) const {
  REQUIRE(Use(Need::kScreen).gpu().ReadScanout(output, view, pixels, pitch));
}

device::ScanoutInfo FunctionUnderTest::Scanout(uint32_t output) const {
  return Use(Need::kScreen).gpu().Scanout(output);
}

void FunctionUnderTest::PowerDown() const { SetPower(function_, kPowerD3Hot); }

void FunctionUnderTest::PowerUp() const { SetPower(function_, kPowerD0); }

bool FunctionUnderTest::CanFillVram() const {
  constexpr uint64_t kMostBytes = 256 << 20;
  NeedsScope::Use(Need::kVram);
  return function_->MapBar(abi::kVramBar) != nullptr && visible_vram() <= kMostBytes;
}

}  // namespace ward::test
