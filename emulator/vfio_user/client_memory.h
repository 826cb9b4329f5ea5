// The memory that a client lets the device reach: windows of bus addresses, with a descriptor to
// map or without one. A transfer is checked whole before its first byte moves.
#ifndef WARD_EMULATOR_VFIO_USER_CLIENT_MEMORY_H_
#define WARD_EMULATOR_VFIO_USER_CLIENT_MEMORY_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "abi/vfio_user.h"
#include "base/file_descriptor.h"

namespace ward::emulator {

class MappedFile;

class ClientMemory {
 public:
  // As many windows as the protocol's clients expect.
  static constexpr size_t kMaximumWindows = 65535;
  // Files and bytes of them that are mapped at one time: what one client takes of the process, all
  // others have to do without.
  static constexpr size_t kMaximumFiles = 64;
  static constexpr uint64_t kMaximumFileBytes = 4ull << 40;

  // Adds a window. `descriptor` may be invalid, or a file that does not lie in memory (tmpfs,
  // memfd, hugetlbfs) or can't be mapped: such a window is reached by messages. 0, or an
  // errno: EINVAL (sizes, rights, what wraps, a descriptor too short or that can't be mapped),
  // EEXIST (overlaps), ENOSPC (too many windows, files or bytes of files), ENOMEM.
  int Map(const abi::vfio_user::DmaMap& request, const FileDescriptor& descriptor);

  // Removes all windows in the range; none is no error. EINVAL when one reaches out of it, and then
  // nothing is removed.
  int Unmap(uint64_t address, uint64_t size);
  void UnmapAll();

  // Whether every byte is in a window that allows `right` (kDmaReadable or kDmaWritable) and whose
  // file has not been found cut off. No byte is always allowed.
  bool Allows(uint64_t address, uint64_t size, uint32_t right) const;

  struct Piece {
    uint8_t* memory = nullptr;  // null: by messages
    uint64_t size = 0;          // 0: nothing is mapped there, or its file was cut off
    // Behind `memory`; whether it was cut off is to be asked after the access too.
    const MappedFile* file = nullptr;
  };
  // What one window has of [address, address + size), from `address` on. Good until the next Map or
  // Unmap.
  Piece Find(uint64_t address, uint64_t size) const;

  size_t window_count() const { return windows_.size(); }
  // Files mapped, each once, however many windows show it.
  size_t mapping_count() const { return mappings_.size(); }

 private:
  using FileNumber = std::pair<dev_t, ino_t>;
  class Mapping;
  struct Window {
    uint64_t size;
    uint32_t rights;
    std::shared_ptr<Mapping> mapping;  // null: by messages
    uint64_t offset;                   // into the mapping
  };
  std::shared_ptr<Mapping> MapFile(int descriptor, uint64_t end, int* error);
  static bool IsCut(const Window& window);
  std::map<uint64_t, Window>::const_iterator FindWindow(uint64_t address) const;

  std::map<FileNumber, std::weak_ptr<Mapping>> mappings_;  // outlives the windows
  std::map<uint64_t, Window> windows_;                     // by address; they do not overlap
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_CLIENT_MEMORY_H_
