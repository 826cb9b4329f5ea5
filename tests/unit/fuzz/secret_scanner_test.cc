#include "tests/fuzz/device/secret_scanner.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ward::fuzz {
namespace {

constexpr size_t kSecretBytes = 16;
constexpr size_t kAround = 24;

std::vector<uint8_t> MakeSecret(uint8_t first) {
  std::vector<uint8_t> secret(kSecretBytes);
  for (size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<uint8_t>(first + 7 * i);
  return secret;
}

TEST_CASE("eight bytes of a secret are found wherever they stand, in either order") {
  SecretScanner scanner;
  std::vector<uint8_t> secret = MakeSecret(0x81);
  scanner.Add("first", MakeSecret(3));
  scanner.Add("key", secret);
  for (const bool is_reversed : {false, true}) {
    if (is_reversed) std::reverse(secret.begin(), secret.end());
    for (size_t from = 0; from + SecretScanner::kWindowBytes <= secret.size(); ++from) {
      for (size_t at = 0; at + SecretScanner::kWindowBytes <= kAround; ++at) {
        std::vector<uint8_t> bytes(kAround, 0x5a);
        std::copy_n(secret.begin() + static_cast<ptrdiff_t>(from), SecretScanner::kWindowBytes,
                    bytes.begin() + static_cast<ptrdiff_t>(at));
        INFO("reversed " << is_reversed << ", from " << from << ", at " << at);
        const char* const name = scanner.Find(bytes);
        REQUIRE(name != nullptr);
        CHECK(std::string_view(name) == "key");
      }
    }
  }
}

TEST_CASE("seven bytes of a secret are no find, nor are short pieces") {
  SecretScanner scanner;
  const std::vector<uint8_t> secret = MakeSecret(0x81);
  scanner.Add("key", secret);
  for (size_t at = 0; at + SecretScanner::kWindowBytes <= kAround; ++at) {
    std::vector<uint8_t> bytes(kAround, 0x5a);
    std::copy_n(secret.begin() + 4, SecretScanner::kWindowBytes - 1,
                bytes.begin() + static_cast<ptrdiff_t>(at));
    CHECK(scanner.Find(bytes) == nullptr);
  }
  for (size_t size = 0; size < SecretScanner::kWindowBytes; ++size) {
    CHECK(scanner.Find(ConstByteSpan(secret).first(size)) == nullptr);
  }
}

}  // namespace
}  // namespace ward::fuzz
