#include "firmware/trusted_application.h"

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/firmware/hardware_firmware.h"

namespace ward::firmware {
namespace {

TEST_CASE("VERSION tells version, functions, key capacity and largest data, and takes no input") {
  HardwareFirmware firmware;
  const Reply reply = firmware.Call(kVersion, {});
  REQUIRE(reply.status == abi::kStatusOk);
  CHECK(reply.Word(16) == 0);
  CHECK(reply.Word(20) == 16);
  CHECK(LoadLe<uint64_t>(reply.bytes.data() + 24) == firmware.platform.charge_ns);
  CHECK(reply.bytes.size() == 48);
  CHECK(reply.Word(32) == 1);
  CHECK(reply.Word(36) == 4);
  CHECK(reply.Word(40) == 4);
  CHECK(reply.Word(44) == 1024);
  CHECK(firmware.Call(kVersion, {0}).Word(16) == kInvalidArgument);
  const Reply cramped = firmware.Call(kVersion, {}, 15);
  CHECK(cramped.status == abi::kStatusOk);
  CHECK(cramped.Word(16) == kInvalidArgument);
  CHECK(cramped.bytes.size() == 32);
}

TEST_CASE("RANDOM answers 1 to 256 bytes, new each time") {
  HardwareFirmware firmware;
  for (const uint32_t count : {1u, 16u, 256u}) {
    const Reply first = firmware.Call(kRandom, BootedFirmware::Words({count}));
    const Reply second = firmware.Call(kRandom, BootedFirmware::Words({count}), count);
    CHECK(first.Word(16) == 0);
    CHECK(first.Word(20) == count);
    CHECK(first.bytes.size() == 32 + count);
    if (count > 1) CHECK(first.bytes != second.bytes);
  }
  for (const uint32_t count : {0u, 257u, 0xffffffffu}) {
    CHECK(firmware.Call(kRandom, BootedFirmware::Words({count})).Word(16) == kInvalidArgument);
  }
  CHECK(firmware.Call(kRandom, {1, 0, 0}).Word(16) == kInvalidArgument);
  CHECK(firmware.Call(kRandom, {1, 0, 0, 0, 0}).Word(16) == kInvalidArgument);
  CHECK(firmware.Call(kRandom, BootedFirmware::Words({5}), 4).Word(16) == kInvalidArgument);
}

TEST_CASE("RANDOM and a token without entropy fail the firmware") {
  HardwareFirmware firmware;
  firmware.platform.random_available = false;
  CHECK(firmware.Call(kRandom, BootedFirmware::Words({1})).status == abi::kStatusSelfTestFailed);
  HardwareFirmware other;
  other.platform.random_available = false;
  CHECK(other.NewKeyData(kName).status == abi::kStatusSelfTestFailed);
  CHECK(other.state.health == Health::kFailed);
}

TEST_CASE("ECHO answers its input, up to 1024 bytes and the caller's room") {
  HardwareFirmware firmware;
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{1024}}) {
    Payload input(size);
    for (size_t i = 0; i < size; ++i) input[i] = static_cast<uint8_t>(i * 3 + 1);
    const Reply reply = firmware.Call(kEcho, input);
    CHECK(reply.Word(16) == 0);
    CHECK(Payload(reply.bytes.begin() + 32, reply.bytes.end()) == input);
  }
  CHECK(firmware.Call(kEcho, Payload(1025), 2000).Word(16) == kInvalidArgument);
  CHECK(firmware.Call(kEcho, Payload(8), 7).Word(16) == kInvalidArgument);
  CHECK(firmware.Call(kEcho, Payload(8), 8, 39).status == abi::kStatusResponseTooSmall);
  CHECK(firmware.Call(kEcho, Payload(8), 8, 40).status == abi::kStatusOk);
}

