// A file of another process, mapped shared and in full. The other process may cut the file off at
// any time, or have it of huge pages that the host does not have; the kernel then answers an access
// with SIGBUS. Such a page, of the file's page size, is replaced by zeros that nobody shares, the
// access goes on, and the mapping is marked: whoever uses it further would fill the process with
// pages, so he stops. A client harms only itself.
#ifndef WARD_EMULATOR_VFIO_USER_MAPPED_FILE_H_
#define WARD_EMULATOR_VFIO_USER_MAPPED_FILE_H_

#include <cstdint>
#include <optional>

namespace ward::emulator {

class MappedFile {
 public:
  // The first one takes over the process's SIGBUS; one that is not about a mapping of ours goes to
  // whoever had it before. Nothing on an error, with its errno. `size` is not 0. The file lies in
  // memory: of another, who answers for it may let an access wait.
  static std::optional<MappedFile> Map(int descriptor, uint64_t size, int* error);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) = delete;
  ~MappedFile();

  uint8_t* memory() const { return memory_; }
  uint64_t size() const { return size_; }
  // Whether an access found the file cut off: what was read since is not the client's.
  bool IsCut() const;

 private:
  MappedFile(uint8_t* memory, uint64_t size, uint64_t mapped_bytes, int place)
      : memory_(memory), size_(size), mapped_bytes_(mapped_bytes), place_(place) {}

  uint8_t* memory_;
  uint64_t size_;
  uint64_t mapped_bytes_;  // whole pages
  int place_;              // in the table that the signal handler reads
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_MAPPED_FILE_H_
