// Visible VRAM as a memory file that a client can map. One for each connection: a client keeps its
// mapping after it has gone, so the next one must never see this file.
#ifndef WARD_EMULATOR_VFIO_USER_VRAM_FILE_H_
#define WARD_EMULATOR_VFIO_USER_VRAM_FILE_H_

#include <cstdint>

#include "base/file_descriptor.h"

namespace ward::emulator {

class VramFile {
 public:
  VramFile() = default;
  VramFile(const VramFile&) = delete;
  VramFile& operator=(const VramFile&) = delete;
  ~VramFile() { Drop(); }

  // A new file of zeros, sealed against shrinking and growing, in place of the one before. False,
  // with errno, when there is no memory.
  bool Renew(uint64_t size_bytes);
  // Zeroes what is in it, also for whoever still maps it, and lets go of it.
  void Drop();

  int descriptor() const { return file_.get(); }
  uint8_t* memory() const { return memory_; }
  uint64_t size() const { return size_; }

 private:
  FileDescriptor file_;
  uint8_t* memory_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_VRAM_FILE_H_
