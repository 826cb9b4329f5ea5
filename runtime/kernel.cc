#include "runtime/kernel.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "abi/generated/private_data.h"
#include "abi/generated/status.h"
#include "runtime/kernel_device.h"
#include "umd/ddi/status_codes.h"

namespace ward::runtime {

HRESULT HresultOf(const Fault& fault) {
  return static_cast<HRESULT>(abi::StatusHresult(fault.status));
}

Kernel::Kernel(abi::PciFunction* function, std::unique_ptr<kmd::Adapter> adapter)
    : function_(function), adapter_(std::move(adapter)), events_(adapter_->Info().session_count) {}

Result<std::unique_ptr<Kernel>> Kernel::Open(abi::PciFunction* function) {
  WARD_ASSIGN_OR_RETURN(std::unique_ptr<kmd::Adapter> adapter, kmd::Adapter::Open(function));
  return std::unique_ptr<Kernel>(new Kernel(function, std::move(adapter)));
}

Result<void> Kernel::SetMode(uint32_t width, uint32_t height) {
  return adapter_->SetMode(0, width, height);
}

const SharedResource* Kernel::FindShared(uint32_t handle) const {
  const auto found = shared_.find(handle);
  return found == shared_.end() ? nullptr : &found->second;
}

HRESULT Kernel::QueryAdapterInfo(const D3DDDICB_QUERYADAPTERINFO* data) {
  const abi::AdapterData info = adapter_->Info();
  if (data->pPrivateDriverData == nullptr || data->PrivateDriverDataSize < sizeof(info)) {
    return E_INVALIDARG;
  }
  std::memcpy(data->pPrivateDriverData, &info, sizeof(info));
  return S_OK;
}

HRESULT Kernel::Escape(const D3DDDICB_ESCAPE* data) {
  const auto found = std::find(devices_.begin(), devices_.end(), data->hDevice);
  if (found == devices_.end()) return E_INVALIDARG;
  return (*found)->Escape(data);
}

}  // namespace ward::runtime
