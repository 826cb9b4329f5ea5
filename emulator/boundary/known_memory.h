// What a recording tells of a memory: the bytes that the chip read or wrote, as they were last.
#ifndef WARD_EMULATOR_BOUNDARY_KNOWN_MEMORY_H_
#define WARD_EMULATOR_BOUNDARY_KNOWN_MEMORY_H_

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "base/bytes.h"

namespace ward::emulator {

// A copy shares its pages until one of the two changes them.
class KnownMemory {
 public:
  void Note(uint64_t address, ConstByteSpan bytes);
  // Nothing when no event told of it.
  std::optional<uint8_t> At(uint64_t address) const;

 private:
  static constexpr uint64_t kPageBytes = 4096;
  struct Page {
    std::array<uint8_t, kPageBytes> bytes = {};
    std::bitset<kPageBytes> known;
  };

  std::map<uint64_t, std::shared_ptr<Page>> pages_;  // by page number
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_KNOWN_MEMORY_H_
