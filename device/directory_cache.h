// Third-level entries of page tables that were read in this slice of work, so that a batch of
// commands does not walk the same directories for each address. Empty at the start of each slice,
// after INVALIDATE, and when a context ends (docs/spec/addresses.md).
#ifndef WARD_DEVICE_DIRECTORY_CACHE_H_
#define WARD_DEVICE_DIRECTORY_CACHE_H_

#include <array>
#include <cstdint>

#include "abi/generated/pci.h"
#include "base/planted_bug.h"

namespace ward::device {

class DirectoryCache {
 public:
  // The entry that covers `address` under the tables at `root`; 0: not held.
  uint64_t Find(uint64_t root, uint64_t address) const {
    const Line& line = lines_[IndexOf(address)];
    const bool is_its = line.root == root || HasPlantedBug(PlantedBug::kCacheIgnoresRoot);
    return is_its && line.region == address / abi::kLargePageSize ? line.entry : 0;
  }
  // `entry` is valid, and so is every directory on the way to it.
  void Keep(uint64_t root, uint64_t address, uint64_t entry) {
    lines_[IndexOf(address)] = {root, address / abi::kLargePageSize, entry};
    is_empty_ = false;
  }
  void Flush() {
    if (is_empty_) return;
    lines_.fill(Line{});
    is_empty_ = true;
  }

 private:
  static constexpr size_t kLines = 64;
  struct Line {
    uint64_t root = ~uint64_t{0};  // of no tables: roots are aligned
    uint64_t region = 0;
    uint64_t entry = 0;
  };
  // Drivers put each kind of memory at a round address.
  static size_t IndexOf(uint64_t address) {
    const uint64_t region = address / abi::kLargePageSize;
    return (region ^ region >> 6 ^ region >> 12 ^ region >> 18) % kLines;
  }

  std::array<Line, kLines> lines_;
  bool is_empty_ = true;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_DIRECTORY_CACHE_H_