TEST_CASE("a function that does not exist is E_NOTIMPL, whatever comes with it") {
  HardwareFirmware firmware;
  for (const uint32_t function : {4u, 0x80000000u, 0xffffffffu}) {
    const Reply reply = firmware.Call(function, Payload(2000));
    CHECK(reply.status == abi::kStatusOk);
    CHECK(reply.Word(16) == kNotImplemented);
    CHECK(reply.Word(20) == 0);
  }
}

TEST_CASE("an imported key decrypts once it is selected, and not before") {
  HardwareFirmware firmware;
  CHECK(firmware.Query(firmware.session).Word(16) == 0);
  REQUIRE(firmware.Import(kName, kContentKey) == 0);
  CHECK(firmware.Query(firmware.session).Word(16) == 1);
  CHECK(firmware.GrantOf(firmware.session).content_slot == kNoSlot);
  REQUIRE(firmware.Select(kName) == abi::kStatusOk);
  CHECK(firmware.SelectedKey() == kContentKey);
  CHECK(firmware.SlotAt(firmware.GrantOf(firmware.session).content_slot).usage == kUsageDecrypt);
  CHECK(firmware.GrantOf(firmware.session).session_slot == kNoSlot);
  CHECK(firmware.platform.UsedSlots() == 1);
  CHECK(firmware.Select(kOtherName) == abi::kStatusSessionNoContentKey);
  CHECK(firmware.SelectedKey() == kContentKey);
}

TEST_CASE("R27 a session of HW_PROTECTION never decrypts into the open, others as the host says") {
  HardwareFirmware firmware;
  for (const bool open : {false, true}) {
    firmware.platform.open_decrypt = open;
    const Reply created = firmware.Send(abi::kMessageCreateSession,
                                        HardwareFirmware::CreatePayload(kAesGuid, {}, kOaepGuid));
    REQUIRE(created.status == abi::kStatusOk);
    CHECK(firmware.GrantOf(created.Word(16)).open_decrypt == (open ? 1u : 0u));
    CHECK(firmware.GrantOf(firmware.CreateHardware()).open_decrypt == 0);
  }
}

TEST_CASE("every failure of an import looks alike: same result, same work, nothing imported") {
  HardwareFirmware firmware;
  const auto refuse = [&](const char* what, auto spoil) {
    INFO(what);
    Payload input = HardwareFirmware::ImportInput(kName, firmware.Token(kName), kContentKey);
    spoil(&input);
    const uint32_t unwraps = firmware.platform.unwrap_count;
    const Reply reply = firmware.Call(kImport, input);
    CHECK(reply.status == abi::kStatusOk);
    CHECK(reply.bytes.size() == 32);
    CHECK(reply.Word(16) == kInvalidArgument);
    CHECK(firmware.platform.unwrap_count == unwraps + 1);
    CHECK(firmware.platform.UsedSlots() == 0);
    CHECK(firmware.Select(kName) == abi::kStatusSessionNoContentKey);
    // The token is used up by it.
    CHECK(firmware.state.sessions[0].token_pending == 0);
  };
  refuse("padding", [](Payload* input) { (*input)[16] = 0; });
  refuse("token", [](Payload* input) { (*input)[17] ^= 1; });
  refuse("last byte of the token", [](Payload* input) { (*input)[24] ^= 0x80; });
  refuse("zeros in front", [](Payload* input) { (*input)[25] = 1; });
  refuse("zeros in front, last", [](Payload* input) { (*input)[32] = 1; });
  refuse("zeros behind", [](Payload* input) { (*input)[49] = 1; });
  refuse("zeros behind, last", [](Payload* input) { (*input)[56] = 1; });
  refuse("another name", [](Payload* input) { (*input)[0] ^= 1; });
  refuse("a short blob", [](Payload* input) { input->pop_back(); });
  refuse("a long blob", [](Payload* input) { input->push_back(0); });
  refuse("much too long", [](Payload* input) { input->resize(4000); });
  refuse("a name alone", [](Payload* input) { input->resize(16); });
  refuse("less than a name", [](Payload* input) { input->resize(15); });
  refuse("nothing", [](Payload* input) { input->clear(); });
}

