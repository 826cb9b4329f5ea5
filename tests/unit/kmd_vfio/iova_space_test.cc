#include "kmd/ports/vfio/iova_space.h"

#include "catch2/catch_test_macros.hpp"

using ward::kmd::IovaRange;
using ward::kmd::IovaSpace;

namespace {

constexpr uint64_t kMiB = 1u << 20;
constexpr uint64_t kPage = 4096;

}  // namespace

TEST_CASE("A space that starts at zero hands out 16 MiB first") {
  IovaSpace space({{0, UINT32_MAX}});
  CHECK(space.Allocate(kPage, kPage) == 16 * kMiB);
  CHECK(space.Allocate(kPage, kPage) == 16 * kMiB + kPage);
}

TEST_CASE("A range wholly below 16 MiB gives nothing") {
  IovaSpace space({{0, 16 * kMiB - 1}});
  CHECK(space.Allocate(kPage, kPage) == 0);
}

TEST_CASE("A span that would touch the interrupt message window comes after it") {
  IovaSpace space({{0xfedff000, 0xffffffff}});
  CHECK(space.Allocate(2 * kPage, kPage) == 0xfef00000);
  CHECK(space.Allocate(kPage, kPage) == 0xfedff000);
}

TEST_CASE("A range wholly inside the interrupt message window gives nothing") {
  IovaSpace space({{0xfee00000, 0xfeefffff}});
  CHECK(space.Allocate(kPage, kPage) == 0);
}

TEST_CASE("Spans never overlap and stay in the ranges") {
  const IovaRange low{16 * kMiB, 16 * kMiB + 4 * kPage - 1};
  const IovaRange high{0x100000000, 0x100000000 + 2 * kPage - 1};
  IovaSpace space({low, high});
  CHECK(space.Allocate(3 * kPage, kPage) == low.first);
  CHECK(space.Allocate(2 * kPage, kPage) == high.first);
  CHECK(space.Allocate(kPage, kPage) == low.first + 3 * kPage);
  CHECK(space.Allocate(kPage, kPage) == 0);
}

TEST_CASE("The gap before an aligned span stays usable") {
  IovaSpace space({{16 * kMiB + kPage, 64 * kMiB - 1}});
  CHECK(space.Allocate(2 * kMiB, 2 * kMiB) == 18 * kMiB);
  CHECK(space.Allocate(kPage, kPage) == 16 * kMiB + kPage);
  CHECK(space.Allocate(2 * kMiB, 2 * kMiB) == 20 * kMiB);
}

TEST_CASE("Freed neighbours join into one span, in any order") {
  const uint64_t base = 16 * kMiB;
  const uint64_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}};
  for (const auto& order : orders) {
    IovaSpace space({{base, base + 3 * kPage - 1}});
    for (int i = 0; i < 3; ++i) REQUIRE(space.Allocate(kPage, kPage) == base + i * kPage);
    for (const uint64_t index : order) space.Free(base + index * kPage, kPage);
    CHECK(space.Allocate(3 * kPage, kPage) == base);
  }
}

TEST_CASE("A range that ends at 2^64 is used to its last page") {
  const uint64_t first = ~uint64_t{0} - 2 * kPage + 1;
  IovaSpace space({{first, ~uint64_t{0}}});
  CHECK(space.Allocate(kPage, kPage) == first);
  CHECK(space.Allocate(kPage, kPage) == first + kPage);
  CHECK(space.Allocate(kPage, kPage) == 0);
  space.Free(first + kPage, kPage);
  CHECK(space.Allocate(kPage, kPage) == first + kPage);
}

TEST_CASE("An alignment beyond the end of the address space finds nothing") {
  IovaSpace space({{~uint64_t{0} - kPage + 1, ~uint64_t{0}}});
  CHECK(space.Allocate(kPage, 2 * kMiB) == 0);
}

TEST_CASE("A size larger than every range finds nothing") {
  IovaSpace space({{16 * kMiB, 32 * kMiB - 1}});
  CHECK(space.Allocate(~uint64_t{0}, kPage) == 0);
  CHECK(space.Allocate(16 * kMiB, kPage) == 16 * kMiB);
}
