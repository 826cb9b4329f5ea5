#ifndef WARD_TESTS_UNIT_CRYPTO_HEX_H_
#define WARD_TESTS_UNIT_CRYPTO_HEX_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "device/crypto/aes_key.h"

namespace ward::test {

using Bytes = std::vector<uint8_t>;

// Blanks are skipped.
inline Bytes FromHex(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (c != ' ') digits.push_back(c);
  }
  if (digits.size() % 2 != 0) throw std::invalid_argument("odd number of hex digits");
  Bytes bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

inline std::string ToHex(ConstByteSpan bytes) {
  std::string text;
  for (uint8_t byte : bytes) {
    text.push_back("0123456789abcdef"[byte >> 4]);
    text.push_back("0123456789abcdef"[byte & 15]);
  }
  return text;
}

inline device::AesKey KeyFromHex(std::string_view text) {
  const Bytes bytes = FromHex(text);
  if (bytes.size() != device::AesKey::kSizeBytes) throw std::invalid_argument("not 16 bytes");
  device::AesKey key;
  std::copy(bytes.begin(), bytes.end(), key.Expose().begin());
  return key;
}

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_CRYPTO_HEX_H_
