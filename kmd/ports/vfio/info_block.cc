#include "kmd/ports/vfio/info_block.h"

#include <linux/vfio.h>
#include <sys/ioctl.h>

namespace ward::kmd {
namespace {

// A chain can't be longer than the capabilities a kernel defines; this ends a damaged one.
constexpr int kMaxCapabilities = 64;

}  // namespace

InfoBlock::InfoBlock(int fd, unsigned long request, const void* fixed, size_t fixed_size)
    : bytes_(fixed_size) {
  std::memcpy(bytes_.data(), fixed, fixed_size);
  // The kernel stores the size it would need in argsz: the second round has room for it.
  for (int round = 0; round < 2; ++round) {
    const uint32_t offered = static_cast<uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &offered, sizeof(offered));
    if (ioctl(fd, request, bytes_.data()) != 0) {
      bytes_.clear();
      return;
    }
    const uint32_t wanted = At<uint32_t>(0);
    if (wanted <= offered) return;
    bytes_.resize(wanted);
  }
}

size_t InfoBlock::FindCapability(uint32_t first, uint16_t id) const {
  size_t offset = first;
  for (int i = 0; i < kMaxCapabilities && offset != 0; ++i) {
    if (offset + sizeof(vfio_info_cap_header) > bytes_.size()) return 0;
    const auto header = At<vfio_info_cap_header>(offset);
    if (header.id == id) return offset;
    offset = header.next;
  }
  return 0;
}

}  // namespace ward::kmd
