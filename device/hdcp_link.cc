#include "device/hdcp_link.h"

#include <algorithm>

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
  if (fault == LinkFault::kLinkLost) Take(HdcpEvent::kLinkLost);
}

void HdcpLink::Advance(uint64_t now_ns) {
  if (state_ != HdcpState::kNegotiating || now_ns < ready_at_ns_) return;
  Take(fault_ == LinkFault::kNone ? HdcpEvent::kAuthenticated : HdcpEvent::kFailed);
}

void HdcpLink::Reset() {
  const LinkFault kept = fault_;
  *this = HdcpLink();
  fault_ = kept;
}

void HdcpLink::Hash(StateHasher* hasher) const {
  hasher->Add(static_cast<uint32_t>(state_));
  hasher->Add(changes_);
  hasher->Add(ready_at_ns_);
  hasher->Add(static_cast<uint32_t>(fault_));
}

void HdcpLink::Take(HdcpEvent event) {
  const HdcpState next = kHdcpTable.Find(state_, event).to;
  if (next == state_) return;
  state_ = next;
  ++changes_;
  if (next != HdcpState::kNegotiating) ready_at_ns_ = 0;
}

}  // namespace ward::device
