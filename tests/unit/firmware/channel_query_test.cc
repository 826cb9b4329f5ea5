// QUERY_CHANNEL: the checks, the thirteen answers, and what is never signed.
#include "firmware/channel_query.h"

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "catch2/generators/catch_generators_range.hpp"
#include "tests/unit/firmware/channel_fixture.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kInvalid = abi::kStatusChannelMessageInvalid;
constexpr char kOfProtection[] = "A84EB584-C495-48AA-B94D-8BD2D6FBCE05";
constexpr char kOfType[] = "BC1B18A5-B1FB-42AB-BD94-B5828B4BF7BE";
constexpr char kOfDevice[] = "EC1C539D-8CFF-4E2A-BCC4-F5692F99F480";
constexpr char kOfSession[] = "2634499E-D018-4D74-AC17-7F724059528D";
constexpr char kOfProcessCount[] = "0DB207B3-9450-46A6-82DE-1B96D44F9CF2";
constexpr char kOfProcess[] = "649BBADB-F0F4-4639-A15B-24393FC3ABAC";
constexpr char kOfUnrestricted[] = "012F0BD6-E662-4474-BEFD-AA53E5143C6D";
constexpr char kOfOutputCount[] = "2C042B5E-8C07-46D5-AABE-8F75CBAD4C31";
constexpr char kOfOutput[] = "839DDCA3-9B4E-41E4-B053-892BD2A11EE7";
constexpr char kOfAccessibility[] = "6214D9D2-432C-4ABB-9FCE-216EEA269E3B";
constexpr char kOfGuidCount[] = "B30F7066-203C-4B07-93FC-CEAAFD61241E";
constexpr char kOfGuid[] = "F83A5958-E986-4BDA-BEB0-411F6A7A01B7";
constexpr char kOfCurrent[] = "EC1791C7-DAD3-4F15-9EC3-FAA93D60D4F0";

// Sizes of inputs and outputs, for 64 and 32 bits (DDI 6.4; 32 bits by the same rule).
struct Shape {
  const char* type;
  uint32_t input[2];
  uint32_t output[2];
  bool software_only;
};
constexpr Shape kShapes[] = {
    {kOfProtection, {32, 24}, {56, 48}, false},  {kOfType, {32, 24}, {56, 48}, false},
    {kOfDevice, {32, 24}, {56, 48}, false},      {kOfSession, {40, 28}, {72, 56}, false},
    {kOfProcessCount, {32, 24}, {56, 48}, true}, {kOfProcess, {40, 28}, {64, 56}, true},
    {kOfUnrestricted, {32, 24}, {56, 48}, true}, {kOfOutputCount, {48, 32}, {72, 56}, false},
    {kOfOutput, {56, 36}, {80, 64}, false},      {kOfAccessibility, {32, 24}, {64, 56}, false},
    {kOfGuidCount, {32, 24}, {56, 48}, false},   {kOfGuid, {40, 28}, {72, 64}, false},
    {kOfCurrent, {32, 24}, {64, 60}, false},
};

bool IsSigned(const ChannelReply& reply) {
  return reply.output.size() >= 44 && reply.Omac() == OpenChannel::Mac(reply.output);
}

TEST_CASE("each query has its sizes: one byte less in is refused and signed, out is untouched") {
  const size_t narrow = GENERATE(0u, 1u);
  const Shape& shape = kShapes[GENERATE(range(0, 13))];
  LiveChannel firmware(2, narrow == 1 ? 4 : 8);
  Payload input = firmware.QueryInput(shape.type, 100, firmware.Fields());
  input.resize(shape.input[narrow]);
  INFO(shape.type << (narrow == 1 ? " 32 bits" : " 64 bits"));

  const ChannelReply no_room = firmware.QueryRaw(input, shape.output[narrow] - 1);
  CHECK(no_room.status == kInvalid);
  CHECK(no_room.output.empty());
  Payload shorter = input;
  shorter.pop_back();
  const ChannelReply refused = firmware.QueryRaw(shorter, shape.output[narrow]);
  CHECK(refused.status == kInvalid);
  // The headers of some inputs are all there is: then nothing can be copied.
  if (shorter.size() >= (narrow == 1 ? 24u : 32u)) CHECK(IsSigned(refused));
  CHECK(firmware.channel().next_query == 100);
  const ChannelReply answered = firmware.QueryRaw(input, shape.output[narrow]);
  REQUIRE(answered.output.size() == shape.output[narrow]);
  CHECK(IsSigned(answered));
  CHECK(firmware.channel().next_query == 101);
}

