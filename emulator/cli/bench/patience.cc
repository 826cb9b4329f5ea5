#include "emulator/cli/bench/patience.h"

#include <algorithm>
#include <thread>

namespace ward::emulator {

using abi::PciError;

namespace {
// A waiting driver looks often enough to be seen waiting (docs/spec/trace.md, polling), and few
// enough times for a function behind a slow connection.
constexpr uint32_t kLongestWhileMs = 16;
}  // namespace

Patience::Patience(abi::PciFunction* function, uint32_t milliseconds)
    : function_(function),
      end_(std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds)),
      left_ms_(milliseconds) {}

bool Patience::Wait() {
  if (left_ms_ == 0) return false;
  const uint32_t piece = std::min(while_ms_, left_ms_);
  PciError error = function_->WaitInterrupt(0, piece);
  if (error == PciError::kNone) return std::chrono::steady_clock::now() < end_;
  if (error == PciError::kBadArgument) {
    // No vector is on, as after a reset.
    error = function_->EnableInterrupts(1);
    if (error == PciError::kNone) return true;
  }
  if (error == PciError::kGone) return false;
  if (error != PciError::kTimeout) std::this_thread::sleep_for(std::chrono::milliseconds(piece));
  left_ms_ -= piece;
  while_ms_ = std::min(2 * while_ms_, kLongestWhileMs);
  return true;
}

}  // namespace ward::emulator
