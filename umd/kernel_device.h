// The kernel as this driver sees it: the runtime's callback tables, for one device and its one
// context.
#ifndef WARD_UMD_KERNEL_DEVICE_H_
#define WARD_UMD_KERNEL_DEVICE_H_

#include <cstdint>

#include "abi/generated/private_data.h"
#include "umd/ddi/adapter.h"
#include "umd/ddi/kernel_callbacks.h"
#include "umd/event_log.h"

namespace ward::umd {

// ALLOCATION_DATA.segment.
enum class Segment : uint32_t { kSystem = 0, kVisible = 1, kProtected = 2 };

// Every call gives the callback's HRESULT. The first D3DDDIERR_DEVICEREMOVED sticks: from then on
// nothing but releasing reaches the kernel.
class KernelDevice final : public EventListener {
 public:
  KernelDevice(HANDLE adapter, const D3D10DDIARG_CREATEDEVICE& arguments, EventLog* events)
      : adapter_(adapter),
        device_(arguments.hRTDevice.handle),
        callbacks_(arguments.pKTCallbacks),
        dxgi_callbacks_(arguments.DXGIBaseDDI.pDXGIBaseCallbacks),
        events_(events) {}

  // Fills the buffers of `context`, which are the kernel's memory.
  HRESULT CreateContext(D3DDDICB_CREATECONTEXT* context);
  void DestroyContext();
  HRESULT Render(D3DDDICB_RENDER* render);

  // `resource` is the runtime's handle, null for the driver's own memory. `resource_data`, of a
  // resource that is shared: what those who open it get; else null.
  HRESULT Allocate(const abi::AllocationData& data, HANDLE resource, D3DKMT_HANDLE* allocation,
                   const abi::ResourceData* resource_data = nullptr);
  void Free(HANDLE resource, D3DKMT_HANDLE allocation);
  // `flags` are kLock... masks. Waits until no submitted command uses the allocation, unless they
  // say otherwise.
  HRESULT Lock(D3DKMT_HANDLE allocation, UINT flags, void** data);
  void Unlock(D3DKMT_HANDLE allocation);

  HRESULT Present(D3DKMT_HANDLE source, D3DKMT_HANDLE destination, void* dxgi_context);

  // Makes the primary's size the output's mode and shows it.
  HRESULT SetDisplayMode(D3DKMT_HANDLE primary);
  // A hint for who has to leave memory first.
  HRESULT SetPriority(D3DKMT_HANDLE allocation, UINT priority);
  HRESULT QueryResidency(D3DKMT_HANDLE allocation, D3DDDI_RESIDENCYSTATUS* status);
  // What an allocation holds may be discarded until it is reclaimed; `discarded`: whether it was.
  HRESULT Offer(D3DKMT_HANDLE allocation, D3DDDI_OFFER_PRIORITY priority);
  HRESULT Reclaim(D3DKMT_HANDLE allocation, BOOL* discarded);

  // Tells the kernel (EVENT_REPORT), unless the device was removed. Nothing comes back.
  void OnEvent(const EventCount& events) override;

  bool removed() const { return removed_; }
  // The device broke its contract with this driver.
  void MarkRemoved(const char* reason);
  // How the queue stood when the device was removed; all zero before.
  const abi::QueueReport& queue_report() const { return queue_report_; }

 private:
  // `report` is private data of an escape, which the kernel may fill in.
  HRESULT Escape(void* report, UINT size_bytes);
  HRESULT Check(HRESULT result, const char* reason);
  // Of callbacks that a runtime may lack.
  template <typename Callback, typename Data>
  HRESULT Call(Callback callback, Data* data, const char* reason);

  HANDLE adapter_;
  HANDLE device_;
  HANDLE context_ = nullptr;
  // The runtime may rewrite entries while the device lives.
  const D3DDDI_DEVICECALLBACKS* callbacks_;
  const DXGI_DDI_BASE_CALLBACKS* dxgi_callbacks_;
  EventLog* events_;
  bool removed_ = false;
  abi::QueueReport queue_report_ = {};
};

}  // namespace ward::umd

#endif  // WARD_UMD_KERNEL_DEVICE_H_
