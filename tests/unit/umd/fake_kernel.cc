#include "tests/unit/umd/fake_kernel.h"

#include <algorithm>
#include <cstddef>

#include "abi/generated/registers.h"

namespace ward::umd {

namespace {

FakeKernel* From(HANDLE self) { return static_cast<FakeKernel*>(self); }

}  // namespace

FakeKernel::FakeKernel(uint64_t missing_features) {
  adapter_data = {0x00010000, 64,
                  abi::kFeaturesCopyEngineMask | abi::kFeaturesDecryptBltMask |
                      abi::kFeaturesEncryptBltMask | abi::kFeaturesVideoBltMask |
                      abi::kFeaturesDisplayMask | abi::kFeaturesContentKeyMask |
                      abi::kFeaturesKeyRefreshMask | abi::kFeaturesAuthenticatedChannelMask |
                      abi::kFeaturesHardwareDrmMask | abi::kFeaturesSubSamplesMask |
                      abi::kFeaturesKeyTeardownMask | abi::kFeaturesVideoFormatsMask,
                  64 << 20, 256 << 20};
  adapter_data.features &= ~missing_features;
  adapter_callbacks.pfnQueryAdapterInfoCb = QueryAdapterInfo;
  device_callbacks.pfnAllocateCb = Allocate;
  device_callbacks.pfnDeallocateCb = Deallocate;
  device_callbacks.pfnSetPriorityCb = SetPriority;
  device_callbacks.pfnQueryResidencyCb = QueryResidency;
  device_callbacks.pfnSetDisplayModeCb = SetDisplayMode;
  device_callbacks.pfnOfferAllocationsCb = OfferAllocations;
  device_callbacks.pfnReclaimAllocationsCb = ReclaimAllocations;
  device_callbacks.pfnLockCb = Lock;
  device_callbacks.pfnUnlockCb = Unlock;
  device_callbacks.pfnCreateContextCb = CreateContext;
  device_callbacks.pfnDestroyContextCb = DestroyContext;
  device_callbacks.pfnRenderCb = Render;
  device_callbacks.pfnEscapeCb = Escape;
  dxgi_callbacks.pfnPresentCb = Present;
  core_callbacks.pfnSetErrorCb = SetError;
}

std::vector<FakeKernel::Command> FakeKernel::Find(const std::string& name) const {
  std::vector<Command> found;
  for (const Command& command : commands) {
    if (command.name == name) found.push_back(command);
  }
  return found;
}

int FakeKernel::LockCount() const {
  int count = 0;
  for (const auto& [handle, allocation] : allocations) count += allocation.locks;
  return count;
}

HRESULT APIENTRY FakeKernel::QueryAdapterInfo(HANDLE self, const D3DDDICB_QUERYADAPTERINFO* data) {
  FakeKernel* kernel = From(self);
  if (data->PrivateDriverDataSize != sizeof(abi::AdapterData)) return E_INVALIDARG;
  std::memcpy(data->pPrivateDriverData, &kernel->adapter_data, sizeof(abi::AdapterData));
  return kernel->query_result;
}

HRESULT APIENTRY FakeKernel::Allocate(HANDLE self, D3DDDICB_ALLOCATE* data) {
  FakeKernel* kernel = From(self);
  if (FAILED(kernel->allocate_result)) return kernel->allocate_result;
  D3DDDI_ALLOCATIONINFO& info = data->pAllocationInfo[0];
  if (data->NumAllocations != 1 || info.PrivateDriverDataSize != sizeof(abi::AllocationData)) {
    kernel->Violate("allocation without ALLOCATION_DATA");
    return E_INVALIDARG;
  }
  Allocation allocation = {};
  std::memcpy(&allocation.data, info.pPrivateDriverData, sizeof(allocation.data));
  allocation.bytes.resize(allocation.data.size_bytes);
  allocation.resource = data->hResource;
  if (data->pPrivateDriverData != nullptr) {
    const auto* bytes = static_cast<const uint8_t*>(data->pPrivateDriverData);
    allocation.resource_data.assign(bytes, bytes + data->PrivateDriverDataSize);
  }
  info.hAllocation = kernel->next_allocation_++;
  kernel->allocations[info.hAllocation] = allocation;
  return S_OK;
}

HRESULT APIENTRY FakeKernel::Deallocate(HANDLE self, const D3DDDICB_DEALLOCATE* data) {
  FakeKernel* kernel = From(self);
  if (data->hResource != nullptr && data->NumAllocations != 0) {
    kernel->Violate("deallocation by resource and by list");
  }
  const size_t freed = std::erase_if(kernel->allocations, [kernel, data](const auto& entry) {
    const D3DKMT_HANDLE* end = data->HandleList + data->NumAllocations;
    const bool is_meant = data->hResource != nullptr
                              ? entry.second.resource == data->hResource
                              : std::find(data->HandleList, end, entry.first) != end;
    if (is_meant && entry.second.locks != 0) kernel->Violate("deallocation of locked memory");
    return is_meant;
  });
  if (freed == 0) kernel->Violate("deallocation of nothing");
  return freed == 0 ? E_INVALIDARG : S_OK;
}

HRESULT APIENTRY FakeKernel::SetPriority(HANDLE self, D3DDDICB_SETPRIORITY* data) {
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    From(self)->allocations.at(data->HandleList[i]).priority = data->pPriorities[i];
  }
  return S_OK;
}

