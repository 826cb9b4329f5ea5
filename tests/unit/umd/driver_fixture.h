// A driver opened over a fake kernel, with one or more devices, as a runtime would do it.
#ifndef WARD_TESTS_UNIT_UMD_DRIVER_FIXTURE_H_
#define WARD_TESTS_UNIT_UMD_DRIVER_FIXTURE_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/umd/fake_kernel.h"
#include "umd/ddi/d3d11_1_ddi.h"
#include "umd/device.h"
#include "umd/entry.h"

namespace ward::umd {

// Memory behind a driver handle.
class PrivateMemory {
 public:
  explicit PrivateMemory(SIZE_T size_bytes)
      : words_(new std::max_align_t[size_bytes / sizeof(std::max_align_t) + 1]()) {}
  void* get() const { return words_.get(); }

 private:
  std::unique_ptr<std::max_align_t[]> words_;
};

class OpenedAdapter {
 public:
  explicit OpenedAdapter(FakeKernel* kernel) {
    D3D10DDIARG_OPENADAPTER arguments = {};
    arguments.hRTAdapter.handle = kernel;
    arguments.pAdapterCallbacks = &kernel->adapter_callbacks;
    arguments.pAdapterFuncs_2 = &functions;
    result = OpenAdapter10_2(&arguments);
    handle = arguments.hAdapter;
  }
  ~OpenedAdapter() {
    if (SUCCEEDED(result)) functions.pfnCloseAdapter(handle);
  }
  OpenedAdapter(const OpenedAdapter&) = delete;
  OpenedAdapter& operator=(const OpenedAdapter&) = delete;

  HRESULT result;
  D3D10DDI_HADAPTER handle = {};
  D3D10_2DDI_ADAPTERFUNCS functions = {};
};

class OpenedDevice {
 public:
  OpenedDevice(FakeKernel* kernel, const OpenedAdapter& adapter)
      : memory_(adapter.functions.pfnCalcPrivateDeviceSize(adapter.handle, nullptr)) {
    D3D10DDIARG_CREATEDEVICE arguments = {};
    arguments.hRTDevice.handle = kernel;
    arguments.Interface = D3D11_1_DDI_INTERFACE_VERSION;
    arguments.pKTCallbacks = &kernel->device_callbacks;
    arguments.p11_1DeviceFuncs = &functions;
    arguments.hDrvDevice.pDrvPrivate = memory_.get();
    arguments.DXGIBaseDDI.pDXGIBaseCallbacks = &kernel->dxgi_callbacks;
    arguments.DXGIBaseDDI.pDXGIDDIBaseFunctions3 = &dxgi;
    arguments.hRTCoreLayer.handle = kernel;
    arguments.p11UMCallbacks = &kernel->core_callbacks;
    arguments.ppfnRetrieveSubObject = &retrieve_sub_object;
    result = adapter.functions.pfnCreateDevice(adapter.handle, &arguments);
    if (FAILED(result)) return;
    handle.pDrvPrivate = memory_.get();
    D3D11_1DDI_VIDEO_INPUT input = {FALSE, &video};
    D3D11_1DDI_VIDEO_OUTPUT output = {};
    REQUIRE(retrieve_sub_object(handle, D3D11_1DDI_VIDEO_FUNCTIONS, sizeof(input), &input,
                                sizeof(output), &output) == S_OK);
  }
  ~OpenedDevice() {
    if (SUCCEEDED(result)) functions.pfnDestroyDevice(handle);
  }
  OpenedDevice(const OpenedDevice&) = delete;
  OpenedDevice& operator=(const OpenedDevice&) = delete;

  Device& driver() const { return *Device::From(handle); }
  uint32_t events() const { return driver().events().count(); }

  HRESULT result;
  D3D10DDI_HDEVICE handle = {};
  D3D11_1DDI_DEVICEFUNCS functions = {};
  DXGI1_2_DDI_BASE_FUNCTIONS dxgi = {};
  D3D11_1DDI_VIDEODEVICEFUNCS video = {};
  PFND3D10DDI_RETRIEVESUBOBJECT retrieve_sub_object = nullptr;

 private:
  PrivateMemory memory_;
};

// A resource; its runtime handle is this object.
class CreatedResource {
 public:
  CreatedResource(OpenedDevice* device, const D3D11DDIARG_CREATERESOURCE& description)
      : device_(device),
        memory_(device->functions.pfnCalcPrivateResourceSize(device->handle, &description)) {
    handle.pDrvPrivate = memory_.get();
    device->functions.pfnCreateResource(device->handle, &description, handle, {this});
  }
  ~CreatedResource() { Destroy(); }
  CreatedResource(const CreatedResource&) = delete;
  CreatedResource& operator=(const CreatedResource&) = delete;

  void Destroy() {
    if (handle.pDrvPrivate != nullptr) {
      device_->functions.pfnDestroyResource(device_->handle, handle);
    }
    handle = {};
  }
  // 0 when it has no memory.
  D3DKMT_HANDLE AllocationOf(const FakeKernel& kernel) const {
    for (const auto& [number, allocation] : kernel.allocations) {
      if (allocation.resource == this) return number;
    }
    return 0;
  }

  D3D10DDI_HRESOURCE handle = {};

 private:
  OpenedDevice* device_;
  PrivateMemory memory_;
};

// Description of a plain 2D texture; `mip` must outlive its use.
inline D3D11DDIARG_CREATERESOURCE DescribeTexture(const D3D10DDI_MIPINFO& mip, DXGI_FORMAT format,
                                                  UINT usage, UINT misc_flags = 0) {
  D3D11DDIARG_CREATERESOURCE description = {};
  description.pMipInfoList = &mip;
  description.ResourceDimension = D3D10DDIRESOURCE_TEXTURE2D;
  description.Usage = usage;
  description.MiscFlags = misc_flags;
  description.Format = format;
  description.SampleDesc.Count = 1;
  description.MipLevels = 1;
  description.ArraySize = 1;
  return description;
}

inline D3D11DDIARG_CREATERESOURCE DescribeBuffer(const D3D10DDI_MIPINFO& mip, UINT usage,
                                                 UINT misc_flags = 0) {
  D3D11DDIARG_CREATERESOURCE description =
      DescribeTexture(mip, DXGI_FORMAT_UNKNOWN, usage, misc_flags);
  description.ResourceDimension = D3D10DDIRESOURCE_BUFFER;
  return description;
}

constexpr D3D10DDI_MIPINFO Extent(UINT width, UINT height = 1) {
  return {width, height, 1, width, height, 1};
}

// The kernel, an adapter and a device. Ends with no violation of the contract, no memory left and
// nothing locked.
class Driver {
 public:
  FakeKernel kernel;
  OpenedAdapter adapter{&kernel};
  OpenedDevice device{&kernel, adapter};

  explicit Driver(uint64_t missing_features = 0) : kernel(missing_features) {
    REQUIRE(device.result == S_OK);
  }

  void RequireClean() const {
    CHECK(kernel.violations == std::vector<std::string>{});
    CHECK(kernel.LockCount() == 0);
  }
  bool Flush() { return device.functions.pfnFlush(device.handle, 0) != FALSE; }
};

}  // namespace ward::umd

#endif  // WARD_TESTS_UNIT_UMD_DRIVER_FIXTURE_H_
