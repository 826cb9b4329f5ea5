#include "kmd/ports/vfio_user/dma_table.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "kmd/ports/vfio_user/bus_layout.h"

namespace ward::kmd {
namespace {

using abi::DmaBuffer;
using abi::PciError;

constexpr size_t kPageBytes = 4096;
constexpr size_t kLargePageBytes = 2u << 20;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

FileDescriptor MakeFile(size_t size_bytes) {
  FileDescriptor file(memfd_create("ward-dma", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid() || ftruncate(file.get(), static_cast<off_t>(size_bytes)) != 0 ||
      fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) {
    return {};
  }
  return file;
}

// Fences are polled while they are written: a word that the device writes as one arrives as one.
template <typename T>
void StoreWhole(uint8_t* to, const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  std::atomic_ref<T>(*reinterpret_cast<T*>(to)).store(value, std::memory_order_release);
}

void CopyIn(uint8_t* to, ConstByteSpan from) {
  const auto place = reinterpret_cast<uintptr_t>(to);
  if (from.size() == sizeof(uint64_t) && place % sizeof(uint64_t) == 0) {
    StoreWhole<uint64_t>(to, from.data());
  } else if (from.size() == sizeof(uint32_t) && place % sizeof(uint32_t) == 0) {
    StoreWhole<uint32_t>(to, from.data());
  } else {
    std::memcpy(to, from.data(), from.size());
  }
}

}  // namespace

DmaTable::DmaTable() : space_({kLowBusRange, kHighBusRange}) {}

DmaTable::~DmaTable() {
  for (const auto& [address, entry] : entries_) munmap(entry.buffer.cpu, entry.buffer.size_bytes);
}

PciError DmaTable::Allocate(size_t size_bytes, DmaBuffer* buffer, int* fd, std::string* error) {
  if (size_bytes == 0 || size_bytes > kHighBusRange.last) {
    *error = "no DMA buffer has " + std::to_string(size_bytes) + " bytes";
    return PciError::kBadArgument;
  }
  const size_t size = (size_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  FileDescriptor file = MakeFile(size);
  void* mapped = file.valid()
                     ? mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0)
                     : MAP_FAILED;
  if (mapped == MAP_FAILED) {
    *error = "no " + std::to_string(size) + " bytes for a DMA buffer: " + std::strerror(errno);
    return PciError::kNoMemory;
  }
  // Content is nothing for a core dump.
  madvise(mapped, size, MADV_DONTDUMP);
  const std::lock_guard lock(mutex_);
  // Large buffers at large boundaries, as behind an IOMMU.
  const uint64_t address =
      space_.Allocate(size, size >= kLargePageBytes ? kLargePageBytes : kPageBytes);
  if (address == 0) {
    munmap(mapped, size);
    *error = "no bus addresses left for " + std::to_string(size) + " bytes";
    return PciError::kNoMemory;
  }
  *buffer = DmaBuffer{static_cast<uint8_t*>(mapped), address, size};
  *fd = file.get();
  entries_.emplace(address, Entry{*buffer, std::move(file)});
  return PciError::kNone;
}

void DmaTable::Free(const DmaBuffer& buffer) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(buffer.bus_address);
  WARD_ASSERT(found != entries_.end() && found->second.buffer.cpu == buffer.cpu);
  const DmaBuffer& owned = found->second.buffer;
  munmap(owned.cpu, owned.size_bytes);
  space_.Free(owned.bus_address, owned.size_bytes);
  entries_.erase(found);
}

void DmaTable::SetBusMaster(bool enable) {
  const std::lock_guard lock(mutex_);
  bus_master_ = enable;
}

uint32_t DmaTable::Read(uint64_t address, ByteSpan into) const {
  const std::lock_guard lock(mutex_);
  const uint32_t refused = Check(address, into.size());
  if (refused != 0) return refused;
  while (!into.empty()) {
    const ByteSpan piece = PieceAt(address, into.size());
    std::memcpy(into.data(), piece.data(), piece.size());
    into = into.subspan(piece.size());
    address += piece.size();
  }
  return 0;
}

uint32_t DmaTable::Write(uint64_t address, ConstByteSpan from) {
  const std::lock_guard lock(mutex_);
  const uint32_t refused = Check(address, from.size());
  if (refused != 0) return refused;
  while (!from.empty()) {
    const ByteSpan piece = PieceAt(address, from.size());
    CopyIn(piece.data(), from.first(piece.size()));
    from = from.subspan(piece.size());
    address += piece.size();
  }
  std::atomic_thread_fence(std::memory_order_release);
  return 0;
}

uint32_t DmaTable::Check(uint64_t address, uint64_t size_bytes) const {
  if (!bus_master_) return ENODEV;
  if (size_bytes != 0 && address + (size_bytes - 1) < address) return EINVAL;
  while (size_bytes != 0) {
    const ByteSpan piece = PieceAt(address, size_bytes);
    if (piece.empty()) return ENODEV;
    address += piece.size();
    size_bytes -= piece.size();
  }
  return 0;
}

ByteSpan DmaTable::PieceAt(uint64_t address, uint64_t size_bytes) const {
  auto found = entries_.upper_bound(address);
  if (found == entries_.begin()) return {};
  const DmaBuffer& buffer = std::prev(found)->second.buffer;
  const uint64_t offset = address - buffer.bus_address;
  if (offset >= buffer.size_bytes) return {};
  const uint64_t left = buffer.size_bytes - offset;
  return ByteSpan(buffer.cpu + offset, size_bytes < left ? size_bytes : left);
}

}  // namespace ward::kmd
