// What may happen to a crypto session, and when. Private to the firmware.
#ifndef WARD_FIRMWARE_SESSION_STATE_H_
#define WARD_FIRMWARE_SESSION_STATE_H_

#include <cstdint>

#include "base/state_table.h"
#include "firmware/message.h"

namespace ward::firmware {

enum class SessionState : uint8_t {
  kNone,     // the context has no session of that number
  kNoKey,    // no key exchange succeeded yet
  kKeyed,    //
  kRefresh,  // keyed, and START_KEY_REFRESH gave a random number
  kDamaged,  // the check word of a key failed: all its keys are gone
  kLast = kDamaged
};

// The message that makes a session, those that name it, and what happens to it without one.
enum class SessionEvent : uint8_t {
  kCreate,
  kNegotiateKey,
  kSetContentKey,
  kGetReadbackKey,
  kStartRefresh,
  kFinishRefresh,
  kQuery,
  kDestroy,
  kContextEnds,
  kKeyDamaged,
  kLast = kKeyDamaged
};

// Without a pending refresh FINISH_KEY_REFRESH does nothing (DDI 7.7). An exchange forgets a
// pending refresh (R17).
inline constexpr auto kSessionTable = MakeStateTable<SessionState, SessionEvent>(
    {
        {SessionState::kNone, SessionEvent::kCreate, SessionState::kNoKey},

        {SessionState::kNoKey, SessionEvent::kNegotiateKey, SessionState::kKeyed},
        {SessionState::kNoKey, SessionEvent::kFinishRefresh, SessionState::kNoKey},
        {SessionState::kNoKey, SessionEvent::kQuery, SessionState::kNoKey},
        {SessionState::kNoKey, SessionEvent::kDestroy, SessionState::kNone},
        {SessionState::kNoKey, SessionEvent::kContextEnds, SessionState::kNone},

        {SessionState::kKeyed, SessionEvent::kNegotiateKey, SessionState::kKeyed},
        {SessionState::kKeyed, SessionEvent::kSetContentKey, SessionState::kKeyed},
        {SessionState::kKeyed, SessionEvent::kGetReadbackKey, SessionState::kKeyed},
        {SessionState::kKeyed, SessionEvent::kStartRefresh, SessionState::kRefresh},
        {SessionState::kKeyed, SessionEvent::kFinishRefresh, SessionState::kKeyed},
        {SessionState::kKeyed, SessionEvent::kQuery, SessionState::kKeyed},
        {SessionState::kKeyed, SessionEvent::kDestroy, SessionState::kNone},
        {SessionState::kKeyed, SessionEvent::kContextEnds, SessionState::kNone},
        {SessionState::kKeyed, SessionEvent::kKeyDamaged, SessionState::kDamaged},

        {SessionState::kRefresh, SessionEvent::kNegotiateKey, SessionState::kKeyed},
        {SessionState::kRefresh, SessionEvent::kSetContentKey, SessionState::kRefresh},
        {SessionState::kRefresh, SessionEvent::kGetReadbackKey, SessionState::kRefresh},
        {SessionState::kRefresh, SessionEvent::kStartRefresh, SessionState::kRefresh},
        {SessionState::kRefresh, SessionEvent::kFinishRefresh, SessionState::kKeyed},
        {SessionState::kRefresh, SessionEvent::kQuery, SessionState::kRefresh},
        {SessionState::kRefresh, SessionEvent::kDestroy, SessionState::kNone},
        {SessionState::kRefresh, SessionEvent::kContextEnds, SessionState::kNone},
        {SessionState::kRefresh, SessionEvent::kKeyDamaged, SessionState::kDamaged},

        {SessionState::kDamaged, SessionEvent::kQuery, SessionState::kDamaged},
        {SessionState::kDamaged, SessionEvent::kDestroy, SessionState::kNone},
        {SessionState::kDamaged, SessionEvent::kContextEnds, SessionState::kNone},
    },
    {{SessionState::kNone, abi::kStatusSessionInvalid},
     {SessionState::kNoKey, abi::kStatusSessionNoKey},
     {SessionState::kKeyed, abi::kStatusOk},
     {SessionState::kRefresh, abi::kStatusOk},
     {SessionState::kDamaged, abi::kStatusKeyDamaged}});

// `session` is nullptr when there is none.
SessionState StateOf(Platform* platform, const Session* session);
// OK when the session's state takes the event, else the refusal.
uint32_t CheckEvent(const Call& call, const Session* session, SessionEvent event);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_SESSION_STATE_H_
