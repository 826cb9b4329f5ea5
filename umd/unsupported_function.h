// Entries of the DDI's tables that this driver does not have. Each does nothing, counts an event,
// zeroes what it would have written and answers E_NOTIMPL, or the least private size.
#ifndef WARD_UMD_UNSUPPORTED_FUNCTION_H_
#define WARD_UMD_UNSUPPORTED_FUNCTION_H_

#include <cstdint>
#include <type_traits>

#include "umd/ddi/d3d11_1_ddi.h"

namespace ward::umd {

// Counts an event of the device, or of the process when the entry is not told a device.
void CountUnsupported(void* device);
void CountUndeclared();
// Calls of entries whose arguments umd/ddi does not declare, in all devices of the process.
uint32_t UndeclaredCallCount();

template <typename Argument>
void ClearOutput(Argument argument) {
  if constexpr (std::is_pointer_v<Argument>) {
    using Pointee = std::remove_pointer_t<Argument>;
    if constexpr (!std::is_const_v<Pointee> && !std::is_void_v<Pointee>) {
      if (argument != nullptr) *argument = {};
    }
  }
}

template <typename Return>
Return UnsupportedAnswer() {
  if constexpr (std::is_same_v<Return, SIZE_T>) {
    return sizeof(void*);
  } else if constexpr (!std::is_void_v<Return>) {
    return E_NOTIMPL;
  }
}

template <typename Function>
struct UnsupportedFunction;

template <typename Return, typename... Arguments>
struct UnsupportedFunction<Return(APIENTRY*)(D3D10DDI_HDEVICE, Arguments...)> {
  static Return APIENTRY Call(D3D10DDI_HDEVICE hDevice, Arguments... arguments) {
    (ClearOutput(arguments), ...);
    CountUnsupported(hDevice.pDrvPrivate);
    return UnsupportedAnswer<Return>();
  }
};

// The DXGI functions' one argument names the device.
template <typename Argument>
struct UnsupportedFunction<HRESULT(APIENTRY*)(Argument*)> {
  static HRESULT APIENTRY Call(Argument* argument) {
    if (argument != nullptr) CountUnsupported(reinterpret_cast<void*>(argument->hDevice));
    return E_NOTIMPL;
  }
};

template <typename Return>
struct UnsupportedFunction<Return(APIENTRY*)()> {
  static Return APIENTRY Call() {
    CountUndeclared();
    return UnsupportedAnswer<Return>();
  }
};

template <typename... Functions>
void MarkUnsupported(Functions&... slots) {
  ((slots = UnsupportedFunction<Functions>::Call), ...);
}

}  // namespace ward::umd

#endif  // WARD_UMD_UNSUPPORTED_FUNCTION_H_
