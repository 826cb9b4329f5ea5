#include "emulator/vfio_user/vram_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "emulator/vfio_user/planted_bug.h"

namespace ward::emulator {

bool VramFile::Renew(uint64_t size_bytes) {
  Drop();
  FileDescriptor file(memfd_create("ward-vram", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid() || ftruncate(file.get(), static_cast<off_t>(size_bytes)) != 0) return false;
  // A file cut off by its client would end us at the next access (SIGBUS).
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return false;
  void* memory =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file.get(), 0);
  if (memory == MAP_FAILED) return false;
  file_ = std::move(file);
  memory_ = static_cast<uint8_t*>(memory);
  size_ = size_bytes;
  return true;
}

void VramFile::Drop() {
  if (memory_ == nullptr) return;
  munmap(std::exchange(memory_, nullptr), size_);
  // Frees the pages of all who map them; they read zeros from now on.
  if (!WARD_HAS_BUG("vram.unwiped"))
    fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
              static_cast<off_t>(size_));
  file_.Close();
  size_ = 0;
}

}  // namespace ward::emulator
