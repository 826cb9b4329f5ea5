#include "umd/adapter.h"

#include "abi/generated/registers.h"
#include "umd/allocation_data.h"
#include "umd/ddi/status_codes.h"

namespace ward::umd {

HRESULT Adapter::Open(const D3D10DDIARG_OPENADAPTER& arguments) {
  runtime_handle_ = arguments.hRTAdapter.handle;
  const D3DDDICB_QUERYADAPTERINFO query = {&data_, sizeof(data_)};
  const HRESULT result =
      arguments.pAdapterCallbacks->pfnQueryAdapterInfoCb(runtime_handle_, &query);
  if (FAILED(result)) return result;
  const uint32_t difference = data_.abi_version ^ kDriverAbiVersion;
  return (difference & abi::kAbiVersionMajorMask) == 0 ? S_OK : D3DDDIERR_NOTAVAILABLE;
}

}  // namespace ward::umd
