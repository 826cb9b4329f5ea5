#include "device/grant_table.h"

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"

namespace ward::device {
namespace {

constexpr uint32_t kSession = 0x30002;  // generation 3, index 2

GrantTable MakeTable() {
  GrantTable table(4);
  table.At(2).session = kSession;
  table.At(2).context = 5;
  return table;
}

uint64_t HashOf(const GrantTable& table) {
  StateHasher hasher;
  table.Hash(&hasher);
  return hasher.value();
}

TEST_CASE("a session is found by its owner") {
  GrantTable table = MakeTable();
  auto found = table.Find(kSession, 5);
  REQUIRE(found.ok());
  CHECK(found.value() == &table.At(2));
}

TEST_CASE("another context, generation or index, and numbers of none, answer SESSION_INVALID") {
  GrantTable table = MakeTable();
  struct Ask {
    uint32_t session;
    uint32_t context;
  };
  for (const Ask ask :
       {Ask{kSession, 4}, Ask{kSession + 0x10000, 5}, Ask{kSession - 0x10000, 5}, Ask{0x30001, 5},
        Ask{2, 5}, Ask{0, 5}, Ask{0, 0}, Ask{0x30004, 5}, Ask{0x3ffff, 5}, Ask{0xffffffff, 5}}) {
    INFO(ask.session << ' ' << ask.context);
    auto found = table.Find(ask.session, ask.context);
    REQUIRE_FALSE(found.ok());
    CHECK(found.fault().status == abi::kStatusSessionInvalid);
  }
}

TEST_CASE("refusals count up to the greatest value, for the owner only") {
  GrantTable table = MakeTable();
  table.CountRefusal(kSession, 5, abi::kStatusIvReused);
  table.CountRefusal(kSession, 6, abi::kStatusPatternMisaligned);
  table.CountRefusal(0, 0, abi::kStatusPatternMisaligned);
  CHECK(table.At(2).refusal_count == 1);
  CHECK(table.At(2).last_refusal == abi::kStatusIvReused);
  table.At(2).refusal_count = 0xfffffffe;
  table.CountRefusal(kSession, 5, abi::kStatusIvReused);
  table.CountRefusal(kSession, 5, abi::kStatusPatternMisaligned);
  CHECK(table.At(2).refusal_count == 0xffffffff);
  CHECK(table.At(2).last_refusal == abi::kStatusPatternMisaligned);
}

TEST_CASE("a cleared table knows nobody, and a loaded one knows them again") {
  GrantTable table = MakeTable();
  const uint64_t hash = HashOf(table);
  const auto saved = table.Save();
  table.Clear();
  CHECK_FALSE(table.Find(kSession, 5).ok());
  CHECK(HashOf(table) != hash);
  table.Load(saved);
  CHECK(table.Find(kSession, 5).ok());
  CHECK(HashOf(table) == hash);
}

TEST_CASE("each field of a grant shows in the hash") {
  const uint64_t base = HashOf(MakeTable());
  const auto changed = [&](auto change) {
    GrantTable table = MakeTable();
    change(&table.At(2));
    return HashOf(table) != base;
  };
  CHECK(changed([](Grant* grant) { grant->context = 6; }));
  CHECK(changed([](Grant* grant) { grant->session_slot = 1; }));
  CHECK(changed([](Grant* grant) { grant->content_slot = 1; }));
  CHECK(changed([](Grant* grant) { grant->readback_slot = 1; }));
  CHECK(changed([](Grant* grant) { grant->readback_iv = 1; }));
  CHECK(changed([](Grant* grant) { grant->floors[0].used = true; }));
  CHECK(changed([](Grant* grant) { grant->floors[0].iv = 1; }));
  CHECK(changed([](Grant* grant) { grant->floors[1].count = 1; }));
  CHECK(changed([](Grant* grant) { grant->refusal_count = 1; }));
  CHECK(changed([](Grant* grant) { grant->last_refusal = 1; }));
}

}  // namespace
}  // namespace ward::device
