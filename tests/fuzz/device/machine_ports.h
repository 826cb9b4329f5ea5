// The outside of the chip on which inputs play: memory that goes back to what it was by the
// blocks that changed, and that sees each access.
#ifndef WARD_TESTS_FUZZ_DEVICE_MACHINE_PORTS_H_
#define WARD_TESTS_FUZZ_DEVICE_MACHINE_PORTS_H_

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "base/bytes.h"
#include "device/ports.h"
#include "tests/fuzz/device/boundary_record.h"
#include "tests/fuzz/device/layout.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {

// Bytes that can be put back.
class BlockBytes {
 public:
  // A multiple of kBlockBytes.
  explicit BlockBytes(uint64_t size_bytes)
      : bytes_(size_bytes), is_changed_(size_bytes / kBlockBytes) {}

  uint64_t size() const { return bytes_.size(); }
  const uint8_t* data() const { return bytes_.data(); }
  // Whether something of the page may be other than it was.
  bool IsPageChanged(uint64_t page) const {
    constexpr uint64_t kBlocks = abi::kPageSize / kBlockBytes;
    const auto first = is_changed_.begin() + static_cast<std::ptrdiff_t>(page * kBlocks);
    return std::find(first, first + kBlocks, uint8_t{1}) != first + kBlocks;
  }
  // To write [offset, + size_bytes), which lies inside.
  uint8_t* Change(uint64_t offset, uint64_t size_bytes);
  // What there is now is what there was.
  void Keep();
  void PutBack();

 private:
  // Small: most of what an input changes is a fence or a command.
  static constexpr uint64_t kBlockBytes = 256;

  std::vector<uint8_t> bytes_;
  std::vector<uint8_t> kept_;
  std::vector<uint8_t> is_changed_;  // by block
  std::vector<uint32_t> changed_;    // blocks
};

class MachineBus final : public device::DmaPort {
 public:
  explicit MachineBus(BoundaryRecord* record) : record_(record), memory_(layout::kBusBytes) {}

  bool Read(uint64_t bus_address, ByteSpan destination) override;
  bool Write(uint64_t bus_address, ConstByteSpan source) override;
  bool WriteAtomic64(uint64_t bus_address, uint64_t value) override;
  uint8_t* Window(uint64_t bus_address, uint64_t size_bytes, bool is_write) override;
  void CloseWindow(uint8_t* window, uint64_t size_bytes) override;

  BlockBytes& memory() { return memory_; }
  const BlockBytes& memory() const { return memory_; }
  // As before an input.
  void Reset();
  void BeginSlice() { std::fill(std::begin(fetched_), std::end(fetched_), uint64_t{0}); }
  // Commands of the indirect buffers may be fetched again.
  void ForgetIndirect();
  // What the next reads get.
  void AnswerReads(ConstByteSpan bytes) {
    answers_.assign(bytes.begin(), bytes.end());
    answered_ = 0;
  }

  bool refuses = false;  // the IOMMU says no
  bool refuses_writes = false;
  bool is_confined = false;   // an access outside of the memory is a bug of the chip
  bool fetches_once = false;  // a second fetch of a command's bytes in a slice is one
  bool flips_second = false;  // a second fetch gets other bytes
  bool has_windows = false;
  const bool* masks =
      nullptr;  // while it points to true, what is written is not for eyes: see Machine::kMasked

 private:
  bool Reaches(uint64_t bus_address, uint64_t size_bytes, bool is_write);
  // A fetch of commands, `offset` bytes behind the beginning of the rings.
  void WatchFetch(uint64_t offset, ByteSpan bytes);
  // Whether some of the bytes, all of them commands, were fetched in this slice.
  WARD_UNINSTRUMENTED bool IsSecondFetch(uint64_t offset, uint64_t size_bytes);

  BoundaryRecord* record_;
  BlockBytes memory_;
  std::vector<uint8_t> answers_;
  size_t answered_ = 0;
  // By eight bytes of the memory from the rings on.
  static constexpr uint64_t kWatched = layout::kRings - layout::kBus;
  static constexpr size_t kWords = (layout::kBusBytes - kWatched) / 8 / 64;
  uint64_t fetched_[kWords] = {};
};

class MachineVram final : public device::VramPort {
 public:
  explicit MachineVram(BoundaryRecord* record) : record_(record), memory_(layout::kVisibleBytes) {}

  void Read(uint64_t offset, ByteSpan destination) override;
  void Write(uint64_t offset, ConstByteSpan source) override;
  void WriteAtomic64(uint64_t offset, uint64_t value) override;
  uint8_t* Window(uint64_t offset, uint64_t size_bytes) override;
  void CloseWindow(uint64_t offset, uint64_t size_bytes) override;

  BlockBytes& memory() { return memory_; }
  const BlockBytes& memory() const { return memory_; }
  void Reset();

  // From here on no leaf of a page table may be read twice, until it is forgotten.
  void WatchLeaves() { watches_leaves_ = true; }
  void ForgetLeaves() {
    if (!watches_leaves_) return;
    watches_leaves_ = false;
    leaves_.clear();
  }

  bool is_private_closed = false;  // context 2 does nothing: an access to its own is a bug
  bool has_windows = false;
  const bool* masks = nullptr;

 private:
  void Look(uint64_t offset, uint64_t size_bytes) const;
  void LookAtLeaves(uint64_t offset, uint64_t size_bytes);
  bool watches_leaves_ = false;
  std::vector<uint64_t> leaves_;  // offsets of those that were read

  BoundaryRecord* record_;
  BlockBytes memory_;
};

class MachineEntropy final : public device::EntropyPort {
 public:
  bool Fill(ByteSpan destination) override;

  uint64_t state = 1;
  bool is_available = true;
  bool is_kept = false;
  std::vector<std::vector<uint8_t>> keys;  // of 16 bytes, that were given out while `is_kept`
  uint8_t last_key[16] = {};               // of those of 16 bytes
  uint64_t key_count = 0;
};

class MachineClock final : public device::ClockPort {
 public:
  uint64_t NowNs() override { return now_ns; }
  uint64_t now_ns = 1000;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_MACHINE_PORTS_H_
