#include "emulator/vfio_user/mapped_file.h"

#include <linux/magic.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <mutex>
#include <utility>

#include "emulator/vfio_user/planted_bug.h"

namespace ward::emulator {
namespace {

// Files mapped at one time in the whole process, all devices together: a machine has a handful.
constexpr int kMaximumMappings = 1024;

// Read by the signal handler, which can't lock. A range is published by its size, last.
struct Range {
  std::atomic<uintptr_t> start{0};
  std::atomic<uint64_t> size{0};
  std::atomic<uint64_t> page_bytes{0};
  std::atomic<bool> is_cut{false};
};
Range ranges[kMaximumMappings];
std::mutex ranges_lock;
struct sigaction former_action;

void OnBusError(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (Range& range : ranges) {
    const uint64_t size = range.size.load(std::memory_order_acquire);
    const uintptr_t start = range.start.load(std::memory_order_relaxed);
    if (size == 0 || address < start || address - start >= size) continue;
    const uint64_t page_bytes = range.page_bytes.load(std::memory_order_relaxed);
    const uintptr_t page = address & ~static_cast<uintptr_t>(page_bytes - 1);
    const void* replaced = mmap(reinterpret_cast<void*>(page), page_bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    errno = error;
    range.is_cut.store(true, std::memory_order_relaxed);
    if (WARD_HAS_BUG("cut.all")) {
      for (Range& other : ranges) other.is_cut.store(true, std::memory_order_relaxed);
    }
    if (replaced != MAP_FAILED) return;
    break;
  }
  // Not ours: as if we had never been asked.
  if ((former_action.sa_flags & SA_SIGINFO) != 0 && former_action.sa_sigaction != nullptr) {
    former_action.sa_sigaction(signal, info, context);
    return;
  }
  sigaction(SIGBUS, &former_action, nullptr);  // the access happens again and ends the process
}

void CatchBusErrors() {
  static const bool caught = [] {
    struct sigaction action{};
    action.sa_sigaction = OnBusError;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, &former_action) == 0;
  }();
  static_cast<void>(caught);
}

// A part of a huge page can be neither replaced nor unmapped: hugetlbfs's blocks are its pages.
uint64_t PageBytes(int descriptor) {
  const auto usual = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  struct statfs system{};
  if (fstatfs(descriptor, &system) != 0 || system.f_type != HUGETLBFS_MAGIC) return usual;
  const auto block = static_cast<uint64_t>(system.f_bsize);
  return std::has_single_bit(block) && block > usual ? block : usual;
}

int Publish(uint8_t* memory, uint64_t size, uint64_t page_bytes) {
  const std::lock_guard<std::mutex> lock(ranges_lock);
  for (int place = 0; place < kMaximumMappings; ++place) {
    if (ranges[place].size.load(std::memory_order_relaxed) != 0) continue;
    ranges[place].is_cut.store(false, std::memory_order_relaxed);
    ranges[place].page_bytes.store(page_bytes, std::memory_order_relaxed);
    ranges[place].start.store(reinterpret_cast<uintptr_t>(memory), std::memory_order_relaxed);
    ranges[place].size.store(size, std::memory_order_release);
    return place;
  }
  return -1;
}

}  // namespace

std::optional<MappedFile> MappedFile::Map(int descriptor, uint64_t size, int* error) {
  CatchBusErrors();
  const uint64_t page_bytes = PageBytes(descriptor);
  // The kernel maps whole pages: all of the last one is ours, to replace and to unmap.
  const uint64_t mapped_bytes = (size + page_bytes - 1) & ~(page_bytes - 1);
  if (mapped_bytes < size) {
    *error = ENOMEM;
    return std::nullopt;
  }
  void* memory = mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                      descriptor, 0);
  if (memory == MAP_FAILED) {
    *error = errno;
    return std::nullopt;
  }
  const int place = Publish(static_cast<uint8_t*>(memory), mapped_bytes, page_bytes);
  if (place < 0) {
    munmap(memory, mapped_bytes);
    *error = ENOSPC;
    return std::nullopt;
  }
  return MappedFile(static_cast<uint8_t*>(memory), size, mapped_bytes, place);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      size_(other.size_),
      mapped_bytes_(other.mapped_bytes_),
      place_(other.place_) {}

bool MappedFile::IsCut() const { return ranges[place_].is_cut.load(std::memory_order_relaxed); }

MappedFile::~MappedFile() {
  if (memory_ == nullptr) return;
  ranges[place_].size.store(0, std::memory_order_release);
  if (!WARD_HAS_BUG("mapping.kept")) munmap(memory_, mapped_bytes_);
}

}  // namespace ward::emulator
