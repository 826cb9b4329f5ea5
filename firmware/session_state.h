// What may happen to a crypto session, and when: one machine for sessions of RSAES_OAEP, one for
// those of HW_PROTECTION. Private to the firmware.
#ifndef WARD_FIRMWARE_SESSION_STATE_H_
#define WARD_FIRMWARE_SESSION_STATE_H_

#include <cstdint>

#include "base/state_table.h"
#include "firmware/message.h"

namespace ward::firmware {

enum class SessionState : uint8_t {
  kNone,      // the context has no session of that number
  kNoKey,     // no key exchange succeeded yet
  kKeyed,     //
  kRefresh,   // keyed, and START_KEY_REFRESH gave a random number
  kDamaged,   // the check word of a key failed: all its keys are gone
  kTornDown,  // keys and content were lost while the function went on
  kLast = kTornDown
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
  kTearDown,
  kLast = kTearDown
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
        {SessionState::kNoKey, SessionEvent::kTearDown, SessionState::kTornDown},

        {SessionState::kKeyed, SessionEvent::kNegotiateKey, SessionState::kKeyed},
        {SessionState::kKeyed, SessionEvent::kSetContentKey, SessionState::kKeyed},
        {SessionState::kKeyed, SessionEvent::kGetReadbackKey, SessionState::kKeyed},
        {SessionState::kKeyed, SessionEvent::kStartRefresh, SessionState::kRefresh},
        {SessionState::kKeyed, SessionEvent::kFinishRefresh, SessionState::kKeyed},
        {SessionState::kKeyed, SessionEvent::kQuery, SessionState::kKeyed},
        {SessionState::kKeyed, SessionEvent::kDestroy, SessionState::kNone},
        {SessionState::kKeyed, SessionEvent::kContextEnds, SessionState::kNone},
        {SessionState::kKeyed, SessionEvent::kTearDown, SessionState::kTornDown},
        {SessionState::kKeyed, SessionEvent::kKeyDamaged, SessionState::kDamaged},

        {SessionState::kRefresh, SessionEvent::kNegotiateKey, SessionState::kKeyed},
        {SessionState::kRefresh, SessionEvent::kSetContentKey, SessionState::kRefresh},
        {SessionState::kRefresh, SessionEvent::kGetReadbackKey, SessionState::kRefresh},
        {SessionState::kRefresh, SessionEvent::kStartRefresh, SessionState::kRefresh},
        {SessionState::kRefresh, SessionEvent::kFinishRefresh, SessionState::kKeyed},
        {SessionState::kRefresh, SessionEvent::kQuery, SessionState::kRefresh},
        {SessionState::kRefresh, SessionEvent::kDestroy, SessionState::kNone},
        {SessionState::kRefresh, SessionEvent::kContextEnds, SessionState::kNone},
        {SessionState::kRefresh, SessionEvent::kTearDown, SessionState::kTornDown},
        {SessionState::kRefresh, SessionEvent::kKeyDamaged, SessionState::kDamaged},

        {SessionState::kDamaged, SessionEvent::kQuery, SessionState::kDamaged},
        {SessionState::kDamaged, SessionEvent::kDestroy, SessionState::kNone},
        {SessionState::kDamaged, SessionEvent::kContextEnds, SessionState::kNone},
        {SessionState::kDamaged, SessionEvent::kTearDown, SessionState::kTornDown},

        {SessionState::kTornDown, SessionEvent::kQuery, SessionState::kTornDown},
        {SessionState::kTornDown, SessionEvent::kDestroy, SessionState::kNone},
        {SessionState::kTornDown, SessionEvent::kContextEnds, SessionState::kNone},
        {SessionState::kTornDown, SessionEvent::kTearDown, SessionState::kTornDown},
    },
    {{SessionState::kNone, abi::kStatusSessionInvalid},
     {SessionState::kNoKey, abi::kStatusSessionNoKey},
     {SessionState::kKeyed, abi::kStatusOk},
     {SessionState::kRefresh, abi::kStatusOk},
     {SessionState::kDamaged, abi::kStatusKeyDamaged},
     {SessionState::kTornDown, abi::kStatusSessionLost}});

// A session of HW_PROTECTION, whatever keys it holds.
enum class HardwareState : uint8_t { kNone, kOpen, kDamaged, kTornDown, kLast = kTornDown };

enum class HardwareEvent : uint8_t {
  kCreate,
  kGetNewKeyData,
  kCallTrusted,
  kSelectKey,
  kQuery,
  kDestroy,
  kContextEnds,
  kKeyDamaged,
  kTearDown,
  kLast = kTearDown
};

inline constexpr auto kHardwareTable = MakeStateTable<HardwareState, HardwareEvent>(
    {
        {HardwareState::kNone, HardwareEvent::kCreate, HardwareState::kOpen},

        {HardwareState::kOpen, HardwareEvent::kGetNewKeyData, HardwareState::kOpen},
        {HardwareState::kOpen, HardwareEvent::kCallTrusted, HardwareState::kOpen},
        {HardwareState::kOpen, HardwareEvent::kSelectKey, HardwareState::kOpen},
        {HardwareState::kOpen, HardwareEvent::kQuery, HardwareState::kOpen},
        {HardwareState::kOpen, HardwareEvent::kDestroy, HardwareState::kNone},
        {HardwareState::kOpen, HardwareEvent::kContextEnds, HardwareState::kNone},
        {HardwareState::kOpen, HardwareEvent::kKeyDamaged, HardwareState::kDamaged},
        {HardwareState::kOpen, HardwareEvent::kTearDown, HardwareState::kTornDown},

        {HardwareState::kDamaged, HardwareEvent::kQuery, HardwareState::kDamaged},
        {HardwareState::kDamaged, HardwareEvent::kDestroy, HardwareState::kNone},
        {HardwareState::kDamaged, HardwareEvent::kContextEnds, HardwareState::kNone},
        {HardwareState::kDamaged, HardwareEvent::kTearDown, HardwareState::kTornDown},

        {HardwareState::kTornDown, HardwareEvent::kQuery, HardwareState::kTornDown},
        {HardwareState::kTornDown, HardwareEvent::kDestroy, HardwareState::kNone},
        {HardwareState::kTornDown, HardwareEvent::kContextEnds, HardwareState::kNone},
        {HardwareState::kTornDown, HardwareEvent::kTearDown, HardwareState::kTornDown},
    },
    {{HardwareState::kNone, abi::kStatusSessionInvalid},
     {HardwareState::kOpen, abi::kStatusOk},
     {HardwareState::kDamaged, abi::kStatusKeyDamaged},
     {HardwareState::kTornDown, abi::kStatusSessionLost}});

// `session` is nullptr when there is none. For a session of either key exchange: any key that it
// holds makes it keyed.
SessionState StateOf(Platform* platform, const Session* session);
HardwareState HardwareStateOf(Platform* platform, const Session* session);
// OK when the session takes the message that the event stands for, else the refusal. A session that
// exists and was not torn down, of the other key exchange: SESSION_TYPE_INVALID.
uint32_t CheckEvent(const Call& call, const Session* session, SessionEvent event);
uint32_t CheckEvent(const Call& call, const Session* session, HardwareEvent event);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_SESSION_STATE_H_
