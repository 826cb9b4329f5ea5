#include "tests/conformance/chip.h"

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"
#include "tests/conformance/function_rig.h"
#include "tests/integration/function_under_test.h"

namespace ward::test {
namespace {

const abi::DmaBuffer& SharedMemory() {
  static const abi::DmaBuffer memory = [] {
    abi::DmaBuffer made;
    REQUIRE(ChosenFunction()->AllocateDma(fakes::QueueRig::kBusBytes, &made) ==
            abi::PciError::kNone);
    return made;
  }();
  return memory;
}

// By the driver, which finds the certificate and the root that it leads to.
std::vector<uint8_t> WrapForChosen() {
  const auto kernel = OpenKernel(ChosenFunction());
  Process process(kernel.get());
  return WrapOaep(process.device_key(), Key{});
}

std::vector<uint8_t> WrapForFake() {
  std::vector<uint8_t> blob(device::RsaPrivateKey::kModulusBytes);
  REQUIRE(fakes::GpuRig::Options().identity_key->WrapKey(device::AesKey{}, blob));
  return blob;
}

}  // namespace

const std::vector<uint8_t>& WrappedZeroKey() {
  static const std::vector<uint8_t> blob =
      ChosenFunction() != nullptr ? WrapForChosen() : WrapForFake();
  return blob;
}

std::unique_ptr<fakes::QueueRig> MakeChip(const ChipOptions& options) {
  if (options.fails_self_test) NeedsScope::Use(Need::kInside);
  if (ChosenFunction() != nullptr) {
    WrappedZeroKey();  // the driver is gone again before the rig has the function
    return std::make_unique<FunctionRig>(ChosenFunction(), SharedMemory());
  }
  device::GpuOptions gpu = fakes::GpuRig::Options();
  gpu.strict_iv = options.strict_iv;
  if (options.fails_self_test) gpu.failing_self_test = 1;
  return std::make_unique<fakes::GpuRig>(gpu);
}

fakes::GpuRig& Inside(fakes::QueueRig& rig) {
  NeedsScope::Use(Need::kInside);
  auto* inside = dynamic_cast<fakes::GpuRig*>(&rig);
  if (inside == nullptr) FAIL("a function that was chosen has no inside");
  return *inside;
}

}  // namespace ward::test
