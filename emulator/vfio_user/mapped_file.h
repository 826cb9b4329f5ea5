// A file of another process, mapped shared and in full. The other process may cut the file off at
// any time; the kernel then answers an access beyond its end with SIGBUS. Such a page is replaced
// by one of zeros that nobody shares, the access goes on, and the mapping is marked: whoever uses
// it further would fill the process with pages, so he stops. A client harms only itself.
#ifndef WARD_EMULATOR_VFIO_USER_MAPPED_FILE_H_
#define WARD_EMULATOR_VFIO_USER_MAPPED_FILE_H_

#include <cstdint>
#include <optional>

namespace ward::emulator {

class MappedFile {
 public:
  // The first one takes over the process's SIGBUS; one that is not about a mapping of ours goes to
  // whoever had it before. Nothing on an error, with its errno. `size` is not 0.
  static std::optional<MappedFile> Map(int descriptor, uint64_t size, int* error);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) = delete;
  ~MappedFile();

  uint8_t* memory() const { return memory_; }
  uint64_t size() const { return size_; }
  // Whether an access found the file cut off: what was read since is not the client's.
  bool IsCut() const;

 private:
  MappedFile(uint8_t* memory, uint64_t size, int place)
      : memory_(memory), size_(size), place_(place) {}

  uint8_t* memory_;
  uint64_t size_;
  int place_;  // in the table that the signal handler reads
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_MAPPED_FILE_H_
