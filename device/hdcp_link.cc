#include "device/hdcp_link.h"

#include "base/rule.h"

namespace ward::device {

void HdcpLink::Enable(uint64_t now_ns, uint64_t negotiation_ns) {
  const HdcpState before = state_;
  Take(HdcpEvent::kEnable);
  if (state_ != before) {
    ready_at_ns_ = now_ns > UINT64_MAX - negotiation_ns ? UINT64_MAX : now_ns + negotiation_ns;
  }
}

void HdcpLink::SetFault(LinkFault fault) {
  fault_ = fault;
  const bool is_cut = fault == LinkFault::kLinkLost;
  if (WARD_RULE("hdcp.link_lost", is_cut)) Take(HdcpEvent::kLinkLost);
}

void HdcpLink::SetConnected(bool connected) {
  connected_ = connected;
  if (WARD_RULE("hdcp.link_lost", !connected)) Take(HdcpEvent::kLinkLost);
}

void HdcpLink::Advance(uint64_t now_ns) {
  if (state_ != HdcpState::kNegotiating || now_ns < ready_at_ns_) return;
  const bool fails = fault_ != LinkFault::kNone || !connected_;
  Take(WARD_RULE("hdcp.negotiation_fails", fails) ? HdcpEvent::kFailed : HdcpEvent::kAuthenticated);
}

void HdcpLink::Reset() {
  const LinkFault fault = fault_;
  const bool connected = connected_;
  *this = HdcpLink();
  fault_ = fault;
  connected_ = connected;
}

void HdcpLink::Take(HdcpEvent event) {
  const HdcpState next = kHdcpTable.Find(state_, event).to;
  if (next == state_) return;
  state_ = next;
  ++changes_;
  if (next != HdcpState::kNegotiating) ready_at_ns_ = 0;
}

}  // namespace ward::device
