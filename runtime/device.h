// A D3D11.1 device of one process: ID3D11Device as far as it is needed here. It owns the driver's
// device and tables; everything made from it ends before it.
#ifndef WARD_RUNTIME_DEVICE_H_
#define WARD_RUNTIME_DEVICE_H_

#include <memory>

#include "runtime/adapter.h"
#include "runtime/driver_error.h"
#include "runtime/kernel_device.h"
#include "runtime/private_memory.h"
#include "umd/ddi/device_functions.h"
#include "umd/ddi/dxgi_functions.h"
#include "umd/ddi/versions.h"
#include "umd/ddi/video_functions_wddm2.h"

namespace ward::runtime {

class Device {
 public:
  // `adapter` outlives the device. `video_table` is the number of the video table that this runtime
  // works with (RetrieveSubObject): D3D11.1's, or one of WDDM 2.x, which begins with the same
  // entries. The driver's HRESULT; E_NOTIMPL when a table has a hole; DXGI_ERROR_UNSUPPORTED when
  // the driver has no video functions.
  static HRESULT Create(Adapter* adapter, std::unique_ptr<Device>* device,
                        UINT32 video_table = D3D11_1DDI_VIDEO_FUNCTIONS);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // S_OK while the device lives, else DXGI_ERROR_DEVICE_REMOVED, more exactly _DEVICE_HUNG or
  // _DEVICE_RESET when the kernel took it away, or _DRIVER_INTERNAL_ERROR.
  HRESULT GetDeviceRemovedReason() const;

  // For the runtime's other parts.
  Adapter& adapter() { return *adapter_; }
  KernelDevice& kernel_device() { return *kernel_device_; }
  DriverError& errors() { return errors_; }
  D3D10DDI_HDEVICE driver_handle() const { return {memory_.get()}; }
  const D3D11_1DDI_DEVICEFUNCS& functions() const { return functions_; }
  const DXGI1_2_DDI_BASE_FUNCTIONS& dxgi_functions() const { return dxgi_functions_; }
  const D3D11_1DDI_VIDEODEVICEFUNCS& video_functions() const { return video_functions_; }
  // The same table as WDDM 2.0's and as 2.4's; null for a runtime that took an older one.
  const D3DWDDM2_0DDI_VIDEODEVICEFUNCS* wddm2_video_functions() const {
    return video_table_ >= D3DWDDM2_0DDI_VIDEO_FUNCTIONS ? &video_functions_ : nullptr;
  }
  const D3DWDDM2_4DDI_VIDEODEVICEFUNCS* wddm2_4_video_functions() const {
    return video_table_ == D3DWDDM2_4DDI_VIDEO_FUNCTIONS ? &video_functions_ : nullptr;
  }

 private:
  Device(Adapter* adapter, std::unique_ptr<KernelDevice> kernel_device, UINT32 video_table);
  HRESULT CreateInDriver();
  HRESULT RetrieveVideoFunctions(PFND3D10DDI_RETRIEVESUBOBJECT retrieve_sub_object);

  Adapter* adapter_;
  std::unique_ptr<KernelDevice> kernel_device_;
  DriverError errors_;
  PrivateMemory memory_;
  D3D11_1DDI_DEVICEFUNCS functions_{};
  DXGI1_2_DDI_BASE_FUNCTIONS dxgi_functions_{};
  UINT32 video_table_;
  D3DWDDM2_4DDI_VIDEODEVICEFUNCS video_functions_{};  // as much of it as video_table_ has
  bool exists_ = false;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_DEVICE_H_
