// HDCP of one display output: a virtual state machine over a virtual cable. Firmware switches it on
// and off; authentication takes virtual time; the host can make it fail or cut the cable
// (docs/spec/display.md).
#ifndef WARD_DEVICE_HDCP_LINK_H_
#define WARD_DEVICE_HDCP_LINK_H_

#include <cstdint>

#include "base/state_fields.h"
#include "base/state_table.h"
#include "device/gpu.h"
#include "device/state_hasher.h"

namespace ward::device {

// OUTPUT_LINK.HDCP_STATE.
enum class HdcpState : uint32_t { kOff, kNegotiating, kOn, kLost, kLast = kLost };
enum class HdcpEvent : uint32_t {
  kEnable,         // a protected output asks for protection
  kAuthenticated,  // the negotiation's time is over and the display answered rightly
  kFailed,         // ... or did not
  kLinkLost,       // the cable was cut
  kDisable,        // no protected output asks any more
  kLast = kDisable
};

// A lost link does not come back by itself: whoever asked for it learns of the loss and asks anew
// (OPM_STATUS_RENEGOTIATION_REQUIRED).
inline constexpr auto kHdcpTable = MakeStateTable<HdcpState, HdcpEvent>(
    {
        {HdcpState::kOff, HdcpEvent::kEnable, HdcpState::kNegotiating},
        {HdcpState::kNegotiating, HdcpEvent::kAuthenticated, HdcpState::kOn},
        {HdcpState::kNegotiating, HdcpEvent::kFailed, HdcpState::kLost},
        {HdcpState::kNegotiating, HdcpEvent::kLinkLost, HdcpState::kLost},
        {HdcpState::kNegotiating, HdcpEvent::kDisable, HdcpState::kOff},
        {HdcpState::kOn, HdcpEvent::kLinkLost, HdcpState::kLost},
        {HdcpState::kOn, HdcpEvent::kDisable, HdcpState::kOff},
        {HdcpState::kLost, HdcpEvent::kEnable, HdcpState::kNegotiating},
        {HdcpState::kLost, HdcpEvent::kDisable, HdcpState::kOff},
    },
    {{HdcpState::kOff, 0},
     {HdcpState::kNegotiating, 0},
     {HdcpState::kOn, 0},
     {HdcpState::kLost, 0}});

class HdcpLink {
 public:
  // Virtual nanoseconds from ENABLE to the display's answer.
  static constexpr uint64_t kFastNegotiationNs = 1000;
  static constexpr uint64_t kRealisticNegotiationNs = 200000000;

  // Does nothing while a negotiation runs or the link is on.
  void Enable(uint64_t now_ns, uint64_t negotiation_ns);
  void Disable() { Take(HdcpEvent::kDisable); }
  // What the cable and the display at its end do from now on.
  void SetFault(LinkFault fault);
  // Without a display the link is as cut.
  void SetConnected(bool connected);
  // Ends a negotiation whose time is over.
  void Advance(uint64_t now_ns);

  HdcpState state() const { return state_; }
  uint16_t changes() const { return changes_; }  // of the state; wraps
  // When Advance has something to do; 0: it waits for nothing.
  uint64_t wakeup_ns() const { return state_ == HdcpState::kNegotiating ? ready_at_ns_ : 0; }

  // The chip's side is as new; cable and display stay as they are.
  void Reset();

  WARD_STATE_FIELDS(state_, changes_, ready_at_ns_, fault_, connected_)

 private:
  void Take(HdcpEvent event);

  HdcpState state_ = HdcpState::kOff;
  uint16_t changes_ = 0;
  uint64_t ready_at_ns_ = 0;  // while negotiating
  LinkFault fault_ = LinkFault::kNone;
  bool connected_ = true;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_HDCP_LINK_H_
