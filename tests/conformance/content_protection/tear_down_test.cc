// DriverProtections: keys and content that are lost while the device goes on (tear-down).
// The host tears down, as it does for a machine that comes back from being saved.
#include <vector>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "runtime/swap_chain.h"
#include "tests/conformance/content_protection/channel_party.h"
#include "tests/conformance/content_protection/stage.h"
#include "tests/integration/hardware_party.h"

namespace ward::test {
namespace {

constexpr uint32_t kWidth = 640;
constexpr uint32_t kHeight = 360;
const Key kName = ParseKey("11111111222233334444555555555555");
constexpr auto kOk = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK;
constexpr auto kLost = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;

struct TearDownStage : Stage {
  TearDownStage()
      : Stage(D3DWDDM2_4DDI_VIDEO_FUNCTIONS),
        oaep(process.MakeKeyedSession(kSessionKey)),
        hardware(CreateHardwareSession(&process.app)) {
    REQUIRE(process.ImportKey(hardware.get(), kName, kContentKey).drm_result == S_OK);
    REQUIRE(SelectKey(hardware.get(), kName) == S_OK);
  }
  void TearDown() { function.TearDown(); }
  D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS Status(runtime::CryptoSession* session) {
    auto status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST;
    CHECK(session->CheckStatus(&status) == S_OK);
    return status;
  }
  bool DeviceLives() { return process.app.device().GetDeviceRemovedReason() == S_OK; }

  SessionPointer oaep;
  SessionPointer hardware;
};

TEST_CASE("DriverProtections.TeardownStatus: every session is KEY_AND_CONTENT_LOST (4.9)",
          "[needs-hand]") {
  TearDownStage stage;
  CHECK(stage.Status(stage.oaep.get()) == kOk);
  stage.TearDown();
  CHECK(stage.Status(stage.oaep.get()) == kLost);
  CHECK(stage.Status(stage.hardware.get()) == kLost);
  CHECK(stage.DeviceLives());
}

TEST_CASE("DriverProtections.TeardownUse: a lost session takes no message but its end",
          "[negative][needs-hand]") {
  TearDownStage stage;
  stage.TearDown();
  CHECK(stage.process.Negotiate(stage.oaep.get(),
                                WrapOaep(stage.process.device_key(), kSessionKey)) == E_INVALIDARG);
  CHECK(CallTrusted(&stage.process.app, stage.hardware.get(), kTrustedVersion, {}).transport ==
        E_INVALIDARG);
  CHECK(SelectKey(stage.hardware.get(), kName) == E_INVALIDARG);
  uint64_t token = 7;
  CHECK(stage.hardware->GetDataForNewHardwareKey(kName, &token) == E_INVALIDARG);
  CHECK(token == 0);
  CHECK(stage.DeviceLives());
}

TEST_CASE("DriverProtections.TeardownEngine: a blt of a lost session is refused as lost",
          "[negative][needs-hand]") {
  TearDownStage stage;
  const ResourcePointer frame = stage.process.MakeDefault(64, true);
  stage.TearDown();
  CHECK(stage.process.Decrypt(stage.oaep.get(), MakeText(64), kIv, frame.get()) == S_OK);
  const abi::QuerySessionResponse answer = QuerySession(stage.oaep.get());
  CHECK(answer.refusal_count == 1);
  CHECK(answer.last_refusal == abi::kStatusSessionLost);
}

TEST_CASE("DriverProtections.TeardownChannel: a channel is lost with its key",
          "[negative][needs-hand]") {
  TearDownStage stage;
  ChannelParty party(&stage.process);
  ChannelParty open(&stage.process);
  open.Open();
  stage.TearDown();
  CHECK(party.Negotiate(kSessionKey) == E_INVALIDARG);
  CHECK(open.Query(D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION, {}, 56).result == E_INVALIDARG);
  ChannelParty fresh(&stage.process);
  fresh.Open();
  CHECK(stage.DeviceLives());
}

TEST_CASE("DriverProtections.TeardownContent: the screen that showed protected memory is black",
          "[negative][needs-hand][needs-screen]") {
  TearDownStage stage;
  std::unique_ptr<runtime::SwapChain> chain;
  REQUIRE(runtime::SwapChain::Create(&stage.process.app.device(), kWidth, kHeight, 2,
                                     umd::kApiResourceMiscRestrictedContent, &chain) == S_OK);
  std::unique_ptr<runtime::Resource> staging;
  REQUIRE(runtime::Resource::CreateTexture2D(
              &stage.process.app.device(),
              {kWidth, kHeight, DXGI_FORMAT_B8G8R8X8_UNORM, runtime::Usage::kStaging, 0,
               runtime::kCpuAccessRead | runtime::kCpuAccessWrite, 0},
              &staging) == S_OK);
  stage.process.app.Upload(staging.get(), MakeText(4 * kWidth * kHeight));
  REQUIRE(stage.process.app.context().CopyResource(chain->GetBuffer(0), staging.get()) == S_OK);
  REQUIRE(chain->Present() == S_OK);
  const auto brightest = [&stage] {
    std::vector<uint8_t> pixels(4 * kWidth * kHeight);
    stage.function.ReadScreen(0, device::ScanoutView::kOperator, pixels, 4 * kWidth);
    uint8_t most = 0;
    for (size_t i = 0; i < pixels.size(); ++i) {
      if (i % 4 != 3 && pixels[i] > most) most = pixels[i];
    }
    return most;
  };
  REQUIRE(brightest() != 0);
  stage.TearDown();
  CHECK(brightest() == 0);
}

TEST_CASE("DriverProtections.TeardownEpoch: the key epoch grows by one", "[needs-hand]") {
  TearDownStage stage;
  const uint32_t epoch = stage.kernel->KeyEpoch();
  stage.TearDown();
  CHECK(stage.kernel->KeyEpoch() == epoch + 1);
}

TEST_CASE("DriverProtections.TeardownCause: KEYS_LOST is raised", "[needs-hand]") {
  TearDownStage stage;
  stage.function->BarWrite32(0, abi::kRegInterruptCause, abi::kInterruptCauseKeysLostMask);
  stage.TearDown();
  CHECK((stage.function->BarRead32(0, abi::kRegInterruptCause) &
         abi::kInterruptCauseKeysLostMask) != 0);
}

TEST_CASE("DriverProtections.TeardownAfter: new sessions work on the same device", "[needs-hand]") {
  TearDownStage stage;
  stage.TearDown();
  const SessionPointer session = stage.process.MakeKeyedSession(kOtherKey);
  CHECK(stage.process.HasKey(session.get(), kOtherKey));
  CHECK(stage.Status(session.get()) == kOk);
  stage.oaep.reset();
  stage.hardware = CreateHardwareSession(&stage.process.app);
  CHECK(stage.process.ImportKey(stage.hardware.get(), kName, kContentKey).drm_result == S_OK);
}

TEST_CASE("DriverProtections.TeardownAgain: a second one finds lost sessions and leaves them lost",
          "[needs-hand]") {
  TearDownStage stage;
  stage.TearDown();
  stage.TearDown();
  CHECK(stage.Status(stage.oaep.get()) == kLost);
  stage.oaep.reset();
  CHECK(stage.DeviceLives());
}

}  // namespace
}  // namespace ward::test
