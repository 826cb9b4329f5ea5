// DriverProtections: HW_PROTECTED resources, which WDDM 2.x brings, are protected memory (5, R27).
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/event_stage.h"
#include "umd/ddi/resource.h"

namespace ward::test {
namespace {

constexpr uint32_t kBytes = 256;

HRESULT MakeHwProtected(Process* process, runtime::Usage usage, ResourcePointer* buffer) {
  const bool is_staging = usage == runtime::Usage::kStaging;
  return runtime::Resource::CreateBuffer(&process->app.device(), kBytes, usage,
                                         is_staging ? runtime::kCpuAccessRead : 0,
                                         umd::kApiResourceMiscHwProtected, buffer);
}

// A buffer through the driver's table, with what flags and usage a runtime may give.
class DriverBuffer {
 public:
  DriverBuffer(runtime::Device* device, UINT usage, UINT misc_flags) : device_(device) {
    const D3D10DDI_MIPINFO mip = {kBytes, 1, 1, kBytes, 1, 1};
    D3D11DDIARG_CREATERESOURCE create = {};
    create.pMipInfoList = &mip;
    create.ResourceDimension = D3D10DDIRESOURCE_BUFFER;
    create.Usage = usage;
    create.MiscFlags = misc_flags;
    create.SampleDesc.Count = 1;
    create.MipLevels = 1;
    create.ArraySize = 1;
    REQUIRE(memory_.Allocate(
        device->functions().pfnCalcPrivateResourceSize(device->driver_handle(), &create)));
    device->functions().pfnCreateResource(device->driver_handle(), &create, handle(), {});
  }
  ~DriverBuffer() { device_->functions().pfnDestroyResource(device_->driver_handle(), handle()); }

  D3D10DDI_HRESOURCE handle() const { return {memory_.get()}; }
  bool CanBeMapped() {
    D3D10DDI_MAPPED_SUBRESOURCE mapped = {};
    device_->functions().pfnResourceMap(device_->driver_handle(), handle(), 0, D3D10_DDI_MAP_READ,
                                        0, &mapped);
    return mapped.pData != nullptr;
  }

 private:
  runtime::Device* device_;
  runtime::PrivateMemory memory_;
};

TEST_CASE("DriverProtections.HwProtectedMap: HW_PROTECTED is not mapped, whatever its usage (5)",
          "[negative]") {
  for (const UINT32 table : {D3DWDDM2_0DDI_VIDEO_FUNCTIONS, D3DWDDM2_1DDI_VIDEO_FUNCTIONS,
                             D3DWDDM2_4DDI_VIDEO_FUNCTIONS}) {
    Stage stage(table);
    runtime::Device* device = &stage.process.app.device();
    CHECK(DriverBuffer(device, D3D10_DDI_USAGE_DEFAULT, 0).CanBeMapped());
    for (const UINT usage : {D3D10_DDI_USAGE_DEFAULT, D3D10_DDI_USAGE_STAGING}) {
      for (const UINT flags : {0x10000u, 0x40000u, 0x50000u, 0x10800u}) {
        CHECK_FALSE(DriverBuffer(device, usage, flags).CanBeMapped());
      }
    }
    CHECK(device->GetDeviceRemovedReason() == S_OK);
  }
}

TEST_CASE("DriverProtections.HwProtectedDecrypt: HW_PROTECTED is a blt's destination (R27)") {
  Stage stage(D3DWDDM2_4DDI_VIDEO_FUNCTIONS);
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  ResourcePointer frame;
  REQUIRE(MakeHwProtected(&stage.process, runtime::Usage::kDefault, &frame) == S_OK);
  const std::vector<uint8_t> text = MakeText(kBytes);
  REQUIRE(stage.process.Decrypt(session.get(), RunCtr(kSessionKey, kIv, text), kIv, frame.get()) ==
          S_OK);
  CHECK(stage.process.ReadProtected(session.get(), kSessionKey, frame.get()) == text);
  const ResourcePointer staging = stage.process.MakeStaging(kBytes);
  REQUIRE(stage.process.app.context().CopyResource(staging.get(), frame.get()) == S_OK);
  CHECK(IsZero(stage.process.app.Download(staging.get())));
}

TEST_CASE("DriverProtections.HwProtectedStaging: for the CPU there is none (5)", "[negative]") {
  Stage stage(D3DWDDM2_4DDI_VIDEO_FUNCTIONS);
  ResourcePointer buffer;
  CHECK(MakeHwProtected(&stage.process, runtime::Usage::kStaging, &buffer) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.HwProtectedOldTable: D3D11.1 has no HW_PROTECTED (5)", "[negative]") {
  EventStage stage;
  ResourcePointer buffer;
  stage.CheckEvent(false, "CreateResource: HW_PROTECTED without a WDDM 2.x video table", [&] {
    CHECK(MakeHwProtected(&stage.process, runtime::Usage::kDefault, &buffer) == E_OUTOFMEMORY);
  });
  for (const UINT flags : {0x10000u, 0x40000u}) {
    CHECK_FALSE(DriverBuffer(&stage.device(), D3D10_DDI_USAGE_DEFAULT, flags).CanBeMapped());
  }
  stage.CheckFrameUntouched();
}

}  // namespace
}  // namespace ward::test
