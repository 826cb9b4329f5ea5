// What every message is held against before its handler: health, number, length, reserved bytes,
// room for the answer.
#include "firmware/firmware.h"

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/firmware/booted_firmware.h"

namespace ward::firmware {
namespace {

// Protected outputs and who may open what is shared are the kernel's own, whose context is 0.
uint32_t ContextFor(const abi::MessageInfo& message) { return message.privileged ? 0 : 1; }

// A payload of the right shape for any described message.
Payload ShapedPayload(const abi::MessageInfo& message) { return Payload(message.request_bytes); }

TEST_CASE("a number that no message has answers MESSAGE_UNKNOWN") {
  BootedFirmware firmware;
  for (uint32_t number : {0u, 15u, 21u, 31u, 39u, 0xffffffffu}) {
    const Reply reply = firmware.Send(number, {});
    CHECK(reply.status == abi::kStatusMessageUnknown);
    CHECK(reply.bytes.size() == 16);
  }
}

TEST_CASE("a described message without a handler answers MESSAGE_UNIMPLEMENTED, any payload") {
  BootedFirmware firmware;
  for (const abi::MessageInfo& message : abi::kMessages) {
    if (message.implemented) continue;
    INFO(message.name);
    CHECK(firmware.Send(message.number, {}).status == abi::kStatusMessageUnimplemented);
    CHECK(firmware.Send(message.number, Payload(64)).status == abi::kStatusMessageUnimplemented);
  }
}

TEST_CASE("a payload one byte short or long answers MESSAGE_LENGTH_INVALID") {
  BootedFirmware firmware;
  for (const abi::MessageInfo& message : abi::kMessages) {
    if (!message.implemented) continue;
    INFO(message.name);
    Payload payload = ShapedPayload(message);
    const uint32_t context = ContextFor(message);
    const auto status = [&](const Payload& sent) {
      return firmware.Send(message.number, sent, context).status;
    };
    payload.push_back(0);
    CHECK(status(payload) == abi::kStatusMessageLengthInvalid);
    payload.resize(message.request_bytes - 1);
    CHECK(status(payload) == abi::kStatusMessageLengthInvalid);
    CHECK(status({}) == abi::kStatusMessageLengthInvalid);
    CHECK(status(ShapedPayload(message)) != abi::kStatusMessageLengthInvalid);
  }
}

TEST_CASE("a blob size that is not the rest of the payload answers MESSAGE_LENGTH_INVALID") {
  BootedFirmware firmware;
  const uint32_t session = firmware.CreateSession();
  for (uint32_t told : {0u, 255u, 257u, 0xffffffffu, 0xfffffff8u}) {
    Payload payload = BootedFirmware::NegotiatePayload(session, kSessionKey);
    StoreLe(payload.data() + 4, told);
    INFO(told);
    CHECK(firmware.Send(abi::kMessageNegotiateSessionKey, payload).status ==
          abi::kStatusMessageLengthInvalid);
  }
  const Payload large = BootedFirmware::NegotiatePayload(session, kSessionKey, kMaxPayloadBytes);
  CHECK(firmware.Send(abi::kMessageNegotiateSessionKey, large).status ==
        abi::kStatusMessageLengthInvalid);
  CHECK(firmware.platform.unwrap_count == 0);
}

TEST_CASE("each reserved byte that is not zero answers RESERVED_NOT_ZERO and has no effect") {
  BootedFirmware firmware;
  const uint32_t session = firmware.CreateSession();
  uint32_t tried = 0;
  for (const abi::MessageInfo& message : abi::kMessages) {
    for (uint32_t f = 0; f < message.request_field_count; ++f) {
      const abi::FieldInfo& field = message.request_fields[f];
      if (field.kind != abi::FieldKind::kReserved) continue;
      for (uint32_t i = 0; i < field.size_bytes; ++i, ++tried) {
        INFO(message.name << " byte " << field.offset + i);
        Payload payload = ShapedPayload(message);
        if (field.offset >= 4) StoreLe(payload.data(), session);
        payload[field.offset + i] = 1;
        CHECK(firmware.Send(message.number, payload, ContextFor(message)).status ==
              abi::kStatusReservedNotZero);
      }
    }
  }
  CHECK(tried == 4 + 4 + 4 + 8 + 4 + 8 + 8 + 4 + 4 + 8 + 4 + 4 + 4 + 4);
  CHECK(firmware.Query(session).status == abi::kStatusOk);
}

TEST_CASE("a response buffer one byte short answers RESPONSE_TOO_SMALL before anything is done") {
  BootedFirmware firmware;
  const uint32_t session = firmware.CreateSession();
  REQUIRE(firmware.Negotiate(session, kSessionKey) == abi::kStatusOk);
  const uint32_t used = firmware.platform.UsedSlots();

  const Reply created =
      firmware.Send(abi::kMessageCreateSession, BootedFirmware::CreatePayload(), 1, 31);
  CHECK(created.status == abi::kStatusResponseTooSmall);
  CHECK(created.bytes.size() == 16);
  CHECK(firmware.state.sessions[1].number == 0);
  const Reply readback =
      firmware.Send(abi::kMessageGetReadbackKey, BootedFirmware::Words({session, 0}), 1, 31);
  CHECK(readback.status == abi::kStatusResponseTooSmall);
  CHECK(firmware.platform.UsedSlots() == used);
  CHECK(firmware.platform.generated == 0);
  CHECK(
      firmware.Send(abi::kMessageQuerySession, BootedFirmware::Words({session, 0}), 1, 47).status ==
      abi::kStatusResponseTooSmall);
  CHECK(
      firmware.Send(abi::kMessageQuerySession, BootedFirmware::Words({session, 0}), 1, 48).status ==
      abi::kStatusOk);
}

TEST_CASE("a firmware that was not booted answers SELF_TEST_FAILED") {
  FakePlatform platform;
  State state = {};
  CHECK(HandleMessage(&platform, &state, {abi::kMessageCreateSession, 1, 48, 4096}).status ==
        abi::kStatusSelfTestFailed);
}

}  // namespace
}  // namespace ward::firmware
