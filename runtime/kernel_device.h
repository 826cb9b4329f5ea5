// dxgkrnl's part of a device: allocations and contexts, as the kernel callbacks reach them. Its
// address is hRTDevice.handle; every handle that a driver passes is looked up.
#ifndef WARD_RUNTIME_KERNEL_DEVICE_H_
#define WARD_RUNTIME_KERNEL_DEVICE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "abi/generated/private_data.h"
#include "base/result.h"
#include "kmd/adapter.h"
#include "runtime/kernel.h"
#include "runtime/kernel_context.h"
#include "umd/ddi/dxgi_functions.h"
#include "umd/ddi/kernel_structures.h"

namespace ward::runtime {

class KernelDevice {
 public:
  // `kernel` outlives the device.
  static Result<std::unique_ptr<KernelDevice>> Create(Kernel* kernel,
                                                      const kmd::Process& process = {});
  ~KernelDevice();  // with the contexts and allocations that the driver left behind
  KernelDevice(const KernelDevice&) = delete;
  KernelDevice& operator=(const KernelDevice&) = delete;

  // The callbacks of the same names. E_INVALIDARG for handles, sizes and counts that don't hold;
  // else the HRESULT of what the kernel-mode driver answers.
  HRESULT Allocate(D3DDDICB_ALLOCATE* data);
  HRESULT Deallocate(const D3DDDICB_DEALLOCATE* data);
  // Waits until the allocation is idle, also with DonotWait.
  HRESULT Lock(D3DDDICB_LOCK* data);
  HRESULT Unlock(const D3DDDICB_UNLOCK* data);
  // Gives what a resource of this device is shared under; its allocation was made to be shared.
  // E_INVALIDARG when it was not. `runtime_data` goes to whoever opens it.
  HRESULT Share(HANDLE resource, ConstByteSpan runtime_data, uint32_t* handle);
  // Opens the allocation for this device, as the runtime's `resource`. E_INVALIDARG for no such
  // handle, and where the kernel-mode driver does not let this process.
  HRESULT OpenShared(uint32_t handle, HANDLE resource, D3DKMT_HANDLE* allocation,
                     abi::AllocationData* data);

  // A hint that this kernel-mode driver does not use: handles are looked up, nothing else.
  HRESULT SetPriority(D3DDDICB_SETPRIORITY* data);
  HRESULT QueryResidency(const D3DDDICB_QUERYRESIDENCY* data);
  // The mode of output 0 becomes the surface's size, and shows it when the device has a context.
  HRESULT SetDisplayMode(D3DDDICB_SETDISPLAYMODE* data);
  // By allocations, not by resources.
  HRESULT OfferAllocations(const D3DDDICB_OFFERALLOCATIONS* data);
  HRESULT ReclaimAllocations(const D3DDDICB_RECLAIMALLOCATIONS* data);
  HRESULT CreateContext(D3DDDICB_CREATECONTEXT* data);
  HRESULT DestroyContext(const D3DDDICB_DESTROYCONTEXT* data);
  // IDXGIDevice::SetGPUThreadPriority, that is D3DKMTSetContextSchedulingPriority of each of the
  // device's contexts, and of those that it makes later. E_INVALIDARG outside of -7 to 7.
  HRESULT SetGpuThreadPriority(INT priority);
  INT gpu_thread_priority() const { return gpu_thread_priority_; }
  HRESULT Render(D3DDDICB_RENDER* data);
  HRESULT Escape(const D3DDDICB_ESCAPE* data);
  HRESULT Present(const DXGIDDICB_PRESENT* data);

  // How the presents of a DXGI context (pDXGIContext) are shown; one that is not known is shown at
  // once, as composed. A driver hands the pointers back, so they are looked up and never believed.
  void SetPresentation(const void* dxgi_context, const kmd::Presentation& presentation) {
    presentations_[dxgi_context] = presentation;
  }
  void ForgetPresentation(const void* dxgi_context) { presentations_.erase(dxgi_context); }

  // Why the kernel took the device away, in the API's codes; S_OK while it did not.
  HRESULT LossReason() const;

  Kernel& kernel() { return *kernel_; }

 private:
  struct Allocation {
    abi::AllocationData data;
    HANDLE resource;
    std::vector<uint8_t> driver_data;  // of the resource, while it is shared
  };

  KernelDevice(Kernel* kernel, kmd::DeviceHandle handle);
  // The HRESULT of a call's outcome; after a hang the watchdog runs first.
  HRESULT Conclude(const Result<void>& outcome);
  HRESULT AllocateOne(D3DDDI_ALLOCATIONINFO* info, HANDLE resource);
  HRESULT Free(D3DKMT_HANDLE handle);
  HRESULT FreeResource(HANDLE resource);
  bool HaveAll(const D3DKMT_HANDLE* handles, UINT count) const;
  HRESULT Flip(kmd::ContextHandle context, D3DKMT_HANDLE surface,
               const kmd::Presentation& presentation);
  KernelContext* FindContext(HANDLE handle);
  HRESULT ReportQueue(const D3DDDICB_ESCAPE& data);
  // R7: a driver tells what it refused, or a tool asks for that.
  HRESULT ExchangeEvents(const D3DDDICB_ESCAPE& data);

  Kernel* kernel_;
  kmd::DeviceHandle handle_;
  std::map<D3DKMT_HANDLE, Allocation> allocations_;
  std::map<kmd::ContextHandle, KernelContext> contexts_;
  std::map<const void*, kmd::Presentation> presentations_;
  D3DKMT_HANDLE next_resource_ = 1;
  INT gpu_thread_priority_ = 0;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_KERNEL_DEVICE_H_
