#include "firmware/channel_query.h"

#include "base/rule.h"
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

// R24: protected memory is protected whether or not somebody asked (PROTECTION_ALWAYS_ON), unless
// content may be decrypted into the open (R27).
uint32_t RunProtection(const ChannelExchange& exchange) {
  const uint32_t asked = WARD_BROKEN("8.5.protection_of_all_channels")
                             ? exchange.channel->protection
                             : ProtectionOf(*exchange.call.state, exchange.channel->context);
  const bool is_open = WARD_RULE("R27.not_always_on", exchange.call.platform->HasOpenDecrypt());
  const uint32_t always =
      is_open || WARD_BROKEN("R24.always_on") ? 0u : uint32_t{kProtectionEnabled};
  exchange.output->Write(0, always | asked);
  return abi::kStatusOk;
}

uint32_t RunChannelType(const ChannelExchange& exchange) {
  exchange.output->Write(0, WARD_BROKEN("8.5.channel_type") ? 0 : exchange.channel->type);
  return abi::kStatusOk;
}

uint32_t RunDeviceHandle(const ChannelExchange& exchange) {
  exchange.output->Write(
      0, WARD_BROKEN("8.5.device_handle") ? exchange.channel->handle : exchange.device->handle);
  return abi::kStatusOk;
}

uint32_t RunCryptoSession(const ChannelExchange& exchange) {
  State* state = exchange.call.state;
  const uint32_t context = exchange.channel->context;
  const Decoder* decoder =
      FindDecoder(state, exchange.input.Read(0), exchange.channel->handle_bytes, context);
  if (decoder == nullptr) {
    return WARD_BROKEN("8.5.decoder_known") ? abi::kStatusOk : abi::kStatusChannelMessageInvalid;
  }
  // A session that ended since is none.
  const Session* session =
      FindSessionOfHandle(state, decoder->session_handle, sizeof(uint64_t), context);
  exchange.output->Write(0, decoder->handle);
  exchange.output->Write(
      1, WARD_RULE("8.5.session_lives", session == nullptr) ? 0 : decoder->session_handle);
  exchange.output->Write(2, exchange.device->handle);
  return abi::kStatusOk;
}

uint32_t RunProcessCount(const ChannelExchange& exchange) {
  exchange.output->Write(0, WARD_BROKEN("8.5.process_count") ? 0 : exchange.device->process_count);
  return abi::kStatusOk;
}

uint32_t RunProcess(const ChannelExchange& exchange) {
  const uint64_t index = exchange.input.Read(0);
  if (WARD_RULE("8.5.process_index", index >= exchange.device->process_count)) {
    return abi::kStatusChannelMessageInvalid;
  }
  const AllowedProcess& process = exchange.device->processes[index];
  exchange.output->Write(0, index);
  exchange.output->Write(1, process.type);
  exchange.output->Write(2, process.handle);
  return abi::kStatusOk;
}

// For values that are zero on this device: protected resources that any process may open, and
// encryptions of accessible memory.
uint32_t RunNone(const ChannelExchange& exchange) {
  if (WARD_BROKEN("8.5.none_accessible")) {
    exchange.output->bytes()[exchange.output->header_bytes()] = 1;
  }
  return abi::kStatusOk;
}

// The session that an output query names; nullptr unless it and the device are the channel's own.
const Session* FindShownSession(const ChannelExchange& exchange) {
  const ChannelStructure& input = exchange.input;
  if (WARD_RULE("8.5.output_device",
                input.Read(0) != CutForChannel(exchange, exchange.device->handle))) {
    return nullptr;
  }
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
  exchange.output->Write(2, WARD_BROKEN("8.5.output_count") ? 0 : count);
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
    exchange.output->Write(3, WARD_BROKEN("8.5.output_id") ? output : output + 1);
    return abi::kStatusOk;
  }
  return abi::kStatusChannelMessageInvalid;
}

// Both BOOLs are false: no access of the processor or the bus reaches protected memory.
uint32_t RunAccessibility(const ChannelExchange& exchange) {
  exchange.output->Write(0, WARD_BROKEN("8.5.bus_type") ? 0 : kBusPciExpress);
  if (WARD_BROKEN("8.5.not_accessible")) exchange.output->Write(2, 1);
  return abi::kStatusOk;
}

// The list is empty, so every index is outside.
uint32_t RunEncryptionGuid(const ChannelExchange&) {
  return WARD_BROKEN("8.5.encryption_index") ? abi::kStatusOk : abi::kStatusChannelMessageInvalid;
}

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

uint32_t CheckKey(const ChannelExchange& exchange) {
  return RefuseIf(WARD_RULE("8.3.key_first", exchange.channel->key_slot == kNoSlot));
}

uint32_t CheckType(const ChannelExchange& exchange) {
  if (exchange.operation != nullptr) return abi::kStatusOk;
  return WARD_BROKEN("8.3.type") ? abi::kStatusChannelMessageInvalid
                                 : abi::kStatusChannelCommandUnsupported;
}

