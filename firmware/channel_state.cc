#include "firmware/channel_state.h"

#include "base/rule.h"
#include "firmware/authenticated_channel.h"

namespace ward::firmware {

ChannelState StateOf(Platform* platform, const Channel* channel) {
  if (channel == nullptr) return ChannelState::kNone;
  if (WARD_RULE("teardown.channel_lost", channel->torn_down != 0)) return ChannelState::kTornDown;
  if (IsLost(platform, *channel)) return ChannelState::kDamaged;
  if (channel->key_slot == kNoSlot) return ChannelState::kNoKey;
  return channel->initialized != 0 ? ChannelState::kLive : ChannelState::kKeyed;
}

uint32_t CheckEvent(const Call& call, const Channel* channel, ChannelEvent event) {
  return kChannelTable.Find(StateOf(call.platform, channel), event).status;
}

}  // namespace ward::firmware
