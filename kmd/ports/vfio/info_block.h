// The answer of a VFIO "get info" ioctl: a fixed structure with a chain of capabilities behind it,
// as large as this kernel makes it (linux/vfio.h, struct vfio_info_cap_header).
#ifndef WARD_KMD_PORTS_VFIO_INFO_BLOCK_H_
#define WARD_KMD_PORTS_VFIO_INFO_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace ward::kmd {

class InfoBlock {
 public:
  // Asks with the `fixed_size` bytes at `fixed`, whose first 32 bits are argsz. Not valid() when
  // the kernel refuses; errno then tells why.
  InfoBlock(int fd, unsigned long request, const void* fixed, size_t fixed_size);

  bool valid() const { return !bytes_.empty(); }

  // The structure at the start; a T larger than the answer is zero-filled.
  template <typename T>
  T Fixed() const {
    return At<T>(0);
  }

  // Offset of the capability `id` in the chain that starts at `first`, 0 when there is none.
  size_t FindCapability(uint32_t first, uint16_t id) const;

  template <typename T>
  T At(size_t offset) const {
    T value{};
    if (offset < bytes_.size()) {
      const size_t left = bytes_.size() - offset;
      std::memcpy(&value, bytes_.data() + offset, left < sizeof(T) ? left : sizeof(T));
    }
    return value;
  }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_INFO_BLOCK_H_
