#include "firmware/self_test.h"

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "catch2/generators/catch_generators_range.hpp"
#include "tests/unit/firmware/booted_firmware.h"

namespace ward::firmware {
namespace {

Reply RunSelfTest(BootedFirmware* firmware) {
  return firmware->Send(abi::kMessageRunSelfTest, Payload(8));
}

TEST_CASE("libcrypto's ciphers pass the known-answer tests") {
  BootedFirmware firmware;
  CHECK(firmware.state.health == Health::kReady);
  CHECK(firmware.state.failed_test == 0);
  CHECK(RunSelfTest(&firmware).status == abi::kStatusOk);
}

TEST_CASE(
    "P12_ F20_ each failing test at boot leaves the firmware failed, with the test's number") {
  const int test = GENERATE(range(0, 7));
  const bool by_switch = GENERATE(false, true);
  FakePlatform platform;
  (by_switch ? platform.failing_self_test : platform.broken_block) = test;
  State state = {};
  Boot(&platform, &state);
  CHECK(state.health == Health::kFailed);
  CHECK(state.failed_test == static_cast<uint32_t>(test) + 1);
}

TEST_CASE("P12_ F20_ a test that fails on demand wipes all, ends all, and is terminal") {
  const int test = GENERATE(range(0, 7));
  BootedFirmware firmware;
  const uint32_t first = firmware.CreateSession(1);
  const uint32_t second = firmware.CreateSession(2);
  REQUIRE(firmware.Negotiate(first, kSessionKey, 1) == abi::kStatusOk);
  REQUIRE(firmware.Negotiate(second, kSessionKey, 2) == abi::kStatusOk);

  firmware.platform.broken_block = test;
  const Reply reply = RunSelfTest(&firmware);
  CHECK(reply.status == abi::kStatusSelfTestFailed);
  CHECK(reply.bytes.size() == 16);
  CHECK(firmware.platform.UsedSlots() == 0);
  CHECK(firmware.platform.wipe_all_count == 1);
  CHECK(firmware.platform.released == std::vector<uint32_t>{first, second});
  CHECK(firmware.GrantOf(first).session == 0);
  CHECK(firmware.GrantOf(second).session == 0);

  // The block is well again, and it does not matter.
  firmware.platform.broken_block = -1;
  CHECK(RunSelfTest(&firmware).status == abi::kStatusSelfTestFailed);
  for (uint32_t number = 0; number < 32; ++number) {
    CHECK(firmware.Send(number, Payload(8)).status == abi::kStatusSelfTestFailed);
  }
  CHECK(firmware.CreateSession() == 0);
  EndContext(&firmware.platform, &firmware.state, 1);
  CHECK(firmware.state.health == Health::kFailed);
}

TEST_CASE("a switch for a test that does not exist fails none") {
  FakePlatform platform;
  platform.failing_self_test = 7;
  State state = {};
  Boot(&platform, &state);
  CHECK(state.health == Health::kReady);
}

}  // namespace
}  // namespace ward::firmware
