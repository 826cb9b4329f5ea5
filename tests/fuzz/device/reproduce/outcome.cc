#include "tests/fuzz/device/reproduce/outcome.h"

#include <fmt/format.h>

#include <iterator>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "tests/fuzz/device/layout.h"

namespace ward::fuzz {
namespace {

constexpr uint32_t kOfQueue[] = {abi::kRegFaultStatus,   abi::kRegRefusalCount,
                                 abi::kRegRefusalStatus, abi::kRegLastFenceLo,
                                 abi::kRegLastFenceHi,   abi::kRegRingHead};

// A status that the contract does not have is shown as it is.
std::string StatusText(uint32_t code) {
  const abi::StatusInfo* const info = abi::FindStatus(code);
  return info != nullptr ? info->name : fmt::format("{:#x}", code);
}

}  // namespace

std::vector<uint64_t> OutcomeRegisters() {
  std::vector<uint64_t> offsets;
  for (uint64_t queue = 0; queue < layout::kQueues; ++queue) {
    for (const uint32_t offset : kOfQueue) {
      offsets.push_back(offset + queue * abi::kQueueBlockStride);
    }
  }
  offsets.push_back(abi::kRegKeyEpoch);
  return offsets;
}

std::string OutcomeText(uint32_t first_epoch, const std::vector<uint32_t>& values) {
  WARD_ASSERT(values.size() == OutcomeRegisters().size());
  std::string text;
  for (size_t queue = 0; queue < layout::kQueues; ++queue) {
    const uint32_t* const value = values.data() + queue * std::size(kOfQueue);
    fmt::format_to(std::back_inserter(text),
                   "queue {} FAULT_STATUS {} REFUSAL_COUNT {} REFUSAL_STATUS {} LAST_FENCE {:#x} "
                   "RING_HEAD {:#x}\n",
                   queue, StatusText(value[0]), value[1], StatusText(value[2]),
                   uint64_t{value[4]} << 32 | value[3], value[5]);
  }
  return text + fmt::format("KEY_EPOCH grew by {}\n", values.back() - first_epoch);
}

std::string ReadOutcome(uint32_t first_epoch,
                        const std::function<uint32_t(uint64_t offset)>& read) {
  std::vector<uint32_t> values;
  for (const uint64_t offset : OutcomeRegisters()) values.push_back(read(offset));
  return OutcomeText(first_epoch, values);
}

}  // namespace ward::fuzz
