#include "firmware/firmware.h"

#include <cstddef>

#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "base/bytes.h"
#include "base/planted_bug.h"
#include "base/rule.h"
#include "firmware/authenticated_channel.h"
#include "firmware/certificate.h"
#include "firmware/channel_configure.h"
#include "firmware/channel_query.h"
#include "firmware/crypto_session.h"
#include "firmware/device_association.h"
#include "firmware/key_exchange.h"
#include "firmware/key_refresh.h"
#include "firmware/message.h"
#include "firmware/output_information.h"
#include "firmware/protected_output.h"
#include "firmware/self_test.h"
#include "firmware/trusted_application.h"
#include "firmware/video_decoder.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kNoBlob = 0xffffffff;

struct Duty {
  uint32_t number;
  Handler handler;
  uint32_t blob_bytes_offset;  // of the field that tells the variable part's size; kNoBlob: none
};

constexpr Duty kDuties[] = {
    {abi::kMessageCreateSession, HandleCreateSession, kNoBlob},
    {abi::kMessageDestroySession, HandleDestroySession, kNoBlob},
    {abi::kMessageGetCertificate, HandleGetCertificate, kNoBlob},
    {abi::kMessageNegotiateSessionKey, HandleNegotiateSessionKey,
     offsetof(abi::NegotiateSessionKeyRequest, blob_bytes)},
    {abi::kMessageSetContentKey, HandleSetContentKey, kNoBlob},
    {abi::kMessageGetReadbackKey, HandleGetReadbackKey, kNoBlob},
    {abi::kMessageQuerySession, HandleQuerySession, kNoBlob},
    {abi::kMessageRunSelfTest, HandleRunSelfTest, kNoBlob},
    {abi::kMessageStartKeyRefresh, HandleStartKeyRefresh, kNoBlob},
    {abi::kMessageFinishKeyRefresh, HandleFinishKeyRefresh, kNoBlob},
    {abi::kMessageGetDeviceHandle, HandleGetDeviceHandle, kNoBlob},
    {abi::kMessageCreateDecoder, HandleCreateDecoder, kNoBlob},
    {abi::kMessageDestroyDecoder, HandleDestroyDecoder, kNoBlob},
    {abi::kMessageGetDecoderSession, HandleGetDecoderSession, kNoBlob},
    {abi::kMessageGetNewKeyData, HandleGetNewKeyData, kNoBlob},
    {abi::kMessageCallTrusted, HandleCallTrusted, offsetof(abi::CallTrustedRequest, input_bytes)},
    {abi::kMessageSelectKey, HandleSelectKey, kNoBlob},
    {abi::kMessageCreateChannel, HandleCreateChannel, kNoBlob},
    {abi::kMessageDestroyChannel, HandleDestroyChannel, kNoBlob},
    {abi::kMessageNegotiateChannelKey, HandleNegotiateChannelKey,
     offsetof(abi::NegotiateChannelKeyRequest, blob_bytes)},
    {abi::kMessageQueryChannel, HandleQueryChannel,
     offsetof(abi::QueryChannelRequest, input_bytes)},
    {abi::kMessageConfigureChannel, HandleConfigureChannel,
     offsetof(abi::ConfigureChannelRequest, input_bytes)},
    {abi::kMessageCreateProtectedOutput, HandleCreateProtectedOutput, kNoBlob},
    {abi::kMessageDestroyProtectedOutput, HandleDestroyProtectedOutput, kNoBlob},
    {abi::kMessageGetOutputRandom, HandleGetOutputRandom, kNoBlob},
    {abi::kMessageSetOutputKey, HandleSetOutputKey, offsetof(abi::SetOutputKeyRequest, blob_bytes)},
    {abi::kMessageGetOutputInformation, HandleGetOutputInformation,
     offsetof(abi::GetOutputInformationRequest, input_bytes)},
    {abi::kMessageConfigureOutput, HandleConfigureOutput,
     offsetof(abi::ConfigureOutputRequest, input_bytes)},
    {abi::kMessageCheckSharedAccess, HandleCheckSharedAccess, kNoBlob},
};

constexpr const Duty* FindDuty(uint32_t number) {
  for (const Duty& duty : kDuties) {
    if (duty.number == number) return &duty;
  }
  return nullptr;
}