TEST_CASE("the answer's header carries type, handle and number as they came, and ReturnCode") {
  LiveChannel firmware;
  const Payload input = firmware.QueryInput(kOfType, 123, firmware.Fields());
  const ChannelReply reply = firmware.QueryRaw(input);
  REQUIRE(reply.status == abi::kStatusOk);
  CHECK(std::memcmp(reply.output.data() + 16, input.data(), 16) == 0);
  CHECK(reply.Long(32) == firmware.handle);
  CHECK(reply.Word(40) == 123);
  CHECK(reply.Word(44) == 0);
  CHECK(reply.Word(48) == 3);
  CHECK(reply.Word(52) == 0);
}

TEST_CASE("R31: an unknown query, a command's type among them, gets E_FAIL and no output") {
  LiveChannel firmware;
  const uint32_t before = firmware.platform.signed_count;
  for (const char* type : {kInitialize, kProtection, kCryptoSession, kSharedResource,
                           kAccessibleEncryption, "00000000-0000-0000-0000-000000000000"}) {
    const ChannelReply reply = firmware.Query(type, 0x7fffffff);
    CHECK(reply.status == abi::kStatusChannelCommandUnsupported);
    CHECK(reply.output.empty());
  }
  CHECK(firmware.platform.signed_count == before);
}

TEST_CASE("a query without key, before INITIALIZE or for another handle is invalid") {
  OpenChannel firmware;
  const ChannelReply unkeyed = firmware.Query(kOfType, 1);
  CHECK(unkeyed.status == kInvalid);
  REQUIRE(unkeyed.output.size() == 56);
  CHECK(unkeyed.Omac() == Block{});
  CHECK(unkeyed.Word(48) == 0);
  REQUIRE(firmware.NegotiateChannel() == abi::kStatusOk);
  const ChannelReply early = firmware.Query(kOfType, 1);
  CHECK(early.status == kInvalid);
  CHECK(IsSigned(early));
  CHECK(early.Word(44) == kHresultInvalid);
  REQUIRE(firmware.Initialize() == abi::kStatusOk);
  firmware.handle ^= 1;
  CHECK(firmware.Query(kOfType, 100).status == kInvalid);
  CHECK(firmware.channel().next_query == 100);
}

TEST_CASE("R15: a query uses its number as soon as the number is right; counted apart") {
  LiveChannel firmware;
  CHECK(firmware.Query(kOfType, 99).status == kInvalid);
  CHECK(firmware.Query(kOfGuid, 100, firmware.Fields().U32(0)).status == kInvalid);
  CHECK(firmware.Query(kOfType, 100).status == kInvalid);
  CHECK(firmware.Query(kOfType, 101).status == abi::kStatusOk);
  CHECK(firmware.channel().next_configure == 200);
  CHECK(firmware.Query(kOfType, 0xffffffff).status == abi::kStatusOk);
  CHECK(firmware.Query(kOfType, 0xffffffff).status == kInvalid);
}

TEST_CASE("R24: bit 0 of PROTECTION stays set, whatever was configured") {
  LiveChannel firmware;
  CHECK(firmware.Query(kOfProtection, 100).Word(48) == 1);
  REQUIRE(firmware.Configure(kProtection, 200, firmware.Fields().U32(2)).status == abi::kStatusOk);
  CHECK(firmware.Query(kOfProtection, 101).Word(48) == 3);
  REQUIRE(firmware.Configure(kProtection, 201, firmware.Fields().U32(0)).status == abi::kStatusOk);
  CHECK(firmware.Query(kOfProtection, 102).Word(48) == 1);
}

