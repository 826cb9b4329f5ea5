// Both blocks of the engine against keystream that libcrypto's ECB makes of each counter.
#include "device/crypto/ctr_engine.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "device/crypto/wide_aes.h"
#include "tests/unit/crypto/hex.h"

namespace ward::device {
namespace {

using test::Bytes;
using test::FromHex;
using test::KeyFromHex;

using Block = CtrEngine::Block;

constexpr char kKey[] = "2b7e151628aed2a6abf7158809cf4f3c";

// One ECB block for each counter: IV, then Count, which wraps by itself.
Bytes Keystream(const char* key, const CounterBlock& counter, uint64_t position, size_t size) {
  const uint64_t first = position / kAesBlockBytes;
  const uint64_t end = (position + size + kAesBlockBytes - 1) / kAesBlockBytes;
  Bytes counters;
  for (uint64_t block = first; block < end; ++block) {
    for (const uint64_t word : {counter.iv, counter.count + block}) {
      for (int shift = 56; shift >= 0; shift -= 8) {
        counters.push_back(static_cast<uint8_t>(word >> shift));
      }
    }
  }
  Bytes stream(counters.size() + kAesBlockBytes);
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int written = 0;
  REQUIRE(EVP_EncryptInit_ex2(context.get(), EVP_aes_128_ecb(), FromHex(key).data(), nullptr,
                              nullptr) == 1);
  REQUIRE(EVP_EncryptUpdate(context.get(), stream.data(), &written, counters.data(),
                            static_cast<int>(counters.size())) == 1);
  REQUIRE(static_cast<size_t>(written) == counters.size());
  const auto begin = stream.begin() + static_cast<long>(position % kAesBlockBytes);
  return {begin, begin + static_cast<long>(size)};
}

Bytes MakeBuffer(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 251);
  return bytes;
}

Bytes Xor(const Bytes& a, const Bytes& b) {
  Bytes bytes(a.size());
  std::transform(a.begin(), a.end(), b.begin(), bytes.begin(),
                 [](uint8_t left, uint8_t right) { return static_cast<uint8_t>(left ^ right); });
  return bytes;
}

struct KeyedEngine {
  explicit KeyedEngine(Block block) : engine(block) {
    key.key.CopyFrom(KeyFromHex(kKey));
    key.Expand();
    if (block == Block::kWidest && !engine.is_wide()) SKIP("nothing wider than libcrypto here");
  }

  // By way of `engine`, checked against the oracle: into another buffer, and in place.
  void CheckRun(const CounterBlock& counter, uint64_t position, size_t size) {
    const Bytes source = MakeBuffer(size);
    const Bytes expected = Xor(source, Keystream(kKey, counter, position, size));
    Bytes destination(size);
    REQUIRE(engine.Begin(&key, counter));
    REQUIRE(engine.Apply(position, source, destination));
    engine.Finish();
    INFO("IV " << counter.iv << ", Count " << counter.count << ", from " << position << ", "
               << size);
    CHECK((destination == expected));
    Bytes in_place = source;
    REQUIRE(engine.Begin(&key, counter));
    REQUIRE(engine.Apply(position, in_place, in_place));
    engine.Finish();
    CHECK((in_place == expected));
  }