HRESULT APIENTRY FakeKernel::QueryResidency(HANDLE self, const D3DDDICB_QUERYRESIDENCY* data) {
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    data->pResidencyStatus[i] = From(self)->allocations.at(data->HandleList[i]).residency;
  }
  return S_OK;
}

HRESULT APIENTRY FakeKernel::SetDisplayMode(HANDLE self, D3DDDICB_SETDISPLAYMODE* data) {
  if (From(self)->allocations.at(data->hPrimaryAllocation).data.width == 0) {
    From(self)->Violate("display mode of no surface");
  }
  From(self)->primaries.push_back(data->hPrimaryAllocation);
  return S_OK;
}

HRESULT APIENTRY FakeKernel::OfferAllocations(HANDLE self, const D3DDDICB_OFFERALLOCATIONS* data) {
  if (data->pResources != nullptr) From(self)->Violate("offer by resource");
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    From(self)->allocations.at(data->HandleList[i]).offer_priority = data->Priority;
  }
  return S_OK;
}

// What was offered low is gone.
HRESULT APIENTRY FakeKernel::ReclaimAllocations(HANDLE self,
                                                const D3DDDICB_RECLAIMALLOCATIONS* data) {
  if (data->pResources != nullptr) From(self)->Violate("reclaim by resource");
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    Allocation& allocation = From(self)->allocations.at(data->HandleList[i]);
    data->pDiscarded[i] = allocation.offer_priority == D3DDDI_OFFER_PRIORITY_LOW ? TRUE : FALSE;
    allocation.offer_priority = 0;
  }
  return S_OK;
}

HRESULT APIENTRY FakeKernel::Lock(HANDLE self, D3DDDICB_LOCK* data) {
  FakeKernel* kernel = From(self);
  if (FAILED(kernel->lock_result)) return kernel->lock_result;
  const auto found = kernel->allocations.find(data->hAllocation);
  if (found == kernel->allocations.end()) {
    kernel->Violate("lock of an unknown allocation");
    return E_INVALIDARG;
  }
  if (found->second.data.segment == 2) {
    kernel->Violate("lock of protected memory");
    return E_INVALIDARG;
  }
  ++found->second.locks;
  data->pData = found->second.bytes.data();
  return S_OK;
}

HRESULT APIENTRY FakeKernel::Unlock(HANDLE self, const D3DDDICB_UNLOCK* data) {
  FakeKernel* kernel = From(self);
  for (UINT i = 0; i < data->NumAllocations; ++i) {
    Allocation& allocation = kernel->allocations.at(data->phAllocations[i]);
    if (allocation.locks == 0) kernel->Violate("unlock of what is not locked");
    --allocation.locks;
  }
  return S_OK;
}

HRESULT APIENTRY FakeKernel::CreateContext(HANDLE self, D3DDDICB_CREATECONTEXT* data) {
  FakeKernel* kernel = From(self);
  if (FAILED(kernel->context_result)) return kernel->context_result;
  data->hContext = reinterpret_cast<HANDLE>(kernel->next_context_++);
  Context& context = kernel->contexts_[data->hContext];
  kernel->MakeBuffers(&context);
  data->pCommandBuffer = context.buffer.data();
  data->CommandBufferSize = kernel->command_buffer_bytes;
  data->pAllocationList = context.allocation_list.data();
  data->AllocationListSize = kernel->list_entries;
  data->pPatchLocationList = context.patch_list.data();
  data->PatchLocationListSize = kernel->list_entries;
  return S_OK;
}

