#include "firmware/channel_query.h"

#include "firmware/authenticated_channel.h"
#include "firmware/channel_configure.h"
#include "firmware/channel_exchange.h"
#include "firmware/crypto_session.h"
#include "firmware/device_association.h"
#include "firmware/handle_source.h"
#include "firmware/video_decoder.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kBusPciExpress = 3;  // D3D11_1DDI_BUS_TYPE
constexpr uint32_t kMaxOutputs = 32;    // bits of Platform::ShownOutputs

uint64_t CutForChannel(const ChannelExchange& exchange, uint64_t handle) {
  return CutHandle(handle, exchange.channel->handle_bytes);
}

// R24: protected memory is protected whether or not somebody asked (PROTECTION_ALWAYS_ON).
uint32_t RunProtection(const ChannelExchange& exchange) {
  const uint32_t asked = ProtectionOf(*exchange.call.state, exchange.channel->context);
  exchange.output->Write(0, kProtectionEnabled | asked);
  return abi::kStatusOk;
}

uint32_t RunChannelType(const ChannelExchange& exchange) {
  exchange.output->Write(0, exchange.channel->type);
  return abi::kStatusOk;
}

uint32_t RunDeviceHandle(const ChannelExchange& exchange) {
  exchange.output->Write(0, exchange.device->handle);
  return abi::kStatusOk;
}

uint32_t RunCryptoSession(const ChannelExchange& exchange) {
  State* state = exchange.call.state;
  const uint32_t context = exchange.channel->context;
  const Decoder* decoder =
      FindDecoder(state, exchange.input.Read(0), exchange.channel->handle_bytes, context);
  if (decoder == nullptr) return abi::kStatusChannelMessageInvalid;
  // A session that ended since is none.
  const Session* session =
      FindSessionOfHandle(state, decoder->session_handle, sizeof(uint64_t), context);
  exchange.output->Write(0, decoder->handle);
  exchange.output->Write(1, session == nullptr ? 0 : session->handle);
  exchange.output->Write(2, exchange.device->handle);
  return abi::kStatusOk;
}

uint32_t RunProcessCount(const ChannelExchange& exchange) {
  exchange.output->Write(0, exchange.device->process_count);
  return abi::kStatusOk;
}

uint32_t RunProcess(const ChannelExchange& exchange) {
  const uint64_t index = exchange.input.Read(0);
  if (index >= exchange.device->process_count) return abi::kStatusChannelMessageInvalid;
  const AllowedProcess& process = exchange.device->processes[index];
  exchange.output->Write(0, index);
  exchange.output->Write(1, process.type);
  exchange.output->Write(2, process.handle);
  return abi::kStatusOk;
}

// For values that are zero on this device: protected resources that any process may open, and
// encryptions of accessible memory.
uint32_t RunNone(const ChannelExchange&) { return abi::kStatusOk; }

// The session that an output query names; nullptr unless it and the device are the channel's own.
const Session* FindShownSession(const ChannelExchange& exchange) {
  const ChannelStructure& input = exchange.input;
  if (input.Read(0) != CutForChannel(exchange, exchange.device->handle)) return nullptr;
  return FindSessionOfHandle(exchange.call.state, input.Read(1), exchange.channel->handle_bytes,
                             exchange.channel->context);
}

uint32_t RunOutputIdCount(const ChannelExchange& exchange) {
  const Session* session = FindShownSession(exchange);
  if (session == nullptr) return abi::kStatusChannelMessageInvalid;
  const uint32_t shown = exchange.call.platform->ShownOutputs(session->number);
  uint32_t count = 0;
  for (uint32_t output = 0; output < kMaxOutputs; ++output) count += shown >> output & 1;
  exchange.output->Write(0, exchange.input.Read(0));
  exchange.output->Write(1, exchange.input.Read(1));
  exchange.output->Write(2, count);
  return abi::kStatusOk;
}

// OutputID: number of the output, plus one.
uint32_t RunOutputId(const ChannelExchange& exchange) {
  const Session* session = FindShownSession(exchange);
  if (session == nullptr) return abi::kStatusChannelMessageInvalid;
  const uint32_t shown = exchange.call.platform->ShownOutputs(session->number);
  const uint64_t wanted = exchange.input.Read(2);
  uint32_t index = 0;
  for (uint32_t output = 0; output < kMaxOutputs; ++output) {
    if ((shown >> output & 1) == 0 || index++ != wanted) continue;
    exchange.output->Write(0, exchange.input.Read(0));
    exchange.output->Write(1, exchange.input.Read(1));
    exchange.output->Write(2, wanted);
    exchange.output->Write(3, output + 1);
    return abi::kStatusOk;
  }
  return abi::kStatusChannelMessageInvalid;
}

