// CONFIGURE_CHANNEL: the checks one by one, what each costs, and the five commands.
#include "firmware/channel_configure.h"

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/unit/firmware/channel_fixture.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kInvalid = abi::kStatusChannelMessageInvalid;
constexpr char kQueryOfProtection[] = "A84EB584-C495-48AA-B94D-8BD2D6FBCE05";

TEST_CASE(
    "7.3: INITIALIZE with the published OMAC is accepted and answered with the published one") {
  KeyedChannel firmware;
  firmware.state.channels[0].handle = firmware.handle = 0x1122334455667788;
  Payload input =
      firmware.Command(kInitialize, 0, firmware.Fields().U32(0x10000000).U32(0x20000000));
  const Block expected = {0xc4, 0x9b, 0x60, 0xd1, 0x47, 0xfa, 0xe3, 0x56,
                          0x50, 0x69, 0x98, 0x14, 0x50, 0x30, 0xe7, 0x22};
  REQUIRE(input.size() == 56);
  std::memcpy(input.data(), expected.data(), 16);
  const ChannelReply reply = firmware.Configure(input);
  CHECK(reply.status == abi::kStatusOk);
  REQUIRE(reply.output.size() == 48);
  CHECK(reply.Omac() == Block{0x75, 0x64, 0xa6, 0xc6, 0x98, 0x46, 0x37, 0xd3, 0x3a, 0x70, 0x2d,
                              0xc0, 0x01, 0x29, 0xe4, 0x39});
  CHECK(reply.Word(44) == 0);
}

TEST_CASE("an input shorter than the header leaves the output untouched, in both widths") {
  const uint32_t width = GENERATE(8u, 4u);
  KeyedChannel firmware(3, width);
  const uint32_t header = width == 8 ? 48 : 40;
  const ChannelReply shorter = firmware.Configure(Payload(header - 1));
  CHECK(shorter.status == kInvalid);
  CHECK(shorter.output.empty());
  CHECK_FALSE(firmware.Configure(Payload(header)).output.empty());
}

TEST_CASE("without a key every command is invalid, known or not, and the answer has no OMAC") {
  OpenChannel firmware;
  for (const char* type : {kInitialize, "11111111-2222-3333-4444-555555555555"}) {
    const ChannelReply reply = firmware.Configure(type, 7, firmware.Fields().U32(1).U32(1));
    CHECK(reply.status == kInvalid);
    REQUIRE(reply.output.size() == 48);
    CHECK(reply.Omac() == Block{});
    CHECK(reply.Word(40) == 7);
    CHECK(reply.Word(44) == kHresultInvalid);
  }
}

TEST_CASE("R31: an unknown type answers E_FAIL and is never signed") {
  LiveChannel firmware;
  const uint32_t before = firmware.platform.signed_count;
  for (const char* type : {"11111111-2222-3333-4444-555555555555", kQueryOfProtection}) {
    const ChannelReply reply = firmware.Configure(type, 200, firmware.Fields().U32(1));
    CHECK(reply.status == abi::kStatusChannelCommandUnsupported);
    REQUIRE(reply.output.size() == 48);
    CHECK(reply.Omac() == Block{});
    CHECK(reply.Word(44) == kHresultFail);
  }
  CHECK(firmware.platform.signed_count == before);
}

TEST_CASE("R13: a command may be longer than its structure, never shorter") {
  LiveChannel firmware;
  Payload input = firmware.Command(kProtection, 200, firmware.Fields().U32(1));
  REQUIRE(input.size() == 56);
  Payload shorter = input;
  shorter.pop_back();
  const ChannelReply refused = firmware.Configure(shorter);
  CHECK(refused.status == kInvalid);
  CHECK(refused.Omac() == OpenChannel::Mac(refused.output));
  input.resize(300, 0xee);
  CHECK(firmware.Configure(input).status == abi::kStatusOk);
}

