// What may happen to a decoder, and when. Private to the firmware.
#ifndef WARD_FIRMWARE_DECODER_STATE_H_
#define WARD_FIRMWARE_DECODER_STATE_H_

#include <cstdint>

#include "base/state_table.h"
#include "firmware/message.h"

namespace ward::firmware {

enum class DecoderState : uint8_t {
  kNone,    // the context has no decoder of that handle
  kUntied,  // no session
  kTied,    // CONFIGURE_CRYPTO_SESSION gave it a session that lives
  kLast = kTied
};

enum class DecoderEvent : uint8_t {
  kCreate,
  kTie,  // CONFIGURE_CRYPTO_SESSION, of a channel
  kAsk,  // QUERY_CRYPTO_SESSION, of a channel
  kDestroy,
  kSessionEnds,
  kContextEnds,
  kLast = kContextEnds
};

inline constexpr auto kDecoderTable = MakeStateTable<DecoderState, DecoderEvent>(
    {
        {DecoderState::kNone, DecoderEvent::kCreate, DecoderState::kUntied},
        {DecoderState::kNone, DecoderEvent::kDestroy, DecoderState::kNone,
         abi::kStatusChannelInvalid},

        {DecoderState::kUntied, DecoderEvent::kTie, DecoderState::kTied},
        {DecoderState::kUntied, DecoderEvent::kAsk, DecoderState::kUntied},
        {DecoderState::kUntied, DecoderEvent::kDestroy, DecoderState::kNone},
        {DecoderState::kUntied, DecoderEvent::kContextEnds, DecoderState::kNone},

        {DecoderState::kTied, DecoderEvent::kTie, DecoderState::kTied},
        {DecoderState::kTied, DecoderEvent::kAsk, DecoderState::kTied},
        {DecoderState::kTied, DecoderEvent::kSessionEnds, DecoderState::kUntied},
        {DecoderState::kTied, DecoderEvent::kDestroy, DecoderState::kNone},
        {DecoderState::kTied, DecoderEvent::kContextEnds, DecoderState::kNone},
    },
    {{DecoderState::kNone, abi::kStatusChannelMessageInvalid},
     {DecoderState::kUntied, abi::kStatusOk},
     {DecoderState::kTied, abi::kStatusOk}});

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_DECODER_STATE_H_
