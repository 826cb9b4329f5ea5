#include "device/crypto/aes_block.h"

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/crypto/hex.h"

namespace ward::device {
namespace {

using test::Bytes;
using test::FromHex;
using test::KeyFromHex;
using test::ToHex;

constexpr char kSessionKey[] = "2b7e151628aed2a6abf7158809cf4f3c";

TEST_CASE("AES block encrypts the FIPS 197 appendix C.1 vector both ways") {
  const AesKey key = KeyFromHex("000102030405060708090a0b0c0d0e0f");
  const Bytes plain = FromHex("00112233445566778899aabbccddeeff");
  Bytes block(16);
  REQUIRE(AesEncryptBlock(key, plain, block));
  CHECK(ToHex(block) == "69c4e0d86a7b0430d8cdb78070b4c55a");
  REQUIRE(AesDecryptBlock(key, block, block));
  CHECK(block == plain);
}

TEST_CASE("AES block encrypts the first block of SP 800-38A F.1.1") {
  Bytes block = FromHex("6bc1bee22e409f96e93d7e117393172a");
  REQUIRE(AesEncryptBlock(KeyFromHex(kSessionKey), block, block));
  CHECK(ToHex(block) == "3ad77bb40d7a3660a89ecaf32466ef97");
}

TEST_CASE("AES block unwraps the content key of the DDI known answer") {
  const Bytes wrapped = FromHex("50fe67cc996d32b6da0937e99bafec60");
  AesKey content_key;
  REQUIRE(AesDecryptBlock(KeyFromHex(kSessionKey), wrapped, content_key.Expose()));
  CHECK(content_key == KeyFromHex("000102030405060708090a0b0c0d0e0f"));
}

TEST_CASE("AES block wraps a key to the ciphertext of the DDI known answer") {
  const AesKey key = KeyFromHex("000102030405060708090a0b0c0d0e0f");
  Bytes wrapped(16);
  REQUIRE(AesEncryptBlock(KeyFromHex(kSessionKey), key.Expose(), wrapped));
  CHECK(ToHex(wrapped) == "50fe67cc996d32b6da0937e99bafec60");
}

}  // namespace
}  // namespace ward::device