TEST_CASE("a channel can't take back what another of its device enabled; its end does") {
  LiveChannel firmware;
  LiveChannel twin;  // for its number, handle and messages
  twin.number = firmware.Send(abi::kMessageCreateChannel, BootedFirmware::Words({3, 8})).Word(16);
  twin.handle = firmware.state.channels[1].handle;
  REQUIRE(firmware.NegotiateChannel(kSessionKey, twin.number) == abi::kStatusOk);
  const auto configure = [&](const char* type, uint32_t sequence, const Wire& fields) {
    return firmware.Configure(twin.Command(type, sequence, fields), 0, twin.number).status;
  };
  REQUIRE(configure(kInitialize, 0, Wire(8).U32(1).U32(1)) == abi::kStatusOk);
  REQUIRE(configure(kProtection, 1, Wire(8).U32(2)) == abi::kStatusOk);
  REQUIRE(firmware.Configure(kProtection, 200, Wire(8).U32(0)).status == abi::kStatusOk);
  CHECK(firmware.Query(kOfProtection, 100).Word(48) == 3);
  REQUIRE(
      firmware.Send(abi::kMessageDestroyChannel, BootedFirmware::Words({twin.number, 0})).status ==
      abi::kStatusOk);
  CHECK(firmware.Query(kOfProtection, 101).Word(48) == 1);
}

TEST_CASE("another device's protection is not this one's") {
  LiveChannel firmware;
  firmware.Send(abi::kMessageCreateChannel, BootedFirmware::Words({3, 8}), 2);
  firmware.state.channels[1].protection = 2;
  CHECK(firmware.Query(kOfProtection, 100).Word(48) == 1);
}

TEST_CASE("DEVICE_HANDLE is what GET_DEVICE_HANDLE answers") {
  LiveChannel firmware;
  CHECK(firmware.Query(kOfDevice, 100).Long(48) == firmware.DeviceHandle());
  CHECK(firmware.DeviceHandle(2) != firmware.DeviceHandle());
}

TEST_CASE("CRYPTO_SESSION: no session is zero, so is one that ended; a stranger's is invalid") {
  LiveChannel firmware;
  const uint64_t decoder = firmware.MakeDecoder();
  const uint64_t session = firmware.MakeSession();
  const uint64_t device = firmware.DeviceHandle();
  const auto ask = [&](uint32_t sequence, uint64_t of) {
    return firmware.Query(kOfSession, sequence, Wire(8).Handle(of));
  };
  const ChannelReply untied = ask(100, decoder);
  CHECK(untied.Long(48) == decoder);
  CHECK(untied.Long(56) == 0);
  CHECK(untied.Long(64) == device);
  REQUIRE(
      firmware
          .Configure(kCryptoSession, 200, Wire(8).Handle(decoder).Handle(session).Handle(device))
          .status == abi::kStatusOk);
  CHECK(ask(101, decoder).Long(56) == session);
  REQUIRE(firmware.Destroy(firmware.last_session) == abi::kStatusOk);
  CHECK(ask(102, decoder).Long(56) == 0);
  const ChannelReply foreign = ask(103, firmware.MakeDecoder(2));
  CHECK(foreign.status == kInvalid);
  CHECK(Payload(foreign.output.begin() + 48, foreign.output.end()) == Payload(24));  // R29
  CHECK(ask(104, 0).status == kInvalid);
}

