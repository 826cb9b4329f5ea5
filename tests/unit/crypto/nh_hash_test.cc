// NH against sums that Python's whole numbers gave.
#include "device/crypto/nh_hash.h"

#include <vector>

#include "catch2/catch_test_macros.hpp"

namespace ward::device {
namespace {

using Hash = NhHash<6>;

constexpr Hash::Key kKey = {{0x9e3779b97f4a7c15, 0x3c6ef372fe94f82a, 0xdaa66d2c7ddf743f,
                             0x78dde6e5fd29f054, 0x1715609f7c746c69, 0xb54cda58fbbee87e}};
constexpr uint64_t kMessage[] = {0xbbf50763bb047b15, 0x8daa51968c976819, 0x5f5f9bc95e2a551d,
                                 0x3114e5fc2fbd4221, 0x2ca302f01502f25,  0xd47f7a61d2e31c29};
constexpr NhSum kSum = NhSum{0x7ba253d00341a0d2} << 64 | 0x24832e31f5ef20ac;

std::vector<uint8_t> MessageBytes() {
  std::vector<uint8_t> bytes;
  for (const uint64_t word : kMessage) {
    for (int shift = 0; shift < 64; shift += 8)
      bytes.push_back(static_cast<uint8_t>(word >> shift));
  }
  return bytes;
}

NhSum SumOf(ConstByteSpan bytes) {
  Hash hash(kKey);
  hash.Add(bytes);
  return hash.sum();
}

TEST_CASE("the sum is that of the products, in all of its 128 bits") {
  Hash hash(kKey);
  for (size_t i = 0; i < 6; i += 2) hash.Add(kMessage[i], kMessage[i + 1]);
  CHECK((hash.sum() == kSum));
  CHECK((SumOf(MessageBytes()) == kSum));
}

TEST_CASE("each bit of a message changes its sum") {
  std::vector<uint8_t> bytes = MessageBytes();
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const auto flipped = static_cast<uint8_t>(1 << bit % 8);
    bytes[bit / 8] ^= flipped;
    INFO("bit " << bit);
    CHECK((SumOf(bytes) != kSum));
    bytes[bit / 8] ^= flipped;
  }
}

}  // namespace
}  // namespace ward::device
