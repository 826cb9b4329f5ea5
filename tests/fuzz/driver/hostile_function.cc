#include "tests/fuzz/driver/hostile_function.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {
namespace {

constexpr uint32_t kAllOnes = 0xffffffff;
constexpr uint8_t kBehind = 0xa5;  // what stands behind each buffer
constexpr int kVramBar = static_cast<int>(abi::kVramBar);

// A register of the table, one of its blocks and elements.
uint64_t PickRegister(uint16_t place) {
  const abi::RegisterInfo& info = abi::kRegisters[place % std::size(abi::kRegisters)];
  const uint32_t rest = place / static_cast<uint32_t>(std::size(abi::kRegisters));
  const uint32_t block = rest % info.block_count;
  return info.offset + uint64_t{block} * info.block_stride +
         uint64_t{4} * (rest / info.block_count % info.element_count);
}

}  // namespace

HostileFunction::~HostileFunction() {
  Expect(buffers_.empty(), "leak", "no DMA memory is left when the driver has ended");
}

void HostileFunction::StopLying() {
  is_honest_ = true;
  next_.reset();
}

bool HostileFunction::IsOwned(ConstByteSpan bytes) const {
  const auto lies_in = [&](const uint8_t* begin, uint64_t size) {
    return bytes.data() >= begin &&
           RangeFits(static_cast<uint64_t>(bytes.data() - begin), bytes.size(), size);
  };
  if (lies_in(host_->MapBar(kVramBar), host_->BarSize(kVramBar))) return true;
  return std::any_of(buffers_.begin(), buffers_.end(), [&](const auto& at) {
    return lies_in(at.second.given.cpu, at.second.given.size_bytes);
  });
}

void HostileFunction::Access() {
  Expect(++accesses_ < kMostAccesses, "work", "a call of the driver ends");
  while (!is_honest_) {
    if (!next_) {
      if (lies_.empty()) return;
      Lie lie;
      lie.delay = lies_.Take<uint8_t>();
      lie.kind = lies_.Take<uint8_t>();
      lie.place = lies_.Take<uint16_t>();
      lie.value = lies_.Take<uint32_t>();
      next_ = lie;
    }
    if (next_->delay != 0) {
      --next_->delay;
      return;
    }
    const Lie lie = *next_;
    next_.reset();
    Tell(lie);
  }
}

void HostileFunction::Tell(const Lie& lie) {
  switch (lie.kind % 4) {
    case 0:
      return TellOfRegisters(lie);
    case 1:
    case 2:
      return TellOfMemory(lie);
    default:
      return TellOfPort(lie);
  }
}

void HostileFunction::TellOfRegisters(const Lie& lie) {
  switch (lie.kind / 4 % 8) {
    case 0:
      next_read_ = lie.value;
      return;
    case 1:
      fixed_[PickRegister(lie.place)] = lie.value;
      return;
    case 2:
      fixed_[PickRegister(lie.place)] = lie.value % 16;
      return;
    case 3:
      fixed_.clear();
      return;
    case 4:
      is_gone_ = (lie.value & 1) != 0;
      return;
    case 5:
      lost_writes_ = lie.value % 64;
      return;
    case 6:
      // A register that somebody else wrote.
      is_chip_astray_ = true;
      return host_->BarWrite32(0, PickRegister(lie.place), lie.value);
    default:
      // The chip as after a reset by another.
      return (void)host_->ResetFunction();
  }
}

// One of the driver's buffers, newest first, or visible VRAM.
ByteSpan HostileFunction::PickMemory(uint32_t choice) {
  if (choice % 16 == 15) {
    return {host_->MapBar(kVramBar), static_cast<size_t>(host_->BarSize(kVramBar))};
  }
  if (buffers_.empty()) return {};
  auto at = std::prev(buffers_.end());
  for (uint32_t left = choice % 16; left != 0 && at != buffers_.begin(); --left) --at;
  return {at->second.given.cpu, at->second.given.size_bytes};
}

void HostileFunction::TellOfMemory(const Lie& lie) {
  const ByteSpan memory = PickMemory(lie.place);
  if (memory.empty()) return;
  is_chip_astray_ = true;  // rings and page tables lead where they never did
  // Where fences are, else near the beginning, else anywhere.
  constexpr size_t kFenceAt = 16384;
  const uint32_t where = lie.place >> 4;
  size_t at = where % 64 * 4;
  if (lie.kind / 4 % 4 == 1 && memory.size() > kFenceAt) at = kFenceAt;
  if (lie.kind / 4 % 4 == 2) at = size_t{where} * 4 % (memory.size() - 8);
  at = std::min(at, memory.size() - 8);
  uint8_t* to = memory.data() + at;
  if (lie.kind / 4 % 4 == 1) {
    // A fence: ahead, behind, or nothing that it could be.
    const auto change = static_cast<int8_t>(lie.value);
    const uint64_t value = (lie.value >> 8 & 3) == 0
                               ? LoadLe<uint64_t>(to) + static_cast<uint64_t>(int64_t{change})
                               : uint64_t{lie.value} << (lie.value >> 24 & 32);
    return StoreLe(to, value);
  }
  if ((lie.kind & 0x80) != 0) return StoreLe(to, LoadLe<uint32_t>(to) ^ lie.value);
  StoreLe(to, lie.value);
}

abi::PciError HostileFunction::ErrorOf(uint32_t value) const {
  constexpr abi::PciError kErrors[] = {abi::PciError::kGone, abi::PciError::kTimeout,
                                       abi::PciError::kNoMemory, abi::PciError::kUnsupported,
                                       abi::PciError::kBadArgument};
  return kErrors[value % std::size(kErrors)];
}

