// The scenario of reference 10.3: an application finds the output that shows its pictures, opens it
// for output protection, has HDCP switched on, polls it while it plays, and takes it back.
#include "catch2/catch_test_macros.hpp"
#include "emulator/boundary/recording.h"
#include "tests/conformance/content_protection/channel_party.h"
#include "tests/conformance/content_protection/opm_party.h"
#include "tests/conformance/content_protection/screen.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

using device::LinkFault;
using runtime::Presentation;

// The D3D side (reference 10.1, steps 5, 9 to 11): a channel that knows device and session.
struct Player {
  explicit Player(Stage* stage)
      : channel(&stage->process), screen(stage, Presentation::kFullScreen) {
    channel.Open();
    device = channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_DEVICE_HANDLE, {}, 56).Long(48);
    HANDLE handle = nullptr;
    REQUIRE(screen.session->GetCryptoSessionHandle(&handle) == S_OK);
    session = reinterpret_cast<uintptr_t>(handle);
  }
  uint32_t OutputCount() {
    const Reply reply =
        channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT, Longs({device, session}), 72);
    REQUIRE(reply.result == S_OK);
    return reply.Word(64);
  }
  uint64_t OutputId(uint32_t index) {
    const Reply reply = channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID,
                                      Longs({device, session, index}), 80);
    REQUIRE(reply.result == S_OK);
    return reply.Long(72);
  }

  ChannelParty channel;
  Screen screen;
  uint64_t device = 0;
  uint64_t session = 0;
};

uint64_t OpmOutputId(OpmParty* party) {
  const OpmReply reply = party->Get(DXGKMDT_OPM_GET_OUTPUT_ID);
  REQUIRE(reply.result == S_OK);
  return reply.Value(0) | uint64_t{reply.Value(1)} << 32;
}

// What an application asks at least every two seconds while it plays.
bool IsProtected(OpmParty* party) {
  return party->StatusFlags() == DXGKMDT_OPM_STATUS_NORMAL &&
         party->ActualLevel() == DXGKMDT_OPM_HDCP_ON;
}

TEST_CASE("OPM: the output of the pictures is opened, protected, lost, and protected again",
          "[needs-hand][needs-time]") {
  Stage stage;
  Player player(&stage);
  REQUIRE(player.OutputCount() == 1);
  const uint64_t shown_on = player.OutputId(0);

  // OPMGetVideoOutputsFromHMONITOR, StartInitialization (the chain verifies), FinishInitialization.
  OpmParty opm(&stage);
  opm.Open();
  CHECK(OpmOutputId(&opm) == shown_on);
  const OpmReply types = opm.Get(DXGKMDT_OPM_GET_SUPPORTED_PROTECTION_TYPES);
  REQUIRE(types.result == S_OK);
  REQUIRE((types.Value(0) & DXGKMDT_OPM_PROTECTION_TYPE_HDCP) != 0);

  // HDCP on: the screen is dark until the link is.
  stage.function.HoldTime();
  REQUIRE(opm.SetLevel(DXGKMDT_OPM_HDCP_ON) == S_OK);
  CHECK(player.screen.IsBlack());
  int polls = 0;
  while (!IsProtected(&opm) && polls < 100) ++polls;  // each poll takes its time
  CHECK(polls < 100);
  CHECK(opm.VirtualLevel() == DXGKMDT_OPM_HDCP_ON);
  CHECK(player.screen.IsShown());
  if (Offers(Need::kScreen)) CHECK_FALSE(player.screen.CaptureSees());

  // Somebody cuts the cable.
  stage.function.SetLinkFault(0, LinkFault::kLinkLost);
  CHECK(player.screen.IsBlack());
  CHECK_FALSE(IsProtected(&opm));
  CHECK((opm.StatusFlags() & DXGKMDT_OPM_STATUS_RENEGOTIATION_REQUIRED) != 0);

  // And mends it: the application asks anew.
  stage.function.SetLinkFault(0, LinkFault::kNone);
  CHECK(player.screen.IsBlack());
  opm.SwitchOn();
  CHECK(IsProtected(&opm));
  CHECK(player.screen.IsShown());

  // Tear-down.
  REQUIRE(opm.SetLevel(DXGKMDT_OPM_HDCP_OFF) == S_OK);
  CHECK(LinkState(&stage) == kHdcpOff);
  CHECK(player.OutputCount() == 1);
}

TEST_CASE("OPM: two applications hold one output, and each takes back only its own") {
  Stage stage;
  Process other_process(stage.kernel.get());
  const Screen screen(&stage, &other_process, Presentation::kFullScreen);
  OpmParty first(&stage);
  first.Open();
  {
    OpmParty second(&stage);
    second.key = kOtherKey;
    second.Open();
    first.SwitchOn();
    second.SwitchOn();
    REQUIRE(first.SetLevel(DXGKMDT_OPM_HDCP_OFF) == S_OK);
    CHECK(IsProtected(&second));
    CHECK(screen.IsShown());
  }
  CHECK(LinkState(&stage) == kHdcpOff);
}

TEST_CASE("OPM: a recording with faults of the link replays to the same state",
          "[needs-hand][needs-inside]") {
  emulator::Recording recording;
  MachineOptions options;
  options.listener = &recording;
  Stage stage(options);
  Player player(&stage);
  OpmParty opm(&stage);
  opm.Open();
  stage.function.SetLinkFault(0, LinkFault::kNegotiationFails);
  opm.SwitchOn();
  stage.function.SetLinkFault(0, LinkFault::kNone);
  opm.SwitchOn();
  stage.function.SetLinkFault(0, LinkFault::kLinkLost);
  const uint64_t state_hash = stage.function.inside().gpu().StateHash();

  const auto outcome = emulator::Replay(recording, TestGpuOptions());
  REQUIRE(outcome.ok());
  INFO("event " << outcome.value().event << ": " << outcome.value().difference);
  CHECK(outcome.value().matches);
  CHECK(outcome.value().state_hash == state_hash);

  // Without the last fault the replay ends elsewhere.
  REQUIRE(recording.events().back().kind != emulator::BoundaryEventKind::kEntropy);
  while (recording.events().back().kind != emulator::BoundaryEventKind::kLinkFault) {
    recording.events().pop_back();
  }
  recording.events().pop_back();
  const auto shorter = emulator::Replay(recording, TestGpuOptions());
  REQUIRE(shorter.ok());
  CHECK(shorter.value().state_hash != state_hash);
}

TEST_CASE("OPM: a snapshot brings back protected outputs and the link",
          "[needs-hand][needs-inside]") {
  Stage stage;
  OpmParty opm(&stage);
  opm.Open();
  opm.SwitchOn();
  device::Gpu& gpu = stage.function.inside().gpu();
  const uint64_t state_hash = gpu.StateHash();
  const device::GpuSnapshot snapshot = gpu.TakeSnapshot();
  stage.function.SetLinkFault(0, LinkFault::kLinkLost);
  CHECK(gpu.StateHash() != state_hash);
  gpu.Restore(snapshot);
  CHECK(gpu.StateHash() == state_hash);
  CHECK(IsProtected(&opm));
}

}  // namespace
}  // namespace ward::test
