#include "device/hdcp_link.h"

#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::device {
namespace {

constexpr uint64_t kNow = 5000;
constexpr uint64_t kTime = HdcpLink::kFastNegotiationNs;

uint64_t HashOf(const HdcpLink& link) {
  StateHasher hasher;
  WalkState(hasher, link);
  return hasher.value();
}

HdcpLink LinkThatIsOn() {
  HdcpLink link;
  link.Enable(kNow, kTime);
  link.Advance(kNow + kTime);
  REQUIRE(link.state() == HdcpState::kOn);
  return link;
}

TEST_CASE("the table knows every state's way, and no other") {
  using S = HdcpState;
  using E = HdcpEvent;
  // Rows: off, negotiating, on, lost. Columns: enable, authenticated, failed, link lost, disable.
  const S expected[4][5] = {
      {S::kNegotiating, S::kOff, S::kOff, S::kOff, S::kOff},
      {S::kNegotiating, S::kOn, S::kLost, S::kLost, S::kOff},
      {S::kOn, S::kOn, S::kOn, S::kLost, S::kOff},
      {S::kNegotiating, S::kLost, S::kLost, S::kLost, S::kOff},
  };
  for (uint32_t state = 0; state < 4; ++state) {
    for (uint32_t event = 0; event < 5; ++event) {
      INFO(state << " " << event);
      const auto step = kHdcpTable.Find(static_cast<S>(state), static_cast<E>(event));
      CHECK(step.to == expected[state][event]);
      CHECK(step.status == 0);
    }
  }
}

TEST_CASE("a negotiation takes its virtual time to the nanosecond") {
  HdcpLink link;
  CHECK(link.wakeup_ns() == 0);
  link.Enable(kNow, kTime);
  CHECK(link.state() == HdcpState::kNegotiating);
  CHECK(link.wakeup_ns() == kNow + kTime);
  link.Enable(kNow + 10, kTime);  // one runs already
  CHECK(link.wakeup_ns() == kNow + kTime);
  link.Advance(kNow + kTime - 1);
  CHECK(link.state() == HdcpState::kNegotiating);
  link.Advance(kNow + kTime);
  CHECK(link.state() == HdcpState::kOn);
  CHECK(link.changes() == 2);
  CHECK(link.wakeup_ns() == 0);
}

TEST_CASE("a negotiation at the end of time stays there") {
  HdcpLink link;
  link.Enable(UINT64_MAX - 1, kTime);
  CHECK(link.wakeup_ns() == UINT64_MAX);
}

TEST_CASE("the fault of the moment when its time is over decides a negotiation") {
  HdcpLink link;
  link.SetFault(LinkFault::kNegotiationFails);
  link.Enable(kNow, kTime);
  link.SetFault(LinkFault::kNone);
  link.Advance(kNow + kTime);
  CHECK(link.state() == HdcpState::kOn);
  link.SetFault(LinkFault::kNegotiationFails);
  CHECK(link.state() == HdcpState::kOn);
  link.Disable();
  link.Enable(kNow, kTime);
  link.Advance(kNow + kTime);
  CHECK(link.state() == HdcpState::kLost);
}

TEST_CASE("a cut cable loses the link at once and fails each later negotiation") {
  HdcpLink link = LinkThatIsOn();
  link.SetFault(LinkFault::kLinkLost);
  CHECK(link.state() == HdcpState::kLost);
  link.SetFault(LinkFault::kLinkLost);
  CHECK(link.changes() == 3);
  link.Enable(kNow, kTime);
  CHECK(link.state() == HdcpState::kNegotiating);
  link.Advance(kNow + kTime);
  CHECK(link.state() == HdcpState::kLost);
}

TEST_CASE("a reset turns the link off and leaves the cable as it is") {
  HdcpLink link = LinkThatIsOn();
  link.SetFault(LinkFault::kLinkLost);
  link.Reset();
  CHECK(link.state() == HdcpState::kOff);
  CHECK(link.changes() == 0);
  link.Enable(kNow, kTime);
  link.Advance(kNow + kTime);
  CHECK(link.state() == HdcpState::kLost);
}

TEST_CASE("state, changes, time and fault of a link are in its hash") {
  std::vector<uint64_t> hashes;
  HdcpLink link;
  hashes.push_back(HashOf(link));
  link.Enable(kNow, kTime);
  hashes.push_back(HashOf(link));
  HdcpLink later;
  later.Enable(kNow + 1, kTime);
  hashes.push_back(HashOf(later));
  link.Advance(kNow + kTime);
  hashes.push_back(HashOf(link));
  link.SetFault(LinkFault::kNegotiationFails);
  hashes.push_back(HashOf(link));
  for (size_t i = 0; i < hashes.size(); ++i) {
    for (size_t j = 0; j < i; ++j) CHECK(hashes[i] != hashes[j]);
  }
}

TEST_CASE("a fault of an output that does not exist has no effect") {
  fakes::GpuRig rig;
  const uint64_t before = rig.gpu->StateHash();
  rig.gpu->SetLinkFault(2, LinkFault::kLinkLost);
  rig.gpu->SetLinkFault(0xffffffff, LinkFault::kLinkLost);
  CHECK(rig.gpu->StateHash() == before);
  rig.gpu->SetLinkFault(0, LinkFault::kLinkLost);
  CHECK(rig.gpu->StateHash() != before);
  CHECK(rig.Read(abi::kRegOutputLink) == 0);
  CHECK(rig.Read(abi::kRegInterruptCause) == 0);
}

}  // namespace
}  // namespace ward::device
