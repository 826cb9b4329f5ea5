#include "kmd/ring_space.h"

#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "catch2/catch_test_macros.hpp"

namespace ward::kmd {
namespace {

TEST_CASE("sixteen bytes of a ring stay free") {
  RingSpace ring(256);
  for (uint64_t fence = 1; fence <= 3; ++fence) {
    REQUIRE(ring.TryReserve(80).has_value());
    ring.Commit(fence);
  }
  CHECK(ring.tail() == 240);
  CHECK_FALSE(ring.TryReserve(16).has_value());
  ring.Release(1);
  const auto piece = ring.TryReserve(16);
  REQUIRE(piece.has_value());
  CHECK(piece->offset == 240);
  CHECK(piece->padding_bytes == 0);
  CHECK(ring.tail() == 0);
}

TEST_CASE("a piece that would straddle the end goes to the start behind padding") {
  RingSpace ring(256);
  for (uint64_t fence = 1; fence <= 2; ++fence) {
    REQUIRE(ring.TryReserve(112).has_value());
    ring.Commit(fence);
  }
  ring.Release(2);
  const auto piece = ring.TryReserve(48);
  REQUIRE(piece.has_value());
  CHECK(piece->offset == 0);
  CHECK(piece->padding_offset == 224);
  CHECK(piece->padding_bytes == 32);
}

TEST_CASE("a cancelled piece is given out again") {
  RingSpace ring(256);
  REQUIRE(ring.TryReserve(64)->offset == 0);
  ring.Cancel();
  CHECK(ring.TryReserve(64)->offset == 0);
  ring.Commit(1);
  CHECK(ring.OldestFence() == 1);
}

TEST_CASE("random pieces never overlap what is in use") {
  constexpr uint32_t kSize = 1024;
  struct Use {
    uint64_t fence;
    uint32_t offset;
    uint32_t bytes;
  };
  RingSpace ring(kSize);
  std::vector<bool> used(kSize, false);
  std::deque<Use> uses;
  std::mt19937 random(2);
  uint64_t fence = 0;
  for (int step = 0; step < 50000; ++step) {
    const uint32_t bytes = 16 * (1 + random() % 16);
    if (const auto piece = ring.TryReserve(bytes)) {
      REQUIRE(piece->offset + bytes <= kSize);
      REQUIRE(piece->padding_offset + piece->padding_bytes <= kSize);
      for (uint32_t at = piece->offset; at < piece->offset + bytes; ++at) {
        REQUIRE_FALSE(used[at]);
        used[at] = true;
      }
      ring.Commit(++fence);
      uses.push_back({fence, piece->offset, bytes});
    } else {
      REQUIRE_FALSE(uses.empty());
      const Use oldest = uses.front();
      uses.pop_front();
      REQUIRE(ring.OldestFence() == oldest.fence);
      for (uint32_t at = oldest.offset; at < oldest.offset + oldest.bytes; ++at) used[at] = false;
      ring.Release(oldest.fence);
    }
  }
  CHECK(fence > 20000);
}

}  // namespace
}  // namespace ward::kmd
