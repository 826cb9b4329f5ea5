#include "runtime/device.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "runtime/hresult_name.h"
#include "runtime/kernel_callbacks.h"
#include "umd/ddi/versions.h"

namespace ward::runtime {
namespace {

// A call through a hole would end the process. `size_bytes`: of the part that the driver filled.
template <typename Table>
bool IsFilled(const Table& table, size_t size_bytes = sizeof(Table)) {
  using Entries = std::array<PFND3D_UNDECLARED, sizeof(Table) / sizeof(PFND3D_UNDECLARED)>;
  const auto entries = std::bit_cast<Entries>(table);
  const auto end = entries.begin() + static_cast<ptrdiff_t>(size_bytes / sizeof(entries[0]));
  return std::find(entries.begin(), end, nullptr) == end;
}

// 0 for a number that this runtime does not know.
size_t VideoTableBytes(UINT32 video_table) {
  switch (video_table) {
    case D3D11_1DDI_VIDEO_FUNCTIONS:
      return sizeof(D3D11_1DDI_VIDEODEVICEFUNCS);
    case D3DWDDM2_0DDI_VIDEO_FUNCTIONS:
      return sizeof(D3DWDDM2_0DDI_VIDEODEVICEFUNCS);
    case D3DWDDM2_1DDI_VIDEO_FUNCTIONS:
    case D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0:
      return sizeof(D3DWDDM2_1DDI_VIDEODEVICEFUNCS);
    case D3DWDDM2_4DDI_VIDEO_FUNCTIONS:
      return sizeof(D3DWDDM2_4DDI_VIDEODEVICEFUNCS);
    default:
      return 0;
  }
}

}  // namespace

Device::Device(Adapter* adapter, std::unique_ptr<KernelDevice> kernel_device, UINT32 video_table)
    : adapter_(adapter), kernel_device_(std::move(kernel_device)), video_table_(video_table) {}

HRESULT Device::Create(Adapter* adapter, std::unique_ptr<Device>* device, UINT32 video_table) {
  if (VideoTableBytes(video_table) == 0) return E_INVALIDARG;
  Result<std::unique_ptr<KernelDevice>> kernel_device =
      KernelDevice::Create(&adapter->kernel(), adapter->process());
  if (!kernel_device.ok()) return HresultOf(kernel_device.fault());
  std::unique_ptr<Device> made(new Device(adapter, std::move(kernel_device.value()), video_table));
  const HRESULT result = made->CreateInDriver();
  if (SUCCEEDED(result)) *device = std::move(made);
  return result;
}

Device::~Device() {
  if (exists_) functions_.pfnDestroyDevice(driver_handle());
}

HRESULT Device::CreateInDriver() {
  const D3D10_2DDI_ADAPTERFUNCS& driver = adapter_->functions();
  const UINT level = static_cast<UINT>(adapter_->pipeline_level())
                     << D3D11DDI_CREATEDEVICE_FLAG_3DPIPELINESUPPORT_SHIFT;
  const UINT version = D3D11_1_DDI_BUILD_VERSION << 16;
  const UINT flags = level | D3D11DDI_CREATEDEVICE_FLAG_SINGLETHREADED;
  const D3D10DDIARG_CALCPRIVATEDEVICESIZE size_query = {D3D11_1_DDI_INTERFACE_VERSION, version,
                                                        flags};
  if (!memory_.Allocate(driver.pfnCalcPrivateDeviceSize(adapter_->driver_handle(), &size_query))) {
    return E_OUTOFMEMORY;
  }

  PFND3D10DDI_RETRIEVESUBOBJECT retrieve_sub_object = nullptr;
  D3D10DDIARG_CREATEDEVICE arguments{};
  arguments.hRTDevice.handle = kernel_device_.get();
  arguments.Interface = D3D11_1_DDI_INTERFACE_VERSION;
  arguments.Version = version;
  arguments.pKTCallbacks = &DeviceCallbacks();
  arguments.p11_1DeviceFuncs = &functions_;
  arguments.hDrvDevice = driver_handle();
  arguments.DXGIBaseDDI.pDXGIBaseCallbacks = &DxgiCallbacks();
  arguments.DXGIBaseDDI.pDXGIDDIBaseFunctions3 = &dxgi_functions_;
  arguments.hRTCoreLayer.handle = &errors_;
  arguments.p11UMCallbacks = &DriverError::Callbacks();
  arguments.Flags = flags;
  arguments.ppfnRetrieveSubObject = &retrieve_sub_object;
  const HRESULT result = driver.pfnCreateDevice(adapter_->driver_handle(), &arguments);
  if (FAILED(result)) return result;
  exists_ = functions_.pfnDestroyDevice != nullptr;
  if (!IsFilled(functions_) || !IsFilled(dxgi_functions_)) return E_NOTIMPL;
  return RetrieveVideoFunctions(retrieve_sub_object);
}

HRESULT Device::RetrieveVideoFunctions(PFND3D10DDI_RETRIEVESUBOBJECT retrieve_sub_object) {
  if (retrieve_sub_object == nullptr) return kErrorUnsupported;
  // Every VIDEO_INPUT has this shape, and every table begins with the one before it.
  D3DWDDM2_4DDI_VIDEO_INPUT input = {FALSE, &video_functions_};
  D3D11_1DDI_VIDEO_OUTPUT output{};
  const HRESULT result = retrieve_sub_object(driver_handle(), video_table_, sizeof(input), &input,
                                             sizeof(output), &output);
  if (FAILED(result)) return result;
  return IsFilled(video_functions_, VideoTableBytes(video_table_)) ? S_OK : E_NOTIMPL;
}

HRESULT Device::GetDeviceRemovedReason() const {
  const HRESULT reason = errors_.removed_reason();
  if (reason != kErrorDeviceRemoved) return reason;
  const HRESULT loss = kernel_device_->LossReason();
  return loss == S_OK ? reason : loss;
}

}  // namespace ward::runtime
