#include "emulator/cli/top/status_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace ward::emulator {
namespace {

using Json = nlohmann::ordered_json;

// A path may hold anything, and the terminal obeys some of it.
std::string Plain(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::string Bytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string Duration(double seconds) {
  constexpr double kMost = 1e12;  // whatever a stranger says
  const auto whole = static_cast<uint64_t>(std::clamp(seconds, 0.0, kMost));
  if (whole < 60) return fmt::format("{:.1f} s", seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

// A rate that may not be there.
std::string Rate(const Json& object, const char* name) {
  return object.contains(name) ? fmt::format("{:.0f}", object[name].get<double>()) : "-";
}

std::string Count(const Json& device, const char* name, const char* noun) {
  std::string text = fmt::format("{} {}", device[name].get<uint64_t>(), noun);
  if (device.contains("rates")) text += fmt::format(" ({}/s)", Rate(device["rates"], name));
  return text;
}

std::string Share(const Json& device, const char* name, const char* noun) {
  const Json& share = device[name];
  return fmt::format("{} {}/{}", noun, share["used"].get<uint64_t>(),
                     share["total"].get<uint64_t>());
}

std::string HeadLine(const Json& device) {
  std::string line = Plain(device["endpoint"].get<std::string>());
  if (!device.contains("age_s")) return line + "  has not answered yet: it is busy, or stuck";
  const Json& client = device["client"];
  line += client["connected"].get<bool>()
              ? fmt::format("  client for {}", Duration(client["seconds"].get<double>()))
              : "  no client";
  if (!device["fresh"].get<bool>()) {
    line += fmt::format("  STALE: busy or stuck, as of {} ago",
                        Duration(device["age_s"].get<double>()));
  }
  return line;
}

bool IsWorthALine(const Json& queue) {
  return queue["state"] != "disabled" || queue["commands"].get<uint64_t>() != 0 ||
         queue["faults"].get<uint64_t>() != 0;
}

std::string QueueLine(const Json& queue) {
  std::string state = Plain(queue["state"].get<std::string>());
  if (queue["hung"].get<bool>()) state += " HUNG";
  return fmt::format(
      "  {:>5} {:<13} {:>12} {:>10} {:>8} {:>7} {:>7} {:>11} {:>11}",
      queue["queue"].get<uint64_t>(), state, queue["commands"].get<uint64_t>(),
      Rate(queue, "commands_per_s"), queue["fences"].get<uint64_t>(),
      queue["refused"].get<uint64_t>(), queue["faults"].get<uint64_t>(),
      Bytes(queue["bytes"].get<double>()),
      queue.contains("bytes_per_s") ? Bytes(queue["bytes_per_s"].get<double>()) : "-");
}

void AddDevice(const Json& device, std::vector<std::string>* lines) {
  lines->push_back("");
  lines->push_back(HeadLine(device));
  if (!device.contains("age_s")) return;
  lines->push_back(fmt::format("  {} clients so far, {}, {}, {}", device["clients"].get<uint64_t>(),
                               Count(device, "messages", "messages"),
                               Count(device, "dma_messages", "DMA messages"),
                               Count(device, "interrupts", "interrupts")));
  lines->push_back(
      fmt::format("  {}, {}, {}, {}, {}, {}", Share(device, "contexts", "contexts"),
                  Share(device, "sessions", "sessions"), Share(device, "channels", "channels"),
                  Share(device, "decoders", "decoders"), Share(device, "key_slots", "key slots"),
                  Share(device, "protected_pages", "protected pages")));
  bool has_header = false;
  for (const Json& queue : device["queues"]) {
    if (!IsWorthALine(queue)) continue;
    if (!has_header) {
      lines->push_back(fmt::format("  {:>5} {:<13} {:>12} {:>10} {:>8} {:>7} {:>7} {:>11} {:>11}",
                                   "queue", "state", "commands", "a second", "fences", "refused",
                                   "faults", "work", "a second"));
    }
    has_header = true;
    lines->push_back(QueueLine(queue));
  }
  if (!has_header) lines->push_back("  no queue has done anything yet");
}

}  // namespace

std::vector<std::string> StatusLines(const Json& document) {
  std::vector<std::string> lines;
  lines.push_back(
      fmt::format("ward serve: up {}, {} device{}", Duration(document["uptime_s"].get<double>()),
                  document["devices"].size(), document["devices"].size() == 1 ? "" : "s"));
  for (const Json& device : document["devices"]) AddDevice(device, &lines);
  return lines;
}

}  // namespace ward::emulator
