#include "emulator/vfio_user/status_document.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>

#include "abi/generated/registers.h"

namespace ward::emulator {
namespace {

using Json = nlohmann::ordered_json;
using Time = std::chrono::steady_clock::time_point;

constexpr int kVersion = 1;

double Seconds(Time from, Time to) {
  const std::chrono::duration<double> passed = to - from;
  return std::max(0.0, passed.count());
}

// QUEUE_STATUS.STATE.
const char* StateName(uint32_t status) {
  constexpr const char* kNames[] = {"disabled", "idle", "running", "waiting", "faulted"};
  const uint32_t state = (status & abi::kQueueStatusStateMask) >> abi::kQueueStatusStateShift;
  return state < std::size(kNames) ? kNames[state] : "unknown";
}

Json ShareOf(const device::GpuUsage::Share& share) {
  return {{"used", share.used}, {"total", share.total}};
}

Json QueueOf(const DeviceStatus& status, size_t queue) {
  const device::GpuUsage::Queue& usage = status.usage.queues[queue];
  const WorkCounts::Queue& work = status.work.queues[queue];
  return {{"queue", queue},
          {"state", StateName(usage.status)},
          {"hung", (usage.status & abi::kQueueStatusHungMask) != 0},
          {"commands", work.commands},
          {"refused", work.refused},
          {"faults", work.faults},
          {"fences", work.fences},
          {"bytes", usage.work_bytes}};
}

Json ClientOf(const DeviceStatus& status) {
  Json client = {{"connected", status.has_client}};
  if (status.has_client) client["seconds"] = Seconds(status.client_since, status.taken);
  return client;
}

Json DeviceOf(const DeviceEntry& entry, Time started, Time now) {
  Json device = {{"endpoint", entry.name}, {"fresh", entry.is_fresh}};
  if (!entry.status) return device;
  const DeviceStatus& status = *entry.status;
  device["age_s"] = Seconds(status.taken, now);
  device["taken_s"] = Seconds(started, status.taken);
  device["client"] = ClientOf(status);
  device["clients"] = status.clients;
  device["messages"] = status.messages;
  device["refused_messages"] = status.refused;
  device["dma_messages"] = status.dma_messages;
  device["interrupts"] = status.work.interrupts;
  device["firmware"] = {{"ready", status.usage.firmware_ready}, {"messages", status.work.messages}};
  device["contexts"] = ShareOf(status.usage.contexts);
  device["sessions"] = ShareOf(status.usage.sessions);
  device["channels"] = ShareOf(status.usage.channels);
  device["decoders"] = ShareOf(status.usage.decoders);
  device["key_slots"] = ShareOf(status.usage.key_slots);
  device["protected_pages"] = ShareOf(status.usage.protected_pages);
  Json queues = Json::array();
  for (size_t queue = 0; queue < status.work.queues.size(); ++queue) {
    queues.push_back(QueueOf(status, queue));
  }
  device["queues"] = std::move(queues);
  return device;
}

}  // namespace

std::string StatusDocument(const std::vector<DeviceEntry>& devices, Time started, Time now) {
  Json document = {{"version", kVersion}, {"uptime_s", Seconds(started, now)}};
  Json list = Json::array();
  for (const DeviceEntry& entry : devices) list.push_back(DeviceOf(entry, started, now));
  document["devices"] = std::move(list);
  // A path need not be UTF-8.
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ward::emulator
