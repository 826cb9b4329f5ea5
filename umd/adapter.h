// What the driver keeps for an open adapter.
#ifndef WARD_UMD_ADAPTER_H_
#define WARD_UMD_ADAPTER_H_

#include "abi/generated/private_data.h"
#include "umd/ddi/adapter.h"

namespace ward::umd {

class Adapter {
 public:
  // Asks the kernel-mode driver what the device can do. The callback's HRESULT; NOTAVAILABLE for a
  // device of another major ABI version.
  HRESULT Open(const D3D10DDIARG_OPENADAPTER& arguments);

  HANDLE runtime_handle() const { return runtime_handle_; }
  const abi::AdapterData& data() const { return data_; }
  // True when the device has every feature of the mask (FEATURES).
  bool Has(uint64_t features) const { return (data_.features & features) == features; }

 private:
  HANDLE runtime_handle_ = nullptr;
  abi::AdapterData data_ = {};
};

}  // namespace ward::umd

#endif  // WARD_UMD_ADAPTER_H_
