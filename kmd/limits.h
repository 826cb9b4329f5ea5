// What a device says about itself, checked: limits that nothing later needs to doubt.
#ifndef WARD_KMD_LIMITS_H_
#define WARD_KMD_LIMITS_H_

#include <cstdint>

#include "base/result.h"
#include "kmd/register_window.h"

namespace ward::kmd {

// Identity register and ABI major version. DEVICE_NOT_OURS.
Result<void> CheckIdentity(const RegisterWindow& registers);

struct Limits {
  friend bool operator==(const Limits&, const Limits&) = default;

  uint32_t abi_version = 0;
  uint64_t features = 0;
  uint32_t queue_count = 0;    // 2 to kQueueBlockCount
  uint32_t context_count = 0;  // at least 2
  uint32_t session_count = 0;
  uint32_t output_count = 0;  // at most kOutputBlockCount; 0 without the feature DISPLAY
  uint64_t visible_vram_bytes = 0;
  uint64_t protected_vram_base = 0;  // local address, above visible VRAM
  uint64_t protected_vram_bytes = 0;

  // DEVICE_NOT_OURS when a limit contradicts the contract.
  static Result<Limits> Read(const RegisterWindow& registers);
};

}  // namespace ward::kmd

#endif  // WARD_KMD_LIMITS_H_
