#include "umd/kernel_device.h"

#include <cstddef>

#include "umd/ddi/status_codes.h"

namespace ward::umd {

namespace {
// First word of an escape's private data.
constexpr uint32_t kEscapeQueueReport = 1;
constexpr uint32_t kEscapeTellEvents = 2;
}  // namespace

HRESULT KernelDevice::CreateContext(D3DDDICB_CREATECONTEXT* context) {
  const HRESULT result =
      Check(callbacks_->pfnCreateContextCb(device_, context), "pfnCreateContextCb failed");
  if (SUCCEEDED(result)) context_ = context->hContext;
  return result;
}

void KernelDevice::DestroyContext() {
  if (context_ == nullptr) return;
  const D3DDDICB_DESTROYCONTEXT destroy = {context_};
  if (FAILED(callbacks_->pfnDestroyContextCb(device_, &destroy))) {
    events_->Count("pfnDestroyContextCb failed");
  }
  context_ = nullptr;
}

HRESULT KernelDevice::Render(D3DDDICB_RENDER* render) {
  if (removed_) return D3DDDIERR_DEVICEREMOVED;
  render->hContext = context_;
  return Check(callbacks_->pfnRenderCb(device_, render), "pfnRenderCb failed");
}

HRESULT KernelDevice::Allocate(const abi::AllocationData& data, HANDLE resource,
                               D3DKMT_HANDLE* allocation, const abi::ResourceData* resource_data) {
  if (removed_) return D3DDDIERR_DEVICEREMOVED;
  abi::AllocationData private_data = data;
  D3DDDI_ALLOCATIONINFO info = {};
  info.pPrivateDriverData = &private_data;
  info.PrivateDriverDataSize = sizeof(private_data);
  D3DDDICB_ALLOCATE allocate = {};
  if (resource_data != nullptr) {
    allocate.pPrivateDriverData = resource_data;
    allocate.PrivateDriverDataSize = sizeof(*resource_data);
  }
  allocate.hResource = resource;
  allocate.NumAllocations = 1;
  allocate.pAllocationInfo = &info;
  const HRESULT result =
      Check(callbacks_->pfnAllocateCb(device_, &allocate), "pfnAllocateCb failed");
  if (SUCCEEDED(result)) *allocation = info.hAllocation;
  return result;
}

void KernelDevice::Free(HANDLE resource, D3DKMT_HANDLE allocation) {
  // A resource is freed as a whole, by its own handle; then the list stays empty.
  const bool by_list = resource == nullptr;
  const D3DDDICB_DEALLOCATE deallocate = {resource, by_list ? 1u : 0u,
                                          by_list ? &allocation : nullptr};
  if (FAILED(callbacks_->pfnDeallocateCb(device_, &deallocate))) {
    events_->Count("pfnDeallocateCb failed");
  }
}

HRESULT KernelDevice::Lock(D3DKMT_HANDLE allocation, UINT flags, void** data) {
  if (removed_) return D3DDDIERR_DEVICEREMOVED;
  D3DDDICB_LOCK lock = {};
  lock.hAllocation = allocation;
  lock.Flags.Value = flags;
  const HRESULT result = callbacks_->pfnLockCb(device_, &lock);
  if (result == D3DDDIERR_WASSTILLDRAWING) return result;
  if (FAILED(Check(result, "pfnLockCb failed"))) return result;
  if (lock.pData == nullptr) return events_->Refuse("pfnLockCb gave no address");
  *data = lock.pData;
  return result;
}

void KernelDevice::Unlock(D3DKMT_HANDLE allocation) {
  const D3DDDICB_UNLOCK unlock = {1, &allocation};
  if (FAILED(callbacks_->pfnUnlockCb(device_, &unlock))) events_->Count("pfnUnlockCb failed");
}

HRESULT KernelDevice::Present(D3DKMT_HANDLE source, D3DKMT_HANDLE destination, void* dxgi_context) {
  if (removed_) return D3DDDIERR_DEVICEREMOVED;
  if (dxgi_callbacks_ == nullptr || dxgi_callbacks_->pfnPresentCb == nullptr) {
    events_->Count("the runtime has no pfnPresentCb");
    return E_NOTIMPL;
  }
  DXGIDDICB_PRESENT present = {};
  present.hSrcAllocation = source;
  present.hDstAllocation = destination;
  present.pDXGIContext = dxgi_context;
  present.hContext = context_;
  return Check(dxgi_callbacks_->pfnPresentCb(device_, &present), "pfnPresentCb failed");
}

template <typename Callback, typename Data>
HRESULT KernelDevice::Call(Callback callback, Data* data, const char* reason) {
  if (removed_) return D3DDDIERR_DEVICEREMOVED;
  if (callback == nullptr) {
    events_->Count(reason);
    return E_NOTIMPL;
  }
  return Check(callback(device_, data), reason);
}

HRESULT KernelDevice::SetDisplayMode(D3DKMT_HANDLE primary) {
  D3DDDICB_SETDISPLAYMODE data = {primary, 0};
  return Call(callbacks_->pfnSetDisplayModeCb, &data, "pfnSetDisplayModeCb failed");
}

HRESULT KernelDevice::SetPriority(D3DKMT_HANDLE allocation, UINT priority) {
  D3DDDICB_SETPRIORITY data = {nullptr, 1, &allocation, &priority};
  return Call(callbacks_->pfnSetPriorityCb, &data, "pfnSetPriorityCb failed");
}

HRESULT KernelDevice::QueryResidency(D3DKMT_HANDLE allocation, D3DDDI_RESIDENCYSTATUS* status) {
  *status = D3DDDI_RESIDENCYSTATUS_NOTRESIDENT;
  const D3DDDICB_QUERYRESIDENCY data = {nullptr, 1, &allocation, status};
  return Call(callbacks_->pfnQueryResidencyCb, &data, "pfnQueryResidencyCb failed");
}

HRESULT KernelDevice::Offer(D3DKMT_HANDLE allocation, D3DDDI_OFFER_PRIORITY priority) {
  const D3DDDICB_OFFERALLOCATIONS data = {nullptr, &allocation, 1, priority};
  return Call(callbacks_->pfnOfferAllocationsCb, &data, "pfnOfferAllocationsCb failed");
}

HRESULT KernelDevice::Reclaim(D3DKMT_HANDLE allocation, BOOL* discarded) {
  *discarded = TRUE;  // a kernel that says nothing has promised nothing
  const D3DDDICB_RECLAIMALLOCATIONS data = {nullptr, &allocation, discarded, 1};
  return Call(callbacks_->pfnReclaimAllocationsCb, &data, "pfnReclaimAllocationsCb failed");
}

void KernelDevice::MarkRemoved(const char* reason) {
  if (removed_) return;
  removed_ = true;
  events_->Count(reason);
  abi::QueueReport report = {};
  report.escape = kEscapeQueueReport;
  if (SUCCEEDED(Escape(&report, sizeof(report)))) queue_report_ = report;
}

void KernelDevice::OnEvent(const EventCount& events) {
  if (removed_) return;
  abi::EventReport report = {};
  report.escape = kEscapeTellEvents;
  report.session = events.session;
  report.driver_events = events.count;
  report.refusal_count = events.by_device.refusal_count;
  report.last_refusal = events.by_device.last_refusal;
  report.iv_repeats = events.by_device.iv_repeats;
  // What is too long loses its end; the last byte stays zero.
  for (size_t i = 0; i + 1 < sizeof(report.last_reason) && events.last_reason[i] != 0; ++i) {
    report.last_reason[i] = static_cast<uint8_t>(events.last_reason[i]);
  }
  (void)Escape(&report, sizeof(report));  // a kernel that does not keep reports is none the worse
}

HRESULT KernelDevice::Escape(void* report, UINT size_bytes) {
  if (callbacks_->pfnEscapeCb == nullptr) return E_NOTIMPL;
  D3DDDICB_ESCAPE escape = {};
  escape.hDevice = device_;
  escape.pPrivateDriverData = report;
  escape.PrivateDriverDataSize = size_bytes;
  escape.hContext = context_;
  return callbacks_->pfnEscapeCb(adapter_, &escape);
}

HRESULT KernelDevice::Check(HRESULT result, const char* reason) {
  if (result == D3DDDIERR_DEVICEREMOVED) {
    MarkRemoved(reason);
  } else if (FAILED(result)) {
    events_->Count(reason);
  }
  return result;
}

}  // namespace ward::umd
