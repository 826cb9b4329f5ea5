#include "device/crypto/encrypted_blocks.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch2/catch_test_macros.hpp"

namespace ward::device {
namespace {

// 'E' for an encrypted byte, '.' for a clear one; also holds the runs against their own rules.
std::string Draw(const EncryptedBlockInfo& info, uint64_t size, uint64_t slice = UINT64_MAX) {
  std::string picture(size, '.');
  uint64_t position = 0;
  for (uint64_t begin = 0; begin < size; begin += std::min(slice, size - begin)) {
    const uint64_t end = begin + std::min(slice, size - begin);
    uint64_t at = begin;
    while (const auto run = FindEncryptedRun(info, at, end)) {
      REQUIRE(run->size > 0);
      REQUIRE(run->offset >= at);
      REQUIRE(run->offset + run->size <= end);
      REQUIRE(run->position == position);
      picture.replace(run->offset, run->size, run->size, 'E');
      position += run->size;
      at = run->offset + run->size;
    }
  }
  CHECK(CountEncryptedBytes(info, size) == position);
  return picture;
}

// The documented rule, byte by byte: first B encrypted, then S clear and E encrypted in turn.
std::string DrawByRule(const EncryptedBlockInfo& info, uint64_t size) {
  std::string picture;
  while (picture.size() < info.encrypted_bytes_at_beginning) picture += 'E';
  while (picture.size() < size && info.bytes_in_encrypt_pattern != 0) {
    picture.append(info.bytes_in_skip_pattern, '.');
    picture.append(info.bytes_in_encrypt_pattern, 'E');
  }
  picture.resize(size, '.');
  return picture;
}

TEST_CASE("a pattern (100,0,0) encrypts the first 100 bytes only") {
  CHECK(Draw({100, 0, 0}, 300) == std::string(100, 'E') + std::string(200, '.'));
}

TEST_CASE("a pattern (100,20,2) encrypts 100 bytes, then 2 after each 20 clear ones") {
  const std::string period = std::string(20, '.') + "EE";
  CHECK(Draw({100, 20, 2}, 144) == std::string(100, 'E') + period + period);
}

TEST_CASE("a pattern without an encrypt part is clear after the beginning, whatever it skips") {
  CHECK(Draw({4, 4, 0}, 12) == "EEEE........");
  CHECK(Draw({0, 4, 0}, 8) == "........");
}

TEST_CASE("a pattern that skips nothing encrypts everything in one run") {
  CHECK(Draw({0, 0, 4}, 10) == "EEEEEEEEEE");
  const auto run = FindEncryptedRun({16, 0, 4}, 3, 1000);
  REQUIRE(run.has_value());
  CHECK(run->size == 997);
}

TEST_CASE("a beginning longer than the buffer encrypts all of it") {
  CHECK(Draw({100, 16, 16}, 10) == "EEEEEEEEEE");
  CHECK(Draw({UINT32_MAX, 0, 0}, 10) == "EEEEEEEEEE");
}

TEST_CASE("an empty buffer has no runs") { CHECK(Draw({16, 16, 16}, 0).empty()); }

TEST_CASE("runs follow the documented rule for every small pattern, size and slice") {
  for (uint32_t beginning = 0; beginning < 5; ++beginning) {
    for (uint32_t skip = 0; skip < 4; ++skip) {
      for (uint32_t encrypt = 0; encrypt < 4; ++encrypt) {
        for (uint64_t size = 0; size < 20; ++size) {
          const EncryptedBlockInfo info{beginning, skip, encrypt};
          INFO(beginning << ',' << skip << ',' << encrypt << " over " << size);
          const std::string expected = DrawByRule(info, size);
          CHECK(Draw(info, size) == expected);
          CHECK(Draw(info, size, 1) == expected);
          CHECK(Draw(info, size, 7) == expected);
        }
      }
    }
  }
}

TEST_CASE("patterns of the largest numbers do not overflow") {
  const EncryptedBlockInfo info{UINT32_MAX, UINT32_MAX, UINT32_MAX};
  const uint64_t unit = UINT32_MAX;
  CHECK(CountEncryptedBytes(info, 5 * unit) == 3 * unit);
  const auto run = FindEncryptedRun(info, unit, UINT64_MAX);
  REQUIRE(run.has_value());
  CHECK(run->offset == 2 * unit);
  CHECK(run->size == unit);
  CHECK(run->position == unit);
}

TEST_CASE("alignment binds all three numbers, but only with an encrypt part") {
  CHECK(IsAlignedPattern({16, 32, 48}, 16));
  CHECK(IsAlignedPattern({0, 0, 16}, 16));
  CHECK_FALSE(IsAlignedPattern({17, 16, 16}, 16));
  CHECK_FALSE(IsAlignedPattern({16, 8, 16}, 16));
  CHECK_FALSE(IsAlignedPattern({100, 20, 2}, 16));
  CHECK_FALSE(IsAlignedPattern({16, 16, 1}, 16));
  CHECK(IsAlignedPattern({100, 0, 0}, 16));
  CHECK(IsAlignedPattern({100, 7, 0}, 16));
}

// Any slice of any such buffer, into another one and in place.
void CheckXor(const EncryptedBlockInfo& info, uint64_t size, uint64_t from, uint64_t slice) {
  const std::string picture = DrawByRule(info, size).substr(from, slice);
  std::vector<uint8_t> source(slice);
  std::vector<uint8_t> keystream(slice);
  for (size_t i = 0; i < slice; ++i) {
    source[i] = static_cast<uint8_t>(i * 7 + 1);
    keystream[i] = static_cast<uint8_t>(i * 31 + 129);
  }
  std::vector<uint8_t> expected = source;
  uint64_t runs = 0;
  for (size_t i = 0, used = 0; i < slice; ++i) {
    if (picture[i] != 'E') continue;
    expected[i] = static_cast<uint8_t>(expected[i] ^ keystream[used++]);
    if (i == 0 || picture[i - 1] != 'E') ++runs;
  }
  INFO(info.encrypted_bytes_at_beginning << " " << info.bytes_in_skip_pattern << " "
                                         << info.bytes_in_encrypt_pattern << ", " << from << " + "
                                         << slice);
  std::vector<uint8_t> destination(slice, 0xee);
  REQUIRE(XorEncryptedBytes(info, from, source, destination, keystream.data()) == runs);
  REQUIRE((destination == expected));
  REQUIRE(XorEncryptedBytes(info, from, source, source, keystream.data()) == runs);
  REQUIRE((source == expected));
}

TEST_CASE("the encrypted bytes of every slice are combined with keystream, and no others") {
  const EncryptedBlockInfo patterns[] = {{0, 144, 16},  {16, 144, 16}, {100, 144, 16}, {0, 16, 16},
                                         {32, 5, 16},   {0, 16, 32},   {7, 3, 1},      {0, 1, 17},
                                         {64, 160, 48}, {5000, 16, 16}};
  for (const EncryptedBlockInfo& info : patterns) {
    for (const uint64_t from : {0, 1, 15, 16, 17, 143, 144, 159, 160, 161, 1000}) {
      for (const uint64_t slice : {1, 15, 16, 17, 144, 160, 176, 320, 321, 1000, 1600}) {
        CheckXor(info, 3000, from, slice);
      }
    }
  }
}

}  // namespace
}  // namespace ward::device
