#include "emulator/cli/top/status_reader.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <string_view>

#include "base/file_descriptor.h"

namespace ward::emulator {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kPatience = std::chrono::seconds(5);
// Some 2 KiB a device are usual; a stranger is not read without end.
constexpr size_t kMostBytes = 16 << 20;
constexpr int kVersion = 1;

// Why a connection failed, and what to do.
std::string DescribeFailure(const std::string& path, int error) {
  if (error == ENOENT) {
    return fmt::format("{} is not there: start a server with ward serve --status '{}'", path, path);
  }
  if (error == ECONNREFUSED) {
    return fmt::format(
        "nobody listens at {}: the server is gone; start one with ward serve --status '{}'", path,
        path);
  }
  if (error == EACCES) {
    return fmt::format("{} is another user's: ask as the one who started the server", path);
  }
  return fmt::format("{} can't be asked: {}", path, std::strerror(error));
}

// Until the server closes; false when it does not in time, or breaks off.
bool ReadAll(int socket, std::string* text) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  char part[16384];
  while (text->size() <= kMostBytes) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        limit - std::chrono::steady_clock::now());
    pollfd watched = {socket, POLLIN, 0};
    const int ready = left.count() <= 0 ? 0 : poll(&watched, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t got = recv(socket, part, sizeof(part), MSG_DONTWAIT);
    if (got == 0) return true;
    if (got < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (got > 0) text->append(part, static_cast<size_t>(got));
  }
  return false;
}

// Seconds are any number, all else counts.
bool HasNumbers(const Json& object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (!object.contains(name)) return false;
    const std::string_view text = name;
    const bool is_time = text == "seconds" || text.ends_with("_s");
    if (is_time ? !object[name].is_number() : !object[name].is_number_unsigned()) return false;
  }
  return true;
}

bool HasShares(const Json& device) {
  for (const char* name :
       {"contexts", "sessions", "channels", "decoders", "key_slots", "protected_pages"}) {
    if (!device.contains(name) || !HasNumbers(device[name], {"used", "total"})) return false;
  }
  return true;
}

bool IsClient(const Json& device) {
  return device.contains("client") && device["client"].is_object() &&
         device["client"].contains("connected") && device["client"]["connected"].is_boolean() &&
         (!device["client"]["connected"].get<bool>() || HasNumbers(device["client"], {"seconds"}));
}

bool IsQueue(const Json& queue) {
  for (const char* ours : {"commands_per_s", "bytes_per_s"}) {
    if (queue.contains(ours)) return false;
  }
  return queue.contains("state") && queue["state"].is_string() && queue.contains("hung") &&
         queue["hung"].is_boolean() &&
         HasNumbers(queue, {"queue", "commands", "refused", "faults", "fences", "bytes"});
}

bool IsDevice(const Json& device) {
  if (!device.is_object() || !device.contains("endpoint") || !device["endpoint"].is_string() ||
      !device.contains("fresh") || device.contains("rates") || !device["fresh"].is_boolean()) {
    return false;
  }
  // It never answered, and nothing of it was taken.
  if (!device.contains("age_s")) return !device.contains("taken_s");
  if (!HasNumbers(device,
                  {"age_s", "taken_s", "clients", "messages", "dma_messages", "interrupts"}) ||
      !IsClient(device) || !HasShares(device) || !device.contains("queues") ||
      !device["queues"].is_array()) {
    return false;
  }
  for (const Json& queue : device["queues"]) {
    if (!IsQueue(queue)) return false;
  }
  return true;
}

}  // namespace

std::optional<Json> ParseStatus(const std::string& text) {
  Json document = Json::parse(text, nullptr, false);
  if (!document.is_object() || !HasNumbers(document, {"version", "uptime_s"}) ||
      document["version"] != kVersion || !document.contains("devices") ||
      !document["devices"].is_array()) {
    return std::nullopt;
  }
  for (const Json& device : document["devices"]) {
    if (!IsDevice(device)) return std::nullopt;
  }
  return document;
}

std::optional<Json> ReadStatus(const std::string& path, std::string* error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    *error = fmt::format("the socket's path has {} bytes and takes 1 to {}", path.size(),
                         sizeof(address.sun_path) - 1);
    return std::nullopt;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    *error = DescribeFailure(path, errno);
    return std::nullopt;
  }
  std::string text;
  if (!ReadAll(socket.get(), &text)) {
    *error = fmt::format(
        "{} did not tell its status within {} s: is it a device's socket? Give the path that "
        "ward serve got with --status",
        path, kPatience.count());
    return std::nullopt;
  }
  std::optional<Json> document = ParseStatus(text);
  if (!document) {
    *error = fmt::format(
        "what {} says is no status of this version of ward: give the path that ward serve got "
        "with --status",
        path);
  }
  return document;
}

}  // namespace ward::emulator
