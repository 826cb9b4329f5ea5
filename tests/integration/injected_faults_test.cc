// An application on a machine that fails on purpose (docs/guide/faults.md): it loses interrupts,
// its firmware is slow, and the cable of output 0 is cut. fault_plan.txt says so to whoever sets
// the machine up.
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/opm_party.h"
#include "tests/conformance/content_protection/screen.h"

namespace ward::test {
namespace {

TEST_CASE("Faults: sessions, blts and read-backs come to their right end amid them",
          "[needs-injection]") {
  constexpr int kRounds = 8;
  Stage stage(MachineOptions{.injects_faults = true});
  for (int round = 0; round < kRounds; ++round) {
    const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
    CHECK(stage.process.HasKey(session.get(), kSessionKey));
  }
  CHECK(stage.process.app.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("Faults: a link that is lost is told, and no protected pixel goes over it",
          "[needs-injection]") {
  Stage stage(MachineOptions{.injects_faults = true});
  OpmParty opm(&stage);
  opm.Open();
  opm.SwitchOn();
  CHECK(LinkState(&stage) == kHdcpLost);
  CHECK(opm.StatusFlags() ==
        (DXGKMDT_OPM_STATUS_LINK_LOST | DXGKMDT_OPM_STATUS_RENEGOTIATION_REQUIRED));
  CHECK(opm.VirtualLevel() == DXGKMDT_OPM_HDCP_ON);
  CHECK(opm.ActualLevel() == DXGKMDT_OPM_HDCP_OFF);
  const Screen screen(&stage, runtime::Presentation::kFullScreen);
  CHECK(screen.IsBlack());
}

}  // namespace
}  // namespace ward::test
