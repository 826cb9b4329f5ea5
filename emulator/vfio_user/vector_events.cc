#include "emulator/vfio_user/vector_events.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace ward::emulator {
namespace {

static_assert(abi::kVectorCount <= 32);

bool IsEventfd(int descriptor) {
  constexpr char kEventfd[] = "anon_inode:[eventfd]";
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
  char target[sizeof(kEventfd)] = {};
  const ssize_t length = readlink(path, target, sizeof(target) - 1);
  return length == sizeof(kEventfd) - 1 && std::strcmp(target, kEventfd) == 0;
}

// Anything else might keep us waiting, or be a file of ours that the client has no business in. The
// flag is shared with the client, whose own eventfds do not wait either.
bool MakeUsable(int descriptor) {
  return IsEventfd(descriptor) &&
         fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0;
}

}  // namespace

bool VectorEvents::Assign(uint32_t vector, FileDescriptor event) {
  if (event.valid() && !MakeUsable(event.get())) return false;
  events_[vector] = std::move(event);
  FirePending();
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
    const uint64_t one = 1;
    // A full counter already says that the vector fired.
    while (write(events_[vector].get(), &one, sizeof(one)) < 0 && errno == EINTR) {
    }
  }
}

}  // namespace ward::emulator
