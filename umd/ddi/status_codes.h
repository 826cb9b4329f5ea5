// HRESULTs that the DDI's functions and callbacks return. Names which <windows.h> already defines
// are left to it.
#ifndef WARD_UMD_DDI_STATUS_CODES_H_
#define WARD_UMD_DDI_STATUS_CODES_H_

#include "umd/ddi/windows_types.h"

#ifndef _WIN32
inline constexpr HRESULT S_OK = 0;
inline constexpr HRESULT S_FALSE = 1;
inline constexpr HRESULT E_NOTIMPL = static_cast<HRESULT>(0x80004001u);
inline constexpr HRESULT E_POINTER = static_cast<HRESULT>(0x80004003u);
inline constexpr HRESULT E_FAIL = static_cast<HRESULT>(0x80004005u);
inline constexpr HRESULT E_OUTOFMEMORY = static_cast<HRESULT>(0x8007000Eu);
inline constexpr HRESULT E_INVALIDARG = static_cast<HRESULT>(0x80070057u);
// HRESULT_FROM_WIN32(ERROR_INSUFFICIENT_BUFFER), from GetSupportedVersions.
inline constexpr HRESULT E_NOT_SUFFICIENT_BUFFER = static_cast<HRESULT>(0x8007007Au);
inline constexpr HRESULT DXGI_STATUS_NO_REDIRECTION = 0x087A0004;
inline constexpr HRESULT DXGI_DDI_ERR_WASSTILLDRAWING = static_cast<HRESULT>(0x887B0001u);
inline constexpr HRESULT DXGI_DDI_ERR_UNSUPPORTED = static_cast<HRESULT>(0x887B0002u);
inline constexpr HRESULT DXGI_DDI_ERR_NONEXCLUSIVE = static_cast<HRESULT>(0x887B0003u);
#endif

// MAKE_D3DHRESULT(n): severity 1, facility 0x876, code n.
#ifndef D3DERR_UNSUPPORTEDCRYPTO
inline constexpr HRESULT D3DERR_UNSUPPORTEDCRYPTO = static_cast<HRESULT>(0x8876087Eu);
#endif
#ifndef D3DERR_CANNOTPROTECTCONTENT
inline constexpr HRESULT D3DERR_CANNOTPROTECTCONTENT = static_cast<HRESULT>(0x8876087Du);
#endif
inline constexpr HRESULT D3DDDIERR_WASSTILLDRAWING = static_cast<HRESULT>(0x8876021Cu);
inline constexpr HRESULT D3DDDIERR_NOTAVAILABLE = static_cast<HRESULT>(0x8876086Au);
inline constexpr HRESULT D3DDDIERR_DEVICEREMOVED = static_cast<HRESULT>(0x88760870u);
// The pages also name "D3DERR_INVALID_CRYPTO", which no header defines; this is the code meant
// there.
inline constexpr HRESULT D3DDDIERR_UNSUPPORTEDCRYPTO = static_cast<HRESULT>(0x8876087Eu);

#endif  // WARD_UMD_DDI_STATUS_CODES_H_
