#include "emulator/vfio_user/vector_events.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "emulator/vfio_user/call_limit.h"

namespace ward::emulator {
namespace {

static_assert(abi::kVectorCount <= 32);

}  // namespace

bool VectorEvents::IsUsable(const FileDescriptor& event) {
  constexpr char kEventfd[] = "anon_inode:[eventfd]";
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/self/fd/%d", event.get());
  char target[sizeof(kEventfd)] = {};
  const ssize_t length = readlink(path, target, sizeof(target) - 1);
  return length == sizeof(kEventfd) - 1 && std::strcmp(target, kEventfd) == 0;
}

void VectorEvents::Assign(uint32_t vector, FileDescriptor event) {
  events_[vector] = std::move(event);
  FirePending();
}

// A full counter already says that the vector fired. The client shares the flag that keeps a write
// from waiting, and may have cleared it, so it is set each time. It may be cleared again before the
// write, and the write waits: not for ever. False then.
bool VectorEvents::Write(int event) {
  const int flags = fcntl(event, F_GETFL);
  if ((flags & O_NONBLOCK) == 0 && fcntl(event, F_SETFL, flags | O_NONBLOCK) != 0) return true;
  const CallLimit limit(kLimitMs);
  if (!limit.is_set()) return false;
  const uint64_t one = 1;
  while (write(event, &one, sizeof(one)) < 0 && errno == EINTR) {
    if (limit.HasPassed()) return false;
  }
  return true;
}

void VectorEvents::DropEvents() {
  for (FileDescriptor& event : events_) event.Close();
}

void VectorEvents::Fire(uint32_t vector) {
  pending_ |= 1u << vector;
  FirePending();
}

void VectorEvents::SetBusMaster(bool enabled) {
  bus_master_ = enabled;
  FirePending();
}

void VectorEvents::FirePending() {
  if (!bus_master_) return;
  for (uint32_t vector = 0; vector < abi::kVectorCount; ++vector) {
    if ((pending_ >> vector & 1) == 0 || !events_[vector].valid()) continue;
    pending_ &= ~(1u << vector);
    if (Write(events_[vector].get())) continue;
    events_[vector].Close();
    is_held_up_ = true;
  }
}

}  // namespace ward::emulator
