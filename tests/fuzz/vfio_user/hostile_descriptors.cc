#include "tests/fuzz/vfio_user/hostile_descriptors.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/assert.h"

namespace ward::fuzz {
namespace {

constexpr size_t kMaximumFresh = 80;  // beyond what one client may have mapped
constexpr uint64_t kHugeBytes = 5ull << 40;

FileDescriptor MakeFile(uint64_t bytes) {
  FileDescriptor file(memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  WARD_ASSERT(ftruncate(file.get(), static_cast<off_t>(bytes)) == 0);
  return file;
}

FileDescriptor Reopen(int file, int flags) {
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
  return FileDescriptor(open(path, flags | O_CLOEXEC));
}

FileDescriptor MakeFullEvent() {
  FileDescriptor event(eventfd(0, EFD_CLOEXEC));
  const uint64_t most = ~uint64_t{0} - 1;
  WARD_ASSERT(write(event.get(), &most, sizeof(most)) == sizeof(most));
  return event;
}

FileDescriptor MakePipe() {
  int ends[2] = {-1, -1};
  WARD_ASSERT(pipe2(ends, O_CLOEXEC) == 0);
  close(ends[1]);
  return FileDescriptor(ends[0]);
}

}  // namespace

FileDescriptor HostileDescriptors::Make(DescriptorKind kind, int memory) {
  switch (kind) {
    case DescriptorKind::kMemory:
      return MakeFile(kMemoryBytes);
    case DescriptorKind::kReadOnly:
      return Reopen(memory, O_RDONLY);
    case DescriptorKind::kEvent:
      return FileDescriptor(eventfd(0, EFD_CLOEXEC));
    case DescriptorKind::kSealed: {
      FileDescriptor file = MakeFile(0x10000);
      fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE);
      return file;
    }
    case DescriptorKind::kPipe:
      return MakePipe();
    case DescriptorKind::kNull:
      return FileDescriptor(open("/dev/null", O_RDWR | O_CLOEXEC));
    case DescriptorKind::kFolder:
      return FileDescriptor(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    case DescriptorKind::kPath:
      return FileDescriptor(open("/", O_PATH | O_CLOEXEC));
    case DescriptorKind::kFullEvent:
      return MakeFullEvent();
    case DescriptorKind::kHuge:
      return MakeFile(kHugeBytes);
    case DescriptorKind::kEmpty:
      return MakeFile(0);
    default:
      return MakeFile(0x2000);
  }
}

int HostileDescriptors::Get(DescriptorKind kind) {
  if (kind == DescriptorKind::kNone || kind == DescriptorKind::kVram ||
      kind == DescriptorKind::kSocket) {
    return -1;
  }
  if (kind == DescriptorKind::kFresh && fresh_.size() < kMaximumFresh) {
    fresh_.push_back(MakeFile(0x1000));
    return fresh_.back().get();
  }
  FileDescriptor& made = made_[static_cast<size_t>(kind)];
  if (!made.valid()) {
    const int memory = kind == DescriptorKind::kReadOnly ? Get(DescriptorKind::kMemory) : -1;
    made = Make(kind, memory);
  }
  return made.get();
}

std::vector<uint8_t> HostileDescriptors::Read(uint64_t offset, uint64_t size) {
  std::vector<uint8_t> bytes(size);
  const ssize_t got =
      pread(Get(DescriptorKind::kMemory), bytes.data(), size, static_cast<off_t>(offset));
  static_cast<void>(got);  // behind the end of the file are zeros
  return bytes;
}

void HostileDescriptors::Write(uint64_t offset, ConstByteSpan bytes) {
  const ssize_t written = pwrite(Get(DescriptorKind::kMemory), bytes.data(), bytes.size(),
                                 static_cast<off_t>(offset % kMemoryBytes));
  static_cast<void>(written);
}

void HostileDescriptors::Cut(uint64_t size) {
  const int result = ftruncate(Get(DescriptorKind::kMemory), static_cast<off_t>(size));
  static_cast<void>(result);
}

}  // namespace ward::fuzz
