#include "firmware/channel_configure.h"

#include "base/rule.h"
#include "firmware/authenticated_channel.h"
#include "firmware/channel_exchange.h"
#include "firmware/channel_state.h"
#include "firmware/crypto_session.h"
#include "firmware/device_association.h"
#include "firmware/handle_source.h"
#include "firmware/video_decoder.h"

namespace ward::firmware {
namespace {

uint32_t RunInitialize(const ChannelExchange& exchange) {
  exchange.channel->next_query = exchange.input.Read(0);
  exchange.channel->next_configure = exchange.input.Read(1);
  exchange.channel->initialized = 1;
  return abi::kStatusOk;
}

// What a channel asked for is its own: another one can't take it back.
uint32_t RunProtection(const ChannelExchange& exchange) {
  const uint64_t flags = exchange.input.Read(0);
  if (WARD_RULE("8.5.protection_reserved",
                (flags & ~uint64_t{kProtectionEnabled | kOverlayOrFullscreenRequired}) != 0)) {
    return abi::kStatusChannelMessageInvalid;
  }
  // R27: what can be decrypted into the open can't be promised to stay protected.
  if (WARD_RULE("R27.never_with_protection",
                flags != 0 && exchange.call.platform->HasOpenDecrypt())) {
    return abi::kStatusChannelCommandUnsupported;
  }
  exchange.channel->protection = static_cast<uint32_t>(flags);
  if (!WARD_BROKEN("protection.for_what_is_shown")) {
    ShareProtection(exchange.call.platform, exchange.call.state, exchange.channel->context);
  }
  return abi::kStatusOk;
}

// Decoder, session and device, all of the channel's context.
uint32_t RunCryptoSession(const ChannelExchange& exchange) {
  State* state = exchange.call.state;
  const uint32_t context = exchange.channel->context;
  const uint32_t handle_bytes = exchange.channel->handle_bytes;
  Decoder* decoder = FindDecoder(state, exchange.input.Read(0), handle_bytes, context);
  const Session* session =
      FindSessionOfHandle(state, exchange.input.Read(1), handle_bytes, context);
  const bool is_own = WARD_BROKEN("8.5.device_handle_own") ||
                      exchange.input.Read(2) == CutHandle(exchange.device->handle, handle_bytes);
  if (decoder == nullptr || session == nullptr || !is_own) {
    return abi::kStatusChannelMessageInvalid;
  }
  decoder->session_handle = session->handle;
  return abi::kStatusOk;
}

uint32_t RunSharedResource(const ChannelExchange& exchange) {
  AllowedProcess process = {};
  process.type = static_cast<uint32_t>(exchange.input.Read(0));
  process.handle =
      WARD_RULE("8.5.dwm_has_no_handle", process.type == kProcessDwm) ? 0 : exchange.input.Read(1);
  const bool is_dwm = process.type == kProcessDwm;
  if (WARD_RULE("8.5.process_type",
                !is_dwm && (process.type != kProcessHandle || process.handle == 0))) {
    return abi::kStatusChannelMessageInvalid;
  }
  if (exchange.input.Read(2) != 0) return AllowProcess(exchange.device, process);
  if (!WARD_BROKEN("8.5.process_removed")) ForbidProcess(exchange.device, process);
  return abi::kStatusOk;
}

// Protected memory never becomes accessible, so no encryption is offered for that case.
uint32_t RunEncryptionWhenAccessible(const ChannelExchange& exchange) {
  const bool is_offered = IsGuid(exchange.input.GuidAt(0), kNullGuid);
  return WARD_RULE("8.5.encryption_offered", !is_offered) ? abi::kStatusChannelMessageInvalid
                                                          : abi::kStatusOk;
}

constexpr ChannelOperation kCommands[] = {
    {&kConfigureInitialize, RunInitialize},
    {&kConfigureProtection, RunProtection},
    {&kConfigureCryptoSession, RunCryptoSession},
    {&kConfigureSharedResource, RunSharedResource},
    {&kConfigureEncryptionWhenAccessible, RunEncryptionWhenAccessible},
};

const ChannelOperation* FindCommand(const uint8_t* type) {
  for (const ChannelOperation& command : kCommands) {
    if (IsGuid(type, command.message->type.bytes)) return &command;
  }
  return nullptr;
}

bool HasRightOmac(const ChannelExchange& exchange) {
  const uint8_t* bytes = exchange.input.bytes();
  return exchange.call.platform->VerifyMac(
      exchange.channel->key_slot, KeyOwner(*exchange.channel), bytes + kOmacBytes,
      exchange.input.size_bytes() - kOmacBytes - (WARD_BROKEN("7.3.coverage") ? 8 : 0), bytes);
}

bool IsInitialize(const ChannelExchange& exchange) {
  return exchange.operation->message == &kConfigureInitialize;
}

uint32_t CheckKey(const ChannelExchange& exchange) {
  return RefuseIf(WARD_RULE("8.2.key_first", exchange.channel->key_slot == kNoSlot));
}

uint32_t CheckType(const ChannelExchange& exchange) {
  if (exchange.operation != nullptr) return abi::kStatusOk;
  return WARD_BROKEN("8.2.type") ? abi::kStatusChannelMessageInvalid
                                 : abi::kStatusChannelCommandUnsupported;
}

uint32_t CheckSize(const ChannelExchange& exchange) {
  const uint32_t size_bytes = exchange.input.size_bytes();
  return RefuseIf(WARD_RULE("8.2.size", exchange.input_bytes < size_bytes) ||
                  (WARD_BROKEN("R13.larger_input") && exchange.input_bytes > size_bytes));
}

uint32_t CheckOmac(const ChannelExchange& exchange) {
  return RefuseIf(WARD_RULE("8.2.omac", !HasRightOmac(exchange)));
}

uint32_t CheckHandle(const ChannelExchange& exchange) {
  const Channel& channel = *exchange.channel;
  return RefuseIf(WARD_RULE("8.2.handle", exchange.input.ReadHeader(kConfigurePlaces.handle) !=
                                              CutHandle(channel.handle, channel.handle_bytes)));
}

uint32_t CheckInitialized(const ChannelExchange& exchange) {
  if (IsInitialize(exchange)) {
    const uint32_t status = CheckEvent(exchange.call, exchange.channel, ChannelEvent::kInitialize);
    return WARD_RULE("8.2.initialize_once", status != abi::kStatusOk) ? status : abi::kStatusOk;
  }
  const uint32_t status = CheckEvent(exchange.call, exchange.channel, ChannelEvent::kConfigure);
  return WARD_RULE("8.2.initialize_first", status != abi::kStatusOk) ? status : abi::kStatusOk;
}

// INITIALIZE's own number is not looked at.
uint32_t CheckSequence(const ChannelExchange& exchange) {
  if (IsInitialize(exchange)) return abi::kStatusOk;
  const uint64_t sequence = exchange.input.ReadHeader(kConfigurePlaces.sequence);
  return RefuseIf(
      WARD_RULE("8.2.sequence", !TakeSequence(&exchange.channel->next_configure, sequence)));
}

uint32_t CheckChannelType(const ChannelExchange& exchange) {
  return WARD_RULE("8.5.command_channels",
                   !IsTakenBy(*exchange.operation->message, *exchange.channel))
             ? abi::kStatusChannelCommandUnsupported
             : abi::kStatusOk;
}

// The checks of DDI 8.2 in its order; those before are the handler's. From the size on it is known
// that the type is.
uint32_t CheckAndRun(const ChannelExchange& exchange) {
  const ChannelStep steps[] = {
      {CheckKey, WARD_BROKEN("8.2.order.key_type") ? 1u : 0u},
      {CheckType},
      {CheckSize, WARD_BROKEN("8.2.order.size_sequence") ? 4u : 0u},
      {CheckOmac, WARD_BROKEN("R15.forged_command") ? 3u : 0u},
      {CheckHandle, WARD_BROKEN("8.2.order.handle_sequence") ? 2u : 0u},
      {CheckInitialized, WARD_BROKEN("8.2.order.initialize_first_channel_type") ? 2u : 0u},
      {CheckSequence, WARD_BROKEN("8.2.order.sequence_channel_type") ? 1u
                      : WARD_BROKEN("R15.refused_command")           ? 2u
                                                                     : 0u},
      {CheckChannelType, WARD_BROKEN("8.2.order.channel_type_parameters") ? 1u : 0u},
      {RunOperation},
  };
  return RunSteps(exchange, steps);
}

}  // namespace

Answer HandleConfigureChannel(const Call& call) {
  const auto request = ReadRequest<abi::ConfigureChannelRequest>(call);
  Channel* channel = FindChannel(call.state, request.channel, call.message.context);
  if (channel == nullptr) return Refuse(abi::kStatusChannelInvalid);
  const uint32_t loss = FindLoss(call.platform, *channel);
  if (loss != abi::kStatusOk) return Refuse(loss);

  constexpr Fields kNothing = {};
  ChannelStructure output(kOutputHeader, kNothing, channel->handle_bytes);
  if (!HasRoomFor(call, output)) return Refuse(abi::kStatusResponseTooSmall);
  ChannelStructure header(kConfigureInputHeader, kNothing, channel->handle_bytes);
  // The driver looks too. Without both, the sizes behind key and type refuse.
  if (WARD_RULE("8.2.order.header_key", request.input_bytes < header.size_bytes())) {
    return RefuseUntouched(call, abi::kStatusChannelMessageInvalid);
  }
  ReadInput(call, sizeof(request), request.input_bytes, &header);
  CopyHeader(header, kConfigurePlaces, &output);

  const ChannelOperation* command = FindCommand(header.bytes() + kConfigurePlaces.type_offset);
  ChannelStructure input(kConfigureInputHeader,
                         command == nullptr ? kNothing : command->message->input,
                         channel->handle_bytes);
  ReadInput(call, sizeof(request), request.input_bytes, &input);
  Device* device = FindDevice(call.state, channel->context);
  WARD_ASSERT(device != nullptr);  // made with the first channel of its context
  const ChannelExchange exchange = {
      call, channel, device, command, request.input_bytes, output.size_bytes(), input, &output};
  const uint32_t status = CheckAndRun(exchange);
  if (IsLost(call.platform, *channel)) return Refuse(abi::kStatusKeyDamaged);
  const bool sign = (WARD_BROKEN("R31.command") || command != nullptr) &&
                    (WARD_BROKEN("8.2.unsigned_before_key") || channel->key_slot != kNoSlot);
  return AnswerWithOutput(call, *channel, status, sign, &output);
}

}  // namespace ward::firmware
