#include "runtime/kernel_device.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#include "abi/generated/status.h"
#include "runtime/hresult_name.h"
#include "umd/ddi/status_codes.h"

namespace ward::runtime {
namespace {

// First word of an escape's private data: QUEUE_REPORT.escape and EVENT_REPORT.escape.
constexpr uint32_t kEscapeQueueReport = 1;
constexpr uint32_t kEscapeTellEvents = 2;
constexpr uint32_t kEscapeAskEvents = 3;
// A resource's private data that is kept for those who open it.
constexpr UINT kMaximumDriverData = 4096;

// System memory counts as shared memory: the GPU reaches it where it is.
D3DDDI_RESIDENCYSTATUS ResidencyOf(kmd::Place place) {
  switch (place) {
    case kmd::Place::kNowhere:
      return D3DDDI_RESIDENCYSTATUS_NOTRESIDENT;
    case kmd::Place::kSystem:
      return D3DDDI_RESIDENCYSTATUS_RESIDENTINSHAREDMEMORY;
    case kmd::Place::kVideoMemory:
      break;
  }
  return D3DDDI_RESIDENCYSTATUS_RESIDENTINGPUMEMORY;
}

HANDLE ToHandle(kmd::ContextHandle context) {
  return reinterpret_cast<HANDLE>(static_cast<uintptr_t>(context));
}

}  // namespace

KernelDevice::KernelDevice(Kernel* kernel, kmd::DeviceHandle handle)
    : kernel_(kernel), handle_(handle) {
  kernel_->devices_.push_back(this);
}

KernelDevice::~KernelDevice() {
  std::erase(kernel_->devices_, this);
  std::erase_if(kernel_->shared_, [this](const auto& entry) { return entry.second.owner == this; });
  contexts_.clear();
  kernel_->adapter().DestroyDevice(handle_);
}

Result<std::unique_ptr<KernelDevice>> KernelDevice::Create(Kernel* kernel,
                                                           const kmd::Process& process) {
  WARD_ASSIGN_OR_RETURN(const kmd::DeviceHandle handle, kernel->adapter().CreateDevice(process));
  return std::unique_ptr<KernelDevice>(new KernelDevice(kernel, handle));
}

HRESULT KernelDevice::Conclude(const Result<void>& outcome) {
  if (outcome.ok()) return S_OK;
  const bool timed_out = outcome.fault().status == abi::kStatusDeviceTimeout;
  if (timed_out && kernel_->adapter().CheckHealth() == kmd::AdapterHealth::kHung) {
    // Its own failure is seen by the next call.
    std::ignore = kernel_->Recover();
  }
  return HresultOf(outcome.fault());
}

HRESULT KernelDevice::LossReason() const {
  switch (kernel_->adapter().LossOf(handle_)) {
    case abi::kStatusDeviceHung:
      return kErrorDeviceHung;
    case abi::kStatusDeviceReset:
      return kErrorDeviceReset;
    default:
      return S_OK;
  }
}

HRESULT KernelDevice::Allocate(D3DDDICB_ALLOCATE* data) {
  if (data->NumAllocations == 0 || data->pAllocationInfo == nullptr) return E_INVALIDARG;
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    const HRESULT result = AllocateOne(&data->pAllocationInfo[i], data->hResource);
    if (SUCCEEDED(result)) continue;
    for (UINT made = 0; made < i; ++made) {
      std::ignore = Free(std::exchange(data->pAllocationInfo[made].hAllocation, 0));
    }
    return result;
  }
  data->hKMResource = data->hResource != nullptr ? next_resource_++ : 0;
  if (data->pPrivateDriverData != nullptr && data->PrivateDriverDataSize <= kMaximumDriverData) {
    const auto* bytes = static_cast<const uint8_t*>(data->pPrivateDriverData);
    allocations_.at(data->pAllocationInfo[0].hAllocation)
        .driver_data.assign(bytes, bytes + data->PrivateDriverDataSize);
  }
  return S_OK;
}

