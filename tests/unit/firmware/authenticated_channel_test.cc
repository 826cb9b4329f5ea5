// Channels, decoders and device handles: who owns them, how they begin and end.
#include "firmware/authenticated_channel.h"

#include <set>

#include "catch2/catch_test_macros.hpp"
#include "firmware/crypto_session.h"
#include "tests/unit/firmware/channel_fixture.h"

namespace ward::firmware {
namespace {

constexpr Block kOtherKey = {9, 8, 7};

uint32_t CreateStatus(BootedFirmware* firmware, uint32_t type, uint32_t width) {
  return firmware->Send(abi::kMessageCreateChannel, BootedFirmware::Words({type, width})).status;
}

TEST_CASE("channels are of two types and two widths") {
  BootedFirmware firmware;
  for (uint32_t type : {0u, 1u, 4u, 0xffffffffu}) {
    CHECK(CreateStatus(&firmware, type, 8) == abi::kStatusChannelTypeUnsupported);
  }
  for (uint32_t width : {0u, 5u, 16u}) {
    CHECK(CreateStatus(&firmware, 2, width) == abi::kStatusOperandInvalid);
  }
  CHECK(CreateStatus(&firmware, 2, 8) == abi::kStatusOk);
  CHECK(CreateStatus(&firmware, 3, 4) == abi::kStatusOk);
}

TEST_CASE("the 65th channel answers HANDLES_EXHAUSTED; an end makes room under a new number") {
  BootedFirmware firmware;
  for (uint32_t i = 0; i < kChannelCount; ++i) REQUIRE(CreateStatus(&firmware, 2, 8) == 0);
  CHECK(CreateStatus(&firmware, 2, 8) == abi::kStatusHandlesExhausted);
  const auto destroy = BootedFirmware::Words({0x10005, 0});
  CHECK(firmware.Send(abi::kMessageDestroyChannel, destroy, 2).status ==
        abi::kStatusChannelInvalid);
  CHECK(firmware.Send(abi::kMessageDestroyChannel, destroy).status == abi::kStatusOk);
  CHECK(firmware.Send(abi::kMessageDestroyChannel, destroy).status == abi::kStatusChannelInvalid);
  CHECK(firmware.Send(abi::kMessageCreateChannel, BootedFirmware::Words({2, 8})).Word(16) ==
        0x20005);
}

TEST_CASE("the channel's key does MACs only, is no session's, and is wiped with the channel") {
  KeyedChannel firmware;
  const FakePlatform::Slot& slot = firmware.SlotAt(firmware.channel().key_slot);
  CHECK(slot.usage == kUsageMac);
  CHECK(slot.key == kSessionKey);
  CHECK(slot.session == (firmware.number | 0x8000));
  CHECK(firmware.CreateSession() == firmware.number);  // numbers alone may coincide
  CHECK(firmware.Send(abi::kMessageDestroyChannel, BootedFirmware::Words({firmware.number, 0}))
            .status == abi::kStatusOk);
  CHECK(firmware.platform.UsedSlots() == 0);
}

TEST_CASE("R17: a channel takes new keys until INITIALIZE; a failed exchange keeps the old one") {
  KeyedChannel firmware;
  CHECK(firmware.NegotiateChannel(kOtherKey) == abi::kStatusOk);
  CHECK(firmware.Initialize() == abi::kStatusChannelMessageInvalid);
  Payload bad = BootedFirmware::NegotiatePayload(firmware.number, kSessionKey);
  bad[8] = 0;
  CHECK(firmware.Send(abi::kMessageNegotiateChannelKey, bad).status ==
        abi::kStatusKeyExchangeFailed);
  CHECK(firmware.SlotAt(firmware.channel().key_slot).key == kOtherKey);
  CHECK(firmware.NegotiateChannel() == abi::kStatusOk);
  CHECK(firmware.Initialize() == abi::kStatusOk);
  const uint32_t unwraps = firmware.platform.unwrap_count;
  CHECK(firmware.NegotiateChannel(kOtherKey) == abi::kStatusKeyExchangeFailed);
  CHECK(firmware.platform.unwrap_count == unwraps);
  CHECK(firmware.platform.UsedSlots() == 1);
  CHECK(firmware
            .Send(abi::kMessageNegotiateChannelKey,
                  BootedFirmware::NegotiatePayload(firmware.number, kSessionKey), 2)
            .status == abi::kStatusChannelInvalid);
}

TEST_CASE("a channel whose key is damaged answers KEY_DAMAGED until it is destroyed") {
  LiveChannel firmware;
  firmware.platform.slots[firmware.channel().key_slot].damaged = true;
  const ChannelReply reply = firmware.Configure(kProtection, 200, Wire(8).U32(1));
  CHECK(reply.status == abi::kStatusKeyDamaged);
  CHECK(reply.output.empty());
  CHECK(firmware.Query("BC1B18A5-B1FB-42AB-BD94-B5828B4BF7BE", 100).status ==
        abi::kStatusKeyDamaged);
  CHECK(firmware.NegotiateChannel() == abi::kStatusKeyDamaged);
  CHECK(firmware.channel().protection == 0);
}

TEST_CASE("a channel that was torn down answers SESSION_LOST until it is destroyed") {
  LiveChannel firmware;
  REQUIRE(firmware.Configure(kProtection, 200, Wire(8).U32(1)).status == abi::kStatusOk);
  const uint64_t session = firmware.MakeSession();
  const uint32_t session_number = firmware.last_session;
  TearDown(&firmware.platform, &firmware.state);
  CHECK(firmware.platform.UsedSlots() == 0);
  const ChannelReply reply = firmware.Configure(kProtection, 201, Wire(8).U32(0));
  CHECK(reply.status == abi::kStatusSessionLost);
  CHECK(reply.output.empty());
  CHECK(firmware.Query("BC1B18A5-B1FB-42AB-BD94-B5828B4BF7BE", 100).status ==
        abi::kStatusSessionLost);
  CHECK(firmware.NegotiateChannel() == abi::kStatusSessionLost);
  CHECK(firmware.channel().protection == 1);
  // What the lost session's handle stood for is no more, for channels that are well.
  CHECK(FindSessionOfHandle(&firmware.state, session, 8, 1) == nullptr);
  CHECK(FindSession(&firmware.state, session_number, 1) != nullptr);
  CHECK(firmware.Send(abi::kMessageDestroyChannel, BootedFirmware::Words({firmware.number, 0}))
            .status == abi::kStatusOk);
}

TEST_CASE("decoders belong to their context, and there are 64") {
  OpenChannel firmware;
  std::set<uint64_t> handles;
  for (uint32_t i = 0; i < kDecoderCount; ++i) handles.insert(firmware.MakeDecoder());
  CHECK(handles.size() == kDecoderCount);
  CHECK(firmware.Send(abi::kMessageCreateDecoder, BootedFirmware::Words({0, 0})).status ==
        abi::kStatusHandlesExhausted);
  const uint64_t handle = *handles.begin();
  const auto destroy =
      BootedFirmware::Words({static_cast<uint32_t>(handle), static_cast<uint32_t>(handle >> 32)});
  CHECK(firmware.Send(abi::kMessageDestroyDecoder, destroy, 2).status ==
        abi::kStatusChannelInvalid);
  CHECK(firmware.Send(abi::kMessageDestroyDecoder, BootedFirmware::Words({0, 0})).status ==
        abi::kStatusChannelInvalid);
  CHECK(firmware.Send(abi::kMessageDestroyDecoder, destroy).status == abi::kStatusOk);
  CHECK(handles.count(firmware.MakeDecoder()) == 0);
}

TEST_CASE("the end of a context ends its channels, decoders and device, and no other's") {
  LiveChannel firmware;
  const uint64_t device = firmware.DeviceHandle(1);
  const uint64_t kept = firmware.DeviceHandle(2);
  const uint64_t decoder = firmware.MakeDecoder(1);
  firmware.MakeDecoder(2);
  REQUIRE(firmware.Send(abi::kMessageCreateChannel, BootedFirmware::Words({2, 8}), 2).status == 0);
  EndContext(&firmware.platform, &firmware.state, 1);
  CHECK(firmware.platform.UsedSlots() == 0);
  CHECK(firmware.Query("BC1B18A5-B1FB-42AB-BD94-B5828B4BF7BE", 100).status ==
        abi::kStatusChannelInvalid);
  CHECK(firmware.state.channels[1].context == 2);
  CHECK(firmware.state.decoders[0].handle != decoder);
  CHECK(firmware.state.decoders[1].context == 2);
  CHECK(firmware.DeviceHandle(2) == kept);
  CHECK(firmware.DeviceHandle(1) != device);
}

TEST_CASE("handles are not repeated, not in their low halves either, and never 0 or all ones") {
  OpenChannel firmware;
  std::set<uint64_t> whole = {0, UINT64_MAX, firmware.full_handle};
  std::set<uint32_t> low = {0, 0xffffffff, static_cast<uint32_t>(firmware.full_handle)};
  size_t made = 3;
  for (uint32_t context = 2; context < 3000; ++context, made += 2) {
    for (uint64_t handle : {firmware.DeviceHandle(context), firmware.MakeDecoder(context)}) {
      whole.insert(handle);
      low.insert(static_cast<uint32_t>(handle));
    }
    EndContext(&firmware.platform, &firmware.state, context);
  }
  // The context of the channel has a device, too.
  CHECK(whole.size() == made);
  CHECK(low.size() == made);
}

TEST_CASE("without entropy no handle is made, and the firmware fails with all that it held") {
  LiveChannel firmware;
  firmware.platform.random_available = false;
  CHECK(firmware.Send(abi::kMessageCreateDecoder, BootedFirmware::Words({0, 0})).status ==
        abi::kStatusSelfTestFailed);
  CHECK(firmware.state.health == Health::kFailed);
  CHECK(firmware.platform.UsedSlots() == 0);
  CHECK(firmware.state.channels[0].number == 0);
  CHECK(firmware.state.devices[0].handle == 0);
}

}  // namespace
}  // namespace ward::firmware
