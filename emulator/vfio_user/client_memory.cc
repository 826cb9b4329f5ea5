#include "emulator/vfio_user/client_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/bytes.h"
#include "emulator/vfio_user/mapped_file.h"

namespace ward::emulator {

namespace wire = abi::vfio_user;

// A file of the client's, mapped in full. Its entry goes with it.
class ClientMemory::Mapping {
 public:
  Mapping(MappedFile file, std::map<FileNumber, std::weak_ptr<Mapping>>* entries, FileNumber number)
      : file_(std::move(file)), entries_(entries), number_(number) {}
  ~Mapping() { entries_->erase(number_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const MappedFile& file() const { return file_; }

 private:
  MappedFile file_;
  std::map<FileNumber, std::weak_ptr<Mapping>>* entries_;
  FileNumber number_;
};

namespace {

// Whether it is a file of tmpfs, a memfd or of hugetlbfs, which alone know seals: its pages come
// from the kernel. Behind a file of any other kind there may be a process (FUSE) or a server (NFS)
// that lets an access wait, which nothing ends then, not even SIGKILL. Asks no file system, which
// might wait too.
bool LiesInMemory(int descriptor) { return fcntl(descriptor, F_GET_SEALS) >= 0; }

}  // namespace

std::shared_ptr<ClientMemory::Mapping> ClientMemory::MapFile(int descriptor, uint64_t end,
                                                             int* error) {
  struct statx status{};
  *error = EINVAL;
  // What is known of it: whoever answers for it is not asked.
  if (statx(descriptor, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &status) != 0 ||
      !S_ISREG(status.stx_mode) || end > status.stx_size) {
    return nullptr;
  }
  if (!LiesInMemory(descriptor)) {
    *error = ENODEV;
    return nullptr;
  }
  const FileNumber number(makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino);
  const auto known = mappings_.find(number);
  if (known != mappings_.end()) {
    std::shared_ptr<Mapping> mapping = known->second.lock();
    // A file that has grown since is refused beyond what was mapped: one mapping for a file.
    if (mapping == nullptr || end > mapping->file().size()) return nullptr;
    return mapping;
  }
  uint64_t mapped = 0;
  for (const auto& entry : mappings_) mapped += entry.second.lock()->file().size();
  if (mappings_.size() >= kMaximumFiles || status.stx_size > kMaximumFileBytes - mapped) {
    *error = ENOSPC;
    return nullptr;
  }
  auto file = MappedFile::Map(descriptor, status.stx_size, error);
  if (!file) return nullptr;
  auto mapping = std::make_shared<Mapping>(std::move(*file), &mappings_, number);
  mappings_[number] = mapping;
  return mapping;
}

int ClientMemory::Map(const wire::DmaMap& request, const FileDescriptor& descriptor) {
  constexpr uint32_t kRights = wire::kDmaReadable | wire::kDmaWritable;
  if ((request.flags & ~kRights) != 0 || request.flags == 0 || request.size == 0) return EINVAL;
  const uint64_t last = request.address + (request.size - 1);
  if (last < request.address) return EINVAL;
  const uint64_t end = request.offset + request.size;
  if (end < request.offset) return EINVAL;
  const auto next = windows_.lower_bound(request.address);
  if (next != windows_.end() && next->first <= last) return EEXIST;
  if (FindWindow(request.address) != windows_.end()) return EEXIST;
  if (windows_.size() >= kMaximumWindows) return ENOSPC;
  Window window = {request.size, request.flags, nullptr, request.offset};
  if (descriptor.valid()) {
    int error = 0;
    window.mapping = MapFile(descriptor.get(), end, &error);
    // A descriptor that can't be mapped as memory: by messages, as if there were none.
    const bool can_only_read = error == EACCES || error == ENODEV || error == EPERM;
    if (window.mapping == nullptr && !can_only_read) return error;
  }
  windows_.emplace(request.address, std::move(window));
  return 0;
}

int ClientMemory::Unmap(uint64_t address, uint64_t size) {
  if (size == 0) return EINVAL;
  const uint64_t last = address + (size - 1);
  if (last < address) return EINVAL;
  const auto first = windows_.lower_bound(address);
  const auto before = FindWindow(address);
  if (before != windows_.end() && before->first < address) return EINVAL;
  auto end = first;
  for (; end != windows_.end() && end->first <= last; ++end) {
    if (end->first + (end->second.size - 1) > last) return EINVAL;
  }
  windows_.erase(first, end);
  return 0;
}

void ClientMemory::UnmapAll() { windows_.clear(); }

std::map<uint64_t, ClientMemory::Window>::const_iterator ClientMemory::FindWindow(
    uint64_t address) const {
  auto found = windows_.upper_bound(address);
  if (found == windows_.begin()) return windows_.end();
  --found;
  return address - found->first < found->second.size ? found : windows_.end();
}

bool ClientMemory::IsCut(const Window& window) {
  return window.mapping != nullptr && window.mapping->file().IsCut();
}

bool ClientMemory::Allows(uint64_t address, uint64_t size, uint32_t right) const {
  if (size == 0) return true;
  if (size - 1 > std::numeric_limits<uint64_t>::max() - address) return false;
  auto window = FindWindow(address);
  uint64_t left = size;
  while (true) {
    if (window == windows_.end() || (window->second.rights & right) == 0) return false;
    if (IsCut(window->second)) return false;
    const uint64_t here = window->second.size - (address - window->first);
    if (here >= left) return true;
    left -= here;
    address += here;
    ++window;
    if (window != windows_.end() && window->first != address) return false;
  }
}

ClientMemory::Piece ClientMemory::Find(uint64_t address, uint64_t size) const {
  const auto found = FindWindow(address);
  if (found == windows_.end() || IsCut(found->second)) return {};
  const uint64_t within = address - found->first;
  const Window& window = found->second;
  const uint64_t here = std::min(size, window.size - within);
  if (window.mapping == nullptr) return {nullptr, here, nullptr};
  const MappedFile& file = window.mapping->file();
  return {file.memory() + window.offset + within, here, &file};
}

}  // namespace ward::emulator
