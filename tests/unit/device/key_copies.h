// Where copies of a secret lie in this process. The secret is made in a child, and is known here in
// disguise only: what is found is a copy that somebody else has made.
#ifndef WARD_TESTS_UNIT_DEVICE_KEY_COPIES_H_
#define WARD_TESTS_UNIT_DEVICE_KEY_COPIES_H_

#include <fcntl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "tests/unit/device/process_mappings.h"

namespace ward::test {

inline constexpr uint8_t kKeyDisguise = 0xff;

// Each byte inverted.
using DisguisedKey = std::array<uint8_t, 16>;

inline size_t CountKeyCopiesIn(const uint8_t* bytes, size_t size, const DisguisedKey& key) {
  size_t copies = 0;
  if (size < key.size()) return 0;
  const uint8_t* const last = bytes + size - key.size();
  for (const uint8_t* at = bytes; at <= last; ++at) {
    at = static_cast<const uint8_t*>(
        std::memchr(at, key[0] ^ kKeyDisguise, static_cast<size_t>(last - at) + 1));
    if (at == nullptr) break;
    size_t same = 0;
    while (same < key.size() && (at[same] ^ kKeyDisguise) == key[same]) ++same;
    copies += same == key.size();
  }
  return copies;
}

enum class KeySearch {
  kEverywhere,
  kCoreDump,  // what the kernel writes into one
};

// In the memory of this process that can be written.
inline size_t CountKeyCopies(const DisguisedKey& key, KeySearch search = KeySearch::kEverywhere) {
  constexpr uint64_t kLargestRange = uint64_t{256} << 20;  // beyond: a sanitizer's shadow
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  if (memory < 0) throw std::runtime_error("no look at this process");
  size_t copies = 0;
  std::vector<uint8_t> bytes;
  for (const device::ProcessMapping& mapping : device::ReadProcessMappings()) {
    const uint64_t size = mapping.end - mapping.first;
    if (!mapping.Has("wr") || size > kLargestRange) continue;
    if (search == KeySearch::kCoreDump && mapping.Has("dd")) continue;
    bytes.resize(size);
    const ssize_t got = pread(memory, bytes.data(), size, static_cast<off_t>(mapping.first));
    if (got > 0) copies += CountKeyCopiesIn(bytes.data(), static_cast<size_t>(got), key);
    // What was read must not be found in the next mapping.
    std::memset(bytes.data(), 0, bytes.size());
    __asm__ __volatile__("" : : "r"(bytes.data()) : "memory");
  }
  close(memory);
  return copies;
}

// A key of random bytes that was never in this process, and what `wrap` makes of it there.
struct KeyOfChild {
  template <typename Wrap>  // std::vector<uint8_t>(const std::array<uint8_t, 16>&), 256 bytes
  explicit KeyOfChild(const Wrap& wrap) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    const pid_t child = fork();
    if (child == 0) {
      std::array<uint8_t, 16> key;
      bool is_done = getrandom(key.data(), key.size(), 0) == ssize_t{sizeof(key)};
      const std::vector<uint8_t> wrapped = wrap(key);
      for (uint8_t& byte : key) byte ^= kKeyDisguise;
      is_done = is_done && wrapped.size() == blob.size() &&
                write(ends[1], key.data(), key.size()) == ssize_t{sizeof(key)} &&
                write(ends[1], wrapped.data(), wrapped.size()) == ssize_t{256};
      _exit(is_done ? 0 : 1);
    }
    close(ends[1]);
    const bool is_read = ReadAll(ends[0], disguised.data(), disguised.size()) &&
                         ReadAll(ends[0], blob.data(), blob.size());
    close(ends[0]);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0 || !is_read) {
      throw std::runtime_error("the child made no key");
    }
  }

  DisguisedKey disguised{};
  std::vector<uint8_t> blob = std::vector<uint8_t>(256);

 private:
  static bool ReadAll(int file, uint8_t* bytes, size_t size) {
    while (size != 0) {
      const ssize_t got = read(file, bytes, size);
      if (got <= 0) return false;
      bytes += got;
      size -= static_cast<size_t>(got);
    }
    return true;
  }
};

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_DEVICE_KEY_COPIES_H_