HRESULT APIENTRY FakeKernel::DestroyContext(HANDLE self, const D3DDDICB_DESTROYCONTEXT* data) {
  if (From(self)->contexts_.erase(data->hContext) == 0) {
    From(self)->Violate("destruction of an unknown context");
  }
  return S_OK;
}

HRESULT APIENTRY FakeKernel::Render(HANDLE self, D3DDDICB_RENDER* data) {
  FakeKernel* kernel = From(self);
  ++kernel->render_count;
  const auto found = kernel->contexts_.find(data->hContext);
  if (found == kernel->contexts_.end()) {
    kernel->Violate("submission to an unknown context");
    return E_INVALIDARG;
  }
  if (FAILED(kernel->render_result)) return kernel->render_result;
  const size_t first = kernel->commands.size();
  kernel->Record(found->second, *data);
  for (size_t i = first; i < kernel->commands.size(); ++i) kernel->Execute(kernel->commands[i]);
  kernel->MakeBuffers(&found->second);
  data->pNewCommandBuffer = found->second.buffer.data();
  data->NewCommandBufferSize = kernel->command_buffer_bytes;
  data->pNewAllocationList = found->second.allocation_list.data();
  data->NewAllocationListSize = kernel->list_entries;
  data->pNewPatchLocationList = found->second.patch_list.data();
  data->NewPatchLocationListSize = kernel->list_entries;
  return S_OK;
}

HRESULT APIENTRY FakeKernel::Escape(HANDLE self, const D3DDDICB_ESCAPE* data) {
  uint32_t escape = 0;
  if (data->PrivateDriverDataSize < sizeof(escape)) return E_INVALIDARG;
  std::memcpy(&escape, data->pPrivateDriverData, sizeof(escape));
  if (escape == 2 && data->PrivateDriverDataSize == sizeof(abi::EventReport)) {
    From(self)->event_reports.emplace_back();
    std::memcpy(&From(self)->event_reports.back(), data->pPrivateDriverData,
                sizeof(abi::EventReport));
    return S_OK;
  }
  abi::QueueReport report = {};
  if (escape != 1 || data->PrivateDriverDataSize != sizeof(report)) return E_INVALIDARG;
  ++From(self)->escape_count;
  report.escape = escape;
  report.fault_status = 0x201;
  std::memcpy(data->pPrivateDriverData, &report, sizeof(report));
  return S_OK;
}

HRESULT APIENTRY FakeKernel::Present(HANDLE self, const DXGIDDICB_PRESENT* data) {
  From(self)->presents.push_back(*data);
  return S_OK;
}

void APIENTRY FakeKernel::SetError(D3D10DDI_HRTCORELAYER self, HRESULT result) {
  From(self.handle)->errors.push_back(result);
}

void FakeKernel::MakeBuffers(Context* context) const {
  std::vector<uint8_t>(command_buffer_bytes, 0xCD).swap(context->buffer);
  std::vector<D3DDDI_ALLOCATIONLIST>(list_entries).swap(context->allocation_list);
  std::vector<D3DDDI_PATCHLOCATIONLIST>(list_entries).swap(context->patch_list);
}

void FakeKernel::Record(const Context& context, const D3DDDICB_RENDER& render) {
  const uint32_t length = render.CommandLength;
  const uint32_t allocation_count = render.NumAllocations;
  const uint32_t patch_count = render.NumPatchLocations;
  if (length > command_buffer_bytes || length % 16 != 0 || render.CommandOffset != 0) {
    return Violate("length of a submission");
  }
  uint32_t used_patches = 0;
  for (uint32_t at = 0; at < length;) {
    const auto* header = reinterpret_cast<const abi::CommandHeader*>(context.buffer.data() + at);
    const abi::CommandInfo* info = abi::FindCommand(header->opcode);
    if (info == nullptr || header->length == 0 || header->length > length - at) {
      return Violate("no command");
    }
    Command command = {
        info->name, {context.buffer.data() + at, context.buffer.data() + at + header->length}, {}};
    for (uint32_t i = 0; i < patch_count; ++i) {
      const D3DDDI_PATCHLOCATIONLIST& patch = context.patch_list[i];
      if (patch.PatchOffset < at || patch.PatchOffset >= at + header->length) continue;
      ++used_patches;
      if (patch.AllocationIndex >= allocation_count) return Violate("patch without allocation");
      const D3DDDI_ALLOCATIONLIST& entry = context.allocation_list[patch.AllocationIndex];
      command.addresses[patch.PatchOffset - at] = {entry.hAllocation, patch.AllocationOffset,
                                                   (entry.Value & 1) != 0};
    }
    CheckCommand(*info, command);
    commands.push_back(command);
    at += header->length;
  }
  if (used_patches != patch_count) Violate("patch outside every command");
}

