#include "emulator/cli/bench/gone.h"

#include <fmt/format.h>

#include <string_view>

namespace ward::emulator {
namespace {

constexpr uint32_t kVendorRegister = 0;
constexpr uint32_t kNoVendor = 0xffff;  // PCI: nobody has this number
constexpr uint32_t kHalfBits = 32;

}  // namespace

bool LooksGone(uint64_t value, uint32_t width_bits) {
  const uint32_t low = static_cast<uint32_t>(value);
  if (width_bits < kHalfBits) return low == (1u << width_bits) - 1;
  const uint32_t high = static_cast<uint32_t>(value >> kHalfBits);
  return low == UINT32_MAX || (width_bits > kHalfBits && high == UINT32_MAX);
}

std::optional<std::string> WhyGone(abi::PciFunction* function) {
  if ((function->ConfigRead(kVendorRegister, 2) & kNoVendor) != kNoVendor) return std::nullopt;
  const std::string_view reason = function->LastErrorText();
  return fmt::format("the function does not answer any more{}{}", reason.empty() ? "" : ": ",
                     reason);
}

}  // namespace ward::emulator