HRESULT KernelDevice::AllocateOne(D3DDDI_ALLOCATIONINFO* info, HANDLE resource) {
  info->hAllocation = 0;
  abi::AllocationData data;
  // Memory of the process as backing (pSystemMem) is not offered.
  if (info->pPrivateDriverData == nullptr || info->PrivateDriverDataSize < sizeof(data) ||
      info->pSystemMem != nullptr) {
    return E_INVALIDARG;
  }
  std::memcpy(&data, info->pPrivateDriverData, sizeof(data));
  const Result<kmd::AllocationHandle> made = kernel_->adapter().Allocate(handle_, data);
  if (!made.ok()) return HresultOf(made.fault());
  allocations_[made.value()] = {data, resource, {}};
  info->hAllocation = made.value();
  return S_OK;
}

HRESULT KernelDevice::Deallocate(const D3DDDICB_DEALLOCATE* data) {
  if (data->hResource != nullptr) return FreeResource(data->hResource);
  if (data->HandleList == nullptr) return E_INVALIDARG;
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    if (const HRESULT result = Free(data->HandleList[i]); FAILED(result)) return result;
  }
  return S_OK;
}

HRESULT KernelDevice::FreeResource(HANDLE resource) {
  std::vector<D3DKMT_HANDLE> handles;
  for (const auto& [handle, allocation] : allocations_) {
    if (allocation.resource == resource) handles.push_back(handle);
  }
  if (handles.empty()) return E_INVALIDARG;
  for (const D3DKMT_HANDLE handle : handles) {
    if (const HRESULT result = Free(handle); FAILED(result)) return result;
  }
  return S_OK;
}

HRESULT KernelDevice::Free(D3DKMT_HANDLE handle) {
  if (allocations_.erase(handle) == 0) return E_INVALIDARG;
  return Conclude(kernel_->adapter().Free(handle_, handle));
}

HRESULT KernelDevice::Share(HANDLE resource, ConstByteSpan runtime_data, uint32_t* handle) {
  *handle = 0;
  const auto is_its = [resource](const auto& entry) { return entry.second.resource == resource; };
  const auto found = std::find_if(allocations_.begin(), allocations_.end(), is_its);
  // A resource of one allocation, as this driver makes them.
  if (resource == nullptr || found == allocations_.end() || found->second.data.sharing == 0 ||
      std::count_if(allocations_.begin(), allocations_.end(), is_its) != 1) {
    return E_INVALIDARG;
  }
  *handle = kernel_->next_shared_;
  kernel_->next_shared_ += 0x40;
  kernel_->shared_[*handle] = {
      this, resource, found->second.driver_data, {runtime_data.begin(), runtime_data.end()}};
  return S_OK;
}

HRESULT KernelDevice::OpenShared(uint32_t handle, HANDLE resource, D3DKMT_HANDLE* allocation,
                                 abi::AllocationData* data) {
  *allocation = 0;
  const SharedResource* shared = kernel_->FindShared(handle);
  if (shared == nullptr) return E_INVALIDARG;
  const auto& theirs = shared->owner->allocations_;
  const auto found = std::find_if(theirs.begin(), theirs.end(), [shared](const auto& entry) {
    return entry.second.resource == shared->resource;
  });
  if (found == theirs.end()) return E_INVALIDARG;  // it was destroyed
  const Result<kmd::AllocationHandle> opened =
      kernel_->adapter().OpenShared(handle_, shared->owner->handle_, found->first);
  if (!opened.ok()) return HresultOf(opened.fault());
  *data = found->second.data;
  *allocation = opened.value();
  allocations_[opened.value()] = {*data, resource, {}};
  return S_OK;
}

HRESULT KernelDevice::Lock(D3DDDICB_LOCK* data) {
  data->pData = nullptr;
  Result<ByteSpan> bytes = kernel_->adapter().Lock(handle_, data->hAllocation);
  if (!bytes.ok()) return Conclude(bytes.fault());
  data->pData = bytes.value().data();
  return S_OK;
}

HRESULT KernelDevice::Unlock(const D3DDDICB_UNLOCK* data) {
  if (data->phAllocations == nullptr) return E_INVALIDARG;
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    const Result<void> result = kernel_->adapter().Unlock(handle_, data->phAllocations[i]);
    if (!result.ok()) return HresultOf(result.fault());
  }
  return S_OK;
}

