#include "kmd/ports/vfio_user/vfio_user_function.h"

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/vfio_user.h"
#include "kmd/ports/vfio_user/bus_layout.h"
#include "kmd/ports/vfio_user/served_socket.h"

namespace ward::kmd {
namespace {

namespace wire = abi::vfio_user;

using abi::DmaBuffer;
using abi::PciError;

static_assert(std::endian::native == std::endian::little, "PCI is little-endian, so is this port");

constexpr uint32_t kAllOnes = 0xffffffff;
constexpr uint64_t kPageBytes = 4096;

bool IsConfigAligned(uint32_t offset, uint32_t size_bytes) {
  return (size_bytes == 1 || size_bytes == 2 || size_bytes == 4) && offset % size_bytes == 0;
}

ByteSpan BytesOf(void* bytes, size_t size) { return {static_cast<uint8_t*>(bytes), size}; }
ConstByteSpan BytesOf(const void* bytes, size_t size) {
  return {static_cast<const uint8_t*>(bytes), size};
}

// Whether the region lies in the file for as long as we map it.
bool StaysInFile(const ServedRegion& region) {
  struct stat status{};
  const int seals = fcntl(region.file.get(), F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 && fstat(region.file.get(), &status) == 0 &&
         region.file_offset % kPageBytes == 0 &&
         RangeFits(region.file_offset, region.size, static_cast<uint64_t>(status.st_size));
}

}  // namespace

PciError VfioUserFunction::Open(const std::string& where,
                                std::unique_ptr<VfioUserFunction>* function, std::string* error) {
  std::unique_ptr<VfioUserFunction> opened(new VfioUserFunction);
  const PciError result = opened->Connect(where);
  if (result != PciError::kNone) {
    *error = opened->error_;
    return result;
  }
  *function = std::move(opened);
  return PciError::kNone;
}

PciError VfioUserFunction::Connect(const std::string& where) {
  const std::optional<ServedAddress> address = ServedAddress::Parse(where, &error_);
  if (!address) return PciError::kBadArgument;
  by_messages_ = address->by_messages;
  FileDescriptor socket;
  PciError result = OpenServedSocket(*address, &socket, &error_);
  if (result != PciError::kNone) return result;
  connection_.emplace(std::move(socket), address->timeout_ms, &requests_);
  result = connection_->Start(&error_);
  if (result != PciError::kNone) return result;
  device_.emplace(&*connection_);
  result = Keep(device_->Negotiate(by_messages_));
  if (result == PciError::kGone && !address->key_file.empty()) {
    error_ += "; is key= the server's key?";
  }
  if (result == PciError::kNone) result = ReadRegions();
  if (result != PciError::kNone) return result;
  SetCommand(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
  PlaceBars();
  SetCommand(0, PCI_COMMAND_MEMORY);
  if (!connection_->IsGone()) return PciError::kNone;
  error_ = connection_->GoneReason();
  return PciError::kGone;
}

PciError VfioUserFunction::ReadRegions() {
  const PciError config = Keep(device_->ReadRegion(wire::kConfigRegion, &config_));
  if (config != PciError::kNone) return config;
  for (uint32_t bar = 0; bar < kBarCount; ++bar) {
    const PciError read = Keep(device_->ReadRegion(bar, &bars_[bar].served));
    if (read != PciError::kNone) return read;
    // As over a connection that passes none.
    if (by_messages_) bars_[bar].served.file = {};
  }
  return PciError::kNone;
}

VfioUserFunction::~VfioUserFunction() {
  if (device_) {
    EnableInterrupts(0);
    SetBusMaster(false);
  }
  device_.reset();
  connection_.reset();
  for (const Region& bar : bars_) {
    if (bar.mapping != nullptr) munmap(bar.mapping, bar.served.size);
  }
}

PciError VfioUserFunction::Keep(PciError error) {
  if (error != PciError::kNone) error_ = device_->error();
  return error;
}

uint32_t VfioUserFunction::ConfigRead(uint32_t offset, uint32_t size_bytes) {
  if (!IsConfigAligned(offset, size_bytes) || offset >= config_.size) return kAllOnes;
  uint32_t value = 0;
  const PciError read =
      Keep(device_->Read(wire::kConfigRegion, offset, BytesOf(&value, size_bytes)));
  return read == PciError::kNone ? value : kAllOnes;
}

void VfioUserFunction::ConfigWrite(uint32_t offset, uint32_t size_bytes, uint32_t value) {
  if (!IsConfigAligned(offset, size_bytes) || offset >= config_.size) return;
  const bool is_command = offset == PCI_COMMAND;
  // The server may use memory as soon as it has seen the bit, and until it has seen it go.
  if (is_command && (value & PCI_COMMAND_MASTER) != 0) memory_.SetBusMaster(true);
  Keep(device_->Write(wire::kConfigRegion, offset, BytesOf(&value, size_bytes)));
  if ((offset & ~3u) != PCI_COMMAND) return;
  const uint32_t command = ConfigRead(PCI_COMMAND, 2);
  const bool answers = command != kAllOnes;
  decodes_memory_ = answers && (command & PCI_COMMAND_MEMORY) != 0;
  memory_.SetBusMaster(answers && (command & PCI_COMMAND_MASTER) != 0);
}

void VfioUserFunction::SetCommand(uint32_t clear, uint32_t set) {
  const uint32_t command = ConfigRead(PCI_COMMAND, 2);
  if (command != kAllOnes) ConfigWrite(PCI_COMMAND, 2, (command & ~clear) | set);
}

// No firmware has done it, and a BAR at 0 would lie where DMA memory is.
void VfioUserFunction::PlaceBars() {
  uint64_t low = kLowBars;
  uint64_t high = kHighBars;
  for (int bar = 0; bar < kBarCount; ++bar) PlaceBar(bar, &low, &high);
}

void VfioUserFunction::PlaceBar(int bar, uint64_t* low, uint64_t* high) {
  const uint64_t size = BarSize(bar);
  if (!std::has_single_bit(size)) return;
  const uint32_t offset = PCI_BASE_ADDRESS_0 + 4 * static_cast<uint32_t>(bar);
  const uint32_t type = ConfigRead(offset, 4);
  if ((type & PCI_BASE_ADDRESS_SPACE) != PCI_BASE_ADDRESS_SPACE_MEMORY) return;
  const bool is_wide = (type & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
  uint64_t* next = is_wide ? high : low;
  const uint64_t end = is_wide ? kHighBarsEnd : kLowBarsEnd;
  const uint64_t address = (*next + size - 1) & ~(size - 1);
  if (address >= end || end - address < size) return;
  *next = address + size;
  ConfigWrite(offset, 4, static_cast<uint32_t>(address));
  if (is_wide) ConfigWrite(offset + 4, 4, static_cast<uint32_t>(address >> 32));
}

VfioUserFunction::Region* VfioUserFunction::FindBar(int bar) {
  if (bar < 0 || bar >= kBarCount) return nullptr;
  Region* region = &bars_[static_cast<size_t>(bar)];
  return region->served.size == 0 ? nullptr : region;
}

bool VfioUserFunction::CheckBarAccess(int bar, uint64_t offset, uint64_t size_bytes,
                                      uint64_t alignment) {
  const uint64_t size = BarSize(bar);
  if (RangeFits(offset, size_bytes, size) && offset % alignment == 0 && decodes_memory_) {
    return true;
  }
  // What the function says while it is gone is its last word.
  if (connection_->IsGone()) return false;
  error_ = "no access of " + std::to_string(size_bytes) + " bytes at offset " +
           std::to_string(offset) + " of BAR" + std::to_string(bar) + ", which has " +
           std::to_string(size) + " bytes" + (decodes_memory_ ? "" : "; memory decoding is off");
  return false;
}

uint32_t VfioUserFunction::BarRead32(int bar, uint64_t offset) {
  uint32_t value = kAllOnes;
  if (!CheckBarAccess(bar, offset, sizeof(value), sizeof(value))) return kAllOnes;
  const PciError read =
      Keep(device_->Read(static_cast<uint32_t>(bar), offset, BytesOf(&value, sizeof(value))));
  // What the function stored before it answered is read afterwards, not before.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return read == PciError::kNone ? value : kAllOnes;
}

void VfioUserFunction::BarWrite32(int bar, uint64_t offset, uint32_t value) {
  if (!CheckBarAccess(bar, offset, sizeof(value), sizeof(value))) return;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const ByteSpan bytes = BytesOf(&value, sizeof(value));
  // What a doorbell begins is seen in memory, and its answer would cost two threads a wake-up.
  // Where the server asks this process for memory it is better that the caller sleeps meanwhile:
  // one that looks for its fence may have the processor that the receiving thread waits for.
  const bool is_doorbell =
      bar == static_cast<int>(abi::kRegisterBar) && offset >= abi::kRegDoorbell;
  if (is_doorbell && !by_messages_) {
    Keep(device_->Post(abi::kRegisterBar, offset, bytes));
  } else {
    Keep(device_->Write(static_cast<uint32_t>(bar), offset, bytes));
  }
}

uint64_t VfioUserFunction::BarSize(int bar) {
  const Region* region = FindBar(bar);
  return region == nullptr ? 0 : region->served.size;
}

uint8_t* VfioUserFunction::MapBar(int bar) {
  Region* region = FindBar(bar);
  if (region == nullptr) return nullptr;
  if (region->mapping == nullptr && !MapFile(bar, region)) return nullptr;
  return region->mapping;
}

bool VfioUserFunction::MapFile(int bar, Region* region) {
  ServedRegion& served = region->served;
  if (!served.file.valid()) {
    error_ = "BAR" + std::to_string(bar) + " can't be mapped: the server gives no file for it";
    return false;
  }
  if (!StaysInFile(served)) {
    error_ = "BAR" + std::to_string(bar) +
             " can't be mapped: the server's file is too short, or not sealed against shrinking";
    served.file = {};
    return false;
  }
  void* mapped = mmap(nullptr, served.size, PROT_READ | PROT_WRITE, MAP_SHARED, served.file.get(),
                      static_cast<off_t>(served.file_offset));
  if (mapped == MAP_FAILED) {
    error_ = "BAR" + std::to_string(bar) + " can't be mapped: " + std::strerror(errno);
    return false;
  }
  region->mapping = static_cast<uint8_t*>(mapped);
  return true;
}

PciError VfioUserFunction::BarReadBlock(int bar, uint64_t offset, void* into, size_t size_bytes) {
  if (!CheckBarAccess(bar, offset, size_bytes, 1)) {
    return connection_->IsGone() ? PciError::kGone : PciError::kBadArgument;
  }
  return Keep(device_->Read(static_cast<uint32_t>(bar), offset, BytesOf(into, size_bytes)));
}

PciError VfioUserFunction::BarWriteBlock(int bar, uint64_t offset, const void* from,
                                         size_t size_bytes) {
  if (!CheckBarAccess(bar, offset, size_bytes, 1)) {
    return connection_->IsGone() ? PciError::kGone : PciError::kBadArgument;
  }
  const PciError written =
      Keep(device_->Write(static_cast<uint32_t>(bar), offset, BytesOf(from, size_bytes)));
  if (written == PciError::kNone || connection_->IsGone()) return written;
  // Page tables are written this way: a server that refuses part of its own memory can't be used.
  return connection_->Reject(error_);
}

PciError VfioUserFunction::AllocateDma(size_t size_bytes, DmaBuffer* buffer) {
  int fd = -1;
  DmaBuffer made;
  const PciError allocated = memory_.Allocate(size_bytes, &made, &fd, &error_);
  if (allocated != PciError::kNone) return allocated;
  const PciError mapped = Keep(device_->MapDma(made, by_messages_ ? -1 : fd));
  if (mapped != PciError::kNone) {
    memory_.Free(made);
    return mapped == PciError::kBadArgument ? PciError::kNoMemory : mapped;
  }
  *buffer = made;
  return PciError::kNone;
}

// A server that is gone, or refuses, has lost its right to the buffer all the same: what it mapped
// itself is its own mapping of the file, and messages find nothing.
void VfioUserFunction::FreeDma(const DmaBuffer& buffer) {
  Keep(device_->UnmapDma(buffer));
  memory_.Free(buffer);
}

PciError VfioUserFunction::SetBusMaster(bool enable) {
  const uint32_t command = ConfigRead(PCI_COMMAND, 2);
  if (command == kAllOnes || command == 0xffff) {
    memory_.SetBusMaster(false);
    if (!connection_->IsGone()) error_ = "the function does not answer in configuration space";
    return PciError::kGone;
  }
  const uint32_t others = command & ~uint32_t{PCI_COMMAND_MASTER};
  ConfigWrite(PCI_COMMAND, 2, others | (enable ? PCI_COMMAND_MASTER : 0));
  return connection_->IsGone() ? PciError::kGone : PciError::kNone;
}

PciError VfioUserFunction::CountVectors(uint32_t* available) {
  irq_index_ = wire::kMsixIrq;
  const PciError extended = Keep(device_->CountVectors(irq_index_, available));
  if (extended != PciError::kNone || *available != 0) return extended;
  irq_index_ = wire::kMsiIrq;
  const PciError simple = Keep(device_->CountVectors(irq_index_, available));
  if (simple != PciError::kNone || *available != 0) return simple;
  error_ = "the function has neither MSI-X nor MSI";
  return PciError::kUnsupported;
}

PciError VfioUserFunction::EnableInterrupts(uint32_t count) {
  if (interrupts_.count() != 0) {
    const PciError disabled = Keep(device_->DisableVectors(irq_index_));
    interrupts_.Reset(0);
    if (disabled == PciError::kGone || disabled == PciError::kTimeout) return disabled;
  }
  if (count == 0) return PciError::kNone;
  uint32_t available = 0;
  const PciError counted = CountVectors(&available);
  if (counted != PciError::kNone) return counted;
  if (count > available) {
    error_ = std::to_string(count) + " interrupt vectors asked, the function has " +
             std::to_string(available);
    return PciError::kNoMemory;
  }
  if (!interrupts_.Reset(count)) {
    error_ = "no events for " + std::to_string(count) +
             " interrupt vectors; raise the limit of open files";
    return PciError::kNoMemory;
  }
  const PciError set = SetVectors(count);
  if (set != PciError::kNone) interrupts_.Reset(0);
  return set;
}

PciError VfioUserFunction::SetVectors(uint32_t count) {
  if (by_messages_) return Keep(device_->SetVectors(irq_index_, 0, count, {}));
  if (device_->maximum_descriptors() == 0) {
    error_ = "the server takes no descriptors over this socket; add \",messages\" to its address";
    return PciError::kUnsupported;
  }
  for (uint32_t start = 0; start < count;) {
    const uint32_t some = std::min(count - start, device_->maximum_descriptors());
    std::vector<int> descriptors;
    for (uint32_t i = 0; i < some; ++i) descriptors.push_back(interrupts_.descriptor(start + i));
    const PciError set = Keep(device_->SetVectors(irq_index_, start, some, descriptors));
    if (set != PciError::kNone) return set;
    start += some;
  }
  return PciError::kNone;
}

PciError VfioUserFunction::WaitInterrupt(uint32_t vector, uint32_t timeout_ms) {
  const PciError waited = interrupts_.Wait(vector, timeout_ms, connection_->gone_event(), &error_);
  if (waited == PciError::kGone && connection_->IsGone()) error_ = connection_->GoneReason();
  return waited;
}

PciError VfioUserFunction::ResetFunction() {
  if (!device_->is_resettable()) {
    error_ = "the server knows no way to reset this function";
    return PciError::kUnsupported;
  }
  EnableInterrupts(0);
  const PciError quiet = SetBusMaster(false);
  if (quiet != PciError::kNone) return quiet;
  const PciError reset = Keep(device_->Reset());
  if (reset != PciError::kNone) return reset;
  // Power-on took the addresses of the BARs too.
  PlaceBars();
  SetCommand(PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY);
  return connection_->IsGone() ? PciError::kGone : PciError::kNone;
}

uint32_t VfioUserFunction::Requests::Serve(const Message& request, std::vector<uint8_t>* body) {
  switch (request.header.command) {
    case wire::Command::kDmaRead:
      return ReadMemory(request.body, body);
    case wire::Command::kDmaWrite:
      return WriteMemory(request.body, body);
    case wire::Command::kInterrupt: {
      wire::Interrupt interrupt{};
      if (request.body.size() != sizeof(interrupt)) return EINVAL;
      std::memcpy(&interrupt, request.body.data(), sizeof(interrupt));
      interrupts_->Fire(interrupt.vector);
      return 0;
    }
    default:
      return ENOTSUP;
  }
}

uint32_t VfioUserFunction::Requests::ReadMemory(const std::vector<uint8_t>& body,
                                                std::vector<uint8_t>* reply) {
  wire::DmaAccess access{};
  if (body.size() != sizeof(access)) return EINVAL;
  std::memcpy(&access, body.data(), sizeof(access));
  if (access.count > wire::kDefaultTransferBytes) return EINVAL;
  reply->resize(sizeof(access) + access.count);
  std::memcpy(reply->data(), &access, sizeof(access));
  return memory_->Read(access.address, ByteSpan(*reply).subspan(sizeof(access)));
}

uint32_t VfioUserFunction::Requests::WriteMemory(const std::vector<uint8_t>& body,
                                                 std::vector<uint8_t>* reply) {
  wire::DmaAccess access{};
  if (body.size() < sizeof(access)) return EINVAL;
  std::memcpy(&access, body.data(), sizeof(access));
  if (access.count != body.size() - sizeof(access)) return EINVAL;
  reply->assign(body.begin(), body.begin() + sizeof(access));
  return memory_->Write(access.address, ConstByteSpan(body).subspan(sizeof(access)));
}

}  // namespace ward::kmd
