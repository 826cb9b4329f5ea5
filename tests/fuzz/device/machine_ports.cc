#include "tests/fuzz/device/machine_ports.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace ward::fuzz {
namespace {

// Instead of what differs with a key.
constexpr uint8_t kMask = 0xa5;

}  // namespace

uint8_t* BlockBytes::Change(uint64_t offset, uint64_t size_bytes) {
  WARD_ASSERT(RangeFits(offset, size_bytes, bytes_.size()));
  const uint64_t end = offset + size_bytes;
  for (uint64_t block = offset / kBlockBytes; block * kBlockBytes < end; ++block) {
    if (is_changed_[block] != 0) continue;
    is_changed_[block] = 1;
    changed_.push_back(static_cast<uint32_t>(block));
  }
  return bytes_.data() + offset;
}

void BlockBytes::Keep() {
  kept_ = bytes_;
  for (const uint32_t block : changed_) is_changed_[block] = 0;
  changed_.clear();
}

void BlockBytes::PutBack() {
  for (const uint32_t block : changed_) {
    const uint64_t offset = block * kBlockBytes;
    std::memcpy(bytes_.data() + offset, kept_.data() + offset, kBlockBytes);
    is_changed_[block] = 0;
  }
  changed_.clear();
}

void MachineBus::Reset() {
  memory_.PutBack();
  answers_.clear();
  answered_ = 0;
  refuses = refuses_writes = is_confined = fetches_once = flips_second = has_windows = false;
}

bool MachineBus::Reaches(uint64_t bus_address, uint64_t size_bytes, bool is_write) {
  ++record_->accesses;
  const bool inside = bus_address >= layout::kBus &&
                      RangeFits(bus_address - layout::kBus, size_bytes, layout::kBusBytes);
  Expect(inside || !is_confined, "dma_window", "system memory that nobody named");
  return inside && !refuses && !(is_write && refuses_writes);
}

bool MachineBus::IsSecondFetch(uint64_t offset, uint64_t size_bytes) {
  bool is_second = false;
  for (uint64_t at = offset / 8; at * 8 < offset + size_bytes; ++at) {
    uint64_t& word = fetched_[at / 64];
    const uint64_t bit = uint64_t{1} << at % 64;
    is_second = is_second || (word & bit) != 0;
    word |= bit;
  }
  return is_second;
}

void MachineBus::WatchFetch(uint64_t offset, ByteSpan bytes) {
  if (bytes.empty()) return;
  // Rings lie one behind the other, and fences behind them.
  Expect(offset >= layout::kFences - layout::kRings ||
             offset / layout::kRingBytes == (offset + bytes.size() - 1) / layout::kRingBytes,
         "dma_window", "commands that stand behind their ring");
  if (!IsSecondFetch(offset, bytes.size())) return;
  Expect(flips_second, "double_fetch", "a command's bytes were fetched twice in a slice");
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(~byte);
}

void MachineBus::ForgetIndirect() {
  constexpr size_t kFirst = (layout::kIndirect - layout::kRings) / 8 / 64;
  std::fill(fetched_ + kFirst, std::end(fetched_), uint64_t{0});
}

bool MachineBus::Read(uint64_t bus_address, ByteSpan destination) {
  if (!Reaches(bus_address, destination.size(), false)) return false;
  const uint64_t offset = bus_address - layout::kBus;
  std::memcpy(destination.data(), memory_.data() + offset, destination.size());
  if (answered_ < answers_.size()) {
    const size_t size = std::min(destination.size(), answers_.size() - answered_);
    std::memcpy(destination.data(), answers_.data() + answered_, size);
    answered_ += size;
  }
  if (offset >= kWatched && (fetches_once || flips_second)) {
    WatchFetch(offset - kWatched, destination);
  }
  return true;
}

bool MachineBus::Write(uint64_t bus_address, ConstByteSpan source) {
  if (!Reaches(bus_address, source.size(), true)) return false;
  record_->last_write = {bus_address, source.size()};
  record_->Show(bus_address, *masks ? ConstByteSpan() : source);
  uint8_t* const bytes = memory_.Change(bus_address - layout::kBus, source.size());
  if (*masks) {
    record_->LookForSecrets(source);
    std::memset(bytes, kMask, source.size());
  } else {
    std::memcpy(bytes, source.data(), source.size());
  }
  return true;
}

bool MachineBus::WriteAtomic64(uint64_t bus_address, uint64_t value) {
  WARD_ASSERT(bus_address % 8 == 0);
  if (!Reaches(bus_address, sizeof(value), true)) return false;
  record_->last_store = {bus_address, value, record_->last_store.count + 1};
  uint8_t bytes[8];
  StoreLe<uint64_t>(bytes, value);
  record_->Show(bus_address, bytes);
  std::memcpy(memory_.Change(bus_address - layout::kBus, sizeof(bytes)), bytes, sizeof(bytes));
  return true;
}