bool KernelDevice::HaveAll(const D3DKMT_HANDLE* handles, UINT count) const {
  return handles != nullptr && std::all_of(handles, handles + count, [this](D3DKMT_HANDLE handle) {
           return allocations_.contains(handle);
         });
}

HRESULT KernelDevice::SetPriority(D3DDDICB_SETPRIORITY* data) {
  const bool is_known = data->hResource == nullptr && data->pPriorities != nullptr &&
                        HaveAll(data->HandleList, data->NumAllocations);
  return is_known ? S_OK : E_INVALIDARG;
}

HRESULT KernelDevice::QueryResidency(const D3DDDICB_QUERYRESIDENCY* data) {
  if (data->hResource != nullptr || data->pResidencyStatus == nullptr ||
      !HaveAll(data->HandleList, data->NumAllocations)) {
    return E_INVALIDARG;
  }
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    const Result<kmd::Place> place = kernel_->adapter().PlaceOf(handle_, data->HandleList[i]);
    if (!place.ok()) return HresultOf(place.fault());
    data->pResidencyStatus[i] = ResidencyOf(place.value());
  }
  return S_OK;
}

HRESULT KernelDevice::SetDisplayMode(D3DDDICB_SETDISPLAYMODE* data) {
  const auto found = allocations_.find(data->hPrimaryAllocation);
  if (found == allocations_.end() || found->second.data.width == 0) return E_INVALIDARG;
  const abi::AllocationData& surface = found->second.data;
  const Result<void> mode = kernel_->SetMode(surface.width, surface.height);
  if (!mode.ok() || contexts_.empty()) return Conclude(mode);
  return Flip(contexts_.begin()->first, found->first, {});
}

HRESULT KernelDevice::OfferAllocations(const D3DDDICB_OFFERALLOCATIONS* data) {
  if (data->pResources != nullptr || !HaveAll(data->HandleList, data->NumAllocations)) {
    return E_INVALIDARG;
  }
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    const Result<void> result = kernel_->adapter().Offer(handle_, data->HandleList[i]);
    if (!result.ok()) return HresultOf(result.fault());
  }
  return S_OK;
}

HRESULT KernelDevice::ReclaimAllocations(const D3DDDICB_RECLAIMALLOCATIONS* data) {
  if (data->pResources != nullptr || !HaveAll(data->HandleList, data->NumAllocations)) {
    return E_INVALIDARG;
  }
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    const Result<bool> kept = kernel_->adapter().Reclaim(handle_, data->HandleList[i]);
    if (!kept.ok()) return HresultOf(kept.fault());
    if (data->pDiscarded != nullptr) data->pDiscarded[i] = kept.value() ? FALSE : TRUE;
  }
  return S_OK;
}

HRESULT KernelDevice::CreateContext(D3DDDICB_CREATECONTEXT* data) {
  if (data->NodeOrdinal != 0) return E_INVALIDARG;  // one node: the command processor
  const Result<kmd::ContextHandle> made = kernel_->adapter().CreateContext(handle_);
  if (!made.ok()) return HresultOf(made.fault());
  // The device had this priority already, so the adapter takes it.
  std::ignore =
      kernel_->adapter().SetPriority(handle_, made.value(), kmd::PriorityOf(gpu_thread_priority_));
  const auto [at, is_new] =
      contexts_.try_emplace(made.value(), &kernel_->adapter(), handle_, made.value());
  data->hContext = ToHandle(made.value());
  at->second.HandOut(data);
  return S_OK;
}

HRESULT KernelDevice::SetGpuThreadPriority(INT priority) {
  if (priority < kmd::kLowestSchedulingPriority || priority > kmd::kHighestSchedulingPriority) {
    return E_INVALIDARG;
  }
  for (const auto& [handle, context] : contexts_) {
    const Result<void> set =
        kernel_->adapter().SetPriority(handle_, handle, kmd::PriorityOf(priority));
    if (!set.ok()) return HresultOf(set.fault());
  }
  gpu_thread_priority_ = priority;
  return S_OK;
}

