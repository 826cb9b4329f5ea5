// OPM HDCP: what a protected output asks of the link, what the link does, what the screen shows
// meanwhile (reference 7.2, 10.3; OPM_SET_PROTECTION_LEVEL, OPM_GET_*_PROTECTION_LEVEL).
#include <bit>

#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/opm_party.h"
#include "tests/conformance/content_protection/screen.h"

namespace ward::test {
namespace {

using device::LinkFault;
using runtime::Presentation;

constexpr uint32_t kOff = DXGKMDT_OPM_HDCP_OFF;
constexpr uint32_t kOn = DXGKMDT_OPM_HDCP_ON;
constexpr uint32_t kHdcp = DXGKMDT_OPM_PROTECTION_TYPE_HDCP;
constexpr uint32_t kLost = DXGKMDT_OPM_STATUS_LINK_LOST | DXGKMDT_OPM_STATUS_RENEGOTIATION_REQUIRED;

void SetFault(Stage* stage, LinkFault fault) { stage->function.SetLinkFault(0, fault); }

// A protected output with its key.
struct OpenOutput : Stage {
  explicit OpenOutput(const MachineOptions& options = {}) : Stage(options), party(this) {
    party.Open();
  }
  void Cut() { SetFault(this, LinkFault::kLinkLost); }
  void Mend() { SetFault(this, LinkFault::kNone); }