bool HasRoomForAnswer(const ChannelExchange& exchange) {
  return !WARD_RULE("8.3.output_size", exchange.output_bytes < exchange.output->size_bytes());
}

uint32_t CheckOutputSize(const ChannelExchange& exchange) {
  return RefuseIf(!HasRoomForAnswer(exchange));
}

uint32_t CheckInputSize(const ChannelExchange& exchange) {
  const uint32_t size_bytes = exchange.input.size_bytes();
  return RefuseIf(WARD_RULE("8.3.input_size", exchange.input_bytes < size_bytes) ||
                  (WARD_BROKEN("R13.larger_input") && exchange.input_bytes > size_bytes));
}

uint32_t CheckHandle(const ChannelExchange& exchange) {
  return RefuseIf(WARD_RULE("8.3.handle", exchange.input.ReadHeader(kQueryPlaces.handle) !=
                                              CutForChannel(exchange, exchange.channel->handle)));
}

uint32_t CheckInitialized(const ChannelExchange& exchange) {
  return RefuseIf(WARD_RULE("8.3.initialize_first", exchange.channel->initialized == 0));
}

uint32_t CheckSequence(const ChannelExchange& exchange) {
  Channel* channel = exchange.channel;
  uint64_t* next =
      WARD_BROKEN("8.4.numbers_apart") ? &channel->next_configure : &channel->next_query;
  const uint64_t sequence = exchange.input.ReadHeader(kQueryPlaces.sequence);
  return RefuseIf(WARD_RULE("8.3.sequence", !TakeSequence(next, sequence)));
}

uint32_t CheckChannelType(const ChannelExchange& exchange) {
  return WARD_RULE("8.5.query_channels",
                   !IsTakenBy(*exchange.operation->message, *exchange.channel))
             ? abi::kStatusChannelCommandUnsupported
             : abi::kStatusOk;
}

// The checks of DDI 8.3 in its order; those before are the handler's. From the output's size on it
// is known that the type is.
uint32_t CheckAndRun(const ChannelExchange& exchange) {
  const ChannelStep steps[] = {
      {CheckKey, WARD_BROKEN("8.3.order.key_type") ? 1u : 0u},
      {CheckType},
      {CheckOutputSize, WARD_BROKEN("8.3.order.output_size_sequence") ? 4u : 0u},
      {CheckInputSize, WARD_BROKEN("8.3.order.input_size_sequence") ? 3u : 0u},
      {CheckHandle, WARD_BROKEN("8.3.order.handle_sequence") ? 2u : 0u},
      {CheckInitialized, WARD_BROKEN("8.3.order.initialize_first_channel_type") ? 2u : 0u},
      {CheckSequence, WARD_BROKEN("8.3.order.sequence_channel_type") ? 1u
                      : WARD_BROKEN("R15.refused_query")             ? 2u
                                                                     : 0u},
      {CheckChannelType, WARD_BROKEN("8.3.order.channel_type_parameters") ? 1u : 0u},
      {RunOperation},
  };
  return RunSteps(exchange, steps);
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
  // The driver looks too. Without both, the sizes behind key and type refuse.
  if (WARD_RULE("8.3.order.header_key", request.input_bytes < header.size_bytes())) {
    return RefuseUntouched(call, abi::kStatusChannelMessageInvalid);
  }
  ReadInput(call, sizeof(request), request.input_bytes, &header);

  const ChannelOperation* query = FindQuery(header.bytes() + kQueryPlaces.type_offset);
  const ChannelMessage& message = query == nullptr ? kQueryProtection : *query->message;
  ChannelStructure input(kQueryInputHeader, message.input, channel->handle_bytes);
  ChannelStructure output(kOutputHeader, message.output, channel->handle_bytes);
  ReadInput(call, sizeof(request), request.input_bytes, &input);
  CopyHeader(input, kQueryPlaces, &output);
  Device* device = FindDevice(call.state, channel->context);
  WARD_ASSERT(device != nullptr);  // made with the first channel of its context
  const ChannelExchange exchange = {
      call, channel, device, query, request.input_bytes, request.output_bytes, input, &output};
  // R31: no reply to an unknown type is ever signed, and none is written.
  const bool is_written =
      (query != nullptr || WARD_BROKEN("R31.query")) && HasRoomForAnswer(exchange);
  if (is_written && !HasRoomFor(call, output)) return Refuse(abi::kStatusResponseTooSmall);
  const uint32_t status = CheckAndRun(exchange);
  if (!is_written) return RefuseUntouched(call, status);
  const bool keyed = WARD_BROKEN("8.3.unsigned_before_key") || channel->key_slot != kNoSlot;
  return AnswerWithOutput(call, *channel, status, keyed, &output);
}

}  // namespace ward::firmware
