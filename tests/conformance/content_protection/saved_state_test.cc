// DriverProtections: the machine was saved and comes back, here or elsewhere, without its keys or
// with them under the operator's seal (docs/spec/saved-state.md).
#include <set>
#include <vector>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"
#include "tests/fakes/fake_seal.h"
#include "tests/integration/hardware_party.h"

namespace ward::test {
namespace {

constexpr D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS kOk = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK;
constexpr auto kLost = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
const Key kName = ParseKey("11111111222233334444555555555555");

struct StateStage : Stage {
  StateStage()
      : Stage(D3DWDDM2_4DDI_VIDEO_FUNCTIONS),
        oaep(process.MakeKeyedSession(kSessionKey)),
        hardware(CreateHardwareSession(&process.app)) {
    REQUIRE(process.ImportKey(hardware.get(), kName, kContentKey).drm_result == S_OK);
  }
  std::vector<uint8_t> Save(device::StateSeal* to_seal = nullptr) {
    auto saved = function.inside().gpu().SaveState({to_seal, true});
    REQUIRE(saved.ok());
    return saved.value();
  }
  // 0, or the status of the refusal.
  uint32_t Load(ConstByteSpan state, device::StateSeal* to_open = nullptr) {
    const auto loaded = function.inside().gpu().LoadState(state, to_open);
    return loaded.ok() ? 0 : loaded.fault().status;
  }
  D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS Status(runtime::CryptoSession* session) {
    auto status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST;
    CHECK(session->CheckStatus(&status) == S_OK);
    return status;
  }

  fakes::FakeSeal seal;
  SessionPointer oaep;
  SessionPointer hardware;
};

TEST_CASE("DriverProtections.StateStatus: a machine that comes back has lost its sessions (4.9)",
          "[negative][needs-inside]") {
  StateStage stage;
  const auto state = stage.Save();
  const uint32_t epoch = stage.kernel->KeyEpoch();
  for (int time = 0; time < 2; ++time) {
    REQUIRE(stage.Load(state) == 0);
    CHECK(stage.Status(stage.oaep.get()) == kLost);
    CHECK(stage.Status(stage.hardware.get()) == kLost);
    CHECK(stage.kernel->KeyEpoch() == epoch + 1);
    CHECK(stage.process.app.device().GetDeviceRemovedReason() == S_OK);
  }
}

TEST_CASE("DriverProtections.StateAfter: new sessions work on the device that came back",
          "[needs-inside]") {
  StateStage stage;
  REQUIRE(stage.Load(stage.Save()) == 0);
  const SessionPointer session = stage.process.MakeKeyedSession(kOtherKey);
  CHECK(stage.process.HasKey(session.get(), kOtherKey));
  stage.oaep.reset();
  stage.hardware = CreateHardwareSession(&stage.process.app);
  CHECK(stage.process.ImportKey(stage.hardware.get(), kName, kContentKey).drm_result == S_OK);
}

TEST_CASE("DriverProtections.StateSealed: sessions of a sealed state go on with their keys",
          "[needs-inside]") {
  StateStage stage;
  const auto state = stage.Save(&stage.seal);
  stage.function.inside().boundary().TearDown();
  REQUIRE(stage.Load(state, &stage.seal) == 0);
  CHECK(stage.Status(stage.oaep.get()) == kOk);
  CHECK(stage.Status(stage.hardware.get()) == kOk);
  CHECK(stage.process.HasKey(stage.oaep.get(), kSessionKey));
}

TEST_CASE("DriverProtections.StateOnce: a sealed state comes back once",
          "[negative][needs-inside]") {
  StateStage stage;
  const auto state = stage.Save(&stage.seal);
  REQUIRE(stage.Load(state, &stage.seal) == 0);
  stage.function.inside().boundary().TearDown();
  CHECK(stage.Load(state, &stage.seal) == abi::kStatusStateSpent);
  CHECK(stage.Status(stage.oaep.get()) == kLost);
}

TEST_CASE("DriverProtections.StateIv: every load begins a read-back IV of its own (R22)",
          "[needs-inside]") {
  StateStage stage;
  runtime::VideoContext& video = stage.process.app.video();
  const ResourcePointer frame = stage.process.MakeDefault(64, true);
  const ResourcePointer staging = stage.process.MakeStaging(64);
  REQUIRE(stage.process.Decrypt(stage.oaep.get(), MakeText(64), kIv, frame.get()) == S_OK);
  Key wrapped{};
  REQUIRE(video.GetEncryptionBltKey(stage.oaep.get(), wrapped) == S_OK);
  std::set<Key> ivs;
  for (int time = 0; time < 3; ++time) {
    REQUIRE(stage.Load(stage.Save(&stage.seal), &stage.seal) == 0);
    Key iv{};
    REQUIRE(video.EncryptionBlt(stage.oaep.get(), frame.get(), staging.get(), iv) == S_OK);
    ivs.insert(iv);
  }
  CHECK(ivs.size() == 3);
}

}  // namespace
}  // namespace ward::test
