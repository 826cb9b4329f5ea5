#include "device/crypto/aes_ctr.h"

#include <algorithm>

#include "catch2/catch_test_macros.hpp"
#include "device/crypto/encrypted_blocks.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/workspace.h"

namespace ward::device {
namespace {

using test::Bytes;
using test::FromHex;
using test::KeyFromHex;
using test::ToHex;

constexpr char kNistKey[] = "2b7e151628aed2a6abf7158809cf4f3c";
constexpr char kNistCounter[] = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
constexpr char kNistPlain[] =
    "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";
constexpr char kNistCipher[] =
    "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff"
    "5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee";

AesCtr MakeEngine(const char* key = kNistKey) {
  AesCtr engine;
  REQUIRE(engine.SetKey(KeyFromHex(key)));
  return engine;
}

Bytes Crypt(const CounterBlock& counter, const Bytes& source, uint64_t position = 0) {
  AesCtr engine = MakeEngine();
  Bytes destination(source.size());
  REQUIRE(engine.Start(counter, position));
  REQUIRE(engine.Apply(source, destination));
  return destination;
}

// A patterned buffer that repeats at no power of two.
Bytes MakeBuffer(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 251);
  return bytes;
}

TEST_CASE("CTR encrypts SP 800-38A F.5.1") {
  const CounterBlock counter = CounterBlock::FromBytes(FromHex(kNistCounter));
  CHECK(counter.iv == 0xf0f1f2f3f4f5f6f7);
  CHECK(counter.count == 0xf8f9fafbfcfdfeff);
  CHECK(Crypt(counter, FromHex(kNistPlain)) == FromHex(kNistCipher));
}

TEST_CASE("CTR decrypts SP 800-38A F.5.2 in place") {
  AesCtr engine = MakeEngine();
  Bytes buffer = FromHex(kNistCipher);
  REQUIRE(engine.Start(CounterBlock::FromBytes(FromHex(kNistCounter))));
  REQUIRE(engine.Apply(buffer, buffer));
  CHECK(buffer == FromHex(kNistPlain));
  CHECK(engine.blocks_consumed() == 4);
}

TEST_CASE("CTR Count wraps to 0 without a carry into IV") {
  const CounterBlock counter{0x0011223344556677, UINT64_MAX};
  CHECK(Crypt(counter, Bytes(32)) ==
        FromHex("f627ceadf02f7cb53bf11c061ff3bdfc 3db9543aaa4b2047e2b5e69a1ad4bf2a"));
}

TEST_CASE("CTR wraps alike for bytes one by one, for unaligned starts and for IV of all ones") {
  for (const uint64_t iv : {uint64_t{0x0011223344556677}, UINT64_MAX}) {
    // Before the wrap, from Count 2^64-2; after it, from Count 0 of the same IV.
    Bytes expected = Crypt({iv, UINT64_MAX - 1}, Bytes(32));
    const Bytes after = Crypt({iv, 0}, Bytes(32));
    expected.insert(expected.end(), after.begin(), after.end());

    AesCtr engine = MakeEngine();
    Bytes one_by_one(64);
    REQUIRE(engine.Start({iv, UINT64_MAX - 1}));
    for (uint8_t& byte : one_by_one) REQUIRE(engine.Apply(ByteSpan(&byte, 1), ByteSpan(&byte, 1)));
    CHECK(one_by_one == expected);
    CHECK(engine.blocks_consumed() == 4);

    for (size_t start = 0; start < 64; ++start) {
      INFO("start " << start);
      const Bytes tail = Crypt({iv, UINT64_MAX - 1}, Bytes(64 - start), start);
      CHECK(std::equal(tail.begin(), tail.end(), expected.begin() + static_cast<ptrdiff_t>(start)));
    }
  }
}

TEST_CASE("CTR counts a block used in part as consumed") {
  AesCtr engine = MakeEngine();
  Bytes buffer(33);
  REQUIRE(engine.Start({1, 1}));
  CHECK(engine.blocks_consumed() == 0);
  REQUIRE(engine.Apply(buffer, buffer));
  CHECK(engine.blocks_consumed() == 3);
}

TEST_CASE("CTR engine takes a second key and forgets the first") {
  AesCtr engine = MakeEngine("00000000000000000000000000000000");
  Bytes buffer = FromHex(kNistPlain);
  REQUIRE(engine.Start({0, 0}));
  REQUIRE(engine.Apply(buffer, buffer));

  REQUIRE(engine.SetKey(KeyFromHex(kNistKey)));
  buffer = FromHex(kNistPlain);
  REQUIRE(engine.Start(CounterBlock::FromBytes(FromHex(kNistCounter))));
  REQUIRE(engine.Apply(buffer, buffer));
  CHECK(buffer == FromHex(kNistCipher));
  engine.Wipe();
  CHECK_FALSE(engine.has_key());
}

TEST_CASE("CTR of big buffers agrees with the openssl command at every start and size tried") {
  const test::Workspace workspace;
  const Bytes plain = MakeBuffer(5 * 1024 * 1024 + 13);
  workspace.Write("plain", plain);
  // A 32-bit carry falls inside the buffer.
  REQUIRE(workspace.Run("openssl enc -aes-128-ctr -in plain -out cipher -K " +
                        std::string(kNistKey) + " -iv 001122334455667700000000fffffff0") == 0);
  const Bytes expected = workspace.Read("cipher");
  const CounterBlock counter{0x0011223344556677, 0xfffffff0};
  CHECK(Crypt(counter, plain) == expected);
  for (const size_t start : {size_t{1}, size_t{15}, size_t{16}, size_t{4097}, size_t{1048575}}) {
    INFO("start " << start);
    const auto offset = static_cast<ptrdiff_t>(start);
    const Bytes rest(plain.begin() + offset, plain.end());
    CHECK(Crypt(counter, rest, start) == Bytes(expected.begin() + offset, expected.end()));
  }
}

TEST_CASE("CTR over a (16,16,16) pattern does not spend keystream on clear bytes") {
  const EncryptedBlockInfo info{16, 16, 16};
  AesCtr engine = MakeEngine();
  Bytes buffer(64);
  REQUIRE(engine.Start({0x0011223344556677, 1}));
  uint64_t at = 0;
  while (const auto run = FindEncryptedRun(info, at, buffer.size())) {
    const ByteSpan bytes = ByteSpan(buffer).subspan(run->offset, run->size);
    REQUIRE(engine.Apply(bytes, bytes));
    at = run->offset + run->size;
  }
  CHECK(ToHex(buffer) ==
        "dcd04ae8f4bbc1fca8b52f59a91e3da1"
        "00000000000000000000000000000000"
        "e0f41d30c0f1f03ce963843fe9b95c44"
        "00000000000000000000000000000000");
  CHECK(engine.blocks_consumed() == 2);
}

}  // namespace
}  // namespace ward::device
