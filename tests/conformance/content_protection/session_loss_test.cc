// DriverProtections: the function is reset, powered down or restored behind the driver's back. Its
// sessions are lost, the driver can tell, no wait runs out, and the function can be opened again.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "catch2/generators/catch_generators_range.hpp"
#include "tests/conformance/content_protection/stage.h"
#include "tests/conformance/content_protection/watched_function.h"
#include "tests/integration/config_space.h"
#include "tests/integration/hardware_party.h"

namespace ward::test {
namespace {

constexpr HRESULT kDeviceRemoved = static_cast<HRESULT>(0x887A0005);  // DXGI_ERROR_DEVICE_REMOVED
constexpr D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS kOk = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK;
constexpr auto kLost = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
const Key kName = ParseKey("11111111222233334444555555555555");

// PCI Express Base 4.0: 7.5.3.4 Device Control.
constexpr uint32_t kExpressDeviceControl = 0x08;  // in the capability
constexpr uint32_t kInitiateReset = 1u << 15;

struct Loss {
  std::string name;
  std::function<void(const FunctionUnderTest&)> strike;
};

// What a driver can do to its function, and what else can be had here.
std::vector<Loss> AllResets() {
  std::vector<Loss> all = {
      {"function-level reset",
       [](const FunctionUnderTest& function) {
         const SavedConfig config(function.get());
         const uint32_t at =
             FindCapability(kExpressCapability, function.get()) + kExpressDeviceControl;
         function->ConfigWrite(at, 2, function->ConfigRead(at, 2) | kInitiateReset);
         config.Restore();
       }},
      {"reset by the host's driver",
       [](const FunctionUnderTest& function) {
         REQUIRE(function->ResetFunction() == abi::PciError::kNone);
       }},
      {"RESET_FUNCTION",
       [](const FunctionUnderTest& function) {
         function->BarWrite32(0, abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
       }},
  };
  if (Offers(Need::kPower)) {
    all.push_back({"D3hot and back to D0", [](const FunctionUnderTest& function) {
                     const SavedConfig config(function.get());
                     function.PowerDown();
                     function.PowerUp();
                     config.Restore();
                   }});
  }
  if (Offers(Need::kInside)) {
    all.push_back({"bus reset", [](const FunctionUnderTest& function) {
                     function.Reset(device::ResetKind::kFunction);
                   }});
    all.push_back({"power cycle", [](const FunctionUnderTest& function) {
                     function.Reset(device::ResetKind::kPowerOn);
                   }});
  }
  return all;
}

// A kernel and a process on a function that counts waits, with a keyed session of each kind.
struct LossStage {
  LossStage() { Open(); }
  ~LossStage() { Close(); }

  void Open() {
    kernel = OpenKernel(&function);
    process = std::make_unique<Process>(kernel.get(), D3DWDDM2_4DDI_VIDEO_FUNCTIONS);
    oaep = process->MakeKeyedSession(kSessionKey);
    hardware = CreateHardwareSession(&process->app);
    REQUIRE(process->ImportKey(hardware.get(), kName, kContentKey).drm_result == S_OK);
  }
  void Close() {
    oaep.reset();
    hardware.reset();
    process.reset();
    kernel.reset();
  }
  D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS Status(runtime::CryptoSession* session) {
    auto status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST;
    CHECK(session->CheckStatus(&status) == S_OK);
    return status;
  }
  HRESULT RemovedReason() { return process->app.device().GetDeviceRemovedReason(); }
  // A ciphertext comes through with the session's key.
  bool Works() { return process->HasKey(oaep.get(), kSessionKey) && Status(oaep.get()) == kOk; }

  FunctionUnderTest machine;
  WatchedFunction function{machine.get()};
  std::unique_ptr<runtime::Kernel> kernel;
  std::unique_ptr<Process> process;
  SessionPointer oaep;
  SessionPointer hardware;
};

// The counter block of the session's next EncryptionBlt of a frame of its own.
Key NextReadbackIv(LossStage* stage) {
  const ResourcePointer frame = stage->process->MakeDefault(64, true);
  REQUIRE(stage->process->Decrypt(stage->oaep.get(), MakeText(64), kIv, frame.get()) == S_OK);
  Key wrapped{};
  runtime::VideoContext& video = stage->process->app.video();
  REQUIRE(video.GetEncryptionBltKey(stage->oaep.get(), wrapped) == S_OK);
  const ResourcePointer staging = stage->process->MakeStaging(64);
  Key iv{};
  REQUIRE(video.EncryptionBlt(stage->oaep.get(), frame.get(), staging.get(), iv) == S_OK);
  REQUIRE(iv != Key{});
  return iv;
}

TEST_CASE("DriverProtections.ResetStatus: after any reset sessions are KEY_AND_CONTENT_LOST (4.9)",
          "[negative]") {
  const Loss loss = GENERATE(from_range(AllResets()));
  CAPTURE(loss.name);
  LossStage stage;
  CHECK(stage.Status(stage.oaep.get()) == kOk);
  loss.strike(stage.machine);
  CHECK(stage.Status(stage.oaep.get()) == kLost);
  CHECK(stage.Status(stage.hardware.get()) == kLost);
  CHECK(stage.RemovedReason() == S_OK);  // asking costs nothing
}

TEST_CASE("DriverProtections.PoweredDownStatus: in D3hot they are lost too, and stay lost in D0",
          "[negative][needs-power]") {
  LossStage stage;
  stage.machine.PowerDown();
  CHECK(stage.Status(stage.oaep.get()) == kLost);
  CHECK(stage.Status(stage.hardware.get()) == kLost);
  stage.machine.PowerUp();
  CHECK(stage.Status(stage.oaep.get()) == kLost);
}

TEST_CASE("DriverProtections.ResetRemoves: the first call that needs the device removes it",
          "[negative]") {
  const Loss loss = GENERATE(from_range(AllResets()));
  CAPTURE(loss.name);
  LossStage stage;
  loss.strike(stage.machine);
  Key random{};
  (void)stage.process->app.video().StartSessionKeyRefresh(stage.oaep.get(), random);
  CHECK(random == Key{});
  CHECK(stage.RemovedReason() == kDeviceRemoved);
  // The runtime answers for a removed device, and the driver all the same.
  D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS status = kOk;
  CHECK(stage.oaep->CheckStatus(&status) == kDeviceRemoved);
  CHECK(status == kLost);
}

TEST_CASE("DriverProtections.PoweredDownRemoves: ... and in D3hot, where nothing can be opened",
          "[negative][needs-power]") {
  LossStage stage;
  stage.machine.PowerDown();
  Key random{};
  (void)stage.process->app.video().StartSessionKeyRefresh(stage.oaep.get(), random);
  CHECK(stage.RemovedReason() == kDeviceRemoved);
  stage.Close();
  CHECK(stage.function.waits_run_out() == 0);
}

TEST_CASE("DriverProtections.ResetNoticed: the kernel makes nothing of what was reset, at once",
          "[negative]") {
  const Loss loss = GENERATE(from_range(AllResets()));
  CAPTURE(loss.name);
  LossStage stage;
  const uint64_t now_ns = Offers(Need::kTime) ? stage.machine.now_ns() : 0;
  loss.strike(stage.machine);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto device = stage.kernel->adapter().CreateDevice();
    REQUIRE(device.ok());
    const auto context = stage.kernel->adapter().CreateContext(device.value());
    REQUIRE_FALSE(context.ok());
    CHECK(context.fault().status == abi::kStatusDeviceGone);
  }
  CHECK(stage.function.waits_run_out() == 0);
  if (Offers(Need::kTime)) CHECK(stage.machine.now_ns() == now_ns);
}

TEST_CASE("DriverProtections.ResetEpoch: any reset begins a key epoch") {
  const Loss loss = GENERATE(from_range(AllResets()));
  CAPTURE(loss.name);
  LossStage stage;
  const uint32_t epoch = stage.kernel->KeyEpoch();
  loss.strike(stage.machine);
  CHECK(stage.kernel->KeyEpoch() == epoch + 1);
}

TEST_CASE("DriverProtections.ResetBlt: a blt of what was reset writes nothing", "[negative]") {
  const Loss loss = GENERATE(from_range(AllResets()));
  CAPTURE(loss.name);
  LossStage stage;
  const ResourcePointer frame = stage.process->MakeDefault(64, true);
  REQUIRE(stage.process->Decrypt(stage.oaep.get(), MakeText(64), kIv, frame.get()) == S_OK);
  Key wrapped{};
  REQUIRE(stage.process->app.video().GetEncryptionBltKey(stage.oaep.get(), wrapped) == S_OK);
  const ResourcePointer staging = stage.process->MakeStaging(64);
  loss.strike(stage.machine);
  Key iv = kIv;
  (void)stage.process->app.video().EncryptionBlt(stage.oaep.get(), frame.get(), staging.get(), iv);
  CHECK(iv == Key{});
  CHECK(stage.RemovedReason() == kDeviceRemoved);
}

TEST_CASE("DriverProtections.ResetReopened: a fresh session on the function decrypts") {
  const Loss loss = GENERATE(from_range(AllResets()));
  CAPTURE(loss.name);
  LossStage stage;
  loss.strike(stage.machine);
  stage.Close();
  CHECK(stage.function.waits_run_out() == 0);
  stage.Open();
  CHECK(stage.Works());
}

TEST_CASE("DriverProtections.ResetIv: the read-back IV of a fresh session is another one (R22)") {
  const Loss loss = GENERATE(from_range(AllResets()));
  CAPTURE(loss.name);
  LossStage stage;
  const Key before = NextReadbackIv(&stage);
  loss.strike(stage.machine);
  stage.Close();
  stage.Open();
  CHECK(NextReadbackIv(&stage) != before);
}

// A snapshot is a value in the host's process and holds the keys: it serves replay, which has to go
// on as it did. What a host does who must not bring keys back is the tear-down behind it.
TEST_CASE("DriverProtections.SnapshotRestored: a snapshot brings its keys back, by design",
          "[needs-inside]") {
  LossStage stage;
  const device::GpuSnapshot snapshot = stage.machine.inside().gpu().TakeSnapshot();
  stage.machine.inside().boundary().TearDown();
  stage.machine.inside().gpu().Restore(snapshot);
  CHECK(stage.Works());
  CHECK(stage.Status(stage.hardware.get()) == kOk);
}

TEST_CASE("DriverProtections.SnapshotTornDown: a restore and a tear-down lose every session (4.9)",
          "[negative][needs-inside]") {
  LossStage stage;
  const device::GpuSnapshot snapshot = stage.machine.inside().gpu().TakeSnapshot();
  stage.machine.inside().gpu().Restore(snapshot);
  stage.machine.inside().boundary().TearDown();
  CHECK(stage.Status(stage.oaep.get()) == kLost);
  CHECK(stage.Status(stage.hardware.get()) == kLost);
  CHECK(stage.RemovedReason() == S_OK);
}

}  // namespace
}  // namespace ward::test
