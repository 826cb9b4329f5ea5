#include "kmd/ports/vfio/interrupt_vectors.h"

#include <linux/vfio.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace ward::kmd {
namespace {

using abi::PciError;
using std::chrono::steady_clock;

FileDescriptor MakeEvent() { return FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

uint32_t CountVectors(int function, uint32_t index) {
  vfio_irq_info info{};
  info.argsz = sizeof(info);
  info.index = index;
  if (ioctl(function, VFIO_DEVICE_GET_IRQ_INFO, &info) != 0) return 0;
  return (info.flags & VFIO_IRQ_INFO_EVENTFD) != 0 ? info.count : 0;
}

// Connects the vectors of `index` with `events`; with none it disables them.
bool SetTriggers(int function, uint32_t index, const std::vector<FileDescriptor>& events) {
  const size_t data_bytes = events.size() * sizeof(int32_t);
  std::vector<uint8_t> request(sizeof(vfio_irq_set) + data_bytes);
  vfio_irq_set header{};
  header.argsz = static_cast<uint32_t>(request.size());
  header.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
                 (events.empty() ? VFIO_IRQ_SET_DATA_NONE : VFIO_IRQ_SET_DATA_EVENTFD);
  header.index = index;
  header.count = static_cast<uint32_t>(events.size());
  std::memcpy(request.data(), &header, sizeof(header));
  for (size_t i = 0; i < events.size(); ++i) {
    const int32_t fd = events[i].get();
    std::memcpy(request.data() + sizeof(header) + i * sizeof(fd), &fd, sizeof(fd));
  }
  return ioctl(function, VFIO_DEVICE_SET_IRQS, request.data()) == 0;
}

int MillisecondsUntil(steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX));
}

bool TakeEvent(const FileDescriptor& event) {
  uint64_t fired = 0;
  return read(event.get(), &fired, sizeof(fired)) == sizeof(fired);
}

}  // namespace

PciError InterruptVectors::Enable(int function, uint32_t count, std::string* error) {
  if (!events_.empty()) SetTriggers(function, index_, {});
  events_.clear();
  if (count == 0) return PciError::kNone;

  index_ = VFIO_PCI_MSIX_IRQ_INDEX;
  uint32_t available = CountVectors(function, index_);
  if (available == 0) {
    index_ = VFIO_PCI_MSI_IRQ_INDEX;
    available = CountVectors(function, index_);
  }
  if (available == 0) {
    *error = "the function has neither MSI-X nor MSI";
    return PciError::kUnsupported;
  }
  if (count > available) {
    *error = std::to_string(count) + " interrupt vectors asked, the function has " +
             std::to_string(available);
    return PciError::kNoMemory;
  }
  std::vector<FileDescriptor> events;
  for (uint32_t i = 0; i < count; ++i) events.push_back(MakeEvent());
  const bool all_valid =
      std::all_of(events.begin(), events.end(), [](const auto& event) { return event.valid(); });
  if (!all_valid || !SetTriggers(function, index_, events)) {
    *error = "the kernel does not enable " + std::to_string(count) +
             " interrupt vectors: " + std::strerror(errno);
    return PciError::kNoMemory;
  }
  events_ = std::move(events);
  return PciError::kNone;
}

PciError InterruptVectors::Wait(uint32_t vector, uint32_t timeout_ms, std::string* error) {
  if (vector >= events_.size()) {
    *error = "interrupt vector " + std::to_string(vector) + " is not enabled";
    return PciError::kBadArgument;
  }
  const auto deadline = steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  // poll ignores a negative descriptor, so an absent removal event costs nothing.
  pollfd waited[2] = {{events_[vector].get(), POLLIN, 0}, {removal_.get(), POLLIN, 0}};
  while (true) {
    if (TakeEvent(events_[vector])) return PciError::kNone;
    const int left_ms = MillisecondsUntil(deadline);
    const int ready = poll(waited, 2, left_ms);
    if (ready < 0 && errno != EINTR) {
      *error = std::string("waiting for an interrupt: ") + std::strerror(errno);
      return PciError::kGone;
    }
    if (ready > 0 && (waited[1].revents & POLLIN) != 0) {
      *error = "the function is being taken away (unplugged or unbound)";
      return PciError::kGone;
    }
    if (ready == 0 && left_ms == 0) {
      *error = "no interrupt on vector " + std::to_string(vector) + " within " +
               std::to_string(timeout_ms) + " ms";
      return PciError::kTimeout;
    }
  }
}

void InterruptVectors::WatchRemoval(int function) {
  if (CountVectors(function, VFIO_PCI_REQ_IRQ_INDEX) == 0) return;
  std::vector<FileDescriptor> events;
  events.push_back(MakeEvent());
  if (events[0].valid() && SetTriggers(function, VFIO_PCI_REQ_IRQ_INDEX, events)) {
    removal_ = std::move(events[0]);
  }
}

}  // namespace ward::kmd