// Both BOOLs are false: no access of the processor or the bus reaches protected memory.
uint32_t RunAccessibility(const ChannelExchange& exchange) {
  exchange.output->Write(0, kBusPciExpress);
  return abi::kStatusOk;
}

// The list is empty, so every index is outside.
uint32_t RunEncryptionGuid(const ChannelExchange&) { return abi::kStatusChannelMessageInvalid; }

constexpr ChannelOperation kQueries[] = {
    {&kQueryProtection, RunProtection},     {&kQueryChannelType, RunChannelType},
    {&kQueryDeviceHandle, RunDeviceHandle}, {&kQueryCryptoSession, RunCryptoSession},
    {&kQueryProcessCount, RunProcessCount}, {&kQueryProcess, RunProcess},
    {&kQueryUnrestrictedCount, RunNone},    {&kQueryOutputIdCount, RunOutputIdCount},
    {&kQueryOutputId, RunOutputId},         {&kQueryAccessibility, RunAccessibility},
    {&kQueryEncryptionGuidCount, RunNone},  {&kQueryEncryptionGuid, RunEncryptionGuid},
    {&kQueryCurrentEncryption, RunNone},  // GUID_NULL
};

const ChannelOperation* FindQuery(const uint8_t* type) {
  for (const ChannelOperation& query : kQueries) {
    if (IsGuid(type, query.message->type.bytes)) return &query;
  }
  return nullptr;
}

// The checks of DDI 8.3 behind those of the handler, in its order.
uint32_t CheckAndRun(const ChannelExchange& exchange, const ChannelOperation& query,
                     uint32_t input_bytes) {
  Channel* channel = exchange.channel;
  if (channel->key_slot == kNoSlot || input_bytes < exchange.input.size_bytes() ||
      exchange.input.ReadHeader(kQueryPlaces.handle) != CutForChannel(exchange, channel->handle) ||
      channel->initialized == 0 ||
      !TakeSequence(&channel->next_query, exchange.input.ReadHeader(kQueryPlaces.sequence))) {
    return abi::kStatusChannelMessageInvalid;
  }
  if (!IsTakenBy(*query.message, *channel)) return abi::kStatusChannelCommandUnsupported;
  return query.run(exchange);
}

Answer AnswerQuery(const Call& call, const abi::QueryChannelRequest& request, Channel* channel,
                   const ChannelOperation& query) {
  ChannelStructure output(kOutputHeader, query.message->output, channel->handle_bytes);
  if (request.output_bytes < output.size_bytes()) {
    return RefuseUntouched(call, abi::kStatusChannelMessageInvalid);
  }
  if (!HasRoomFor(call, output)) return Refuse(abi::kStatusResponseTooSmall);
  ChannelStructure input(kQueryInputHeader, query.message->input, channel->handle_bytes);
  ReadInput(call, sizeof(request), request.input_bytes, &input);
  CopyHeader(input, kQueryPlaces, &output);
  Device* device = FindDevice(call.state, channel->context);
  WARD_ASSERT(device != nullptr);  // made with the first channel of its context
  const ChannelExchange exchange = {call, channel, device, input, &output};
  const uint32_t status = CheckAndRun(exchange, query, request.input_bytes);
  return AnswerWithOutput(call, *channel, status, channel->key_slot != kNoSlot, &output);
}

}  // namespace

Answer HandleQueryChannel(const Call& call) {
  const auto request = ReadRequest<abi::QueryChannelRequest>(call);
  Channel* channel = FindChannel(call.state, request.channel, call.message.context);
  if (channel == nullptr) return Refuse(abi::kStatusChannelInvalid);
  const uint32_t loss = FindLoss(call.platform, *channel);
  if (loss != abi::kStatusOk) return Refuse(loss);

  constexpr Fields kNothing = {};
  ChannelStructure header(kQueryInputHeader, kNothing, channel->handle_bytes);
  if (request.input_bytes < header.size_bytes()) {
    return RefuseUntouched(call, abi::kStatusChannelMessageInvalid);
  }
  ReadInput(call, sizeof(request), request.input_bytes, &header);
  const ChannelOperation* query = FindQuery(header.bytes() + kQueryPlaces.type_offset);
  if (query == nullptr) {
    // R31: no reply to an unknown type is ever signed, and none is written.
    const bool keyed = channel->key_slot != kNoSlot;
    return RefuseUntouched(
        call, keyed ? abi::kStatusChannelCommandUnsupported : abi::kStatusChannelMessageInvalid);
  }
  return AnswerQuery(call, request, channel, *query);
}

}  // namespace ward::firmware
