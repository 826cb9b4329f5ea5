#include "emulator/cli/top/status_rates.h"

#include <algorithm>
#include <cstddef>

namespace ward::emulator {
namespace {

using Json = nlohmann::ordered_json;

double RateOf(const Json& before, const Json& now, const char* name, double seconds) {
  return std::max(0.0, now[name].get<double>() - before[name].get<double>()) / seconds;
}

void AddDeviceRates(const Json& before, Json* now) {
  if (!before.contains("taken_s") || !now->contains("taken_s") ||
      before["endpoint"] != (*now)["endpoint"]) {
    return;
  }
  const double seconds = (*now)["taken_s"].get<double>() - before["taken_s"].get<double>();
  // Not taken anew, or taken of another server.
  if (seconds <= 0 || (*now)["messages"] < before["messages"]) return;
  Json rates;
  for (const char* name : {"messages", "dma_messages", "interrupts"}) {
    rates[name] = RateOf(before, *now, name, seconds);
  }
  (*now)["rates"] = std::move(rates);
  Json& queues = (*now)["queues"];
  for (size_t i = 0; i < std::min(queues.size(), before["queues"].size()); ++i) {
    queues[i]["commands_per_s"] = RateOf(before["queues"][i], queues[i], "commands", seconds);
    queues[i]["bytes_per_s"] = RateOf(before["queues"][i], queues[i], "bytes", seconds);
  }
}

}  // namespace

void AddRates(const Json& before, Json* now) {
  if ((*now)["uptime_s"] < before["uptime_s"]) return;
  Json& devices = (*now)["devices"];
  for (size_t i = 0; i < std::min(devices.size(), before["devices"].size()); ++i) {
    AddDeviceRates(before["devices"][i], &devices[i]);
  }
}

}  // namespace ward::emulator