uint8_t* MachineBus::Window(uint64_t bus_address, uint64_t size_bytes, bool is_write) {
  if (!has_windows || answered_ < answers_.size() || !Reaches(bus_address, size_bytes, is_write)) {
    return nullptr;
  }
  const uint64_t offset = bus_address - layout::kBus;
  return is_write ? memory_.Change(offset, size_bytes)
                  : const_cast<uint8_t*>(memory_.data()) + offset;
}

void MachineBus::CloseWindow(uint8_t* window, uint64_t size_bytes) {
  const uint64_t offset = static_cast<uint64_t>(window - memory_.data());
  WARD_ASSERT(RangeFits(offset, size_bytes, memory_.size()));
  record_->last_write = {layout::kBus + offset, size_bytes};
  record_->Show(layout::kBus + offset, {window, size_bytes});
}

void MachineVram::Reset() {
  memory_.PutBack();
  ForgetLeaves();
  is_private_closed = has_windows = false;
}

void MachineVram::Look(uint64_t offset, uint64_t size_bytes) const {
  ++record_->accesses;
  WARD_ASSERT(RangeFits(offset, size_bytes, memory_.size()));
  constexpr uint64_t kEnd = layout::kPrivate + layout::kPrivatePages * abi::kPageSize;
  const bool is_private = offset < kEnd && offset + size_bytes > layout::kPrivate;
  Expect(!is_private_closed || !is_private, "other_context",
         "memory of a context that did nothing");
}

void MachineVram::LookAtLeaves(uint64_t offset, uint64_t size_bytes) {
  for (uint64_t at = offset; at < offset + size_bytes; at += 8) {
    const uint64_t table = (at - layout::kTables) % layout::kTableBytes / abi::kPageSize;
    const uint64_t index = at % abi::kPageSize / 8;
    if (at < layout::kTables || at >= layout::kTables + 2 * layout::kTableBytes || table != 3 ||
        index >= layout::kNamedPages) {
      continue;  // no leaf, or one of an indirect buffer, which each fetch translates
    }
    Expect(std::find(leaves_.begin(), leaves_.end(), at) == leaves_.end(), "double_fetch",
           "a page table's entry was read twice for one command");
    leaves_.push_back(at);
  }
}

void MachineVram::Read(uint64_t offset, ByteSpan destination) {
  Look(offset, destination.size());
  if (watches_leaves_) LookAtLeaves(offset, destination.size());
  std::memcpy(destination.data(), memory_.data() + offset, destination.size());
}

void MachineVram::Write(uint64_t offset, ConstByteSpan source) {
  Look(offset, source.size());
  record_->last_write = {offset | abi::kPhysicalLocal, source.size()};
  record_->Show(offset, *masks ? ConstByteSpan() : source);
  uint8_t* const bytes = memory_.Change(offset, source.size());
  if (*masks) {
    record_->LookForSecrets(source);
    std::memset(bytes, kMask, source.size());
  } else {
    std::memcpy(bytes, source.data(), source.size());
  }
}

void MachineVram::WriteAtomic64(uint64_t offset, uint64_t value) {
  WARD_ASSERT(offset % 8 == 0);
  Look(offset, sizeof(value));
  uint8_t bytes[8];
  StoreLe<uint64_t>(bytes, value);
  record_->Show(offset, bytes);
  std::memcpy(memory_.Change(offset, sizeof(bytes)), bytes, sizeof(bytes));
}

uint8_t* MachineVram::Window(uint64_t offset, uint64_t size_bytes) {
  WARD_ASSERT(RangeFits(offset, size_bytes, memory_.size()));
  // Of the whole of it nobody could say what was read.
  if (!has_windows || is_private_closed) return nullptr;
  return const_cast<uint8_t*>(memory_.data()) + offset;
}

void MachineVram::CloseWindow(uint64_t offset, uint64_t size_bytes) {
  record_->last_write = {offset | abi::kPhysicalLocal, size_bytes};
  record_->Show(offset, {memory_.Change(offset, size_bytes), size_bytes});
}

bool MachineEntropy::Fill(ByteSpan destination) {
  if (!is_available) return false;
  for (uint8_t& byte : destination) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<uint8_t>((state >> 33) ^ (state >> 51));
  }
  if (destination.size() != sizeof(last_key)) return true;
  std::copy(destination.begin(), destination.end(), last_key);
  ++key_count;
  if (is_kept) keys.emplace_back(destination.begin(), destination.end());
  return true;
}

}  // namespace ward::fuzz
