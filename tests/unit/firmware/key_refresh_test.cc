#include "firmware/key_refresh.h"

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/firmware/booted_firmware.h"

namespace ward::firmware {
namespace {

struct RefreshedFirmware : BootedFirmware {
  RefreshedFirmware() : session(CreateSession()) { Negotiate(session, kSessionKey); }
  Reply Start(uint32_t random_bytes = 16, uint32_t context = 1) {
    return Send(abi::kMessageStartKeyRefresh, Words({session, random_bytes}), context);
  }
  uint32_t Finish(uint32_t context = 1) {
    return Send(abi::kMessageFinishKeyRefresh, Words({session, 0}), context).status;
  }
  const Block& Key() { return SlotAt(GrantOf(session).session_slot).key; }
  uint32_t session;
};

Block Xor(Block key, const Block& mask) {
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(key[i] ^ mask[i]);
  return key;
}

TEST_CASE("7.7: the key changes at FINISH, to the published one for the published number") {
  RefreshedFirmware firmware;
  REQUIRE(firmware.Start().status == abi::kStatusOk);
  std::memcpy(firmware.state.sessions[0].refresh_random, kContentKey.data(), 16);
  CHECK(firmware.Key() == kSessionKey);
  const uint32_t old_slot = firmware.GrantOf(firmware.session).session_slot;
  REQUIRE(firmware.Finish() == abi::kStatusOk);
  CHECK(firmware.Key() == Block{0x2b, 0x7f, 0x17, 0x15, 0x2c, 0xab, 0xd4, 0xa1, 0xa3, 0xfe, 0x1f,
                                0x83, 0x05, 0xc2, 0x41, 0x33});
  CHECK(firmware.GrantOf(firmware.session).session_slot != old_slot);
  CHECK(firmware.SlotAt(old_slot).session == 0);
  CHECK(firmware.platform.UsedSlots() == 1);
}

TEST_CASE("of two STARTs the last wins, and one FINISH uses it up") {
  RefreshedFirmware firmware;
  const Block first = firmware.Start().BlockAt(16);
  const Block second = firmware.Start().BlockAt(16);
  CHECK(first != second);
  REQUIRE(firmware.Finish() == abi::kStatusOk);
  CHECK(firmware.Key() == Xor(kSessionKey, second));
  CHECK(firmware.Finish() == abi::kStatusOk);
  CHECK(firmware.Key() == Xor(kSessionKey, second));
}

TEST_CASE("FINISH without START does nothing, with and without a key") {
  RefreshedFirmware firmware;
  CHECK(firmware.Finish() == abi::kStatusOk);
  CHECK(firmware.Key() == kSessionKey);
  firmware.session = firmware.CreateSession();
  CHECK(firmware.Finish() == abi::kStatusOk);
  CHECK(firmware.Start().status == abi::kStatusSessionNoKey);
}

TEST_CASE("a random number of another size is refused and nothing is remembered") {
  RefreshedFirmware firmware;
  for (uint32_t size : {0u, 15u, 17u, 0xffffffffu}) {
    CHECK(firmware.Start(size).status == abi::kStatusRefreshSizeInvalid);
  }
  CHECK(firmware.Finish() == abi::kStatusOk);
  CHECK(firmware.Key() == kSessionKey);
}

TEST_CASE("content key and read-back key outlive a refresh") {
  RefreshedFirmware firmware;
  REQUIRE(firmware.SetContentKey(firmware.session, kWrappedContentKey) == abi::kStatusOk);
  REQUIRE(firmware.GetReadbackKey(firmware.session).status == abi::kStatusOk);
  const SessionGrant before = firmware.GrantOf(firmware.session);
  REQUIRE(firmware.Start().status == abi::kStatusOk);
  REQUIRE(firmware.Finish() == abi::kStatusOk);
  CHECK(firmware.GrantOf(firmware.session).content_slot == before.content_slot);
  CHECK(firmware.GrantOf(firmware.session).readback_slot == before.readback_slot);
  CHECK(firmware.SlotAt(before.content_slot).key == kContentKey);
}

TEST_CASE("R17: a new exchange forgets the refresh; a failed one does not") {
  RefreshedFirmware firmware;
  const Block random = firmware.Start().BlockAt(16);
  Payload bad = BootedFirmware::NegotiatePayload(firmware.session, kContentKey);
  bad[8] = 0;
  REQUIRE(firmware.Send(abi::kMessageNegotiateSessionKey, bad).status ==
          abi::kStatusKeyExchangeFailed);
  REQUIRE(firmware.Finish() == abi::kStatusOk);
  CHECK(firmware.Key() == Xor(kSessionKey, random));
  REQUIRE(firmware.Start().status == abi::kStatusOk);
  REQUIRE(firmware.Negotiate(firmware.session, kContentKey) == abi::kStatusOk);
  CHECK(firmware.Finish() == abi::kStatusOk);
  CHECK(firmware.Key() == kContentKey);
}

TEST_CASE("a refresh of another context's session, or of a lost one, is refused") {
  RefreshedFirmware firmware;
  CHECK(firmware.Start(16, 2).status == abi::kStatusSessionInvalid);
  CHECK(firmware.Finish(2) == abi::kStatusSessionInvalid);
  REQUIRE(firmware.Start().status == abi::kStatusOk);
  firmware.platform.slots[firmware.GrantOf(firmware.session).session_slot].damaged = true;
  CHECK(firmware.Start().status == abi::kStatusKeyDamaged);
  CHECK(firmware.Finish() == abi::kStatusKeyDamaged);
}

}  // namespace
}  // namespace ward::firmware
