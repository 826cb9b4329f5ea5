// Protected outputs on the fake platform: what the conformance suite can't provoke (damage, no
// entropy, no slot, tight responses), the table, the key's owner, PROTECTION in grants.
#include "firmware/protected_output.h"

#include <algorithm>

#include "catch2/catch_test_macros.hpp"
#include "firmware/authenticated_channel.h"
#include "firmware/opm_messages.h"
#include "tests/unit/firmware/booted_firmware.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kKernel = 0;
constexpr uint32_t kCapacity = 8192;

struct Outputs : BootedFirmware {
  Reply FromKernel(uint32_t message, Payload payload, uint32_t capacity = kCapacity) {
    return Send(message, std::move(payload), kKernel, capacity);
  }
  uint32_t Create(uint32_t output = 0) {
    const Reply reply = FromKernel(abi::kMessageCreateProtectedOutput, Words({output, 1}));
    return reply.status == abi::kStatusOk ? reply.Word(16) : 0;
  }
  ProtectedOutput& At(uint32_t number) { return state.protected_outputs[number & 0xffff]; }
  uint32_t SetKey(uint32_t number) {
    Payload payload = Words({number, 256});
    payload.resize(8 + 256);
    payload[8] = FakePlatform::kGoodBlobMark;
    std::copy_n(At(number).random, 16, payload.begin() + 9);
    std::copy(kSessionKey.begin(), kSessionKey.end(), payload.begin() + 9 + 16);
    StoreLe<uint32_t>(payload.data() + 9 + 32, 100);
    StoreLe<uint32_t>(payload.data() + 9 + 36, 200);
    return FromKernel(abi::kMessageSetOutputKey, payload).status;
  }
  uint32_t CreateKeyed(uint32_t output = 0) {
    const uint32_t number = Create(output);
    REQUIRE(SetKey(number) == abi::kStatusOk);
    return number;
  }
  template <typename Structure>
  Payload Signed(uint32_t number, Structure structure) {
    auto* bytes = reinterpret_cast<uint8_t*>(&structure);
    FakePlatform::Cmac(kSessionKey.data(), bytes + 16, sizeof(structure) - 16, bytes);
    Payload payload = Words({number, static_cast<uint32_t>(sizeof(structure))});
    payload.insert(payload.end(), bytes, bytes + sizeof(structure));
    return payload;
  }
  Payload Request(uint32_t number, const Guid& type, uint32_t sequence) {
    OpmInformationRequest request = {};
    std::copy_n(type.bytes, 16, request.type);
    request.sequence = sequence;
    return Signed(number, request);
  }
  Payload Level(uint32_t number, uint32_t level, uint32_t sequence) {
    OpmSetting setting = {};
    std::copy_n(kOpmSetProtectionLevel.bytes, 16, setting.type);
    setting.sequence = sequence;
    setting.parameters_bytes = 16;
    StoreLe<uint32_t>(setting.parameters, kOpmProtectionHdcp);
    StoreLe<uint32_t>(setting.parameters + 4, level);
    return Signed(number, setting);
  }
  uint32_t SetLevel(uint32_t number, uint32_t level, uint32_t sequence) {
    return FromKernel(abi::kMessageConfigureOutput, Level(number, level, sequence)).status;
  }
};

TEST_CASE("the table: one key, no message before it, and nothing of one that is not there") {
  using P = ProtectedOutputPhase;
  using E = ProtectedOutputEvent;
  const auto status = [](P phase, E event) {
    return kProtectedOutputTable.Find(phase, event).status;
  };
  CHECK(status(P::kNone, E::kCreate) == abi::kStatusOk);
  for (const E event :
       {E::kGetRandom, E::kSetKey, E::kGetInformation, E::kConfigure, E::kDestroy}) {
    CHECK(status(P::kNone, event) == abi::kStatusProtectedOutputInvalid);
  }
  CHECK(kProtectedOutputTable.Find(P::kCreated, E::kSetKey).to == P::kKeyed);
  CHECK(status(P::kCreated, E::kGetInformation) == abi::kStatusOutputMessageInvalid);
  CHECK(status(P::kCreated, E::kConfigure) == abi::kStatusOutputMessageInvalid);
  CHECK(status(P::kKeyed, E::kSetKey) == abi::kStatusKeyExchangeFailed);
  for (const P phase : {P::kCreated, P::kKeyed}) {
    CHECK(kProtectedOutputTable.Find(phase, E::kDestroy).to == P::kNone);
    CHECK(status(phase, E::kGetRandom) == abi::kStatusOk);
  }
}