TEST_CASE("each byte of a command counts: one flipped bit is invalid and costs no number") {
  LiveChannel firmware;
  const Payload input = firmware.Command(kProtection, 200, firmware.Fields().U32(1));
  for (size_t i = 0; i < input.size(); ++i) {
    if (i >= 16 && i < 32) continue;  // the type: see the unknown ones
    Payload changed = input;
    changed[i] ^= 1;
    INFO(i);
    CHECK(firmware.Configure(changed).status == kInvalid);
  }
  CHECK(firmware.channel().next_configure == 200);
  CHECK(firmware.channel().protection == 0);
  CHECK(firmware.Configure(input).status == abi::kStatusOk);
}

TEST_CASE("a command signed for another channel's handle is invalid and costs no number") {
  LiveChannel firmware;
  firmware.handle ^= 0x100;
  CHECK(firmware.Configure(kProtection, 300, firmware.Fields().U32(1)).status == kInvalid);
  CHECK(firmware.channel().next_configure == 200);
}

TEST_CASE("before INITIALIZE nothing else is accepted, and INITIALIZE is accepted once") {
  KeyedChannel firmware;
  CHECK(firmware.Configure(kProtection, 5, firmware.Fields().U32(1)).status == kInvalid);
  CHECK(firmware.Initialize(1, 2) == abi::kStatusOk);
  CHECK(firmware.Initialize(3, 4) == kInvalid);
  CHECK(firmware.channel().next_query == 1);
  CHECK(firmware.channel().next_configure == 2);
}

TEST_CASE("R14: numbers from Start on, each once, gaps allowed, 0xffffffff is the last") {
  LiveChannel firmware;
  const auto send = [&](uint32_t sequence) {
    return firmware.Configure(kProtection, sequence, firmware.Fields().U32(1)).status;
  };
  CHECK(send(199) == kInvalid);
  CHECK(send(200) == abi::kStatusOk);
  CHECK(send(200) == kInvalid);
  CHECK(send(201) == abi::kStatusOk);
  CHECK(send(0xfffffffe) == abi::kStatusOk);
  CHECK(send(0xffffffff) == abi::kStatusOk);
  CHECK(send(0xffffffff) == kInvalid);
  CHECK(send(0) == kInvalid);
}

TEST_CASE("R15: a command that fails behind the sequence check has used its number") {
  LiveChannel firmware;
  const ChannelReply reply = firmware.Configure(kProtection, 205, firmware.Fields().U32(4));
  CHECK(reply.status == kInvalid);
  CHECK(reply.Word(40) == 205);
  CHECK(reply.Word(44) == kHresultInvalid);
  CHECK(reply.Omac() == OpenChannel::Mac(reply.output));
  CHECK(firmware.channel().next_configure == 206);
}

TEST_CASE("PROTECTION takes two bits and no other") {
  LiveChannel firmware;
  for (uint32_t flags = 0; flags < 4; ++flags) {
    CHECK(firmware.Configure(kProtection, 200 + flags, firmware.Fields().U32(flags)).status ==
          abi::kStatusOk);
    CHECK(firmware.channel().protection == flags);
  }
  for (uint32_t bit = 2; bit < 32; ++bit) {
    CHECK(firmware.Configure(kProtection, 200 + 2 * bit, firmware.Fields().U32(1u << bit)).status ==
          kInvalid);
  }
  CHECK(firmware.channel().protection == 3);
}

