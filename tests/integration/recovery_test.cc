// Time-out detection and recovery as applications see them: whose work hangs loses its device, the
// others play on; after a reset of the adapter everybody begins anew, on the same kernel.
#include <cstddef>
#include <cstring>
#include <memory>

#include "abi/generated/commands.h"
#include "abi/generated/private_data.h"
#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"
#include "kmd/command.h"
#include "runtime/hresult_name.h"
#include "tests/integration/application.h"
#include "tests/integration/function_under_test.h"

namespace ward::test {
namespace {

const Key kSessionKey = ParseKey("2b7e151628aed2a6abf7158809cf4f3c");
constexpr auto kSessionLost = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
constexpr auto kSessionOk = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK;

// A process with a keyed session and a frame.
struct Player {
  explicit Player(runtime::Kernel* kernel)
      : application(kernel, D3DWDDM2_4DDI_VIDEO_FUNCTIONS),
        clip(MakeClip(1)),
        staging(application.CreateStaging(clip)),
        frame(application.CreateTexture(clip, true)),
        session(application.CreateKeyedSession(kSessionKey)) {
    application.Upload(staging.get(), Encrypt(workspace, clip));
  }

  // Whether the frame is decrypted right.
  bool Plays() {
    const Key wrapped = EcbEncrypt(kSessionKey, ParseKey(clip.content_key));
    if (application.video().DecryptionBlt(session.get(), staging.get(), frame.get(), nullptr,
                                          wrapped, ParseKey(clip.iv)) != S_OK) {
      return false;
    }
    return ReadBack(&application, session.get(), kSessionKey, frame.get(), clip) == clip.frames;
  }
  // A call that needs the device; its outcome shows in the reason.
  void Touch() {
    Key wrapped{};
    (void)application.video().GetEncryptionBltKey(session.get(), wrapped);
  }
  HRESULT RemovedReason() { return application.device().GetDeviceRemovedReason(); }
  D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS Status() {
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS status = kSessionOk;
    (void)session->CheckStatus(&status);
    return status;
  }

  // Below the driver: a context of the process submits a WAIT that nobody ends, and the process
  // waits for it, as a driver with a bug would. What the kernel answers to the latter.
  HRESULT Hang() {
    runtime::KernelDevice& kernel_device = application.device().kernel_device();
    D3DDDICB_CREATECONTEXT context = {};
    REQUIRE(kernel_device.CreateContext(&context) == S_OK);
    abi::AllocationData data = {0x10000, 1, 4096, 0, 0, 0, 0, 0, {}};
    D3DDDI_ALLOCATIONINFO info = {};
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    D3DDDICB_ALLOCATE allocate = {};
    allocate.NumAllocations = 1;
    allocate.pAllocationInfo = &info;
    REQUIRE(kernel_device.Allocate(&allocate) == S_OK);
    auto wait = kmd::MakeCommand<abi::WaitCommand>();
    wait.value = 1;
    std::memcpy(context.pCommandBuffer, &wait, sizeof(wait));
    context.pAllocationList[0].hAllocation = info.hAllocation;
    context.pPatchLocationList[0] = {};
    context.pPatchLocationList[0].PatchOffset = offsetof(abi::WaitCommand, address);
    D3DDDICB_RENDER render = {};
    render.hContext = context.hContext;
    render.CommandLength = sizeof(wait);
    render.NumAllocations = 1;
    render.NumPatchLocations = 1;
    REQUIRE(kernel_device.Render(&render) == S_OK);
    D3DDDICB_LOCK lock = {};
    lock.hAllocation = info.hAllocation;
    return kernel_device.Lock(&lock);
  }

  Workspace workspace;
  Application application;
  Clip clip;
  std::unique_ptr<runtime::Resource> staging;
  std::unique_ptr<runtime::Resource> frame;
  std::unique_ptr<runtime::CryptoSession> session;
};

TEST_CASE("A process whose work hangs loses its device as hung, and its neighbour plays on") {
  const FunctionUnderTest machine;
  const auto kernel = OpenKernel(machine.get());
  Player hanging(kernel.get());
  Player neighbour(kernel.get());
  REQUIRE(hanging.Plays());
  REQUIRE(neighbour.Plays());
  const uint32_t epoch = kernel->KeyEpoch();
  CHECK(hanging.Hang() == D3DDDIERR_DEVICEREMOVED);
  // The kernel's watchdog has seen to it.
  CHECK(kernel->adapter().CheckHealth() == kmd::AdapterHealth::kGood);
  CHECK(kernel->KeyEpoch() == epoch);
  hanging.Touch();
  CHECK(hanging.RemovedReason() == runtime::kErrorDeviceHung);
  CHECK(neighbour.Plays());
  CHECK(neighbour.RemovedReason() == S_OK);
  CHECK(neighbour.Status() == kSessionOk);
  Player fresh(kernel.get());
  CHECK(fresh.Plays());
}

TEST_CASE("After a reset of the adapter sessions are lost, and new ones work on the same kernel") {
  const FunctionUnderTest machine;
  const auto kernel = OpenKernel(machine.get());
  for (const bool by_register : {false, true}) {
    Player one(kernel.get());
    Player two(kernel.get());
    REQUIRE(one.Plays());
    REQUIRE(two.Plays());
    if (by_register) {
      machine->BarWrite32(0, abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
    } else {
      REQUIRE(machine->ResetFunction() == abi::PciError::kNone);
    }
    const auto report = kernel->Recover();
    REQUIRE(report.ok());
    CHECK(report.value().action == kmd::RecoveryAction::kAdapterReset);
    CHECK(report.value().lost_devices == 2);
    for (Player* player : {&one, &two}) {
      CHECK(player->Status() == kSessionLost);
      player->Touch();
      CHECK(player->RemovedReason() == runtime::kErrorDeviceReset);
      CHECK(player->Status() == kSessionLost);
      CHECK_FALSE(player->Plays());
    }
    // Beside the lost ones, which still hold what they have.
    Player fresh(kernel.get());
    CHECK(fresh.Plays());
  }
}

TEST_CASE("Out of D3hot the kernel brings the adapter up again", "[needs-power]") {
  const FunctionUnderTest machine;
  const auto kernel = OpenKernel(machine.get());
  Player player(kernel.get());
  REQUIRE(player.Plays());
  machine.PowerDown();
  CHECK(kernel->adapter().CheckHealth() == kmd::AdapterHealth::kGone);
  CHECK(player.Status() == kSessionLost);
  REQUIRE(kernel->Recover().ok());
  player.Touch();
  CHECK(player.RemovedReason() == runtime::kErrorDeviceReset);
  Player fresh(kernel.get());
  CHECK(fresh.Plays());
}

}  // namespace
}  // namespace ward::test
