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
  for (size_t at = 0; at + sizeof(uint32_t) <= secret.size(); ++at) {
    const uint32_t number = HashOf(LoadLe<uint32_t>(secret.data() + at));
    words_[number / 64] |= uint64_t{1} << number % 64;
  }
  for (size_t at = 0; at + kWindowBytes <= secret.size(); ++at) {
    windows_.push_back({LoadLe<uint64_t>(secret.data() + at), name});
  }
}

const char* SecretScanner::Find(ConstByteSpan bytes) const {
  constexpr size_t kStride = kWindowBytes - sizeof(uint32_t) + 1;
  const uint8_t* const begin = bytes.data();
  const size_t size = bytes.size();
  if (size < kWindowBytes) return nullptr;
  for (size_t at = 0; at + sizeof(uint32_t) <= size; at += kStride) {
    uint32_t word = 0;
    __builtin_memcpy(&word, begin + at, sizeof(word));
    const uint32_t number = HashOf(word);
    if ((words_[number / 64] >> number % 64 & 1) == 0) continue;
    // The windows that hold all four.
    constexpr size_t kReach = kWindowBytes - sizeof(uint32_t);
    const size_t first = at < kReach ? 0 : at - kReach;
    const size_t end = at + kWindowBytes < size ? at + kWindowBytes : size;
    if (const char* name = FindIn(begin + first, end - first)) return name;
  }
  return nullptr;
}

const char* SecretScanner::FindIn(const uint8_t* begin, size_t size) const {
  for (size_t at = 0; at + kWindowBytes <= size; ++at) {
    uint64_t window = 0;
    __builtin_memcpy(&window, begin + at, sizeof(window));
    for (const Window& secret : windows_) {
      if (secret.bytes == window) return secret.name;
    }
  }
  return nullptr;
}

}  // namespace ward::fuzz