TEST_CASE("CRYPTO_SESSION ties what belongs to the channel's device, in both widths") {
  const uint32_t width = GENERATE(8u, 4u);
  LiveChannel firmware(GENERATE(2u, 3u), width);
  const uint64_t decoder = firmware.Cut(firmware.MakeDecoder());
  const uint64_t session = firmware.Cut(firmware.MakeSession());
  const uint64_t device = firmware.Cut(firmware.DeviceHandle());
  const uint64_t others[] = {firmware.Cut(firmware.MakeDecoder(2)),
                             firmware.Cut(firmware.MakeSession(2)),
                             firmware.Cut(firmware.DeviceHandle(2))};
  uint32_t sequence = 200;
  const auto tie = [&](uint64_t first, uint64_t second, uint64_t third) {
    return firmware
        .Configure(kCryptoSession, sequence++,
                   firmware.Fields().Handle(first).Handle(second).Handle(third))
        .status;
  };
  CHECK(tie(others[0], session, device) == kInvalid);
  CHECK(tie(decoder, others[1], device) == kInvalid);
  CHECK(tie(decoder, session, others[2]) == kInvalid);
  CHECK(tie(0, session, device) == kInvalid);
  CHECK(tie(decoder, 0, device) == kInvalid);
  CHECK(tie(decoder, session, 0) == kInvalid);
  CHECK(firmware.state.decoders[0].session_handle == 0);
  CHECK(tie(decoder, session, device) == abi::kStatusOk);
  CHECK(firmware.Cut(firmware.state.decoders[0].session_handle) == session);
}

TEST_CASE("GET_DECODER_SESSION tells the session that was tied last, its state, and its end") {
  LiveChannel firmware;
  const uint64_t decoder = firmware.MakeDecoder();
  const auto ask = [&](uint64_t handle, uint32_t of) {
    return firmware.Send(
        abi::kMessageGetDecoderSession,
        BootedFirmware::Words({static_cast<uint32_t>(handle), static_cast<uint32_t>(handle >> 32)}),
        of);
  };
  const auto check = [&](uint32_t session, uint32_t state) {
    const Reply reply = ask(decoder, 1);
    REQUIRE(reply.status == abi::kStatusOk);
    CHECK(reply.Word(16) == session);
    CHECK(reply.Word(20) == state);
    CHECK(reply.bytes.size() == 32);
  };
  uint32_t sequence = 200;
  const auto tie = [&](uint64_t session) {
    CHECK(firmware
              .Configure(
                  kCryptoSession, sequence++,
                  firmware.Fields().Handle(decoder).Handle(session).Handle(firmware.DeviceHandle()))
              .status == abi::kStatusOk);
    return firmware.last_session;
  };
  check(0, 0);
  const uint32_t first = tie(firmware.MakeSession());
  check(first, 0);
  REQUIRE(firmware.Negotiate(first, kSessionKey) == abi::kStatusOk);
  check(first, 1);
  const uint32_t second = tie(firmware.MakeSession());
  check(second, 0);
  REQUIRE(firmware.Negotiate(second, kSessionKey) == abi::kStatusOk);
  firmware.platform.slots[firmware.GrantOf(second).session_slot].damaged = true;
  check(second, 2);
  REQUIRE(firmware.Destroy(second) == abi::kStatusOk);
  check(0, 0);
  CHECK(ask(decoder, 2).status == abi::kStatusChannelInvalid);
  CHECK(ask(decoder + 1, 1).status == abi::kStatusChannelInvalid);
  CHECK(ask(0, 1).status == abi::kStatusChannelInvalid);
}

TEST_CASE("SHARED_RESOURCE is for software channels; on a hardware one it uses its number") {
  LiveChannel firmware(3);
  const ChannelReply reply =
      firmware.Configure(kSharedResource, 200, firmware.Fields().U32(1).Handle(0).U32(1));
  CHECK(reply.status == abi::kStatusChannelCommandUnsupported);
  CHECK(reply.Word(44) == kHresultFail);
  CHECK(reply.Omac() == OpenChannel::Mac(reply.output));
  CHECK(firmware.channel().next_configure == 201);
  CHECK(firmware.state.devices[0].process_count == 0);
}

