#include "tests/fuzz/device/secret_scanner.h"

#include <algorithm>
#include <cstring>

namespace ward::fuzz {

void SecretScanner::Add(const char* name, ConstByteSpan secret) {
  std::vector<uint8_t> bytes(secret.begin(), secret.end());
  AddWindows(name, bytes);
  std::reverse(bytes.begin(), bytes.end());
  AddWindows(name, bytes);
}

void SecretScanner::AddWindows(const char* name, const std::vector<uint8_t>& secret) {
  for (size_t at = 0; at + kWindowBytes <= secret.size(); ++at) {
    const uint32_t first = LoadLe<uint16_t>(secret.data() + at);
    first_two_[first / 64] |= uint64_t{1} << first % 64;
    windows_.push_back({LoadLe<uint64_t>(secret.data() + at), name});
  }
}

const char* SecretScanner::Find(ConstByteSpan bytes) const {
  const uint8_t* const begin = bytes.data();
  const size_t size = bytes.size();
  for (size_t at = 0; at + kWindowBytes <= size; ++at) {
    const uint32_t first = begin[at] | static_cast<uint32_t>(begin[at + 1]) << 8;
    if ((first_two_[first / 64] >> first % 64 & 1) == 0) continue;
    uint64_t window = 0;
    __builtin_memcpy(&window, begin + at, sizeof(window));
    for (const Window& secret : windows_) {
      if (secret.bytes == window) return secret.name;
    }
  }
  return nullptr;
}

}  // namespace ward::fuzz
