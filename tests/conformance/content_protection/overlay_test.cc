// DriverProtections: PROTECTION's "overlay or full screen required" at the scan-out (DDI 8.5).
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"
#include "tests/conformance/content_protection/screen.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

using runtime::Presentation;

constexpr uint32_t kEnabled = 1;
constexpr uint32_t kOverlayRequired = 2;

// A channel of the process that asked for what `flags` say.
struct Demand {
  Demand(Process* process, uint32_t flags) : party(process) {
    party.Open();
    Ask(flags);
  }
  void Ask(uint32_t flags) {
    REQUIRE(party.Configure(D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID, Words({flags}))
                .result == S_OK);
  }
  ChannelParty party;
};

TEST_CASE("DriverProtections.OverlayWindowed: a window shows nothing of it (8.5)", "[negative]") {
  Stage stage;
  const Demand demand(&stage.process, kEnabled | kOverlayRequired);
  const Screen screen(&stage, Presentation::kWindowed);
  CHECK(screen.IsBlack());
}

TEST_CASE("DriverProtections.OverlayFullScreen: a full-screen flip shows it (8.5)") {
  Stage stage;
  const Demand demand(&stage.process, kEnabled | kOverlayRequired);
  const Screen screen(&stage, Presentation::kFullScreen);
  CHECK(screen.IsShown());
  if (Offers(Need::kScreen)) CHECK_FALSE(screen.CaptureSees());
}

TEST_CASE("DriverProtections.OverlayNotAsked: protection alone allows a window (8.5)") {
  Stage stage;
  const Demand demand(&stage.process, kEnabled);
  const Screen screen(&stage, Presentation::kWindowed);
  CHECK(screen.IsShown());
}

TEST_CASE("DriverProtections.OverlayAfterFlip: it holds for what is shown already (8.5)",
          "[negative]") {
  Stage stage;
  const Screen screen(&stage, Presentation::kWindowed);
  REQUIRE(screen.IsShown());
  Demand demand(&stage.process, kEnabled | kOverlayRequired);
  CHECK(screen.IsBlack());
  demand.Ask(kEnabled);
  CHECK(screen.IsShown());
}

TEST_CASE("DriverProtections.OverlayNewSession: a later session is bound by it (8.5)",
          "[negative]") {
  Stage stage;
  const Demand demand(&stage.process, kOverlayRequired);
  const SessionPointer other = stage.process.MakeSession();
  const Screen screen(&stage, Presentation::kWindowed);
  CHECK(screen.IsBlack());
}

TEST_CASE("DriverProtections.OverlayOtherProcess: another process's demand is its own (8.5)") {
  Stage stage;
  Process other(stage.kernel.get());
  const Demand demand(&other, kEnabled | kOverlayRequired);
  const Screen screen(&stage, Presentation::kWindowed);
  CHECK(screen.IsShown());
}

TEST_CASE("DriverProtections.OverlayOtherProcessBound: ... and binds that one alone (8.5)",
          "[negative]") {
  Stage stage;
  Process other(stage.kernel.get());
  const Demand demand(&other, kEnabled | kOverlayRequired);
  const Screen screen(&stage, &other, Presentation::kWindowed);
  CHECK(screen.IsBlack());
}

TEST_CASE("DriverProtections.OverlayChannelEnds: a channel's demand ends with it (8.5)") {
  Stage stage;
  const Screen screen(&stage, Presentation::kWindowed);
  {
    const Demand demand(&stage.process, kOverlayRequired);
    REQUIRE(screen.IsBlack());
  }
  // The next query reaches the device after the channel's end.
  ChannelParty later(&stage.process);
  CHECK(screen.IsShown());
}

TEST_CASE("DriverProtections.OverlayTwoChannels: one can't take back what another asked (8.5)",
          "[negative]") {
  Stage stage;
  const Screen screen(&stage, Presentation::kWindowed);
  const Demand holds(&stage.process, kOverlayRequired);
  Demand takes_back(&stage.process, kOverlayRequired);
  takes_back.Ask(0);
  CHECK(screen.IsBlack());
}

TEST_CASE("DriverProtections.OverlayOpenPixels: pixels that are not protected are shown (8.5)") {
  Stage stage;
  const Demand demand(&stage.process, kEnabled | kOverlayRequired);
  const Screen screen(&stage, &stage.process, Presentation::kWindowed, false);
  CHECK(screen.IsShown());
  if (Offers(Need::kScreen)) CHECK(screen.CaptureSees());
}

TEST_CASE("DriverProtections.OverlayForgedCommand: a command that nobody signed changes nothing",
          "[negative]") {
  Stage stage;
  const Screen screen(&stage, Presentation::kWindowed);
  Demand demand(&stage.process, kOverlayRequired);
  Message forged =
      demand.party.Command(D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID, Words({0}));
  forged[0] ^= 1;
  CHECK(demand.party.Send(forged).result == E_INVALIDARG);
  CHECK(screen.IsBlack());
}

}  // namespace
}  // namespace ward::test
