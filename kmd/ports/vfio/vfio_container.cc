#include "kmd/ports/vfio/vfio_container.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "kmd/ports/vfio/info_block.h"

namespace ward::kmd {
namespace {

using abi::DmaBuffer;
using abi::PciError;

constexpr size_t kPageBytes = 4096;
constexpr size_t kLargePageBytes = 2u << 20;

std::string Reason() { return std::strerror(errno); }

// The last part of what the symbolic link `path` names; empty when there is no such link.
std::string ReadLinkName(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t length = readlink(path.c_str(), target, sizeof(target));
  if (length <= 0) return "";
  const std::string text(target, static_cast<size_t>(length));
  return text.substr(text.rfind('/') + 1);
}

// Large buffers start at a 2 MiB boundary, so that both CPU and IOMMU can use large pages.
size_t AlignmentFor(size_t size_bytes) {
  return size_bytes >= kLargePageBytes ? kLargePageBytes : kPageBytes;
}

// Zeroed anonymous memory at a multiple of `alignment`, which is at least a page.
uint8_t* MapAligned(size_t size_bytes, size_t alignment) {
  const size_t padded = size_bytes + (alignment - kPageBytes);
  void* mapped = mmap(nullptr, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* start = static_cast<uint8_t*>(mapped);
  const size_t misaligned = reinterpret_cast<uintptr_t>(start) % alignment;
  const size_t head = misaligned == 0 ? 0 : alignment - misaligned;
  if (head != 0) munmap(start, head);
  const size_t tail = padded - head - size_bytes;
  if (tail != 0) munmap(start + head + size_bytes, tail);
  return start + head;
}

}  // namespace

VfioContainer::~VfioContainer() {
  for (const auto& [iova, buffer] : buffers_) Unmap(buffer);
}

PciError VfioContainer::Open(const std::string& address, std::string* error) {
  const PciError opened = OpenContainer(error);
  if (opened != PciError::kNone) return opened;
  const PciError joined = OpenGroup(address, error);
  if (joined != PciError::kNone) return joined;
  return ReadIovaRanges(error);
}

PciError VfioContainer::OpenContainer(std::string* error) {
  container_ = FileDescriptor(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
  if (!container_.valid()) {
    *error = "/dev/vfio/vfio: " + Reason() + "; load the driver: modprobe vfio-pci";
    return PciError::kUnsupported;
  }
  if (ioctl(container_.get(), VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
      ioctl(container_.get(), VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1) {
    *error = "this kernel's VFIO has no type 1 IOMMU; load it: modprobe vfio_iommu_type1";
    return PciError::kUnsupported;
  }
  return PciError::kNone;
}

PciError VfioContainer::OpenGroup(const std::string& address, std::string* error) {
  const std::string folder = "/sys/bus/pci/devices/" + address;
  if (access(folder.c_str(), F_OK) != 0) {
    *error = "no PCI function " + address + "; ls /sys/bus/pci/devices shows them";
    return PciError::kBadArgument;
  }
  const std::string group = ReadLinkName(folder + "/iommu_group");
  if (group.empty()) {
    *error = address + " is behind no IOMMU; boot with intel_iommu=on on a machine that has one";
    return PciError::kUnsupported;
  }
  if (ReadLinkName(folder + "/driver") != "vfio-pci") {
    *error = address + " is not bound to vfio-pci; bind it: echo vfio-pci > " + folder +
             "/driver_override && echo " + address + " > /sys/bus/pci/drivers_probe";
    return PciError::kUnsupported;
  }
  const std::string path = "/dev/vfio/" + group;
  group_ = FileDescriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!group_.valid()) {
    *error = path + ": " + Reason() +
             (errno == EBUSY ? "; another program drives this group: end it first"
                             : "; this user needs read and write access to it");
    return PciError::kUnsupported;
  }
  vfio_group_status status{};
  status.argsz = sizeof(status);
  if (ioctl(group_.get(), VFIO_GROUP_GET_STATUS, &status) != 0 ||
      (status.flags & VFIO_GROUP_FLAGS_VIABLE) == 0) {
    *error = "IOMMU group " + group + " is shared; bind every function in " + folder +
             "/iommu_group/devices to vfio-pci";
    return PciError::kUnsupported;
  }
  int container = container_.get();
  if (ioctl(group_.get(), VFIO_GROUP_SET_CONTAINER, &container) != 0 ||
      ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0) {
    *error = "IOMMU group " + group + " can't be used: " + Reason() +
             "; without interrupt remapping VFIO needs vfio_iommu_type1.allow_unsafe_interrupts=1";
    return PciError::kUnsupported;
  }
  return PciError::kNone;
}

PciError VfioContainer::ReadIovaRanges(std::string* error) {
  vfio_iommu_type1_info request{};
  const InfoBlock info(container_.get(), VFIO_IOMMU_GET_INFO, &request, sizeof(request));
  if (!info.valid()) {
    *error = "VFIO tells nothing about its IOMMU: " + Reason();
    return PciError::kUnsupported;
  }
  const auto fixed = info.Fixed<vfio_iommu_type1_info>();
  std::vector<IovaRange> ranges;
  if ((fixed.flags & VFIO_IOMMU_INFO_CAPS) != 0) {
    const size_t at = info.FindCapability(fixed.cap_offset, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
    using Header = vfio_iommu_type1_info_cap_iova_range;
    const uint32_t count = at == 0 ? 0 : info.At<Header>(at).nr_iovas;
    for (uint32_t i = 0; i < count; ++i) {
      const auto range =
          info.At<vfio_iova_range>(at + sizeof(Header) + i * sizeof(vfio_iova_range));
      ranges.push_back({range.start, range.end});
    }
  }
  // Kernels before 5.4 don't tell; every IOMMU translates 32 bits.
  if (ranges.empty()) ranges.push_back({0, UINT32_MAX});
  iova_space_.emplace(ranges);
  return PciError::kNone;
}

FileDescriptor VfioContainer::OpenFunction(const std::string& address, std::string* error) {
  FileDescriptor function(ioctl(group_.get(), VFIO_GROUP_GET_DEVICE_FD, address.c_str()));
  if (!function.valid()) *error = "VFIO does not hand over " + address + ": " + Reason();
  return function;
}

PciError VfioContainer::Allocate(size_t size_bytes, DmaBuffer* buffer, std::string* error) {
  if (size_bytes == 0 || size_bytes > SIZE_MAX / 2) {
    *error = "DMA memory of " + std::to_string(size_bytes) + " bytes makes no sense";
    return PciError::kBadArgument;
  }
  const size_t size = (size_bytes + kPageBytes - 1) & ~(kPageBytes - 1);
  const uint64_t iova = iova_space_->Allocate(size, AlignmentFor(size));
  if (iova == 0) {
    *error = "no room for " + std::to_string(size) + " bytes in the IOMMU's address space";
    return PciError::kNoMemory;
  }
  uint8_t* cpu = MapAligned(size, AlignmentFor(size));
  if (cpu == nullptr) {
    *error = "no memory for a DMA buffer of " + std::to_string(size) + " bytes";
    iova_space_->Free(iova, size);
    return PciError::kNoMemory;
  }
  // Pinned pages must stay ours over a fork, and content is nothing for a core dump.
  madvise(cpu, size, MADV_DONTFORK);
  madvise(cpu, size, MADV_DONTDUMP);
  if (size >= kLargePageBytes) madvise(cpu, size, MADV_HUGEPAGE);
  vfio_iommu_type1_dma_map map{};
  map.argsz = sizeof(map);
  map.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
  map.vaddr = reinterpret_cast<uintptr_t>(cpu);
  map.iova = iova;
  map.size = size;
  if (ioctl(container_.get(), VFIO_IOMMU_MAP_DMA, &map) != 0) {
    *error = "the IOMMU does not map " + std::to_string(size) + " bytes: " + Reason();
    if (errno == ENOMEM) *error += "; raise the limit of locked memory (ulimit -l unlimited)";
    munmap(cpu, size);
    iova_space_->Free(iova, size);
    return PciError::kNoMemory;
  }
  *buffer = DmaBuffer{cpu, iova, size};
  buffers_[iova] = *buffer;
  return PciError::kNone;
}

void VfioContainer::Free(const DmaBuffer& buffer) {
  const auto found = buffers_.find(buffer.bus_address);
  WARD_ASSERT(found != buffers_.end() && found->second.cpu == buffer.cpu);
  Unmap(found->second);
  iova_space_->Free(found->second.bus_address, found->second.size_bytes);
  buffers_.erase(found);
}

void VfioContainer::Unmap(const DmaBuffer& buffer) {
  vfio_iommu_type1_dma_unmap unmap{};
  unmap.argsz = sizeof(unmap);
  unmap.iova = buffer.bus_address;
  unmap.size = buffer.size_bytes;
  const int result = ioctl(container_.get(), VFIO_IOMMU_UNMAP_DMA, &unmap);
  // Exactly a mapping of ours: the kernel has no reason to refuse.
  WARD_ASSERT(result == 0 && unmap.size == buffer.size_bytes);
  munmap(buffer.cpu, buffer.size_bytes);
}

}  // namespace ward::kmd
