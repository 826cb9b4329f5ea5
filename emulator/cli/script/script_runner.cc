#include "emulator/cli/script/script_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "abi/generated/pci.h"
#include "emulator/cli/bench/gone.h"
#include "emulator/cli/bench/patience.h"
#include "emulator/cli/bench/register_text.h"
#include "emulator/cli/bench/submission_text.h"

namespace ward::emulator {
namespace {

using abi::PciError;

constexpr uint32_t kRingTimeout = 10'000;  // milliseconds

bool Holds(const ExpectStep& step, uint64_t value) {
  return (FieldOf(step.place, value) == step.value) == step.is_equal;
}

// The first byte that differs.
std::optional<std::string> CompareBytes(const std::vector<uint8_t>& found, const MemoryStep& step) {
  const auto [at, wanted] = std::mismatch(found.begin(), found.end(), step.bytes.begin());
  if (at == found.end()) return std::nullopt;
  const auto index = static_cast<uint64_t>(at - found.begin());
  return fmt::format("at {:#x} it is {:02x}, expected {:02x}\n  there: {:02x}\n  wanted: {:02x}",
                     step.offset + index, *at, *wanted, fmt::join(found, " "),
                     fmt::join(step.bytes, " "));
}

}  // namespace

ScriptRunner::ScriptRunner(abi::PciFunction* function,
                           std::function<void(const std::string&)> print)
    : function_(function), print_(std::move(print)), queue_(function) {}

std::optional<std::string> ScriptRunner::Do(const Step& step) {
  Outcome outcome = std::visit([this](const auto& action) { return Do(action); }, step.action);
  if (!outcome) return std::nullopt;
  // Of a function that is gone nothing else is worth telling.
  Outcome gone = WhyGone(function_);
  return gone ? gone : outcome;
}

std::optional<std::string> ScriptRunner::End() { return WhyGone(function_); }

ScriptRunner::Outcome ScriptRunner::Distrust(uint64_t value, uint32_t width_bits) {
  return LooksGone(value, width_bits) ? WhyGone(function_) : std::nullopt;
}

ScriptRunner::Outcome ScriptRunner::Do(const PokeStep& step) {
  WriteRegister(function_, step.place, step.value);
  return std::nullopt;
}

ScriptRunner::Outcome ScriptRunner::Do(const ExpectStep& step) {
  Patience patience(function_, step.within_ms);
  uint64_t value = ReadRegister(function_, step.place);
  while (!Holds(step, value) && patience.Wait()) {
    value = ReadRegister(function_, step.place);
  }
  if (Holds(step, value)) return Distrust(value, step.place.width_bits);
  return fmt::format("it is {:#x}{}\n  {}", FieldOf(step.place, value),
                     step.within_ms == 0 ? "" : fmt::format(" after {} ms", step.within_ms),
                     ExplainValue(step.place, value));
}

ScriptRunner::Outcome ScriptRunner::Do(const RingStep& step) {
  SubmissionResult result;
  std::string error;
  if (!queue_.Submit(step.commands, kRingTimeout, &result, &error)) return error;
  const bool is_refused =
      step.refusal_status == 0
          ? result.refusal_count == 0
          : result.refusal_count != 0 && result.refusal_status == step.refusal_status;
  if (!result.timed_out && result.fault_status == step.fault_status && is_refused) {
    return std::nullopt;
  }
  return DescribeSubmission(step.commands, result);
}

ScriptRunner::Outcome ScriptRunner::Do(const MemoryStep& step) {
  std::vector<uint8_t> found(step.bytes.size());
  if (step.kind == MemoryKind::kBuffer) {
    std::string error;
    uint8_t* buffer = queue_.Buffer(&error);
    if (buffer == nullptr) return error;
    if (step.is_write) {
      std::copy(step.bytes.begin(), step.bytes.end(), buffer + step.offset);
      return std::nullopt;
    }
    std::copy_n(buffer + step.offset, found.size(), found.begin());
    return CompareBytes(found, step);
  }
  const PciError error =
      step.is_write
          ? function_->BarWriteBlock(abi::kVramBar, step.offset, step.bytes.data(),
                                     step.bytes.size())
          : function_->BarReadBlock(abi::kVramBar, step.offset, found.data(), found.size());
  if (error == PciError::kBadArgument) {
    return fmt::format("visible VRAM ends at {:#x}", function_->BarSize(abi::kVramBar));
  }
  if (error != PciError::kNone) return std::string(function_->LastErrorText());
  return step.is_write ? std::nullopt : CompareBytes(found, step);
}

ScriptRunner::Outcome ScriptRunner::Do(const ConfigStep& step) {
  if (step.use == ConfigUse::kWrite) {
    function_->ConfigWrite(step.offset, step.size_bytes, step.value);
    return std::nullopt;
  }
  const uint32_t value = function_->ConfigRead(step.offset, step.size_bytes);
  if (Outcome gone = Distrust(value, 8 * step.size_bytes)) return gone;
  if (step.use == ConfigUse::kRead) {
    print_(fmt::format("config {} = {:#x}", step.name, value));
  } else if (value != step.value) {
    return fmt::format("it is {:#x}", value);
  }
  return std::nullopt;
}

ScriptRunner::Outcome ScriptRunner::Do(const ResetStep& /*step*/) {
  queue_.Forget();
  if (function_->ResetFunction() == PciError::kNone) return std::nullopt;
  return std::string(function_->LastErrorText());
}

ScriptRunner::Outcome ScriptRunner::Do(const PrintStep& step) {
  if (step.places.empty()) print_(step.text);
  for (const RegisterPlace& place : step.places) {
    const uint64_t value = ReadRegister(function_, place);
    if (Outcome gone = Distrust(value, place.width_bits)) return gone;
    print_(DescribeValue(place, value));
  }
  return std::nullopt;
}

}  // namespace ward::emulator
