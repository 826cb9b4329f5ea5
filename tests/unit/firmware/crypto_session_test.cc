#include "firmware/crypto_session.h"

#include <set>

#include "catch2/catch_test_macros.hpp"
#include "firmware/guid.h"
#include "tests/unit/firmware/booted_firmware.h"

namespace ward::firmware {
namespace {

Block Changed(Block block, size_t at) {
  block[at] ^= 1;
  return block;
}

uint32_t CreateStatus(BootedFirmware* firmware, const Block& crypto, const Block& profile,
                      const Block& exchange) {
  return firmware
      ->Send(abi::kMessageCreateSession, BootedFirmware::CreatePayload(crypto, profile, exchange))
      .status;
}

TEST_CASE("a session's number is generation 1 over its index, with the epoch of its birth") {
  BootedFirmware firmware;
  firmware.platform.key_epoch = 9;
  const Reply reply = firmware.Send(abi::kMessageCreateSession, BootedFirmware::CreatePayload(), 5);
  REQUIRE(reply.status == abi::kStatusOk);
  CHECK(reply.bytes.size() == 32);
  CHECK(reply.Word(16) == 0x10000);
  CHECK(reply.Word(20) == 9);
  CHECK(reply.Word(24) != 0);
  CHECK(firmware.CreateSession() == 0x10001);
  CHECK(firmware.GrantOf(0x10000).context == 5);
  CHECK(firmware.GrantOf(0x10000).session_slot == kNoSlot);
}

TEST_CASE("each byte of the three GUIDs counts, and each GUID has its own status") {
  BootedFirmware firmware;
  for (size_t i = 0; i < 16; ++i) {
    CHECK(CreateStatus(&firmware, Changed(kAesGuid, i), {}, kOaepGuid) ==
          abi::kStatusCryptoTypeUnsupported);
    CHECK(CreateStatus(&firmware, kAesGuid, Changed({}, i), kOaepGuid) ==
          abi::kStatusProfileUnsupported);
    CHECK(CreateStatus(&firmware, kAesGuid, {}, Changed(kOaepGuid, i)) ==
          abi::kStatusKeyExchangeUnsupported);
  }
  CHECK(CreateStatus(&firmware, {}, {}, kOaepGuid) == abi::kStatusCryptoTypeUnsupported);
  CHECK(firmware.platform.grants.empty());
}

TEST_CASE("a session takes the decoder's profile, every byte of it, or none") {
  BootedFirmware firmware;
  Block profile;
  std::copy(std::begin(kH264VldNoFgt), std::end(kH264VldNoFgt), profile.begin());
  CHECK(CreateStatus(&firmware, kAesGuid, profile, kOaepGuid) == abi::kStatusOk);
  for (size_t i = 0; i < 16; ++i) {
    CHECK(CreateStatus(&firmware, kAesGuid, Changed(profile, i), kOaepGuid) ==
          abi::kStatusProfileUnsupported);
  }
}

TEST_CASE("another context's session answers exactly as one that does not exist") {
  BootedFirmware firmware;
  const uint32_t session = firmware.CreateSession(1);
  REQUIRE(firmware.Negotiate(session, kSessionKey, 1) == abi::kStatusOk);
  const uint32_t used = firmware.platform.UsedSlots();
  const uint32_t unwraps = firmware.platform.unwrap_count;
  // Not there: never made, generation to come, index out of range, zero.
  for (uint32_t number : {session, session + 1, session + 0x10000, 0x10040u, 0x1ffffu, 0u}) {
    INFO(number);
    CHECK(firmware.Destroy(number, 2) == abi::kStatusSessionInvalid);
    CHECK(firmware.Query(number, 2).status == abi::kStatusSessionInvalid);
    CHECK(firmware.Query(number, 2).bytes == std::vector<uint8_t>(16));
    CHECK(firmware.Negotiate(number, kSessionKey, 2) == abi::kStatusSessionInvalid);
    CHECK(firmware.SetContentKey(number, kWrappedContentKey, 2) == abi::kStatusSessionInvalid);
    CHECK(firmware.GetReadbackKey(number, 2).status == abi::kStatusSessionInvalid);
  }
  CHECK(firmware.platform.UsedSlots() == used);
  CHECK(firmware.platform.unwrap_count == unwraps);
  CHECK(firmware.platform.released.empty());
  CHECK(firmware.Query(session, 1).Word(16) == 1);
}

TEST_CASE("the 65th session answers SESSIONS_EXHAUSTED, and an end makes room for one") {
  BootedFirmware firmware;
  std::set<uint32_t> numbers;
  for (uint32_t i = 0; i < kSessionCount; ++i) numbers.insert(firmware.CreateSession(1 + i % 3));
  CHECK(numbers.size() == kSessionCount);
  CHECK(numbers.count(0) == 0);
  CHECK(firmware.Send(abi::kMessageCreateSession, BootedFirmware::CreatePayload()).status ==
        abi::kStatusSessionsExhausted);
  const uint32_t ended = 0x10000 | 17;
  REQUIRE(firmware.Destroy(ended, 1 + 17 % 3) == abi::kStatusOk);
  const uint32_t reborn = firmware.CreateSession();
  CHECK(reborn == (0x20000 | 17));
  CHECK(firmware.Query(ended, 1 + 17 % 3).status == abi::kStatusSessionInvalid);
  CHECK(firmware.CreateSession() == 0);
}

TEST_CASE("the generation wraps from 65535 to 1, never to 0") {
  BootedFirmware firmware;
  uint32_t last = 0;
  for (uint32_t i = 1; i <= 0xffff; ++i) {
    last = firmware.CreateSession();
    if (last != i << 16 || firmware.Destroy(last) != abi::kStatusOk) {
      FAIL("session " << i << " had number " << last);
    }
  }
  CHECK(last == 0xffff0000);
  CHECK(firmware.CreateSession() == 0x10000);
}

TEST_CASE("DESTROY_SESSION wipes the keys, frees the grant and zeroes the pages of that session") {
  BootedFirmware firmware;
  const uint32_t other = firmware.CreateSession();
  const uint32_t session = firmware.CreateSession();
  for (uint32_t number : {other, session}) {
    REQUIRE(firmware.Negotiate(number, kSessionKey) == abi::kStatusOk);
    REQUIRE(firmware.SetContentKey(number, kWrappedContentKey) == abi::kStatusOk);
    REQUIRE(firmware.GetReadbackKey(number).status == abi::kStatusOk);
  }
  CHECK(firmware.platform.UsedSlots() == 6);
  CHECK(firmware.Destroy(session) == abi::kStatusOk);
  CHECK(firmware.platform.UsedSlots() == 3);
  CHECK(firmware.GrantOf(session).session == 0);
  CHECK(firmware.platform.released == std::vector<uint32_t>{session});
  CHECK(firmware.Destroy(session) == abi::kStatusSessionInvalid);
  CHECK(firmware.Query(other).Word(16) == 1);
}

TEST_CASE("EndContext ends all sessions of that context and no other") {
  BootedFirmware firmware;
  const uint32_t first = firmware.CreateSession(1);
  const uint32_t kept = firmware.CreateSession(2);
  const uint32_t second = firmware.CreateSession(1);
  REQUIRE(firmware.Negotiate(first, kSessionKey, 1) == abi::kStatusOk);
  REQUIRE(firmware.Negotiate(kept, kSessionKey, 2) == abi::kStatusOk);
  EndContext(&firmware.platform, &firmware.state, 1);
  CHECK(firmware.platform.released == std::vector<uint32_t>{first, second});
  CHECK(firmware.platform.UsedSlots() == 1);
  CHECK(firmware.Query(first, 1).status == abi::kStatusSessionInvalid);
  CHECK(firmware.Query(kept, 2).Word(16) == 1);
}

TEST_CASE("QUERY_SESSION tells no key, keyed and lost, and what the engine refused") {
  BootedFirmware firmware;
  const uint32_t session = firmware.CreateSession();
  firmware.platform.refusals[0] = {7, abi::kStatusProtectedReadRefused, 3};
  const Reply fresh = firmware.Query(session);
  CHECK(fresh.bytes.size() == 48);
  CHECK(fresh.Word(16) == 0);
  CHECK(fresh.Word(20) == 7);
  CHECK(fresh.Word(24) == abi::kStatusProtectedReadRefused);
  CHECK(fresh.Word(28) == 1);
  CHECK(fresh.Word(32) == 3);
  REQUIRE(firmware.Negotiate(session, kSessionKey) == abi::kStatusOk);
  CHECK(firmware.Query(session).Word(16) == 1);
  firmware.platform.slots[firmware.GrantOf(session).session_slot].damaged = true;
  CHECK(firmware.Query(session).Word(16) == 2);
}

}  // namespace
}  // namespace ward::firmware
