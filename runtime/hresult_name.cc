#include "runtime/hresult_name.h"

#include <cstdio>

namespace ward::runtime {
namespace {

struct NamedResult {
  HRESULT result;
  const char* name;
};

constexpr NamedResult kNames[] = {
    {S_OK, "S_OK"},
    {S_FALSE, "S_FALSE"},
    {E_NOTIMPL, "E_NOTIMPL"},
    {E_POINTER, "E_POINTER"},
    {E_FAIL, "E_FAIL"},
    {E_OUTOFMEMORY, "E_OUTOFMEMORY"},
    {E_INVALIDARG, "E_INVALIDARG"},
    {E_NOT_SUFFICIENT_BUFFER, "E_NOT_SUFFICIENT_BUFFER"},
    {D3DDDIERR_WASSTILLDRAWING, "D3DDDIERR_WASSTILLDRAWING"},
    {D3DDDIERR_NOTAVAILABLE, "D3DDDIERR_NOTAVAILABLE"},
    {D3DDDIERR_DEVICEREMOVED, "D3DDDIERR_DEVICEREMOVED"},
    {D3DERR_CANNOTPROTECTCONTENT, "D3DERR_CANNOTPROTECTCONTENT"},
    {D3DDDIERR_UNSUPPORTEDCRYPTO, "D3DDDIERR_UNSUPPORTEDCRYPTO"},
    {kErrorDeviceRemoved, "DXGI_ERROR_DEVICE_REMOVED"},
    {kErrorDeviceHung, "DXGI_ERROR_DEVICE_HUNG"},
    {kErrorDeviceReset, "DXGI_ERROR_DEVICE_RESET"},
    {kErrorUnsupported, "DXGI_ERROR_UNSUPPORTED"},
    {kErrorDriverInternal, "DXGI_ERROR_DRIVER_INTERNAL_ERROR"},
    {kErrorWasStillDrawing, "DXGI_ERROR_WAS_STILL_DRAWING"},
};

}  // namespace

std::string HresultName(HRESULT result) {
  for (const NamedResult& named : kNames) {
    if (named.result == result) return named.name;
  }
  char text[16];
  std::snprintf(text, sizeof(text), "0x%08X", static_cast<unsigned>(result));
  return text;
}

}  // namespace ward::runtime
