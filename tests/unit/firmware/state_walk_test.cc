// The firmware does what its state tables say: every event in every state, by messages.
#include <algorithm>
#include <iterator>

#include "catch2/catch_test_macros.hpp"
#include "firmware/authenticated_channel.h"
#include "firmware/channel_state.h"
#include "firmware/crypto_session.h"
#include "firmware/decoder_state.h"
#include "firmware/session_state.h"
#include "firmware/video_decoder.h"
#include "tests/unit/firmware/channel_fixture.h"
#include "tests/unit/firmware/hardware_firmware.h"

namespace ward::firmware {
namespace {

constexpr char kQueryChannelType[] = "BC1B18A5-B1FB-42AB-BD94-B5828B4BF7BE";
constexpr char kQueryCryptoSession[] = "2634499E-D018-4D74-AC17-7F724059528D";

template <typename Table, typename State, typename Event>
bool HasRow(const Table& table, State from, Event event) {
  return std::any_of(std::begin(table.rows), std::end(table.rows),
                     [&](const auto& row) { return row.from == from && row.event == event; });
}

// `Walker` is one noun: Reach a state, Do an event (its status), tell what its state is Now.
// Messages that name it come in every state; the others, and what just happens, only where the
// table has a row for it.
template <typename Walker, typename Table>
void Walk(const Table& table) {
  for (uint32_t s = 0; s < table.kStates; ++s) {
    for (uint32_t e = 0; e < table.kEvents; ++e) {
      const auto row = table.Find(static_cast<typename Walker::State>(s),
                                  static_cast<typename Walker::Event>(e));
      const bool may_happen = row.status == abi::kStatusOk && HasRow(table, row.from, row.event);
      if (!Walker::IsMessage(row.event) && !may_happen) continue;
      Walker walker;
      walker.Reach(row.from);
      INFO("state " << s << ", event " << e);
      REQUIRE(walker.Now() == row.from);
      CHECK(walker.Do(row.event) == row.status);
      CHECK(walker.Now() == row.to);
    }
  }
}

struct SessionWalker : BootedFirmware {
  using State = SessionState;
  using Event = SessionEvent;
  static bool IsMessage(Event event) {
    return event != Event::kCreate && event != Event::kContextEnds && event != Event::kKeyDamaged &&
           event != Event::kTearDown;
  }

  void Reach(State wanted) {
    session = CreateSession();
    if (wanted == State::kNone) Destroy(session);
    if (wanted == State::kNone || wanted == State::kNoKey) return;
    Do(Event::kNegotiateKey);
    if (wanted == State::kRefresh) Do(Event::kStartRefresh);
    if (wanted == State::kDamaged) Do(Event::kKeyDamaged);
    if (wanted == State::kTornDown) Do(Event::kTearDown);
  }
  State Now() { return StateOf(&platform, FindSession(&state, session, 1)); }
  uint32_t Do(Event event) {
    switch (event) {
      case Event::kCreate:
        session = CreateSession();
        return session == 0 ? UINT32_MAX : abi::kStatusOk;
      case Event::kNegotiateKey:
        return Negotiate(session, kSessionKey);
      case Event::kSetContentKey:
        return SetContentKey(session, kWrappedContentKey);
      case Event::kGetReadbackKey:
        return GetReadbackKey(session).status;
      case Event::kStartRefresh:
        return Send(abi::kMessageStartKeyRefresh, Words({session, 16})).status;
      case Event::kFinishRefresh:
        return Send(abi::kMessageFinishKeyRefresh, Words({session, 0})).status;
      case Event::kQuery:
        return Query(session).status;
      case Event::kDestroy:
        return Destroy(session);
      case Event::kContextEnds:
        EndContext(&platform, &state, 1);
        return abi::kStatusOk;
      case Event::kKeyDamaged:
        platform.slots[GrantOf(session).session_slot].damaged = true;
        return abi::kStatusOk;
      case Event::kTearDown:
        TearDown(&platform, &state);
        return abi::kStatusOk;
    }
    return UINT32_MAX;
  }

  uint32_t session = 0;
};

struct HardwareWalker : HardwareFirmware {
  using State = HardwareState;
  using Event = HardwareEvent;
  static bool IsMessage(Event event) {
    return event != Event::kCreate && event != Event::kContextEnds && event != Event::kKeyDamaged &&
           event != Event::kTearDown;
  }

  void Reach(State wanted) {
    CHECK(Import(kName, kContentKey) == 0);
    CHECK(Select(kName) == abi::kStatusOk);
    if (wanted == State::kNone) Do(Event::kDestroy);
    if (wanted == State::kDamaged) Do(Event::kKeyDamaged);
    if (wanted == State::kTornDown) Do(Event::kTearDown);
  }
  State Now() { return HardwareStateOf(&platform, FindSession(&state, session, 1)); }
  uint32_t Do(Event event) {
    switch (event) {
      case Event::kCreate:
        session = CreateHardware();
        return session == 0 ? UINT32_MAX : abi::kStatusOk;
      case Event::kGetNewKeyData:
        return NewKeyData(kName).status;
      case Event::kCallTrusted:
        return Call(kVersion, {}).status;
      case Event::kSelectKey:
        return Select(kName);
      case Event::kQuery:
        return Query(session).status;
      case Event::kDestroy:
        return Destroy(session);
      case Event::kContextEnds:
        EndContext(&platform, &state, 1);
        return abi::kStatusOk;
      case Event::kKeyDamaged:
        platform.slots[GrantOf(session).content_slot].damaged = true;
        return abi::kStatusOk;
      case Event::kTearDown:
        TearDown(&platform, &state);
        return abi::kStatusOk;
    }
    return UINT32_MAX;
  }
};

struct ChannelWalker : OpenChannel {
  using State = ChannelState;
  using Event = ChannelEvent;
  static bool IsMessage(Event event) {
    return event != Event::kCreate && event != Event::kContextEnds && event != Event::kKeyDamaged &&
           event != Event::kTearDown;
  }