  OpmParty party;
};

TEST_CASE("OPMHDCP.OffAtFirst: nobody asked, so the link is not protected") {
  OpenOutput stage;
  CHECK(LinkState(&stage) == kHdcpOff);
  CHECK(LinkChanges(&stage) == 0);
  CHECK(stage.party.VirtualLevel() == kOff);
  CHECK(stage.party.ActualLevel() == kOff);
  CHECK(stage.party.StatusFlags() == DXGKMDT_OPM_STATUS_NORMAL);
}

TEST_CASE("OPMHDCP.On: asked for, it negotiates and then is on") {
  OpenOutput stage;
  REQUIRE(stage.party.SetLevel(kOn) == S_OK);
  if (Offers(Need::kTime)) CHECK(LinkState(&stage) == kHdcpNegotiating);
  LetTimePass(&stage);
  CHECK(LinkState(&stage) == kHdcpOn);
  CHECK(LinkChanges(&stage) == 2);
  CHECK(stage.party.VirtualLevel() == kOn);
  CHECK(stage.party.ActualLevel() == kOn);
  CHECK(stage.party.StatusFlags() == DXGKMDT_OPM_STATUS_NORMAL);
}

// The chip's own time, which passes by itself where it is no virtual one: at least so much.
TEST_CASE("OPMHDCP.OnRealistic: as on silicon, the negotiation takes 200 ms", "[needs-latency]") {
  constexpr uint64_t kNegotiationNs = 200000000;
  OpenOutput stage({.latency = device::LatencyPreset::kRealistic});
  const auto now_ns = [&] {
    const uint64_t low = stage.function->BarRead32(0, abi::kRegTimestampLo);
    return low | uint64_t{stage.function->BarRead32(0, abi::kRegTimestampHi)} << 32;
  };
  const uint64_t before_ns = now_ns();
  stage.party.SwitchOn();
  CHECK(LinkState(&stage) == kHdcpOn);
  CHECK(LinkChanges(&stage) == 2);
  CHECK(now_ns() - before_ns >= kNegotiationNs);
  CHECK(stage.party.ActualLevel() == kOn);
}

TEST_CASE("OPMHDCP.ActualWhileNegotiating: the actual level is the link's, the virtual one's own",
          "[negative][needs-hand]") {
  OpenOutput stage;
  SetFault(&stage, LinkFault::kNegotiationFails);
  stage.party.SwitchOn();
  CHECK(stage.party.VirtualLevel() == kOn);
  CHECK(stage.party.ActualLevel() == kOff);
}

TEST_CASE("OPMHDCP.NegotiationFails: a display that does not answer rightly leaves it lost",
          "[negative][needs-hand]") {
  OpenOutput stage;
  SetFault(&stage, LinkFault::kNegotiationFails);
  stage.party.SwitchOn();
  CHECK(LinkState(&stage) == kHdcpLost);
  CHECK(stage.party.StatusFlags() == kLost);
}

TEST_CASE("OPMHDCP.LinkLost: a cut cable is told by status flags and actual level",
          "[negative][needs-hand]") {
  OpenOutput stage;
  stage.party.SwitchOn();
  stage.Cut();
  CHECK(LinkState(&stage) == kHdcpLost);
  CHECK(stage.party.StatusFlags() == kLost);
  CHECK(stage.party.ActualLevel() == kOff);
  CHECK(stage.party.VirtualLevel() == kOn);  // what was asked stands
}

TEST_CASE("OPMHDCP.LostWhileNegotiating: the cable is cut meanwhile",
          "[negative][needs-hand][needs-time]") {
  OpenOutput stage;
  stage.function.HoldTime();
  REQUIRE(stage.party.SetLevel(kOn) == S_OK);
  stage.Cut();
  CHECK(LinkState(&stage) == kHdcpLost);
  LetTimePass(&stage);
  CHECK(LinkState(&stage) == kHdcpLost);
}

TEST_CASE("OPMHDCP.LostStays: a mended cable alone does not bring protection back",
          "[negative][needs-hand]") {
  OpenOutput stage;
  stage.party.SwitchOn();
  stage.Cut();
  stage.Mend();
  LetTimePass(&stage);
  CHECK(LinkState(&stage) == kHdcpLost);
  CHECK(stage.party.StatusFlags() == kLost);
}

TEST_CASE("OPMHDCP.Renegotiated: asked anew, it comes back", "[needs-hand]") {
  OpenOutput stage;
  stage.party.SwitchOn();
  stage.Cut();
  stage.Mend();
  stage.party.SwitchOn();
  CHECK(LinkState(&stage) == kHdcpOn);
  CHECK(stage.party.StatusFlags() == DXGKMDT_OPM_STATUS_NORMAL);
  CHECK(stage.party.ActualLevel() == kOn);
}

TEST_CASE("OPMHDCP.RenegotiatedInVain: over a cut cable it is lost again",
          "[negative][needs-hand]") {
  OpenOutput stage;
  stage.party.SwitchOn();
  stage.Cut();
  stage.party.SwitchOn();
  CHECK(LinkState(&stage) == kHdcpLost);
  CHECK(stage.party.ActualLevel() == kOff);
}

TEST_CASE("OPMHDCP.CutWhileOff: a link that nobody protects can't lose protection",
          "[negative][needs-hand]") {
  OpenOutput stage;
  stage.Cut();
  CHECK(LinkState(&stage) == kHdcpOff);
  CHECK(stage.party.StatusFlags() == DXGKMDT_OPM_STATUS_NORMAL);
}

TEST_CASE("OPMHDCP.FailureIsLater: a display that fails the next negotiation leaves this one on",
          "[needs-hand]") {
  OpenOutput stage;
  stage.party.SwitchOn();
  SetFault(&stage, LinkFault::kNegotiationFails);
  CHECK(LinkState(&stage) == kHdcpOn);
}

TEST_CASE("OPMHDCP.OnAgain: asked for what it has, the link does not negotiate") {
  OpenOutput stage;
  stage.party.SwitchOn();
  const uint32_t changes = LinkChanges(&stage);
  stage.party.SwitchOn();
  CHECK(LinkState(&stage) == kHdcpOn);
  CHECK(LinkChanges(&stage) == changes);
}

TEST_CASE("OPMHDCP.Off: the only one that held it lets go") {
  OpenOutput stage;
  stage.party.SwitchOn();
  REQUIRE(stage.party.SetLevel(kOff) == S_OK);
  CHECK(LinkState(&stage) == kHdcpOff);
  CHECK(stage.party.ActualLevel() == kOff);
}

TEST_CASE("OPMHDCP.OffWhileAnotherHolds: one can't take back what another asked", "[negative]") {
  OpenOutput stage;
  OpmParty other(&stage);
  other.Open();
  stage.party.SwitchOn();
  other.SwitchOn();
  REQUIRE(stage.party.SetLevel(kOff) == S_OK);
  CHECK(LinkState(&stage) == kHdcpOn);
  CHECK(stage.party.VirtualLevel() == kOff);
  CHECK(stage.party.ActualLevel() == kOn);
  REQUIRE(other.SetLevel(kOff) == S_OK);
  CHECK(LinkState(&stage) == kHdcpOff);
}

TEST_CASE("OPMHDCP.OffByWhoNeverAsked: ... nor can one that never held it", "[negative]") {
  OpenOutput stage;
  OpmParty other(&stage);
  other.Open();
  stage.party.SwitchOn();
  REQUIRE(other.SetLevel(kOff) == S_OK);
  CHECK(LinkState(&stage) == kHdcpOn);
}

TEST_CASE("OPMHDCP.OffTwice: letting go twice counts once", "[negative]") {
  OpenOutput stage;
  OpmParty other(&stage);
  other.Open();
  other.SwitchOn();
  stage.party.SwitchOn();
  REQUIRE(stage.party.SetLevel(kOff) == S_OK);
  REQUIRE(stage.party.SetLevel(kOff) == S_OK);
  CHECK(LinkState(&stage) == kHdcpOn);
}

TEST_CASE("OPMHDCP.DestroyReleases: protection ends with the protected output that set it") {
  OpenOutput stage;
  {
    OpmParty other(&stage);
    other.Open();
    other.SwitchOn();
    REQUIRE(LinkState(&stage) == kHdcpOn);
  }
  CHECK(LinkState(&stage) == kHdcpOff);
}

TEST_CASE("OPMHDCP.DestroyWhileAnotherHolds: ... and only its own", "[negative]") {
  OpenOutput stage;
  stage.party.SwitchOn();
  {
    OpmParty other(&stage);
    other.Open();
    other.SwitchOn();
  }
  CHECK(LinkState(&stage) == kHdcpOn);
}

TEST_CASE("OPMHDCP.Type: other protections are not to be had", "[negative]") {
  OpenOutput stage;
  for (const uint32_t type :
       {0u, 1u, DXGKMDT_OPM_PROTECTION_TYPE_ACP, DXGKMDT_OPM_PROTECTION_TYPE_CGMSA, kHdcp | 1u,
        DXGKMDT_OPM_PROTECTION_TYPE_DPCP, 0x20u, 0x80000000u}) {
    INFO(type);
    const Setting setting =
        stage.party.Command(DXGKMDT_OPM_SET_PROTECTION_LEVEL, {type, kOn, 0, 0});
    CHECK(stage.party.Send(setting) == E_NOTIMPL);
  }
  CHECK(LinkState(&stage) == kHdcpOff);
  CHECK(stage.party.VirtualLevel() == kOff);
}

TEST_CASE("OPMHDCP.LevelValue: off and on are all levels", "[negative]") {
  OpenOutput stage;
  for (const uint32_t level : {2u, 3u, 0x7fffffffu, 0xffffffffu}) {
    CHECK(stage.party.SetLevel(level) == E_NOTIMPL);
  }
  CHECK(LinkState(&stage) == kHdcpOff);
  stage.party.SwitchOn();
  CHECK(stage.party.SetLevel(2) == E_NOTIMPL);
  CHECK(LinkState(&stage) == kHdcpOn);
  CHECK(stage.party.VirtualLevel() == kOn);
}

TEST_CASE("OPMHDCP.LevelReserved: reserved members are zero", "[negative]") {
  OpenOutput stage;
  for (const std::vector<uint32_t>& parameters :
       {std::vector<uint32_t>{kHdcp, kOn, 1, 0}, {kHdcp, kOn, 0, 0x80000000}}) {
    CHECK(stage.party.Send(stage.party.Command(DXGKMDT_OPM_SET_PROTECTION_LEVEL, parameters)) ==
          E_INVALIDARG);
  }
  CHECK(LinkState(&stage) == kHdcpOff);
}

TEST_CASE("OPMHDCP.LevelSize: a setting has its structure's size", "[negative]") {
  OpenOutput stage;
  for (const ULONG size : {0u, 4u, 8u, 15u, 17u, 4056u, 4057u, 0xffffffffu}) {
    INFO(size);
    Setting setting = stage.party.Command(DXGKMDT_OPM_SET_PROTECTION_LEVEL, {kHdcp, kOn, 0, 0});
    setting.cbParametersSize = size;
    stage.party.Sign(&setting);
    CHECK(stage.party.Send(setting) == E_INVALIDARG);
  }
  CHECK(LinkState(&stage) == kHdcpOff);
}

TEST_CASE("OPMHDCP.QueryType: only HDCP has a level to tell", "[negative]") {
  OpenOutput stage;
  stage.party.SwitchOn();
  for (const GUID& query :
       {DXGKMDT_OPM_GET_VIRTUAL_PROTECTION_LEVEL, DXGKMDT_OPM_GET_ACTUAL_PROTECTION_LEVEL}) {
    for (const uint32_t type : {0u, 1u, 2u, 4u, 9u, 16u, 0x80000000u}) {
      const OpmReply reply = stage.party.Get(query, {type});
      CHECK(reply.result == E_NOTIMPL);
      CHECK(reply.IsUntouched());
    }
  }
}

TEST_CASE("OPMHDCP.SupportedTypes: HDCP alone") {
  OpenOutput stage;
  const OpmReply reply = stage.party.Get(DXGKMDT_OPM_GET_SUPPORTED_PROTECTION_TYPES);
  REQUIRE(reply.result == S_OK);
  CHECK(reply.bytes.cbRequestedInformationSize == sizeof(DXGKMDT_OPM_STANDARD_INFORMATION));
  CHECK(reply.Value(0) == kHdcp);
}

TEST_CASE("OPMHDCP.ConnectedDevice: the display's vector has twenty ones, and none while it is off",
          "[negative][needs-hand]") {
  OpenOutput stage;
  const auto ones = [&] {
    const OpmReply reply = stage.party.Get(DXGKMDT_OPM_GET_CONNECTED_HDCP_DEVICE_INFORMATION);
    REQUIRE(reply.result == S_OK);
    CHECK(reply.bytes.cbRequestedInformationSize ==
          sizeof(DXGKMDT_OPM_CONNECTED_HDCP_DEVICE_INFORMATION));
    CHECK(reply.Value(0) == 0);  // no repeater
    int count = 0;
    for (size_t i = 24; i < 72; ++i) {
      const int bits = std::popcount(unsigned{reply.bytes.abRequestedInformation[i]});
      if (i >= 29) CHECK(bits == 0);  // reserved
      count += bits;
    }
    return count;
  };
  CHECK(ones() == 0);
  stage.party.SwitchOn();
  CHECK(ones() == 20);
  stage.Cut();
  CHECK(ones() == 0);
}

TEST_CASE("OPMHDCP.SrmVersion: there is no revocation list") {
  OpenOutput stage;
  const OpmReply reply = stage.party.Get(DXGKMDT_OPM_GET_CURRENT_HDCP_SRM_VERSION);
  REQUIRE(reply.result == S_OK);
  CHECK(reply.Value(0) == 0);
}

TEST_CASE("OPMHDCP.Interrupt: each change raises LINK once it happened",
          "[needs-hand][needs-time]") {
  OpenOutput stage;
  const auto take = [&] {
    const uint32_t cause = stage.function->BarRead32(0, abi::kRegInterruptCause);
    stage.function->BarWrite32(0, abi::kRegInterruptCause, abi::kInterruptCauseLinkMask);
    return (cause & abi::kInterruptCauseLinkMask) != 0;
  };
  take();
  CHECK_FALSE(take());
  stage.function.HoldTime();
  REQUIRE(stage.party.SetLevel(kOn) == S_OK);
  CHECK(take());
  LetTimePass(&stage);
  CHECK(take());
  stage.Cut();
  CHECK(take());
  CHECK_FALSE(take());
}

TEST_CASE("OPMHDCP.ShownWhileOn: protected pixels go over a protected link") {
  OpenOutput stage;
  const Screen screen(&stage, Presentation::kFullScreen);
  stage.party.SwitchOn();
  CHECK(screen.IsShown());
  if (Offers(Need::kScreen)) CHECK_FALSE(screen.CaptureSees());
}

TEST_CASE("OPMHDCP.BlackWhileNegotiating: ... and over none that is not yet",
          "[negative][needs-time]") {
  OpenOutput stage;
  const Screen screen(&stage, Presentation::kFullScreen);
  REQUIRE(screen.IsShown());
  stage.function.HoldTime();
  REQUIRE(stage.party.SetLevel(kOn) == S_OK);
  CHECK(screen.IsBlack());
}

TEST_CASE("OPMHDCP.BlackWhenLost: ... nor one that lost it, until it is on again",
          "[negative][needs-hand]") {
  OpenOutput stage;
  const Screen screen(&stage, Presentation::kFullScreen);
  stage.party.SwitchOn();
  stage.Cut();
  CHECK(screen.IsBlack());
  stage.Mend();
  CHECK(screen.IsBlack());
  stage.party.SwitchOn();
  CHECK(screen.IsShown());
}

TEST_CASE("OPMHDCP.BlackWhenNegotiationFails: ... nor one that never got it",
          "[negative][needs-hand]") {
  OpenOutput stage;
  SetFault(&stage, LinkFault::kNegotiationFails);
  stage.party.SwitchOn();
  const Screen screen(&stage, Presentation::kFullScreen);  // flipped while it is lost
  CHECK(screen.IsBlack());
}

TEST_CASE("OPMHDCP.OpenPixels: pixels that are not protected go over any link", "[needs-hand]") {
  OpenOutput stage;
  const Screen screen(&stage, &stage.process, Presentation::kFullScreen, false);
  stage.party.SwitchOn();
  stage.Cut();
  CHECK(screen.IsShown());
  if (Offers(Need::kScreen)) CHECK(screen.CaptureSees());
}

TEST_CASE("OPMHDCP.ShownWhenOff: who takes protection back shows over an open link",
          "[needs-hand]") {
  OpenOutput stage;
  const Screen screen(&stage, Presentation::kFullScreen);
  stage.party.SwitchOn();
  stage.Cut();
  REQUIRE(stage.party.SetLevel(kOff) == S_OK);
  CHECK(screen.IsShown());
}

TEST_CASE("OPMHDCP.NotFromWindow: a protected link does not replace full screen (8.5)",
          "[negative][needs-hand]") {
  OpenOutput stage;
  const Screen screen(&stage, Presentation::kWindowed);
  stage.party.SwitchOn();
  CHECK(screen.IsShown());  // no PROTECTION was asked
  SetFault(&stage, LinkFault::kLinkLost);
  CHECK(screen.IsBlack());
}

TEST_CASE("OPMHDCP.ResetTurnsOff: a reset ends protection and its holders", "[negative]") {
  OpenOutput stage;
  stage.party.SwitchOn();
  stage.function->BarWrite32(0, abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
  CHECK(LinkState(&stage) == kHdcpOff);
  CHECK(LinkChanges(&stage) == 0);
}

}  // namespace
}  // namespace ward::test