TEST_CASE("a token is good once: not without being asked for, not twice, not after a failure") {
  HardwareFirmware firmware;
  CHECK(firmware.Import(HardwareFirmware::ImportInput({}, 0, kContentKey)) == kInvalidArgument);
  const Payload input = HardwareFirmware::ImportInput(kName, firmware.Token(kName), kContentKey);
  Payload spoiled = input;
  spoiled[16] = 0;
  CHECK(firmware.Import(spoiled) == kInvalidArgument);
  CHECK(firmware.Import(input) == kInvalidArgument);
  const Payload again = HardwareFirmware::ImportInput(kName, firmware.Token(kName), kContentKey);
  CHECK(firmware.Import(again) == 0);
  CHECK(firmware.Import(again) == kInvalidArgument);
  // Of two tokens the last is good.
  const Payload older = HardwareFirmware::ImportInput(kName, firmware.Token(kName), kContentKey);
  CHECK(firmware.Token(kName) != 0);
  CHECK(firmware.Import(older) == kInvalidArgument);
}

TEST_CASE("four names are held, a fifth is refused; a name imported again is replaced") {
  HardwareFirmware firmware;
  for (uint8_t i = 0; i < kImportedKeyCount; ++i) {
    REQUIRE(firmware.Import({i}, kSessionKey) == 0);
  }
  CHECK(firmware.platform.UsedSlots() == kImportedKeyCount);
  CHECK(firmware.Import({9}, kContentKey) == kInvalidArgument);
  CHECK(firmware.Select({9}) == abi::kStatusSessionNoContentKey);
  REQUIRE(firmware.Select({2}) == abi::kStatusOk);
  const uint32_t replaced = firmware.GrantOf(firmware.session).content_slot;
  REQUIRE(firmware.Import({1}, kContentKey) == 0);
  CHECK(firmware.GrantOf(firmware.session).content_slot == replaced);
  // Replacing the selected key takes the selection back.
  REQUIRE(firmware.Import({2}, kContentKey) == 0);
  CHECK(firmware.GrantOf(firmware.session).content_slot == kNoSlot);
  CHECK(firmware.platform.UsedSlots() == kImportedKeyCount);
  REQUIRE(firmware.Select({2}) == abi::kStatusOk);
  CHECK(firmware.SelectedKey() == kContentKey);
}

TEST_CASE("without a free slot an import is not looked at, and its token stays good") {
  HardwareFirmware firmware;
  const Payload input = HardwareFirmware::ImportInput(kName, firmware.Token(kName), kContentKey);
  for (FakePlatform::Slot& slot : firmware.platform.slots) slot.session = 0x99;
  const uint32_t unwraps = firmware.platform.unwrap_count;
  CHECK(firmware.Call(kImport, input).status == abi::kStatusSessionsExhausted);
  CHECK(firmware.platform.unwrap_count == unwraps);
  firmware.platform.slots[7] = {};
  CHECK(firmware.Import(input) == 0);
}

TEST_CASE("messages of one key exchange answer SESSION_TYPE_INVALID on a session of the other") {
  HardwareFirmware firmware;
  const uint32_t hardware = firmware.session;
  CHECK(firmware.Negotiate(hardware, kSessionKey) == abi::kStatusSessionTypeInvalid);
  CHECK(firmware.SetContentKey(hardware, kWrappedContentKey) == abi::kStatusSessionTypeInvalid);
  CHECK(firmware.GetReadbackKey(hardware).status == abi::kStatusSessionTypeInvalid);
  CHECK(firmware.Send(abi::kMessageStartKeyRefresh, BootedFirmware::Words({hardware, 16})).status ==
        abi::kStatusSessionTypeInvalid);
  CHECK(firmware.Send(abi::kMessageFinishKeyRefresh, BootedFirmware::Words({hardware, 0})).status ==
        abi::kStatusSessionTypeInvalid);
  firmware.session = firmware.CreateSession();
  CHECK(firmware.Call(kVersion, {}).status == abi::kStatusSessionTypeInvalid);
  CHECK(firmware.NewKeyData(kName).status == abi::kStatusSessionTypeInvalid);
  CHECK(firmware.Select(kName) == abi::kStatusSessionTypeInvalid);
  firmware.session = hardware + 5;
  CHECK(firmware.Call(kVersion, {}).status == abi::kStatusSessionInvalid);
  CHECK(firmware.platform.UsedSlots() == 0);
}

