#include <algorithm>
#include <iterator>

#include "abi/generated/pci.h"
#include "device/gpu.h"
#include "device/gpu_implementation.h"

namespace ward::device {
namespace {

static_assert(GpuUsage::kQueueCount == CommandProcessor::kQueueCount);

template <typename Entry, size_t kCount, typename IsUsed>
GpuUsage::Share ShareOf(const Entry (&entries)[kCount], IsUsed is_used) {
  const auto used = std::count_if(std::begin(entries), std::end(entries), is_used);
  return {static_cast<uint64_t>(used), kCount};
}

}  // namespace

GpuUsage GpuImplementation::Usage() const {
  GpuUsage usage;
  for (uint32_t queue = 0; queue < GpuUsage::kQueueCount; ++queue) {
    usage.queues[queue] = {processor_->QueueStatus(queue), processor_->WorkOf(queue)};
  }
  const firmware::State& firmware = security_->state().firmware;
  usage.firmware_ready = firmware.health == firmware::Health::kReady;
  usage.contexts = {contexts_.user_count(), ContextTable::kContextCount - 1};
  usage.sessions = ShareOf(firmware.sessions, [](const auto& one) { return one.number != 0; });
  usage.channels = ShareOf(firmware.channels, [](const auto& one) { return one.number != 0; });
  usage.decoders = ShareOf(firmware.decoders, [](const auto& one) { return one.handle != 0; });
  usage.key_slots = {vault_.allocated_count(), vault_.slot_count()};
  usage.protected_pages = {memory_.CountOwnedPages(), memory_.protected_bytes() / abi::kPageSize};
  usage.pages_with_content = memory_.CountTouchedPages();
  return usage;
}

GpuUsage Gpu::Usage() const { return implementation_->Usage(); }

uint64_t Gpu::ProtectedPagesOf(uint32_t session) const {
  return implementation_->memory().CountPagesOf(session);
}

}  // namespace ward::device
