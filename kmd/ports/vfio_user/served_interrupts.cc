#include "kmd/ports/vfio_user/served_interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kmd/ports/vfio_user/deadline.h"

namespace ward::kmd {
namespace {

using abi::PciError;

bool TakeEvent(const FileDescriptor& event) {
  uint64_t fired = 0;
  return read(event.get(), &fired, sizeof(fired)) == sizeof(fired);
}

}  // namespace

bool ServedInterrupts::Reset(uint32_t count) {
  std::vector<FileDescriptor> events;
  for (uint32_t i = 0; i < count; ++i) events.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const bool all_valid =
      std::all_of(events.begin(), events.end(), [](const auto& event) { return event.valid(); });
  if (!all_valid) events.clear();
  const std::lock_guard lock(mutex_);
  events_.swap(events);
  return all_valid;
}

void ServedInterrupts::Fire(uint32_t vector) {
  const std::lock_guard lock(mutex_);
  if (vector >= events_.size()) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(events_[vector].get(), &one, sizeof(one));
}

PciError ServedInterrupts::Wait(uint32_t vector, uint32_t timeout_ms, const FileDescriptor& gone,
                                std::string* error) {
  if (vector >= events_.size()) {
    *error = "interrupt vector " + std::to_string(vector) + " is not enabled";
    return PciError::kBadArgument;
  }
  const Deadline deadline(timeout_ms);
  pollfd waited[2] = {{events_[vector].get(), POLLIN, 0}, {gone.get(), POLLIN, 0}};
  while (true) {
    if (TakeEvent(events_[vector])) return PciError::kNone;
    const int left_ms = deadline.MillisecondsLeft();
    const int ready = poll(waited, 2, left_ms);
    if (ready < 0 && errno != EINTR) {
      *error = std::string("waiting for an interrupt: ") + std::strerror(errno);
      return PciError::kGone;
    }
    if (ready > 0 && waited[1].revents != 0) return PciError::kGone;
    if (ready == 0 && left_ms == 0) {
      *error = "no interrupt on vector " + std::to_string(vector) + " within " +
               std::to_string(timeout_ms) + " ms";
      return PciError::kTimeout;
    }
  }
}

}  // namespace ward::kmd