TEST_CASE("a protected output's key has an owner that no session and no channel has") {
  Outputs firmware;
  const uint32_t session = firmware.CreateSession();
  const uint32_t number = firmware.CreateKeyed();
  REQUIRE((session == number && session == 0x10000));  // the same number, in other tables
  const FakePlatform::Slot& slot = firmware.SlotAt(firmware.At(number).key_slot);
  CHECK(slot.session == (number | 0x4000));
  CHECK(slot.usage == kUsageMac);
  CHECK(slot.session != (number | 0x8000));
}

TEST_CASE("destroying wipes the key, and a failed exchange leaves no slot") {
  Outputs firmware;
  const uint32_t number = firmware.Create();
  Payload bad = BootedFirmware::Words({number, 256});
  bad.resize(8 + 256);
  CHECK(firmware.FromKernel(abi::kMessageSetOutputKey, bad).status ==
        abi::kStatusKeyExchangeFailed);
  CHECK(firmware.platform.UsedSlots() == 0);
  bad[8] = FakePlatform::kGoodBlobMark;  // opens, with another random number
  CHECK(firmware.FromKernel(abi::kMessageSetOutputKey, bad).status ==
        abi::kStatusKeyExchangeFailed);
  CHECK(firmware.platform.UsedSlots() == 0);
  REQUIRE(firmware.SetKey(number) == abi::kStatusOk);
  CHECK(firmware.platform.UsedSlots() == 1);
  CHECK(firmware.FromKernel(abi::kMessageDestroyProtectedOutput, BootedFirmware::Words({number, 0}))
            .status == abi::kStatusOk);
  CHECK(firmware.platform.UsedSlots() == 0);
  CHECK(firmware.Create() == number + 0x10000);
}

TEST_CASE("without a slot the exchange says so and unwraps nothing") {
  Outputs firmware;
  const uint32_t number = firmware.Create();
  firmware.platform.slots.clear();
  const uint32_t before = firmware.platform.unwrap_count;
  CHECK(firmware.SetKey(number) == abi::kStatusSessionsExhausted);
  CHECK(firmware.platform.unwrap_count == before);
}

TEST_CASE("without entropy no protected output is made, and the firmware fails") {
  Outputs firmware;
  firmware.platform.random_available = false;
  CHECK(firmware.FromKernel(abi::kMessageCreateProtectedOutput, BootedFirmware::Words({0, 1}))
            .status == abi::kStatusSelfTestFailed);
  CHECK(firmware.state.health == Health::kFailed);
}

TEST_CASE("a damaged key costs its protected output alone, which can still be destroyed") {
  Outputs firmware;
  const uint32_t number = firmware.CreateKeyed();
  const uint32_t other = firmware.CreateKeyed();
  REQUIRE(firmware.SetLevel(number, 1, 200) == abi::kStatusOk);
  firmware.platform.slots[firmware.At(number).key_slot].damaged = true;
  CHECK(firmware
            .FromKernel(abi::kMessageGetOutputInformation,
                        firmware.Request(number, kOpmGetBusType, 100))
            .status == abi::kStatusKeyDamaged);
  CHECK(firmware.SetLevel(number, 0, 201) == abi::kStatusKeyDamaged);
  CHECK(firmware.FromKernel(abi::kMessageGetOutputRandom, BootedFirmware::Words({number, 0}))
            .status == abi::kStatusKeyDamaged);
  CHECK(firmware
            .FromKernel(abi::kMessageGetOutputInformation,
                        firmware.Request(other, kOpmGetBusType, 100))
            .status == abi::kStatusOk);
  CHECK(firmware.FromKernel(abi::kMessageDestroyProtectedOutput, BootedFirmware::Words({number, 0}))
            .status == abi::kStatusOk);
  CHECK(firmware.platform.outputs[0].link == kLinkOff);
}

TEST_CASE("a response without room for the information uses up no number") {
  Outputs firmware;
  const uint32_t number = firmware.CreateKeyed();
  const Payload request = firmware.Request(number, kOpmGetBusType, 100);
  for (const uint32_t capacity : {32u, 4096u, 32u + 4096u - 1}) {
    const Reply reply = firmware.FromKernel(abi::kMessageGetOutputInformation, request, capacity);
    CHECK(reply.status == abi::kStatusResponseTooSmall);
    CHECK(reply.bytes.size() == 16);
  }
  const uint32_t signed_before = firmware.platform.signed_count;
  const Reply reply = firmware.FromKernel(abi::kMessageGetOutputInformation, request, 32 + 4096);
  CHECK(reply.status == abi::kStatusOk);
  CHECK(reply.bytes.size() == 32 + 4096);
  CHECK(reply.Word(16) == 4096);
  CHECK(firmware.platform.signed_count == signed_before + 1);
}

