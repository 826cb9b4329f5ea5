#include "device/page_owners.h"

#include <map>
#include <random>

#include "catch2/catch_test_macros.hpp"

namespace ward::device {
namespace {

constexpr uint64_t kPiece = PageOwners::kPiecePages;
constexpr uint64_t kMib = 1 << 20;

TEST_CASE("owners of 8 GiB take memory where pages have one, and give it back") {
  PageOwners owners((8192 * kMib) / 4096);
  CHECK(owners.MemoryBytes() < 64 << 10);
  CHECK(owners.FindOwned(0) == owners.size());
  owners.Set(5, kNoOwner);
  CHECK(owners.MemoryBytes() < 64 << 10);
  owners.Set(owners.size() - 1, 7);
  owners.Set(3 * kPiece, 8);
  CHECK(owners.MemoryBytes() < 128 << 10);
  CHECK(owners.FindOwned(0) == 3 * kPiece);
  CHECK(owners.FindOwned(3 * kPiece + 1) == owners.size() - 1);
  CHECK(owners.Of(owners.size() - 1) == 7);
  owners.Clear();
  CHECK(owners.MemoryBytes() < 64 << 10);
  CHECK(owners.Of(owners.size() - 1) == kNoOwner);
  CHECK(owners.FindOwned(0) == owners.size());
}

TEST_CASE("owners are what a map says, whatever was set before, in a copy too") {
  constexpr uint64_t kPages = 2 * kPiece + 100;  // the last piece is not whole
  std::mt19937 random(4);
  PageOwners owners(kPages);
  std::map<uint64_t, PageOwner> expected;
  for (int round = 0; round < 500; ++round) {
    const uint64_t page = random() % kPages;
    const PageOwner owner = random() % 3;
    owners.Set(page, owner);
    expected.erase(page);
    if (owner != kNoOwner) expected[page] = owner;
  }
  const PageOwners copy = owners;
  owners.Clear();
  CHECK(owners.FindOwned(0) == kPages);
  uint64_t page = copy.FindOwned(0);
  for (const auto& [number, owner] : expected) {
    REQUIRE(page == number);
    REQUIRE(copy.Of(page) == owner);
    page = copy.FindOwned(page + 1);
  }
  CHECK(page == kPages);
  CHECK(copy.CountOwned() == expected.size());
  CHECK(owners.CountOwned() == 0);
}

TEST_CASE("no pages have no owners") {
  PageOwners owners(0);
  CHECK(owners.size() == 0);
  CHECK(owners.FindOwned(0) == 0);
  owners.Clear();
}

}  // namespace
}  // namespace ward::device