TEST_CASE("another context's session of HW_PROTECTION does not exist") {
  HardwareFirmware firmware;
  firmware.session = firmware.CreateHardware(2);
  CHECK(firmware.Call(kVersion, {}).status == abi::kStatusSessionInvalid);
  CHECK(firmware.NewKeyData(kName).status == abi::kStatusSessionInvalid);
  CHECK(firmware.Select(kName) == abi::kStatusSessionInvalid);
}

TEST_CASE("a damaged imported key costs its session, and the end of a session wipes all keys") {
  HardwareFirmware firmware;
  REQUIRE(firmware.Import(kName, kContentKey) == 0);
  REQUIRE(firmware.Import(kOtherName, kSessionKey) == 0);
  firmware.platform.slots[firmware.state.sessions[0].imported[1].slot].damaged = true;
  CHECK(firmware.Query(firmware.session).Word(16) == 2);
  CHECK(firmware.Select(kName) == abi::kStatusKeyDamaged);
  CHECK(firmware.Call(kEcho, {1}).status == abi::kStatusKeyDamaged);
  CHECK(firmware.Destroy(firmware.session) == abi::kStatusOk);
  CHECK(firmware.platform.UsedSlots() == 0);
}

TEST_CASE("tear-down wipes all keys; sessions answer SESSION_LOST until they are destroyed") {
  HardwareFirmware firmware;
  REQUIRE(firmware.Import(kName, kContentKey) == 0);
  REQUIRE(firmware.Select(kName) == abi::kStatusOk);
  const uint32_t hardware = firmware.session;
  const uint32_t oaep = firmware.CreateSession();
  REQUIRE(firmware.Negotiate(oaep, kSessionKey) == abi::kStatusOk);
  REQUIRE(firmware.GetReadbackKey(oaep).status == abi::kStatusOk);
  const uint32_t empty = firmware.CreateSession();
  TearDown(&firmware.platform, &firmware.state);
  CHECK(firmware.platform.UsedSlots() == 0);
  CHECK(firmware.platform.released == std::vector<uint32_t>{hardware, oaep, empty});
  for (const uint32_t session : {hardware, oaep, empty}) {
    INFO(session);
    CHECK(firmware.Query(session).Word(16) == 3);
    CHECK(firmware.GrantOf(session).torn_down == 1);
    CHECK(firmware.GrantOf(session).content_slot == kNoSlot);
    CHECK(firmware.Negotiate(session, kSessionKey) == abi::kStatusSessionLost);
    CHECK(firmware.SetContentKey(session, kWrappedContentKey) == abi::kStatusSessionLost);
    CHECK(firmware.GetReadbackKey(session).status == abi::kStatusSessionLost);
    CHECK(
        firmware.Send(abi::kMessageFinishKeyRefresh, BootedFirmware::Words({session, 0})).status ==
        abi::kStatusSessionLost);
    firmware.session = session;
    CHECK(firmware.Call(kEcho, {1}).status == abi::kStatusSessionLost);
    CHECK(firmware.NewKeyData(kName).status == abi::kStatusSessionLost);
    CHECK(firmware.Select(kName) == abi::kStatusSessionLost);
    CHECK(firmware.Destroy(session) == abi::kStatusOk);
    CHECK(firmware.Query(session).status == abi::kStatusSessionInvalid);
  }
  // The index serves again, with nothing left of the loss.
  firmware.session = firmware.CreateHardware();
  CHECK(firmware.Import(kName, kContentKey) == 0);
}

}  // namespace
}  // namespace ward::firmware
