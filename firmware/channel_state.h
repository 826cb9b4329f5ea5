// What may happen to an authenticated channel, and when. Private to the firmware.
#ifndef WARD_FIRMWARE_CHANNEL_STATE_H_
#define WARD_FIRMWARE_CHANNEL_STATE_H_

#include <cstdint>

#include "base/state_table.h"
#include "firmware/message.h"

namespace ward::firmware {

enum class ChannelState : uint8_t {
  kNone,      // the context has no channel of that number
  kNoKey,     // no key exchange succeeded yet
  kKeyed,     // waits for INITIALIZE
  kLive,      // INITIALIZE succeeded
  kDamaged,   // the check word of its key failed
  kTornDown,  // its key was lost while the function went on
  kLast = kTornDown
};

// The message that makes a channel, those that name it, and what happens to it without one.
enum class ChannelEvent : uint8_t {
  kCreate,
  kNegotiateKey,
  kInitialize,  // CONFIGURE_CHANNEL
  kConfigure,   // CONFIGURE_CHANNEL with any other command
  kQuery,
  kDestroy,
  kContextEnds,
  kKeyDamaged,
  kTearDown,
  kLast = kTearDown
};

// INITIALIZE comes once, and the key is final with it (DDI 8.2, R17).
inline constexpr auto kChannelTable = MakeStateTable<ChannelState, ChannelEvent>(
    {
        {ChannelState::kNone, ChannelEvent::kCreate, ChannelState::kNoKey},

        {ChannelState::kNoKey, ChannelEvent::kNegotiateKey, ChannelState::kKeyed},
        {ChannelState::kNoKey, ChannelEvent::kDestroy, ChannelState::kNone},
        {ChannelState::kNoKey, ChannelEvent::kContextEnds, ChannelState::kNone},
        {ChannelState::kNoKey, ChannelEvent::kTearDown, ChannelState::kTornDown},

        {ChannelState::kKeyed, ChannelEvent::kNegotiateKey, ChannelState::kKeyed},
        {ChannelState::kKeyed, ChannelEvent::kInitialize, ChannelState::kLive},
        {ChannelState::kKeyed, ChannelEvent::kDestroy, ChannelState::kNone},
        {ChannelState::kKeyed, ChannelEvent::kContextEnds, ChannelState::kNone},
        {ChannelState::kKeyed, ChannelEvent::kTearDown, ChannelState::kTornDown},
        {ChannelState::kKeyed, ChannelEvent::kKeyDamaged, ChannelState::kDamaged},

        {ChannelState::kLive, ChannelEvent::kNegotiateKey, ChannelState::kLive,
         abi::kStatusKeyExchangeFailed},
        {ChannelState::kLive, ChannelEvent::kConfigure, ChannelState::kLive},
        {ChannelState::kLive, ChannelEvent::kQuery, ChannelState::kLive},
        {ChannelState::kLive, ChannelEvent::kDestroy, ChannelState::kNone},
        {ChannelState::kLive, ChannelEvent::kContextEnds, ChannelState::kNone},
        {ChannelState::kLive, ChannelEvent::kTearDown, ChannelState::kTornDown},
        {ChannelState::kLive, ChannelEvent::kKeyDamaged, ChannelState::kDamaged},

        {ChannelState::kDamaged, ChannelEvent::kDestroy, ChannelState::kNone},
        {ChannelState::kDamaged, ChannelEvent::kContextEnds, ChannelState::kNone},
        {ChannelState::kDamaged, ChannelEvent::kTearDown, ChannelState::kTornDown},

        {ChannelState::kTornDown, ChannelEvent::kDestroy, ChannelState::kNone},
        {ChannelState::kTornDown, ChannelEvent::kContextEnds, ChannelState::kNone},
        {ChannelState::kTornDown, ChannelEvent::kTearDown, ChannelState::kTornDown},
    },
    {{ChannelState::kNone, abi::kStatusChannelInvalid},
     {ChannelState::kNoKey, abi::kStatusChannelMessageInvalid},
     {ChannelState::kKeyed, abi::kStatusChannelMessageInvalid},
     {ChannelState::kLive, abi::kStatusChannelMessageInvalid},
     {ChannelState::kDamaged, abi::kStatusKeyDamaged},
     {ChannelState::kTornDown, abi::kStatusSessionLost}});

// `channel` is nullptr when there is none.
ChannelState StateOf(Platform* platform, const Channel* channel);
// OK when the channel's state takes the event, else the refusal.
uint32_t CheckEvent(const Call& call, const Channel* channel, ChannelEvent event);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_CHANNEL_STATE_H_