TEST_CASE("SHARED_RESOURCE adds once, removes, ignores the DWM's handle, and has room for 16") {
  LiveChannel firmware(2, GENERATE(8u, 4u));
  uint32_t sequence = 200;
  const auto set = [&](uint32_t type, uint64_t process, uint32_t allow) {
    return firmware
        .Configure(kSharedResource, sequence++,
                   firmware.Fields().U32(type).Handle(process).U32(allow))
        .status;
  };
  const Device& device = firmware.state.devices[0];
  CHECK(set(0, 5, 1) == kInvalid);
  CHECK(set(3, 5, 1) == kInvalid);
  CHECK(set(2, 0, 1) == kInvalid);
  CHECK(set(1, 77, 1) == abi::kStatusOk);
  CHECK(set(1, 78, 1) == abi::kStatusOk);
  CHECK(set(2, 5, 1) == abi::kStatusOk);
  CHECK(set(2, 5, 0xff00) == abi::kStatusOk);
  CHECK(set(2, 6, 1) == abi::kStatusOk);
  CHECK(device.process_count == 3);
  CHECK(set(2, 5, 0) == abi::kStatusOk);
  CHECK(set(2, 5, 0) == abi::kStatusOk);
  REQUIRE(device.process_count == 2);
  CHECK(device.processes[0].type == 1);
  CHECK(device.processes[0].handle == 0);
  CHECK(device.processes[1].handle == 6);
  for (uint64_t process = 100; device.process_count < kAllowedProcessCount; ++process) {
    REQUIRE(set(2, process, 1) == abi::kStatusOk);
  }
  CHECK(set(2, 99, 1) == abi::kStatusHandlesExhausted);
  CHECK(set(2, 6, 1) == abi::kStatusOk);
}

TEST_CASE("ENCRYPTION_WHEN_ACCESSIBLE takes GUID_NULL alone") {
  LiveChannel firmware;
  CHECK(firmware
            .Configure(kAccessibleEncryption, 200,
                       firmware.Fields().Guid("9B6BD711-4F74-41C9-9E7B-0BE2D7D93B4F"))
            .status == kInvalid);
  CHECK(firmware.Configure(kAccessibleEncryption, 201, firmware.Fields().Zeros(16)).status ==
        abi::kStatusOk);
}

// With 4-byte handles an answer to PROTECTION is as long as the command, and ReturnCode stands
// where the flags do.
TEST_CASE("no answer of a 32-bit channel works as a command") {
  LiveChannel firmware(3, 4);
  REQUIRE(firmware.Configure(kProtection, 200, firmware.Fields().U32(3)).status == abi::kStatusOk);
  Payload forged = firmware.Command(kProtection, 300, firmware.Fields().U32(0));
  forged[0] ^= 1;
  const ChannelReply refused = firmware.Configure(forged);
  REQUIRE(refused.output.size() == forged.size());
  CHECK(refused.Omac() == OpenChannel::Mac(refused.output));
  CHECK(firmware.Configure(refused.output).status == kInvalid);
  const ChannelReply done = firmware.Configure(kProtection, 400, firmware.Fields().U32(3));
  REQUIRE(done.status == abi::kStatusOk);
  CHECK(firmware.Configure(done.output).status == kInvalid);
  CHECK(firmware.channel().protection == 3);
}

TEST_CASE("another context's channel, or none, answers CHANNEL_INVALID by the header alone") {
  LiveChannel firmware;
  const Payload input = firmware.Command(kProtection, 200, firmware.Fields().U32(1));
  for (uint32_t number : {firmware.number, firmware.number + 1, 0x10040u}) {
    const ChannelReply reply = firmware.Configure(input, 2, number);
    CHECK(reply.status == abi::kStatusChannelInvalid);
    CHECK(reply.output.empty());
  }
  CHECK(firmware.channel().next_configure == 200);
}

TEST_CASE("a response buffer without room for the output has no effect") {
  KeyedChannel firmware;
  const Payload input = firmware.Command(kInitialize, 0, firmware.Fields().U32(1).U32(1));
  Payload message = BootedFirmware::Words({firmware.number, 56, 0, 0});
  message.insert(message.end(), input.begin(), input.end());
  CHECK(firmware.Send(abi::kMessageConfigureChannel, message, 1, 79).status ==
        abi::kStatusResponseTooSmall);
  CHECK(firmware.channel().initialized == 0);
  CHECK(firmware.Send(abi::kMessageConfigureChannel, message, 1, 80).status == abi::kStatusOk);
}

}  // namespace
}  // namespace ward::firmware
