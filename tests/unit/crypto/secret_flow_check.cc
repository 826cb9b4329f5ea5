// Decodes right and wrong OAEP messages, of a known and of an unknown length, whose bytes memcheck
// counts as undefined. Under `valgrind --error-exitcode=9` any branch or address that depends on
// them is an error: the failures of a key exchange would then be told apart by time (Manger's
// attack). With the argument "leak" it does branch on a secret, which shows that the check can
// fail.
#include <openssl/evp.h>
#include <valgrind/memcheck.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "device/crypto/oaep.h"
#include "device/crypto/rsa_private_key.h"

namespace {

using ward::ByteSpan;

constexpr size_t kEncodedBytes = ward::device::RsaPrivateKey::kModulusBytes;
constexpr size_t kHashBytes = 64;
constexpr size_t kMessageBytes = 16;

void XorMask(const uint8_t* seed, size_t seed_size, ByteSpan target) {
  std::vector<uint8_t> input(seed, seed + seed_size);
  input.resize(seed_size + 4);
  for (size_t i = 0; i < target.size(); ++i) {
    uint8_t mask[kHashBytes];
    input.back() = static_cast<uint8_t>(i / kHashBytes);
    EVP_Digest(input.data(), input.size(), mask, nullptr, EVP_sha512(), nullptr);
    target[i] = static_cast<uint8_t>(target[i] ^ mask[i % kHashBytes]);
  }
}

// EME-OAEP of sixteen bytes of 0x42, by RFC 8017, 7.1.1; `flip` is XORed into byte `at` of
// 00 || seed || DB before it is masked.
std::vector<uint8_t> Encode(size_t at, uint8_t flip) {
  std::vector<uint8_t> encoded(kEncodedBytes, 0);
  std::memset(&encoded[1], 0x17, kHashBytes);
  EVP_Digest(nullptr, 0, &encoded[1 + kHashBytes], nullptr, EVP_sha512(), nullptr);
  encoded[kEncodedBytes - kMessageBytes - 1] = 1;
  std::memset(&encoded[kEncodedBytes - kMessageBytes], 0x42, kMessageBytes);
  encoded[at] = static_cast<uint8_t>(encoded[at] ^ flip);
  uint8_t* seed = &encoded[1];
  const ByteSpan data_block(&encoded[1 + kHashBytes], kEncodedBytes - 1 - kHashBytes);
  XorMask(seed, kHashBytes, data_block);
  XorMask(data_block.data(), data_block.size(), ByteSpan(seed, kHashBytes));
  return encoded;
}

template <typename Decoder>
bool DecodeWith(Decoder decode, std::vector<uint8_t> encoded, size_t message_bytes) {
  std::vector<uint8_t> message(message_bytes);
  VALGRIND_MAKE_MEM_UNDEFINED(encoded.data(), encoded.size());
  bool accepted = decode({}, encoded, message);
  // The outcome is what everybody may know.
  VALGRIND_MAKE_MEM_DEFINED(&accepted, sizeof(accepted));
  VALGRIND_MAKE_MEM_DEFINED(message.data(), message.size());
  return accepted && message.front() == 0x42 && message.back() == 0x42;
}

// As a message of its length, and as one that is longer than what is wanted of it.
bool Decode(const std::vector<uint8_t>& encoded) {
  const bool whole = DecodeWith(ward::device::DecodeOaep, encoded, kMessageBytes);
  const bool beginning = DecodeWith(ward::device::DecodeOaepBeginning, encoded, kMessageBytes - 5);
  if (whole != beginning) std::abort();
  return whole;
}

}  // namespace

int main(int argc, char** argv) {
  bool right = Decode(Encode(kEncodedBytes - 1, 0));
  for (const size_t at : {size_t{0}, size_t{1 + kHashBytes}, size_t{128}, size_t{150},
                          kEncodedBytes - kMessageBytes - 1}) {
    right = right && !Decode(Encode(at, 0x80));
  }
  std::puts(right ? "decoded as expected" : "decoded wrongly");
  if (argc > 1 && std::string_view(argv[1]) == "leak") {
    std::vector<uint8_t> encoded = Encode(0, 0);
    VALGRIND_MAKE_MEM_UNDEFINED(encoded.data(), encoded.size());
    if (encoded[7] == 3) std::puts("a branch on a secret");
  }
  return right ? 0 : 1;
}
