#include "device/crypto/aes_cmac.h"

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/vector_file.h"

namespace ward::device {
namespace {

using test::Bytes;
using test::FromHex;
using test::KeyFromHex;
using test::ToHex;

constexpr char kRfcKey[] = "2b7e151628aed2a6abf7158809cf4f3c";

std::string TagOf(const AesKey& key, const Bytes& message) {
  Bytes tag(kCmacTagBytes);
  REQUIRE(ComputeAesCmac(key, message, tag));
  return ToHex(tag);
}

TEST_CASE("CMAC gives the tags of RFC 4493 section 4") {
  const AesKey key = KeyFromHex(kRfcKey);
  const Bytes message = FromHex(
      "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51"
      "30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710");
  const auto prefix = [&](ptrdiff_t size) {
    return Bytes(message.begin(), message.begin() + size);
  };
  CHECK(TagOf(key, prefix(0)) == "bb1d6929e95937287fa37d129b756746");
  CHECK(TagOf(key, prefix(16)) == "070a16b46b4d4144f79bdd9dd04a287c");
  CHECK(TagOf(key, prefix(40)) == "dfa66747de9ae63030ca32611497c827");
  CHECK(TagOf(key, prefix(64)) == "51f0bebf7e3b9d92fc49741779363cfe");
}

// The INITIALIZE command of the authenticated channel after its omac field, and the answer to it.
TEST_CASE("CMAC gives the OMACs of the channel INITIALIZE known answer") {
  const AesKey key = KeyFromHex(kRfcKey);
  const std::string type_handle_sequence =
      "db4b110623350a478dcafbc2845154f0 8877665544332211 00000000";
  const Bytes command = FromHex(type_handle_sequence + "00000000 00000010 00000020");
  const Bytes answer = FromHex(type_handle_sequence + "00000000");
  CHECK(TagOf(key, command) == "c49b60d147fae356506998145030e722");
  CHECK(TagOf(key, answer) == "7564a6c6984637d33a702dc00129e439");
}

TEST_CASE("CMAC agrees with every 128-bit Wycheproof case") {
  int valid = 0;
  int invalid = 0;
  const nlohmann::json file = test::ReadVectorFile("aes_cmac_test.json");
  for (const auto& group : file["testGroups"]) {
    if (group["keySize"] != 128 || group["tagSize"] != 128) continue;
    for (const auto& test : group["tests"]) {
      const Bytes key_bytes = FromHex(test["key"].get<std::string>());
      if (key_bytes.size() != AesKey::kSizeBytes) continue;
      INFO("tcId " << test["tcId"]);
      const AesKey key = KeyFromHex(test["key"].get<std::string>());
      const Bytes message = FromHex(test["msg"].get<std::string>());
      const std::string tag = test["tag"];
      const bool expected = test["result"] == "valid";
      CHECK(VerifyAesCmac(key, message, FromHex(tag)) == expected);
      CHECK((TagOf(key, message) == tag) == expected);
      ++(expected ? valid : invalid);
    }
  }
  CHECK(valid + invalid == 102);
  CHECK(valid > 0);
  CHECK(invalid > 0);
}

TEST_CASE("CMAC verify refuses each flipped bit and every other length") {
  const AesKey key = KeyFromHex(kRfcKey);
  const Bytes message = FromHex("6bc1bee22e409f96e93d7e117393172a");
  const Bytes tag = FromHex("070a16b46b4d4144f79bdd9dd04a287c");
  REQUIRE(VerifyAesCmac(key, message, tag));
  for (size_t bit = 0; bit < 128; ++bit) {
    Bytes wrong = tag;
    wrong[bit / 8] = static_cast<uint8_t>(wrong[bit / 8] ^ (1U << (bit % 8)));
    INFO("bit " << bit);
    CHECK_FALSE(VerifyAesCmac(key, message, wrong));
  }
  for (size_t size = 0; size < 16; ++size) {
    CHECK_FALSE(VerifyAesCmac(key, message, ConstByteSpan(tag).first(size)));
  }
  Bytes longer = tag;
  longer.push_back(0);
  CHECK_FALSE(VerifyAesCmac(key, message, longer));
}

}  // namespace
}  // namespace ward::device
