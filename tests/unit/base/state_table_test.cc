#include "base/state_table.h"

#include <catch2/catch_test_macros.hpp>

namespace ward {
namespace {

enum class Door : uint8_t { kOpen, kClosed, kLocked, kLast = kLocked };
enum class Hand : uint8_t { kPush, kPull, kTurnKey, kLast = kTurnKey };

constexpr uint32_t kIsLocked = 7;
constexpr uint32_t kIsOpen = 8;

constexpr auto kDoor =
    MakeStateTable<Door, Hand>({{Door::kOpen, Hand::kPush, Door::kClosed},
                                {Door::kOpen, Hand::kTurnKey, Door::kOpen, kIsOpen},
                                {Door::kClosed, Hand::kPull, Door::kOpen},
                                {Door::kClosed, Hand::kTurnKey, Door::kLocked},
                                {Door::kLocked, Hand::kTurnKey, Door::kClosed}},
                               {{Door::kOpen, 0}, {Door::kClosed, 0}, {Door::kLocked, kIsLocked}});

// One that breaks a rule can only be made by hand.
StateTable<Door, Hand, 2> MakeBroken(Transition<Door, Hand> first, Transition<Door, Hand> second) {
  return {{first, second}, {{Door::kOpen, 0}, {Door::kClosed, 0}, {Door::kLocked, 0}}};
}

TEST_CASE("StateTable: a row gives the next state") {
  static_assert(kDoor.Find(Door::kOpen, Hand::kPush).to == Door::kClosed);
  CHECK(kDoor.Find(Door::kClosed, Hand::kTurnKey).to == Door::kLocked);
  CHECK(kDoor.Find(Door::kClosed, Hand::kTurnKey).status == 0);
}

TEST_CASE("StateTable: a refusal keeps the state") {
  const Transition<Door, Hand> turned = kDoor.Find(Door::kOpen, Hand::kTurnKey);
  CHECK(turned.to == Door::kOpen);
  CHECK(turned.status == kIsOpen);
}

TEST_CASE("StateTable: an event without a row gets what its state answers otherwise") {
  const Transition<Door, Hand> pulled = kDoor.Find(Door::kLocked, Hand::kPull);
  CHECK(pulled.to == Door::kLocked);
  CHECK(pulled.status == kIsLocked);
  CHECK(kDoor.Find(Door::kClosed, Hand::kPush).status == 0);
}

TEST_CASE("StateTable: two rows for one event, or a refusal that moves, are not well formed") {
  CHECK(IsWellFormed(kDoor));
  CHECK(IsWellFormed(MakeBroken({Door::kOpen, Hand::kPush, Door::kClosed},
                                {Door::kClosed, Hand::kPush, Door::kOpen})));
  CHECK_FALSE(IsWellFormed(MakeBroken({Door::kOpen, Hand::kPush, Door::kClosed},
                                      {Door::kOpen, Hand::kPush, Door::kOpen})));
  CHECK_FALSE(IsWellFormed(MakeBroken({Door::kOpen, Hand::kPush, Door::kClosed},
                                      {Door::kClosed, Hand::kPush, Door::kOpen, kIsLocked})));
  StateTable<Door, Hand, 2> misordered = MakeBroken({Door::kOpen, Hand::kPush, Door::kClosed},
                                                    {Door::kClosed, Hand::kPush, Door::kOpen});
  misordered.otherwise[0].state = Door::kLocked;
  CHECK_FALSE(IsWellFormed(misordered));
}

}  // namespace
}  // namespace ward
