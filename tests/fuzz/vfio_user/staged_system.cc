#include "tests/fuzz/vfio_user/staged_system.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace ward::fuzz {
namespace {

constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;

std::set<void*>& FileMappings() {
  static std::set<void*> mappings;
  return mappings;
}

}  // namespace

StagedSystem& StagedSystem::Get() {
  static StagedSystem system;
  return system;
}

void StagedSystem::BeginInput() {
  // Vblanks begin anew with each second.
  now_ns = (now_ns / kNanosecondsPerSecond + 2) * kNanosecondsPerSecond;
  entropy_state = 7;
  server_waits = 0;
}

size_t CountFileMappings() { return FileMappings().size(); }

size_t CountOpenDescriptors() {
  struct Close {
    void operator()(DIR* folder) const { closedir(folder); }
  };
  const std::unique_ptr<DIR, Close> folder(opendir("/proc/self/fd"));
  size_t count = 0;
  while (folder != nullptr && readdir(folder.get()) != nullptr) ++count;
  return count;
}

}  // namespace ward::fuzz

// Names that the linker makes up.
extern "C" {

int __real_poll(pollfd* watched, nfds_t count, int timeout_ms);
// What is ready now. A fuzzer's timer signals every few seconds, and that is nothing that an input
// does: who waits must not take it for silence.
static int PollNow(pollfd* watched, nfds_t count) {
  while (true) {
    const int ready = __real_poll(watched, count, 0);
    if (ready >= 0 || errno != EINTR) return ready;
  }
}
void* __real_mmap(void* address, size_t size, int rights, int flags, int file, off_t offset);
int __real_munmap(void* address, size_t size);

int __wrap_poll(pollfd* watched, nfds_t count, int timeout_ms) {
  ward::fuzz::StagedSystem& system = ward::fuzz::StagedSystem::Get();
  // Nobody takes the server's log, unless he wants to see it.
  static const bool shows_log = std::getenv("WARD_FUZZ_LOG") != nullptr;
  if (count == 1 && watched[0].fd == STDERR_FILENO) {
    return shows_log ? __real_poll(watched, count, timeout_ms) : 0;
  }
  if (system.is_in_server) {
    ++system.server_waits;
    if (system.client_acts) system.client_acts();
    const int ready = PollNow(watched, count);
    if (ready == 0 && timeout_ms > 0) system.now_ns += static_cast<uint64_t>(timeout_ms) * 1000000;
    return ready;
  }
  while (true) {
    const int ready = PollNow(watched, count);
    if (ready != 0 || timeout_ms == 0) return ready;
    if (!system.server_acts || !system.server_acts()) return 0;
  }
}

// std::chrono::steady_clock::now, whose result is passed as its one number is: libstdc++'s, and
// libc++'s, which OSS-Fuzz builds with.
int64_t __wrap__ZNSt6chrono3_V212steady_clock3nowEv() {
  return static_cast<int64_t>(ward::fuzz::StagedSystem::Get().now_ns += 1000);
}
int64_t __wrap__ZNSt3__16chrono12steady_clock3nowEv() {
  return __wrap__ZNSt6chrono3_V212steady_clock3nowEv();
}

ssize_t __wrap_getrandom(void* destination, size_t size, unsigned) {
  uint64_t& state = ward::fuzz::StagedSystem::Get().entropy_state;
  auto* bytes = static_cast<uint8_t*>(destination);
  for (size_t i = 0; i < size; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    bytes[i] = static_cast<uint8_t>(state >> 56);
  }
  return static_cast<ssize_t>(size);
}

// Without a timer of the kernel's, Asio compares its timers with the clock at each turn.
int __wrap_timerfd_create(int, int) {
  errno = ENOSYS;
  return -1;
}

void* __wrap_mmap(void* address, size_t size, int rights, int flags, int file, off_t offset) {
  void* mapped = __real_mmap(address, size, rights, flags, file, offset);
  const bool is_file = file >= 0 && (flags & MAP_SHARED) != 0;
  if (mapped != MAP_FAILED && is_file) ward::fuzz::FileMappings().insert(mapped);
  return mapped;
}

int __wrap_munmap(void* address, size_t size) {
  ward::fuzz::FileMappings().erase(address);
  return __real_munmap(address, size);
}

}  // extern "C"
