// HRESULTs of the API, which the runtime makes of the driver's, and their names for people.
#ifndef WARD_RUNTIME_HRESULT_NAME_H_
#define WARD_RUNTIME_HRESULT_NAME_H_

#include <string>

#include "umd/ddi/status_codes.h"  // IWYU pragma: export

namespace ward::runtime {

// DXGI_ERROR_DEVICE_REMOVED, _UNSUPPORTED and _DRIVER_INTERNAL_ERROR.
inline constexpr HRESULT kErrorDeviceRemoved = static_cast<HRESULT>(0x887A0005u);
// DXGI_ERROR_DEVICE_HUNG: the device's own work hung. DXGI_ERROR_DEVICE_RESET: somebody else's did,
// or the adapter was reset from outside.
inline constexpr HRESULT kErrorDeviceHung = static_cast<HRESULT>(0x887A0006u);
inline constexpr HRESULT kErrorDeviceReset = static_cast<HRESULT>(0x887A0007u);
inline constexpr HRESULT kErrorUnsupported = static_cast<HRESULT>(0x887A0004u);
inline constexpr HRESULT kErrorDriverInternal = static_cast<HRESULT>(0x887A0020u);
inline constexpr HRESULT kErrorWasStillDrawing = static_cast<HRESULT>(0x887A000Au);

// "E_INVALIDARG", or "0x80041234" for a number without a name here.
std::string HresultName(HRESULT result);

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_HRESULT_NAME_H_