// XRGB8888 has no chroma: the address stays zero.
bool FakeKernel::MayBeAbsent(const Command& command, uint32_t offset) {
  if (command.name != "VIDEO_BLT" || offset != offsetof(abi::VideoBltCommand, source_chroma)) {
    return false;
  }
  const auto blt = command.As<abi::VideoBltCommand>();
  return blt.source_format == 2 && blt.source_chroma == 0;
}

void FakeKernel::CheckCommand(const abi::CommandInfo& info, const Command& command) {
  const auto header = command.As<abi::CommandHeader>();
  if (info.privileged || !info.in_indirect) Violate(command.name + " is not for a user's buffer");
  if (header.length % 16 != 0 || header.length > 0x2000) Violate(command.name + ": length");
  if (info.variable ? header.length < info.size_bytes : header.length != info.size_bytes) {
    Violate(command.name + ": length");
  }
  if ((header.flags & ~info.flags) != 0) Violate(command.name + ": flags");
  if (!abi::ReservedIsZero(info.fields, info.field_count, command.bytes.data(),
                           static_cast<uint32_t>(command.bytes.size()))) {
    Violate(command.name + ": reserved field");
  }
  size_t address_count = 0;
  for (uint32_t i = 0; i < info.field_count; ++i) {
    if (info.fields[i].kind != abi::FieldKind::kAddress) continue;
    const auto place = command.addresses.find(info.fields[i].offset);
    if (place == command.addresses.end() && MayBeAbsent(command, info.fields[i].offset)) continue;
    ++address_count;
    if (place == command.addresses.end()) {
      Violate(command.name + "." + info.fields[i].name + " is not patched");
    } else if (!allocations.contains(place->second.allocation)) {
      Violate(command.name + "." + info.fields[i].name + ": no such allocation");
    }
  }
  if (address_count != command.addresses.size()) Violate(command.name + ": stray patch");
}

void FakeKernel::Execute(const Command& command) {
  if (command.name == "SECURITY_MESSAGE") Answer(command);
  if (command.name == "ENCRYPT_BLT" && !read_back_iv.empty()) {
    const Place& place = command.addresses.at(offsetof(abi::EncryptBltCommand, iv_address));
    std::copy(read_back_iv.begin(), read_back_iv.end(),
              allocations.at(place.allocation).bytes.begin() + place.offset);
  }
}

void FakeKernel::Answer(const Command& command) {
  const auto fixed = command.As<abi::SecurityMessageCommand>();
  if (fixed.length != 32 + (fixed.payload_bytes + 15) / 16 * 16) Violate("payload length");
  const uint8_t* payload = command.bytes.data() + 32;
  for (uint32_t i = 32 + fixed.payload_bytes; i < fixed.length; ++i) {
    if (command.bytes[i] != 0) Violate("payload padding");
  }
  messages.push_back({fixed.message, {payload, payload + fixed.payload_bytes}});
  if (!answer) return;
  uint32_t status = 0;
  const std::vector<uint8_t> body = answer(messages.back(), &status);
  const Place& place =
      command.addresses.at(offsetof(abi::SecurityMessageCommand, response_address));
  std::vector<uint8_t>& bytes = allocations.at(place.allocation).bytes;
  const uint32_t total = static_cast<uint32_t>(sizeof(abi::ResponseHeader) + body.size());
  if (place.offset % 16 != 0 || total > fixed.response_capacity ||
      place.offset + fixed.response_capacity > bytes.size()) {
    return Violate("response buffer");
  }
  abi::ResponseHeader header = {status, total, fixed.message, {}};
  if (spoil_header) spoil_header(&header);
  std::memcpy(bytes.data() + place.offset, &header, sizeof(header));
  if (!body.empty()) std::memcpy(bytes.data() + place.offset + 16, body.data(), body.size());
}

}  // namespace ward::umd
