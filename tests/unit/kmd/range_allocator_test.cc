#include "kmd/range_allocator.h"

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"

namespace ward::kmd {
namespace {

constexpr uint64_t kPage = 4096;

TEST_CASE("sizes are rounded up to pages and the first hole that fits is taken") {
  RangeAllocator range(0x10000, 8 * kPage);
  CHECK(range.Allocate(1).value() == 0x10000);
  CHECK(range.Allocate(kPage + 1).value() == 0x11000);
  CHECK(range.Allocate(kPage).value() == 0x13000);
  CHECK(range.free_bytes() == 4 * kPage);
  range.Free(0x11000, kPage + 1);
  CHECK(range.Allocate(kPage).value() == 0x11000);
}

TEST_CASE("a full or fragmented range answers out of memory and recovers") {
  RangeAllocator range(0, 4 * kPage);
  std::vector<uint64_t> pages;
  for (int i = 0; i < 4; ++i) pages.push_back(range.Allocate(kPage).value());
  CHECK(range.Allocate(1).fault().status == abi::kStatusOutOfMemory);
  range.Free(pages[0], kPage);
  range.Free(pages[2], kPage);
  CHECK(range.Allocate(2 * kPage).fault().status == abi::kStatusOutOfMemory);
  range.Free(pages[1], kPage);
  CHECK(range.Allocate(3 * kPage).value() == 0);
}

TEST_CASE("sizes that mean nothing are refused") {
  RangeAllocator range(0, 4 * kPage);
  for (const uint64_t size : {uint64_t{0}, 4 * kPage + 1, UINT64_MAX, UINT64_MAX - 4095}) {
    CHECK(range.Allocate(size).fault().status == abi::kStatusOutOfMemory);
  }
  CHECK(RangeAllocator(0, 0).Allocate(1).fault().status == abi::kStatusOutOfMemory);
}

TEST_CASE("random allocations never overlap and all pages come back") {
  constexpr uint64_t kPages = 64;
  RangeAllocator range(kPage, kPages * kPage);
  std::vector<bool> taken(kPages + 1, false);
  std::vector<std::pair<uint64_t, uint64_t>> live;
  std::mt19937 random(1);
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0) {
      const uint64_t pages = 1 + random() % 9;
      auto given = range.Allocate(pages * kPage);
      if (!given.ok()) continue;
      const uint64_t first = given.value() / kPage;
      REQUIRE(first >= 1);
      REQUIRE(first + pages <= kPages + 1);
      for (uint64_t page = first; page < first + pages; ++page) {
        REQUIRE_FALSE(taken[page]);
        taken[page] = true;
      }
      live.emplace_back(first, pages);
    } else if (!live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      const auto [first, pages] = live.back();
      live.pop_back();
      for (uint64_t page = first; page < first + pages; ++page) taken[page] = false;
      range.Free(first * kPage, pages * kPage);
    }
  }
  for (const auto& [first, pages] : live) range.Free(first * kPage, pages * kPage);
  CHECK(range.Allocate(kPages * kPage).value() == kPage);
}

}  // namespace
}  // namespace ward::kmd