// The description's `implemented` and the handlers agree, and so do its variable sizes.
constexpr bool DutiesMatchDescription() {
  for (const abi::MessageInfo& message : abi::kMessages) {
    const Duty* duty = FindDuty(message.number);
    if ((duty != nullptr) != message.implemented) return false;
    if (duty != nullptr && (duty->blob_bytes_offset != kNoBlob) != message.request_variable) {
      return false;
    }
  }
  return true;
}
static_assert(DutiesMatchDescription());

bool HasRightLength(const Call& call, const abi::MessageInfo& described, const Duty& duty) {
  const uint32_t payload_bytes = call.message.payload_bytes;
  if (payload_bytes > kMaxPayloadBytes) return false;
  if (duty.blob_bytes_offset == kNoBlob) return payload_bytes == described.request_bytes;
  if (payload_bytes < described.request_bytes) return false;
  uint8_t field[4];
  const bool read = call.platform->ReadPayload(duty.blob_bytes_offset, field, sizeof(field));
  WARD_ASSERT(read);
  if (HasPlantedBug(PlantedBug::kBlobLengthWraps)) {
    return described.request_bytes + LoadLe<uint32_t>(field) <= payload_bytes;
  }
  return LoadLe<uint32_t>(field) == payload_bytes - described.request_bytes;
}

constexpr uint32_t GreatestRequestBytes() {
  uint32_t greatest = 0;
  for (const abi::MessageInfo& info : abi::kMessages) {
    if (info.request_bytes > greatest) greatest = info.request_bytes;
  }
  return greatest;
}

bool AllReservedZero(const Call& call, const abi::MessageInfo& described) {
  uint8_t fixed[GreatestRequestBytes()] = {};
  const uint32_t size = described.request_bytes;
  const bool read = call.platform->ReadPayload(0, fixed, size);
  WARD_ASSERT(read);
  return abi::ReservedIsZero(described.request_fields, described.request_field_count, fixed, size);
}

}  // namespace

void Boot(Platform* platform, State* state) { RunSelfTests(platform, state); }

Answer HandleMessage(Platform* platform, State* state, const MessageInfo& message) {
  if (state->health != Health::kReady) return Refuse(abi::kStatusSelfTestFailed);
  const abi::MessageInfo* described = abi::FindMessage(message.number);
  if (described == nullptr) return Refuse(abi::kStatusMessageUnknown);
  const Duty* duty = FindDuty(message.number);
  if (duty == nullptr) return Refuse(abi::kStatusMessageUnimplemented);

  const bool from_user = message.context != abi::kKernelContext;
  if (described->privileged && WARD_RULE("opm.kernel_only", from_user)) {
    return Refuse(abi::kStatusMessageNotPermitted);
  }
  const Call call = {platform, state, message};
  if (!HasRightLength(call, *described, *duty)) return Refuse(abi::kStatusMessageLengthInvalid);
  if (!AllReservedZero(call, *described)) return Refuse(abi::kStatusReservedNotZero);
  if (message.response_capacity < described->response_bytes) {
    return Refuse(abi::kStatusResponseTooSmall);
  }
  return duty->handler(call);
}

void FailCipher(Platform* platform, State* state) {
  EnterFailure(platform, state, SelfTest::kAesCtr);
}

void EndContext(Platform* platform, State* state, uint32_t context) {
  for (Session& session : state->sessions) {
    if (WARD_BROKEN("4.2.process_ends") || HasPlantedBug(PlantedBug::kContextLeavesSessions)) break;
    if (session.number != 0 && session.context == context) EndSession(platform, &session);
  }
  for (Channel& channel : state->channels) {
    if (WARD_BROKEN("4.7.process_ends")) break;
    if (channel.number != 0 && channel.context == context) EndChannel(platform, &channel);
  }
  EndDecoders(state, context);
  EndDevice(state, context);
}

void TearDown(Platform* platform, State* state) {
  for (Session& session : state->sessions) {
    if (session.number != 0) LoseSession(platform, &session);
  }
  for (Channel& channel : state->channels) {
    if (channel.number != 0) LoseChannel(platform, &channel);
  }
  EndProtectedOutputs(platform, state);
  platform->WipeAllSlots();
}

}  // namespace ward::firmware
