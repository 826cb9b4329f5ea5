#include "firmware/key_exchange.h"

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/unit/firmware/booted_firmware.h"

namespace ward::firmware {
namespace {

constexpr Block kOtherKey = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};

struct KeyedSession : BootedFirmware {
  KeyedSession() : session(CreateSession()), keyed(Negotiate(session, kSessionKey)) {}
  uint32_t session;
  uint32_t keyed;
};

TEST_CASE("NEGOTIATE_SESSION_KEY puts the key in a slot that unwraps and decrypts") {
  KeyedSession firmware;
  REQUIRE(firmware.keyed == abi::kStatusOk);
  const auto& slot = firmware.SlotAt(firmware.GrantOf(firmware.session).session_slot);
  CHECK(slot.session == firmware.session);
  CHECK(slot.usage == (kUsageUnwrap | kUsageDecrypt));
  CHECK(slot.key == kSessionKey);
  CHECK(firmware.platform.UsedSlots() == 1);
}

TEST_CASE("each failed exchange is one status and leaves the previous key and the state alone") {
  KeyedSession firmware;
  REQUIRE(firmware.SetContentKey(firmware.session, kWrappedContentKey) == abi::kStatusOk);
  const SessionGrant before = firmware.GrantOf(firmware.session);
  std::vector<Payload> bad;
  for (size_t size : {0, 1, 255, 257, 512}) {
    bad.push_back(BootedFirmware::NegotiatePayload(firmware.session, kOtherKey, size));
  }
  bad.push_back(BootedFirmware::NegotiatePayload(firmware.session, kOtherKey));
  bad.back()[8] = 0;
  for (const Payload& payload : bad) {
    const State state = firmware.state;
    const Reply reply = firmware.Send(abi::kMessageNegotiateSessionKey, payload);
    CHECK(reply.status == abi::kStatusKeyExchangeFailed);
    CHECK(reply.bytes == std::vector<uint8_t>(16));
    CHECK(std::memcmp(&state, &firmware.state, sizeof(state)) == 0);
    CHECK(firmware.GrantOf(firmware.session).session_slot == before.session_slot);
    CHECK(firmware.GrantOf(firmware.session).content_slot == before.content_slot);
    CHECK(firmware.SlotAt(before.session_slot).key == kSessionKey);
    CHECK(firmware.platform.UsedSlots() == 2);
  }
}

TEST_CASE("a second exchange replaces the session key, drops the content key, keeps read-back") {
  KeyedSession firmware;
  REQUIRE(firmware.SetContentKey(firmware.session, kWrappedContentKey) == abi::kStatusOk);
  REQUIRE(firmware.GetReadbackKey(firmware.session).status == abi::kStatusOk);
  const SessionGrant before = firmware.GrantOf(firmware.session);
  REQUIRE(firmware.Negotiate(firmware.session, kOtherKey) == abi::kStatusOk);
  const SessionGrant after = firmware.GrantOf(firmware.session);
  CHECK(after.session_slot != before.session_slot);
  CHECK(firmware.SlotAt(after.session_slot).key == kOtherKey);
  CHECK(after.content_slot == kNoSlot);
  CHECK(after.readback_slot == before.readback_slot);
  CHECK(firmware.SlotAt(after.readback_slot).filled);
  CHECK_FALSE(firmware.SlotAt(before.session_slot).filled);
  CHECK_FALSE(firmware.SlotAt(before.content_slot).filled);
  CHECK(firmware.platform.UsedSlots() == 2);
}

TEST_CASE("SET_CONTENT_KEY unwraps the published pair into a slot that only decrypts") {
  KeyedSession firmware;
  REQUIRE(firmware.SetContentKey(firmware.session, kWrappedContentKey) == abi::kStatusOk);
  const auto& slot = firmware.SlotAt(firmware.GrantOf(firmware.session).content_slot);
  CHECK(slot.usage == kUsageDecrypt);
  CHECK(slot.key == kContentKey);
  // Again: one slot more in use for a moment, not for good.
  for (int i = 0; i < 300; ++i) {
    if (firmware.SetContentKey(firmware.session, kOtherKey) != abi::kStatusOk) FAIL("at " << i);
  }
  CHECK(firmware.platform.UsedSlots() == 2);
}

TEST_CASE("a content key of another size than 16 answers CONTENT_KEY_INVALID") {
  KeyedSession firmware;
  for (uint32_t size : {0u, 15u, 17u, 32u, 0xffffffffu}) {
    Payload payload = BootedFirmware::ContentPayload(firmware.session, kWrappedContentKey);
    StoreLe(payload.data() + 4, size);
    CHECK(firmware.Send(abi::kMessageSetContentKey, payload).status ==
          abi::kStatusContentKeyInvalid);
  }
  CHECK(firmware.GrantOf(firmware.session).content_slot == kNoSlot);
}

TEST_CASE("content and read-back keys before the exchange answer SESSION_NO_KEY") {
  BootedFirmware firmware;
  const uint32_t session = firmware.CreateSession();
  CHECK(firmware.SetContentKey(session, kWrappedContentKey) == abi::kStatusSessionNoKey);
  CHECK(firmware.GetReadbackKey(session).status == abi::kStatusSessionNoKey);
  CHECK(firmware.platform.UsedSlots() == 0);
}

TEST_CASE("GET_READBACK_KEY makes another key each time and answers it wrapped") {
  KeyedSession firmware;
  const Reply first = firmware.GetReadbackKey(firmware.session);
  REQUIRE(first.status == abi::kStatusOk);
  CHECK(first.bytes.size() == 32);
  const uint32_t first_slot = firmware.GrantOf(firmware.session).readback_slot;
  const Block first_key = firmware.SlotAt(first_slot).key;
  CHECK(firmware.SlotAt(first_slot).usage == kUsageEncrypt);
  const Reply second = firmware.GetReadbackKey(firmware.session);
  const auto& slot = firmware.SlotAt(firmware.GrantOf(firmware.session).readback_slot);
  CHECK(slot.key != first_key);
  CHECK(second.BlockAt(16) != first.BlockAt(16));
  CHECK(firmware.platform.UsedSlots() == 2);
  // Read-back keys are wrapped, never in the clear; unwrapped as a content key it is the same key.
  CHECK(second.BlockAt(16) != slot.key);
  const Block key = slot.key;
  REQUIRE(firmware.SetContentKey(firmware.session, second.BlockAt(16)) == abi::kStatusOk);
  CHECK(firmware.SlotAt(firmware.GrantOf(firmware.session).content_slot).key == key);
}

TEST_CASE("no free slot answers SESSIONS_EXHAUSTED, changes nothing, and passes once one is free") {
  KeyedSession firmware;
  std::vector<uint32_t> taken;
  while (true) {
    const uint32_t slot = firmware.platform.AllocateSlot(0x7fff0000, kUsageDecrypt);
    if (slot == kNoSlot) break;
    taken.push_back(slot);
  }
  CHECK(firmware.Negotiate(firmware.session, kOtherKey) == abi::kStatusSessionsExhausted);
  CHECK(firmware.SetContentKey(firmware.session, kOtherKey) == abi::kStatusSessionsExhausted);
  CHECK(firmware.GetReadbackKey(firmware.session).status == abi::kStatusSessionsExhausted);
  CHECK(firmware.SlotAt(firmware.GrantOf(firmware.session).session_slot).key == kSessionKey);
  firmware.platform.WipeSlot(taken.back());
  CHECK(firmware.Negotiate(firmware.session, kOtherKey) == abi::kStatusOk);
  CHECK(firmware.SetContentKey(firmware.session, kOtherKey) == abi::kStatusOk);
}

TEST_CASE("a lost session answers KEY_DAMAGED to key messages until it is destroyed") {
  KeyedSession firmware;
  const uint32_t other = firmware.CreateSession();
  REQUIRE(firmware.Negotiate(other, kSessionKey) == abi::kStatusOk);
  firmware.platform.slots[firmware.GrantOf(firmware.session).session_slot].damaged = true;
  CHECK(firmware.Negotiate(firmware.session, kSessionKey) == abi::kStatusKeyDamaged);
  CHECK(firmware.SetContentKey(firmware.session, kOtherKey) == abi::kStatusKeyDamaged);
  CHECK(firmware.GetReadbackKey(firmware.session).status == abi::kStatusKeyDamaged);
  CHECK(firmware.Query(firmware.session).Word(16) == 2);
  CHECK(firmware.SetContentKey(other, kOtherKey) == abi::kStatusOk);
  CHECK(firmware.Destroy(firmware.session) == abi::kStatusOk);
  CHECK(firmware.platform.UsedSlots() == 2);
}

TEST_CASE("a read-back key without entropy fails the device, and no wrapped key leaves") {
  const bool at_grant = GENERATE(false, true);
  KeyedSession firmware;
  (at_grant ? firmware.platform.grant_entropy : firmware.platform.entropy) = false;
  const Reply reply = firmware.GetReadbackKey(firmware.session);
  CHECK(reply.status == abi::kStatusSelfTestFailed);
  CHECK(reply.bytes.size() == 16);
  CHECK(firmware.state.health == Health::kFailed);
  CHECK(firmware.platform.UsedSlots() == 0);
  CHECK(firmware.GrantOf(firmware.session).session == 0);
}

}  // namespace
}  // namespace ward::firmware