HRESULT KernelDevice::DestroyContext(const D3DDDICB_DESTROYCONTEXT* data) {
  const KernelContext* context = FindContext(data->hContext);
  if (context == nullptr) return E_INVALIDARG;
  const kmd::ContextHandle handle = context->handle();
  contexts_.erase(handle);
  return Conclude(kernel_->adapter().DestroyContext(handle_, handle));
}

HRESULT KernelDevice::Render(D3DDDICB_RENDER* data) {
  KernelContext* context = FindContext(data->hContext);
  if (context == nullptr || data->BroadcastContextCount != 0) return E_INVALIDARG;
  const HRESULT result = Conclude(context->Submit(*data));
  // The driver goes on writing into the buffers also after a failure.
  context->HandOut(data);
  return result;
}

HRESULT KernelDevice::Escape(const D3DDDICB_ESCAPE* data) {
  uint32_t escape = 0;
  if (data->pPrivateDriverData == nullptr || data->PrivateDriverDataSize < sizeof(escape)) {
    return E_INVALIDARG;
  }
  std::memcpy(&escape, data->pPrivateDriverData, sizeof(escape));
  switch (escape) {
    case kEscapeQueueReport:
      return ReportQueue(*data);
    case kEscapeTellEvents:
    case kEscapeAskEvents:
      return ExchangeEvents(*data);
    default:
      return E_INVALIDARG;
  }
}

HRESULT KernelDevice::ReportQueue(const D3DDDICB_ESCAPE& data) {
  const KernelContext* context = FindContext(data.hContext);
  if (context == nullptr || data.PrivateDriverDataSize < sizeof(abi::QueueReport)) {
    return E_INVALIDARG;
  }
  const Result<abi::QueueReport> answer = kernel_->adapter().Report(handle_, context->handle());
  if (!answer.ok()) return HresultOf(answer.fault());
  abi::QueueReport report = answer.value();
  report.escape = kEscapeQueueReport;
  std::memcpy(data.pPrivateDriverData, &report, sizeof(report));
  return S_OK;
}

HRESULT KernelDevice::ExchangeEvents(const D3DDDICB_ESCAPE& data) {
  abi::EventReport report;
  if (data.PrivateDriverDataSize < sizeof(report)) return E_INVALIDARG;
  std::memcpy(&report, data.pPrivateDriverData, sizeof(report));
  if (report.escape == kEscapeTellEvents) {
    return kernel_->events().Tell(handle_, report) ? S_OK : E_INVALIDARG;
  }
  if (!kernel_->events().Ask(handle_, &report)) return E_INVALIDARG;
  std::memcpy(data.pPrivateDriverData, &report, sizeof(report));
  return S_OK;
}

HRESULT KernelDevice::Present(const DXGIDDICB_PRESENT* data) {
  const KernelContext* context = FindContext(data->hContext);
  if (context == nullptr || !HaveAll(&data->hSrcAllocation, 1)) return E_INVALIDARG;
  // The driver drew the picture into a surface that is shown by somebody else, and only tells.
  if (data->hDstAllocation != 0) return HaveAll(&data->hDstAllocation, 1) ? S_OK : E_INVALIDARG;
  const auto found = presentations_.find(data->pDXGIContext);
  return Flip(context->handle(), data->hSrcAllocation,
              found == presentations_.end() ? kmd::Presentation() : found->second);
}

HRESULT KernelDevice::Flip(kmd::ContextHandle context, D3DKMT_HANDLE handle,
                           const kmd::Presentation& presentation) {
  const abi::AllocationData& surface = allocations_.at(handle).data;
  if (surface.width == 0) return E_INVALIDARG;
  return Conclude(kernel_->adapter().Present(handle_, context, handle, surface.width,
                                             surface.height, surface.pitch, presentation));
}

KernelContext* KernelDevice::FindContext(HANDLE handle) {
  const auto number = reinterpret_cast<uintptr_t>(handle);
  if (number > UINT32_MAX) return nullptr;
  const auto found = contexts_.find(static_cast<kmd::ContextHandle>(number));
  return found == contexts_.end() ? nullptr : &found->second;
}

}  // namespace ward::runtime