TEST_CASE("processes are listed in order on a software channel, and not on a hardware one") {
  LiveChannel firmware(2);
  REQUIRE(firmware.Configure(kSharedResource, 200, Wire(8).U32(1).Handle(9).U32(1)).status == 0);
  REQUIRE(firmware.Configure(kSharedResource, 201, Wire(8).U32(2).Handle(0xabcdef012345).U32(1))
              .status == 0);
  CHECK(firmware.Query(kOfProcessCount, 100).Word(48) == 2);
  const ChannelReply dwm = firmware.Query(kOfProcess, 101, Wire(8).U32(0));
  CHECK(dwm.Word(52) == 1);
  CHECK(dwm.Long(56) == 0);
  const ChannelReply process = firmware.Query(kOfProcess, 102, Wire(8).U32(1));
  CHECK(process.Word(48) == 1);
  CHECK(process.Word(52) == 2);
  CHECK(process.Long(56) == 0xabcdef012345);
  CHECK(firmware.Query(kOfProcess, 103, Wire(8).U32(2)).status == kInvalid);
  const ChannelReply open_to_all = firmware.Query(kOfUnrestricted, 104);
  CHECK(open_to_all.status == abi::kStatusOk);
  CHECK(open_to_all.Word(48) == 0);
  LiveChannel hardware(3);
  for (const Shape& shape : kShapes) {
    const ChannelReply reply =
        hardware.Query(shape.type, hardware.channel().next_query & 0xffff, Wire(8).Zeros(24));
    CHECK((reply.status == abi::kStatusChannelCommandUnsupported) == shape.software_only);
    CHECK(IsSigned(reply));
  }
}

TEST_CASE("outputs: counted and named for a session of this device only, in both widths") {
  const uint32_t width = GENERATE(8u, 4u);
  LiveChannel firmware(3, width);
  const uint64_t session = firmware.Cut(firmware.MakeSession());
  firmware.platform.shown_outputs[firmware.last_session] = 0x80000005;
  const uint64_t stranger = firmware.Cut(firmware.MakeSession(2));
  firmware.platform.shown_outputs[firmware.last_session] = 1;
  const uint64_t device = firmware.Cut(firmware.DeviceHandle());
  const uint64_t other_device = firmware.Cut(firmware.DeviceHandle(2));
  uint32_t sequence = 100;
  const auto count = [&](uint64_t of_device, uint64_t of_session) {
    return firmware.Query(kOfOutputCount, sequence++,
                          firmware.Fields().Handle(of_device).Handle(of_session));
  };
  const auto id = [&](uint32_t index) {
    return firmware.Query(kOfOutput, sequence++,
                          firmware.Fields().Handle(device).Handle(session).U32(index));
  };
  CHECK(count(device, session).Word(width == 8 ? 64 : 52) == 3);
  CHECK(count(device, stranger).status == kInvalid);
  CHECK(count(other_device, session).status == kInvalid);
  CHECK(count(0, 0).status == kInvalid);
  const size_t place = width == 8 ? 72 : 56;
  CHECK(id(0).Long(place) == 1);
  CHECK(id(1).Long(place) == 3);
  CHECK(id(2).Long(place) == 32);
  CHECK(id(1).Word(width == 8 ? 64 : 52) == 1);
  CHECK(id(3).status == kInvalid);
  CHECK(id(0xffffffff).status == kInvalid);
}

TEST_CASE("accessibility: PCI Express, nothing accessible, no encryption offered or chosen") {
  LiveChannel firmware;
  const ChannelReply reply = firmware.Query(kOfAccessibility, 100);
  CHECK(reply.Word(48) == 3);
  CHECK(Payload(reply.output.begin() + 52, reply.output.end()) == Payload(12));
  CHECK(firmware.Query(kOfGuidCount, 101).Word(48) == 0);
  CHECK(firmware.Query(kOfGuid, 102, Wire(8).U32(0)).status == kInvalid);
  const ChannelReply current = firmware.Query(kOfCurrent, 103);
  CHECK(current.status == abi::kStatusOk);
  CHECK(Payload(current.output.begin() + 48, current.output.end()) == Payload(16));
}

}  // namespace
}  // namespace ward::firmware