  void Reach(State wanted) {
    if (wanted == State::kNone) Do(Event::kDestroy);
    if (wanted == State::kNone || wanted == State::kNoKey) return;
    Do(Event::kNegotiateKey);
    if (wanted == State::kLive) Do(Event::kInitialize);
    if (wanted == State::kDamaged) Do(Event::kKeyDamaged);
    if (wanted == State::kTornDown) Do(Event::kTearDown);
  }
  State Now() { return StateOf(&platform, FindChannel(&state, number, 1)); }
  uint32_t Do(Event event) {
    switch (event) {
      case Event::kCreate: {
        const Reply created = Send(abi::kMessageCreateChannel, Words({3, 8}));
        number = created.Word(16);
        return created.status;
      }
      case Event::kNegotiateKey:
        return NegotiateChannel();
      case Event::kInitialize:
        return Initialize();
      case Event::kConfigure:
        return Configure(kProtection, 200, Fields().U32(1)).status;
      case Event::kQuery:
        return Query(kQueryChannelType, 100).status;
      case Event::kDestroy:
        return Send(abi::kMessageDestroyChannel, Words({number, 0})).status;
      case Event::kContextEnds:
        EndContext(&platform, &state, 1);
        return abi::kStatusOk;
      case Event::kKeyDamaged:
        platform.slots[channel().key_slot].damaged = true;
        return abi::kStatusOk;
      case Event::kTearDown:
        TearDown(&platform, &state);
        return abi::kStatusOk;
    }
    return UINT32_MAX;
  }
};

// A decoder, and a session that it may be tied to by the channel of the same context.
struct DecoderWalker : LiveChannel {
  using State = DecoderState;
  using Event = DecoderEvent;
  static bool IsMessage(Event event) {
    return event != Event::kCreate && event != Event::kContextEnds && event != Event::kSessionEnds;
  }

  void Reach(State wanted) {
    decoder = MakeDecoder();
    session = MakeSession();
    if (wanted == State::kNone) Do(Event::kDestroy);
    if (wanted == State::kTied) Do(Event::kTie);
  }
  State Now() {
    const Decoder* found = FindDecoder(&state, decoder, 8, 1);
    if (found == nullptr) return State::kNone;
    const bool is_tied = FindSessionOfHandle(&state, found->session_handle, 8, 1) != nullptr;
    return is_tied ? State::kTied : State::kUntied;
  }
  uint32_t Do(Event event) {
    switch (event) {
      case Event::kCreate:
        decoder = MakeDecoder();
        return abi::kStatusOk;
      case Event::kTie:
        return Configure(kCryptoSession, next_configure++,
                         Fields().Handle(decoder).Handle(session).Handle(DeviceHandle()))
            .status;
      case Event::kAsk:
        return Query(kQueryCryptoSession, 100, Fields().Handle(decoder)).status;
      case Event::kDestroy:
        return Send(abi::kMessageDestroyDecoder,
                    Words({static_cast<uint32_t>(decoder), static_cast<uint32_t>(decoder >> 32)}))
            .status;
      case Event::kSessionEnds:
        return Destroy(last_session);
      case Event::kContextEnds:
        EndContext(&platform, &state, 1);
        return abi::kStatusOk;
    }
    return UINT32_MAX;
  }

  uint64_t decoder = 0;
  uint64_t session = 0;
  uint32_t next_configure = 200;
};

TEST_CASE("a crypto session does what its table says") { Walk<SessionWalker>(kSessionTable); }
TEST_CASE("a hardware DRM session does what its table says") {
  Walk<HardwareWalker>(kHardwareTable);
}
TEST_CASE("an authenticated channel does what its table says") {
  Walk<ChannelWalker>(kChannelTable);
}
TEST_CASE("a decoder does what its table says") { Walk<DecoderWalker>(kDecoderTable); }

TEST_CASE("a message whose own work fails leaves the state as it was") {
  for (const SessionState state :
       {SessionState::kNoKey, SessionState::kKeyed, SessionState::kRefresh}) {
    SessionWalker walker;
    walker.Reach(state);
    Payload blob = BootedFirmware::NegotiatePayload(walker.session, kSessionKey);
    blob[8] = 0;  // not the mark of a good one
    CHECK(walker.Send(abi::kMessageNegotiateSessionKey, blob).status ==
          abi::kStatusKeyExchangeFailed);
    CHECK(walker.Now() == state);
  }
}

}  // namespace
}  // namespace ward::firmware
