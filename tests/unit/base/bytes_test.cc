#include "base/bytes.h"

#include "catch2/catch_test_macros.hpp"

namespace ward {
namespace {

TEST_CASE("little-endian and big-endian loads see the documented byte order") {
  const uint8_t bytes[8] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8};
  CHECK(LoadLe<uint16_t>(bytes) == 0x0201);
  CHECK(LoadLe<uint32_t>(bytes) == 0x04030201u);
  CHECK(LoadLe<uint64_t>(bytes) == 0xf807060504030201u);
  CHECK(LoadBe64(bytes) == 0x01020304050607f8u);
}

TEST_CASE("stores are the inverse of loads") {
  uint8_t bytes[8] = {};
  StoreLe<uint32_t>(bytes, 0xa1b2c3d4u);
  CHECK(bytes[0] == 0xd4);
  CHECK(LoadLe<uint32_t>(bytes) == 0xa1b2c3d4u);
  StoreBe64(bytes, 0x1122334455667788u);
  CHECK(bytes[0] == 0x11);
  CHECK(LoadBe64(bytes) == 0x1122334455667788u);
}

TEST_CASE("RangeFits does not wrap") {
  CHECK(RangeFits(0, 16, 16));
  CHECK(RangeFits(16, 0, 16));
  CHECK_FALSE(RangeFits(1, 16, 16));
  CHECK_FALSE(RangeFits(~uint64_t{0}, 2, 16));
  CHECK_FALSE(RangeFits(2, ~uint64_t{0}, 16));
}

}  // namespace
}  // namespace ward
