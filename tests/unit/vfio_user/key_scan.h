// Where copies of the tests' session key lie in this process. The key is a formula and is nowhere
// written down, so that what is found is a copy that somebody has kept.
#ifndef WARD_TESTS_UNIT_VFIO_USER_KEY_SCAN_H_
#define WARD_TESTS_UNIT_VFIO_USER_KEY_SCAN_H_

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"

namespace ward::test {

inline constexpr size_t kTestKeyBytes = 16;
inline constexpr uint64_t kLargestRange = uint64_t{256} << 20;

inline uint8_t TestKeyByte(size_t at) { return static_cast<uint8_t>(at * 11 + 3); }

inline size_t CountKeyCopies(const uint8_t* bytes, size_t size) {
  // Found by its first bytes, which alone are no copy.
  const uint8_t first[] = {TestKeyByte(0), TestKeyByte(1), TestKeyByte(2)};
  size_t copies = 0;
  const uint8_t* const end = bytes + size;
  while (const void* found =
             memmem(bytes, static_cast<size_t>(end - bytes), first, sizeof(first))) {
    bytes = static_cast<const uint8_t*>(found);
    size_t same = sizeof(first);
    while (same < kTestKeyBytes && bytes + same < end && bytes[same] == TestKeyByte(same)) ++same;
    copies += same == kTestKeyBytes;
    ++bytes;
  }
  return copies;
}

// In all memory of this process that can be written.
inline size_t CountKeyCopies() {
  // Not scanned itself, and no copy stays in it.
  static std::vector<uint8_t> piece(1 << 20);
  FILE* maps = std::fopen("/proc/self/maps", "r");
  const FileDescriptor memory(open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  if (maps == nullptr || !memory.valid()) throw std::runtime_error("no look at this process");
  std::vector<std::pair<uintptr_t, uintptr_t>> ranges;
  char line[512];
  while (std::fgets(line, sizeof(line), maps) != nullptr) {
    unsigned long first = 0, end = 0;
    char rights[5] = {};
    if (std::sscanf(line, "%lx-%lx %4s", &first, &end, rights) != 3) continue;
    // A sanitizer's shadow has terabytes, and nothing of ours.
    const bool is_shadow = end - first > kLargestRange;
    if (rights[0] == 'r' && rights[1] == 'w' && !is_shadow) ranges.emplace_back(first, end);
  }
  std::fclose(maps);
  const auto own = reinterpret_cast<uintptr_t>(piece.data());
  size_t copies = 0;
  for (const auto& [first, end] : ranges) {
    for (uintptr_t at = first; at < end; at += piece.size() - kTestKeyBytes) {
      const size_t size = std::min<size_t>(piece.size(), end - at);
      const ssize_t got = pread(memory.get(), piece.data(), size, static_cast<off_t>(at));
      if (got <= 0) break;
      // The part of it that lies in the piece itself says nothing.
      const uintptr_t begin = std::max(at, own);
      const uintptr_t past = std::min(at + static_cast<size_t>(got), own + piece.size());
      if (begin < past) std::fill_n(piece.data() + (begin - at), past - begin, uint8_t{0});
      copies += CountKeyCopies(piece.data(), static_cast<size_t>(got));
    }
  }
  std::fill(piece.begin(), piece.end(), uint8_t{0});
  return copies;
}

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_VFIO_USER_KEY_SCAN_H_