  CtrKey key;
  CtrEngine engine;
};

TEST_CASE("a run of any size from any byte on is libcrypto's, bit for bit") {
  KeyedEngine keyed(GENERATE(Block::kWidest, Block::kLibcrypto));
  for (size_t size = 0; size <= 160; ++size) {
    for (const uint64_t position : {0, 1, 15, 16, 31}) keyed.CheckRun({1, 2}, position, size);
  }
  for (const size_t size :
       {255, 256, 257, 1023, 1024, 1025, 4095, 4096, 4097, 65535, 65536, 65537, 1048576}) {
    for (const uint64_t position : {0, 7, 4096, 65535}) keyed.CheckRun({~0ull, 9}, position, size);
  }
}

TEST_CASE("a count that wraps, in its lower half or whole, is libcrypto's, bit for bit") {
  KeyedEngine keyed(GENERATE(Block::kWidest, Block::kLibcrypto));
  constexpr uint64_t kLowWrap = uint64_t{1} << 32;
  for (const uint64_t wrap : {kLowWrap, 5 * kLowWrap, uint64_t{1} << 63, uint64_t{0}}) {
    for (const uint64_t before : {0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 63, 64, 65}) {
      for (const uint64_t iv : {uint64_t{0x0011223344556677}, UINT64_MAX}) {
        for (const size_t size : {16, 17, 64, 255, 256, 1000, 2048}) {
          keyed.CheckRun({iv, wrap - before}, 0, size);
        }
        keyed.CheckRun({iv, wrap - before}, 5, 1111);
      }
    }
  }
  // The wrap lies between the run's first block and `position`.
  keyed.CheckRun({3, UINT64_MAX - 1}, 4096, 4096);
  keyed.CheckRun({3, kLowWrap - 2}, 4096, 4096);
}

TEST_CASE("places in memory that are not aligned make no difference, and nothing else is written") {
  KeyedEngine keyed(GENERATE(Block::kWidest, Block::kLibcrypto));
  const Bytes source = MakeBuffer(1200);
  const Bytes stream = Keystream(kKey, {4, 5}, 0, 1024);
  REQUIRE(keyed.engine.Begin(&keyed.key, {4, 5}));
  for (size_t from = 0; from < 65; ++from) {
    for (const size_t to : {0, 1, 15, 33, 63}) {
      for (const size_t size : {1, 63, 64, 100, 1024}) {
        Bytes destination(1200, 0xa5);
        REQUIRE(keyed.engine.Apply(0, {source.data() + from, size}, {&destination[to], size}));
        Bytes expected(1200, 0xa5);
        for (size_t i = 0; i < size; ++i) {
          expected[to + i] = static_cast<uint8_t>(source[from + i] ^ stream[i]);
        }
        REQUIRE((destination == expected));
      }
    }
  }
  keyed.engine.Finish();
}

TEST_CASE("pieces in any order are the same as one run") {
  KeyedEngine keyed(GENERATE(Block::kWidest, Block::kLibcrypto));
  const CounterBlock counter{7, (uint64_t{1} << 32) - 3};
  const Bytes source = MakeBuffer(1000);
  Bytes destination(source.size());
  const size_t borders[] = {0, 1, 17, 33, 64, 500, 511, 997, 1000};
  const size_t pieces = std::size(borders) - 1;
  REQUIRE(keyed.engine.Begin(&keyed.key, counter));
  for (size_t turn = 0; turn < pieces; ++turn) {
    const size_t piece = turn * 3 % pieces;  // 3 and 8 have no common divisor
    const size_t from = borders[piece];
    const size_t size = borders[piece + 1] - from;
    REQUIRE(keyed.engine.Apply(from, {&source[from], size}, {&destination[from], size}));
  }
  keyed.engine.Finish();
  CHECK((destination == Xor(source, Keystream(kKey, counter, 0, source.size()))));
}

TEST_CASE("a key that took another's place is expanded anew") {
  constexpr char kOther[] = "000102030405060708090a0b0c0d0e0f";
  KeyedEngine keyed(GENERATE(Block::kWidest, Block::kLibcrypto));
  keyed.CheckRun({1, 1}, 0, 100);
  keyed.key.Wipe();
  keyed.key.key.CopyFrom(KeyFromHex(kOther));
  keyed.key.Expand();
  Bytes bytes(100);
  REQUIRE(keyed.engine.Begin(&keyed.key, {1, 1}));
  REQUIRE(keyed.engine.Apply(0, bytes, bytes));
  keyed.engine.Finish();
  CHECK((bytes == Keystream(kOther, {1, 1}, 0, 100)));
}

TEST_CASE("the schedule is FIPS 197's, and a wiped key holds nothing of it") {
  if (!wide_aes::IsAvailable()) SKIP("nothing wider than libcrypto here");
  KeyedEngine keyed(Block::kWidest);
  const ConstByteSpan schedule = keyed.key.round_keys.Expose();
  CHECK(test::ToHex(schedule.first(16)) == kKey);
  CHECK(test::ToHex(schedule.subspan(160)) == "d014f9a8c9ee2589e13f0cc8b6630ca6");  // appendix A.1
  keyed.key.Wipe();
  CHECK(std::all_of(schedule.begin(), schedule.end(), [](uint8_t byte) { return byte == 0; }));
  CHECK_FALSE(keyed.key.expanded);
}

}  // namespace
}  // namespace ward::device
