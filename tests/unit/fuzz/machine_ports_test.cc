#include "tests/fuzz/device/machine_ports.h"

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <vector>

#include "tests/fuzz/device/boundary_record.h"
#include "tests/fuzz/device/layout.h"

namespace ward::fuzz {
namespace {

using Four = std::array<uint8_t, 4>;

Four ReadFour(MachineBus* bus) {
  Four bytes = {};
  REQUIRE(bus->Read(layout::kBus, bytes));
  return bytes;
}

TEST_CASE("answers to reads take the place of those before them, from their first byte on") {
  BoundaryRecord record;
  MachineBus bus(&record);
  const bool is_masked = false;
  bus.masks = &is_masked;
  REQUIRE(bus.Write(layout::kBus, Four{1, 2, 3, 4}));
  bus.AnswerReads(Four{5, 6, 7, 8});
  CHECK(ReadFour(&bus) == Four{5, 6, 7, 8});
  CHECK(ReadFour(&bus) == Four{1, 2, 3, 4});
  bus.AnswerReads(Four{9, 10, 11, 12});
  CHECK(ReadFour(&bus) == Four{9, 10, 11, 12});
  bus.AnswerReads(Four{13, 14, 15, 16});
  bus.AnswerReads({});
  CHECK(ReadFour(&bus) == Four{1, 2, 3, 4});
}

// Small blocks go back one by one, also those that a range touches at its ends alone.
TEST_CASE("memory goes back to what was kept, and says which pages changed") {
  constexpr uint64_t kPage = abi::kPageSize;
  BlockBytes memory(3 * kPage);
  const std::vector<uint8_t> before(memory.size(), 0x11);
  std::copy(before.begin(), before.end(), memory.Change(0, memory.size()));
  memory.Keep();
  for (const uint64_t page : {0u, 1u, 2u}) CHECK_FALSE(memory.IsPageChanged(page));
  for (const uint64_t at : {kPage - 1, kPage, kPage + 255, kPage + 256, 2 * kPage - 2}) {
    INFO(at);
    uint8_t* const bytes = memory.Change(at, 3);
    std::fill(bytes, bytes + 3, uint8_t{0x22});
    CHECK(memory.IsPageChanged(at / kPage));
    CHECK(memory.IsPageChanged((at + 2) / kPage));
    memory.PutBack();
    CHECK(std::equal(before.begin(), before.end(), memory.data()));
    for (const uint64_t page : {0u, 1u, 2u}) CHECK_FALSE(memory.IsPageChanged(page));
  }
}

}  // namespace
}  // namespace ward::fuzz
