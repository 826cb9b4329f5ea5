#include "device/sip_hash.h"

#include <numeric>
#include <vector>

#include "catch2/catch_test_macros.hpp"

namespace ward::device {
namespace {

// The paper's key: 00 01 ... 0f.
constexpr SipKey kPaperKey = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

uint64_t HashCounting(size_t size_bytes) {
  std::vector<uint8_t> bytes(size_bytes);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  return SipHash(kPaperKey, bytes);
}

TEST_CASE("counting bytes give the published SipHash-2-4 digests") {
  CHECK(HashCounting(15) == 0xa129ca6149be45e5);  // appendix A of the paper
  // From the authors' table of test vectors.
  CHECK(HashCounting(0) == 0x726fdb47dd0e0e31);
  CHECK(HashCounting(1) == 0x74f839c593dc67fd);
  CHECK(HashCounting(8) == 0x93f5f5799a932462);
}

}  // namespace
}  // namespace ward::device