TEST_CASE("nothing is signed for a request that is refused") {
  Outputs firmware;
  const uint32_t number = firmware.CreateKeyed();
  const uint32_t before = firmware.platform.signed_count;
  const Guid unknown = ParseGuid("A470B3BB-5DD7-4172-839C-3D3776E0EBF5");  // DVI characteristics
  CHECK(
      firmware.FromKernel(abi::kMessageGetOutputInformation, firmware.Request(number, unknown, 100))
          .status == abi::kStatusOutputMessageUnsupported);
  CHECK(firmware
            .FromKernel(abi::kMessageGetOutputInformation,
                        firmware.Request(number, kOpmGetBusType, 100))
            .status == abi::kStatusOutputMessageInvalid);
  CHECK(firmware.platform.signed_count == before);
}

TEST_CASE("each display output has its own link and its own holders") {
  Outputs firmware;
  const uint32_t first = firmware.CreateKeyed(0);
  const uint32_t second = firmware.CreateKeyed(1);
  REQUIRE(firmware.SetLevel(first, 1, 200) == abi::kStatusOk);
  CHECK(firmware.platform.outputs[0].link == kLinkNegotiating);
  CHECK(firmware.platform.outputs[1].link == kLinkOff);
  REQUIRE(firmware.SetLevel(second, 1, 200) == abi::kStatusOk);
  REQUIRE(firmware.SetLevel(first, 0, 201) == abi::kStatusOk);
  CHECK(firmware.platform.outputs[0].link == kLinkOff);
  CHECK(firmware.platform.outputs[1].link == kLinkNegotiating);
  CHECK(firmware.Create(2) == 0);
  // OPM_OUTPUT_ID_DATA.OutputId: behind OMAC, size, random number and flags.
  const Reply id = firmware.FromKernel(abi::kMessageGetOutputInformation,
                                       firmware.Request(second, kOpmGetOutputId, 100));
  REQUIRE(id.status == abi::kStatusOk);
  CHECK(id.Word(32 + 16) == 28);
  CHECK(id.Word(32 + 20 + 20) == 2);
}

TEST_CASE("a firmware that fails ends protected outputs, their keys and their links") {
  Outputs firmware;
  const uint32_t number = firmware.CreateKeyed();
  REQUIRE(firmware.SetLevel(number, 1, 200) == abi::kStatusOk);
  FailCipher(&firmware.platform, &firmware.state);
  CHECK(firmware.At(number).number == 0);
  CHECK(firmware.platform.UsedSlots() == 0);
  CHECK(firmware.platform.outputs[0].link == kLinkOff);
}

TEST_CASE("the end of a context touches no protected output") {
  Outputs firmware;
  const uint32_t number = firmware.CreateKeyed();
  REQUIRE(firmware.SetLevel(number, 1, 200) == abi::kStatusOk);
  EndContext(&firmware.platform, &firmware.state, 1);
  CHECK(firmware.platform.outputs[0].link == kLinkNegotiating);
  CHECK(firmware.SetLevel(number, 0, 201) == abi::kStatusOk);
}

TEST_CASE("sessions carry their context's PROTECTION in their grants, from birth to the end") {
  BootedFirmware firmware;
  const uint32_t before = firmware.CreateSession();
  const uint32_t other = firmware.CreateSession(2);
  const auto protection = [&](uint32_t session) { return firmware.GrantOf(session).protection; };
  CHECK(protection(before) == 0);
  REQUIRE(firmware.Negotiate(before, kSessionKey) == abi::kStatusOk);
  firmware.state.channels[0].number = 0x10000;
  firmware.state.channels[0].context = 1;
  firmware.state.channels[0].key_slot = kNoSlot;
  firmware.state.channels[0].protection = kOverlayOrFullscreenRequired;
  ShareProtection(&firmware.platform, &firmware.state, 1);
  CHECK(protection(before) == kOverlayOrFullscreenRequired);
  CHECK(protection(other) == 0);
  const uint32_t slot = firmware.GrantOf(before).session_slot;
  CHECK(slot != kNoSlot);
  const uint32_t after = firmware.CreateSession();
  CHECK(protection(after) == kOverlayOrFullscreenRequired);
  // A new key keeps it.
  REQUIRE(firmware.Negotiate(before, kSessionKey) == abi::kStatusOk);
  CHECK(protection(before) == kOverlayOrFullscreenRequired);
  CHECK(firmware.Send(abi::kMessageDestroyChannel, BootedFirmware::Words({0x10000, 0})).status ==
        abi::kStatusOk);
  CHECK(protection(before) == 0);
  CHECK(protection(after) == 0);
}

}  // namespace
}  // namespace ward::firmware