void HostileFunction::TellOfPort(const Lie& lie) {
  switch (lie.kind / 4 % 8) {
    case 0:
      early_interrupts_ = lie.value % 512;
      return;
    case 1:
      lost_interrupts_ = lie.value % 16;
      return;
    case 2:
      wait_error_ = ErrorOf(lie.value);
      return;
    case 3:
      reset_error_ = ErrorOf(lie.value);
      return;
    case 4:
      port_error_ = ErrorOf(lie.value);
      return;
    case 5:
      failing_allocation_ = 1 + lie.value % 8;
      return;
    case 6:
      bad_allocation_ = lie.value % 4;
      return;
    default:
      cannot_map_ = (lie.value & 1) != 0;
      return;
  }
}

uint32_t HostileFunction::BarRead32(int bar, uint64_t offset) {
  Access();
  if (is_gone_) return kAllOnes;
  if (next_read_) {
    const uint32_t value = *next_read_;
    next_read_.reset();
    return value;
  }
  const auto fixed = fixed_.find(offset);
  if (fixed != fixed_.end()) return fixed->second;
  return host_->BarRead32(bar, offset);
}

void HostileFunction::BarWrite32(int bar, uint64_t offset, uint32_t value) {
  Expect(offset < host_->BarSize(bar), "memory", "registers are written inside of their BAR");
  Access();
  if (is_gone_ || (lost_writes_ != 0 && lost_writes_-- != 0)) return;
  host_->BarWrite32(bar, offset, value);
  // What a device does that answers at once: its lies come behind its work.
  Access();
}

uint8_t* HostileFunction::MapBar(int bar) {
  Access();
  return cannot_map_ ? nullptr : host_->MapBar(bar);
}

abi::PciError HostileFunction::BarReadBlock(int bar, uint64_t offset, void* into,
                                            size_t size_bytes) {
  Access();
  if (is_gone_) return abi::PciError::kGone;
  return host_->BarReadBlock(bar, offset, into, size_bytes);
}

abi::PciError HostileFunction::BarWriteBlock(int bar, uint64_t offset, const void* from,
                                             size_t size_bytes) {
  Access();
  if (is_gone_) return abi::PciError::kGone;
  Expect(RangeFits(offset, size_bytes, host_->BarSize(bar)), "memory",
         "bytes are written inside of their BAR");
  return host_->BarWriteBlock(bar, offset, from, size_bytes);
}

abi::PciError HostileFunction::AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) {
  Access();
  Expect(size_bytes <= kMostDmaBytes - dma_bytes_, "allocation",
         "the driver takes no more memory than it has use for");
  if (failing_allocation_ != 0 && --failing_allocation_ == 0) return abi::PciError::kNoMemory;
  Buffer made;
  const abi::PciError error = host_->AllocateDma(size_bytes + abi::kPageSize, &made.whole);
  if (error != abi::PciError::kNone) return error;
  made.given = made.whole;
  made.given.size_bytes -= abi::kPageSize;
  std::memset(made.given.cpu + made.given.size_bytes, kBehind, abi::kPageSize);
  if (bad_allocation_ == 1) made.given.bus_address += 8;
  if (bad_allocation_ == 2) made.given.bus_address |= uint64_t{1} << 60;
  if (bad_allocation_ == 3) made.given.size_bytes = 0;
  bad_allocation_ = 0;
  dma_bytes_ += made.whole.size_bytes;
  buffers_[made.given.bus_address] = made;
  *buffer = made.given;
  return abi::PciError::kNone;
}

void HostileFunction::FreeDma(const abi::DmaBuffer& buffer) {
  const auto found = buffers_.find(buffer.bus_address);
  Expect(found != buffers_.end(), "memory", "memory that is freed was given, and is freed once");
  const abi::DmaBuffer& whole = found->second.whole;
  const uint8_t* behind = whole.cpu + whole.size_bytes - abi::kPageSize;
  const bool is_whole =
      std::all_of(behind, behind + abi::kPageSize, [](uint8_t byte) { return byte == kBehind; });
  Expect(is_whole || is_chip_astray_, "memory", "bytes behind DMA memory stay as they are");
  dma_bytes_ -= whole.size_bytes;
  host_->FreeDma(found->second.whole);
  buffers_.erase(found);
}

abi::PciError HostileFunction::SetBusMaster(bool enable) {
  Access();
  if (is_gone_) return abi::PciError::kGone;
  if (port_error_) return *std::exchange(port_error_, std::nullopt);
  return host_->SetBusMaster(enable);
}

abi::PciError HostileFunction::EnableInterrupts(uint32_t count) {
  Access();
  if (is_gone_) return abi::PciError::kGone;
  if (port_error_) return *std::exchange(port_error_, std::nullopt);
  return host_->EnableInterrupts(count);
}

abi::PciError HostileFunction::WaitInterrupt(uint32_t vector, uint32_t timeout_ms) {
  Access();
  if (is_gone_) return abi::PciError::kGone;
  if (wait_error_) return *std::exchange(wait_error_, std::nullopt);
  if (early_interrupts_ != 0 && early_interrupts_-- != 0) return abi::PciError::kNone;
  if (lost_interrupts_ != 0 && lost_interrupts_-- != 0) return abi::PciError::kTimeout;
  const abi::PciError error = host_->WaitInterrupt(vector, timeout_ms);
  Access();
  return error;
}

abi::PciError HostileFunction::ResetFunction() {
  Access();
  if (is_gone_) return abi::PciError::kGone;
  if (reset_error_) return *std::exchange(reset_error_, std::nullopt);
  return host_->ResetFunction();
}

}  // namespace ward::fuzz
