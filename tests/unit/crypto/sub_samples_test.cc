#include "device/crypto/sub_samples.h"

#include <string>

#include "catch2/catch_test_macros.hpp"

namespace ward::device {
namespace {

SubSampleMap MakeMap(const std::vector<SubSample>& list, const Stripe& stripe = {}) {
  SubSampleMap map(stripe);
  for (const SubSample& sub_sample : list) map.Append(sub_sample);
  return map;
}

// 'E' for an encrypted byte, '.' for a clear one; also holds the runs against their own rules.
std::string Draw(const SubSampleMap& map, uint64_t slice = UINT64_MAX) {
  const uint64_t size = map.size_bytes();
  std::string picture(size, '.');
  uint64_t position = 0;
  for (uint64_t begin = 0; begin < size; begin += std::min(slice, size - begin)) {
    const uint64_t end = begin + std::min(slice, size - begin);
    uint64_t at = begin;
    while (const auto run = map.FindRun(at, end)) {
      REQUIRE(run->size > 0);
      REQUIRE(run->offset >= at);
      REQUIRE(run->offset + run->size <= end);
      REQUIRE(run->position == position);
      picture.replace(run->offset, run->size, run->size, 'E');
      position += run->size;
      at = run->offset + run->size;
    }
  }
  CHECK(map.keystream_bytes() == position);
  return picture;
}

// The rule, block by block.
std::string DrawByRule(const std::vector<SubSample>& list, const Stripe& stripe = {}) {
  std::string picture;
  for (const SubSample& sub_sample : list) {
    picture.append(sub_sample.clear_bytes, '.');
    uint32_t left = sub_sample.encrypted_bytes;
    for (uint32_t block = 0; stripe.exists() && left >= 16; ++block, left -= 16) {
      const bool is_encrypted =
          block % (stripe.encrypted_blocks + stripe.clear_blocks) < stripe.encrypted_blocks;
      picture.append(16, is_encrypted ? 'E' : '.');
    }
    picture.append(left, stripe.exists() ? '.' : 'E');
  }
  return picture;
}

TEST_CASE("sub-samples are clear, then encrypted, one behind the other") {
  CHECK(Draw(MakeMap({{3, 5}, {0, 2}, {4, 0}, {1, 1}})) == "...EEEEEEE.....E");
}

TEST_CASE("a stripe of 1 and 2 begins anew in each sub-sample and leaves a part of a block clear") {
  const std::string stripe = std::string(16, 'E') + std::string(32, '.');
  CHECK(Draw(MakeMap({{2, 70}, {0, 16}, {1, 15}}, {1, 2})) ==
        ".." + stripe + std::string(16, 'E') + std::string(6, '.') + std::string(16, 'E') +
            std::string(16, '.'));
}

TEST_CASE("an empty list and a list of empty sub-samples have no runs") {
  CHECK(Draw(MakeMap({})).empty());
  CHECK(Draw(MakeMap({{0, 0}, {0, 0}})).empty());
  CHECK_FALSE(MakeMap({}).FindRun(0, 100).has_value());
}

TEST_CASE("nothing is encrypted past the last sub-sample") {
  const SubSampleMap map = MakeMap({{1, 15}});
  CHECK_FALSE(map.FindRun(16, 100).has_value());
  const auto run = map.FindRun(0, 100);
  REQUIRE(run.has_value());
  CHECK(run->offset + run->size == 16);
}

TEST_CASE("runs follow the rule for every small list, stripe and slice") {
  const SubSample kinds[] = {{0, 0}, {1, 0}, {0, 1}, {5, 40}, {0, 16}, {2, 65}, {16, 7}};
  for (const Stripe& stripe : {Stripe{}, Stripe{1, 0}, Stripe{1, 1}, Stripe{1, 9}, Stripe{2, 1}}) {
    for (const SubSample& a : kinds) {
      for (const SubSample& b : kinds) {
        for (const SubSample& c : kinds) {
          const std::vector<SubSample> list = {a, b, c};
          const SubSampleMap map = MakeMap(list, stripe);
          const std::string expected = DrawByRule(list, stripe);
          CHECK(Draw(map) == expected);
          CHECK(Draw(map, 1) == expected);
          CHECK(Draw(map, 23) == expected);
        }
      }
    }
  }
}

TEST_CASE("the largest numbers do not overflow") {
  const SubSampleMap map = MakeMap({{UINT32_MAX, UINT32_MAX}, {UINT32_MAX, UINT32_MAX}});
  CHECK(map.size_bytes() == 4 * uint64_t{UINT32_MAX});
  CHECK(map.keystream_bytes() == 2 * uint64_t{UINT32_MAX});
  const SubSampleMap striped = MakeMap({{0, UINT32_MAX}}, {UINT32_MAX, UINT32_MAX});
  const auto run = striped.FindRun(1, UINT64_MAX);
  REQUIRE(run.has_value());
  CHECK(run->offset == 1);
  CHECK(run->size == UINT32_MAX / 16 * 16 - 1);
}

}  // namespace
}  // namespace ward::device
