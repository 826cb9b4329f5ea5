#include "firmware/authenticated_channel.h"

#include "base/rule.h"
#include "firmware/channel_state.h"
#include "firmware/crypto_session.h"
#include "firmware/decrypt_engine.h"
#include "firmware/device_association.h"
#include "firmware/handle_source.h"
#include "firmware/key_store.h"

namespace ward::firmware {
namespace {

uint32_t FindFreeIndex(const State& state) {
  uint32_t index = 0;
  while (index < kChannelCount && state.channels[index].number != 0) ++index;
  return index;
}

}  // namespace

Channel* FindChannel(State* state, uint32_t number, uint32_t context) {
  const uint32_t index = IndexOf(number);
  if (number == 0 || index >= kChannelCount) return nullptr;
  Channel* channel = &state->channels[index];
  return channel->number == number && channel->context == context ? channel : nullptr;
}

bool IsLost(Platform* platform, const Channel& channel) {
  return channel.key_slot != kNoSlot && platform->IsSlotDamaged(channel.key_slot);
}

uint32_t FindLoss(Platform* platform, const Channel& channel) {
  const ChannelState state = StateOf(platform, &channel);
  if (state == ChannelState::kTornDown) return abi::kStatusSessionLost;
  return state == ChannelState::kDamaged ? abi::kStatusKeyDamaged : abi::kStatusOk;
}

void LoseChannel(Platform* platform, Channel* channel) {
  if (channel->key_slot != kNoSlot) platform->WipeSlot(channel->key_slot);
  channel->key_slot = kNoSlot;
  channel->torn_down = 1;
}

uint32_t ProtectionOf(const State& state, uint32_t context) {
  uint32_t flags = 0;
  for (const Channel& channel : state.channels) {
    const bool is_of_device = WARD_BROKEN("8.5.protection_of_device") || channel.context == context;
    if (channel.number != 0 && is_of_device) flags |= channel.protection;
  }
  return flags;
}

void ShareProtection(Platform* platform, State* state, uint32_t context) {
  const uint32_t protection = ProtectionOf(*state, context);
  for (Session& session : state->sessions) {
    if (session.number == 0 || session.context != context) continue;
    Session next = session;
    next.protection = protection;
    const bool admitted = Admit(platform, &session, next);
    WARD_ASSERT(admitted);  // the slots are as they were: no entropy is drawn
  }
}

void EndChannel(Platform* platform, Channel* channel) {
  if (channel->key_slot != kNoSlot) platform->WipeSlot(channel->key_slot);
  const uint32_t generation = channel->generation;
  *channel = Channel{};
  channel->generation = generation;
}

Answer HandleCreateChannel(const Call& call) {
  const auto request = ReadRequest<abi::CreateChannelRequest>(call);
  if (WARD_RULE("4.7.channel_type", !IsChannelType(request.channel_type))) {
    return Refuse(abi::kStatusChannelTypeUnsupported);
  }
  const bool is_software_only =
      call.platform->HasOpenDecrypt() && request.channel_type == kChannelHardware;
  if (WARD_RULE("R27.software_channel", is_software_only)) {
    return Refuse(abi::kStatusChannelTypeUnsupported);
  }
  if (request.handle_bytes != 8 && request.handle_bytes != 4) {
    return Refuse(abi::kStatusOperandInvalid);
  }
  const uint32_t index = FindFreeIndex(*call.state);
  if (index == kChannelCount)
    return Refuse(WARD_BROKEN("4.7.exhausted") ? abi::kStatusChannelInvalid
                                               : abi::kStatusHandlesExhausted);
  Device* device = nullptr;
  Channel born = {};
  uint32_t status = ProvideDevice(call, &device);
  if (status == abi::kStatusOk) status = MakeHandle(call, &born.handle);
  if (status != abi::kStatusOk) return Refuse(status);

  Channel* channel = &call.state->channels[index];
  born.generation = NextGeneration(channel->generation);
  born.number = born.generation << 16 | index;
  born.context = call.message.context;
  born.key_slot = kNoSlot;
  born.type = request.channel_type;
  born.handle_bytes = request.handle_bytes;
  *channel = born;

  abi::CreateChannelResponse response = {};
  response.channel = born.number;
  response.handle = born.handle;
  return SucceedWith(call, response);
}

Answer HandleDestroyChannel(const Call& call) {
  const auto request = ReadRequest<abi::DestroyChannelRequest>(call);
  Channel* channel = FindChannel(call.state, request.channel, call.message.context);
  if (channel == nullptr) return Refuse(abi::kStatusChannelInvalid);
  EndChannel(call.platform, channel);
  if (!WARD_BROKEN("protection.ends_with_channel")) {
    ShareProtection(call.platform, call.state, call.message.context);
  }
  return Succeed();
}

// As with sessions: the previous key stays when the exchange fails, and all failures look alike.
Answer HandleNegotiateChannelKey(const Call& call) {
  const auto request = ReadRequest<abi::NegotiateChannelKeyRequest>(call);
  Channel* channel = FindChannel(call.state, request.channel, call.message.context);
  const uint32_t status = CheckEvent(call, channel, ChannelEvent::kNegotiateKey);
  const bool is_final = status == abi::kStatusKeyExchangeFailed;
  if (status != abi::kStatusOk && (!is_final || WARD_RULE("R17.channel", is_final))) {
    return Refuse(status);
  }
  if (WARD_BROKEN("R17.channel_before_initialize") && channel->key_slot != kNoSlot) {
    return Refuse(abi::kStatusKeyExchangeFailed);
  }

  const uint32_t fresh = call.platform->AllocateSlot(KeyOwner(*channel), kChannelKeyUsage);
  if (fresh == kNoSlot) return Refuse(abi::kStatusSessionsExhausted);
  if (!call.platform->UnwrapRsaOaep(fresh, KeyOwner(*channel), sizeof(request),
                                    request.blob_bytes)) {
    call.platform->WipeSlot(fresh);
    if (WARD_BROKEN("R5.keeps_channel_key")) channel->key_slot = kNoSlot;
    return Refuse(abi::kStatusKeyExchangeFailed);
  }
  if (channel->key_slot != kNoSlot) call.platform->WipeSlot(channel->key_slot);
  channel->key_slot = fresh;
  return Succeed();
}

}  // namespace ward::firmware
