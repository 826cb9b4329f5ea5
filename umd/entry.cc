#include "umd/entry.h"

#include <cstring>
#include <new>

#include "base/rule.h"
#include "umd/adapter.h"
#include "umd/ddi/d3d11_1_ddi.h"
#include "umd/device.h"
#include "umd/device_ddi.h"
#include "umd/dxgi_ddi.h"

namespace ward::umd {

namespace {

constexpr UINT64 kSupportedVersions[] = {D3D11_1_DDI_SUPPORTED};
constexpr UINT32 kSupportedVersionCount = sizeof(kSupportedVersions) / sizeof(UINT64);

Adapter* FindAdapter(D3D10DDI_HADAPTER handle) { return static_cast<Adapter*>(handle.pDrvPrivate); }

HRESULT APIENTRY GetSupportedVersions(D3D10DDI_HADAPTER, UINT32* entries, UINT64* versions) {
  if (entries == nullptr) return E_INVALIDARG;
  if (versions != nullptr && WARD_RULE("1.2.array_size", *entries < kSupportedVersionCount)) {
    return E_NOT_SUFFICIENT_BUFFER;
  }
  *entries = kSupportedVersionCount;
  if (versions != nullptr) std::memcpy(versions, kSupportedVersions, sizeof(kSupportedVersions));
  if (WARD_BROKEN("R1.version") && versions != nullptr) ++*versions;
  return S_OK;
}

template <typename Caps>
HRESULT WriteCaps(const D3D10_2DDIARG_GETCAPS& arguments, const Caps& caps) {
  if (arguments.pData == nullptr || arguments.DataSize < sizeof(caps)) return E_INVALIDARG;
  std::memcpy(arguments.pData, &caps, sizeof(caps));
  return S_OK;
}

HRESULT APIENTRY GetCaps(D3D10DDI_HADAPTER, const D3D10_2DDIARG_GETCAPS* arguments) {
  if (arguments == nullptr) return E_INVALIDARG;
  switch (arguments->Type) {
    case D3D11DDICAPS_THREADING:
      return WriteCaps(*arguments, D3D11DDI_THREADING_CAPS{0});
    case D3D11DDICAPS_SHADER:
      return WriteCaps(*arguments, D3D11DDI_SHADER_CAPS{0});
    case D3D11DDICAPS_3DPIPELINESUPPORT:
      // A device needs some level to be created. There is no 3D pipeline; this level asks least.
      return WriteCaps(*arguments,
                       D3D11DDI_3DPIPELINESUPPORT_CAPS{
                           D3D11DDI_ENCODE_3DPIPELINESUPPORT_CAP(D3D11_1DDI_3DPIPELINELEVEL_9_1)});
    case D3D11_1DDICAPS_D3D11_OPTIONS:
      return WriteCaps(*arguments, D3D11_1DDI_D3D11_OPTIONS_DATA{FALSE, FALSE});
    case D3D11_1DDICAPS_ARCHITECTURE_INFO:
      return WriteCaps(*arguments, D3D11_1DDI_ARCHITECTURE_INFO_DATA{FALSE});
    case D3D11_1DDICAPS_SHADER_MIN_PRECISION_SUPPORT:
      return WriteCaps(*arguments, D3D11_DDI_SHADER_MIN_PRECISION_SUPPORT_DATA{0, 0});
    default:
      return E_INVALIDARG;
  }
}

SIZE_T APIENTRY CalcPrivateDeviceSize(D3D10DDI_HADAPTER, const D3D10DDIARG_CALCPRIVATEDEVICESIZE*) {
  return sizeof(Device);
}

bool IsComplete(const D3D10DDIARG_CREATEDEVICE& arguments) {
  return arguments.Interface == D3D11_1_DDI_INTERFACE_VERSION &&
         arguments.pKTCallbacks != nullptr && arguments.p11_1DeviceFuncs != nullptr &&
         arguments.hDrvDevice.pDrvPrivate != nullptr;
}

HRESULT APIENTRY CreateDevice(D3D10DDI_HADAPTER hAdapter, D3D10DDIARG_CREATEDEVICE* arguments) {
  Adapter* adapter = FindAdapter(hAdapter);
  if (adapter == nullptr || arguments == nullptr || !IsComplete(*arguments)) return E_INVALIDARG;
  auto* device = new (arguments->hDrvDevice.pDrvPrivate) Device(*adapter, *arguments);
  const HRESULT result = device->Open();
  if (FAILED(result)) {
    device->~Device();
    return result;
  }
  FillDeviceFunctions(arguments->p11_1DeviceFuncs);
  if (arguments->DXGIBaseDDI.pDXGIDDIBaseFunctions3 != nullptr) {
    FillDxgiFunctions(arguments->DXGIBaseDDI.pDXGIDDIBaseFunctions3);
  }
  if (arguments->ppfnRetrieveSubObject != nullptr) {
    *arguments->ppfnRetrieveSubObject = RetrieveSubObject;
  }
  return S_OK;
}

HRESULT APIENTRY CloseAdapter(D3D10DDI_HADAPTER hAdapter) {
  delete FindAdapter(hAdapter);
  return S_OK;
}

}  // namespace

}  // namespace ward::umd

extern "C" HRESULT APIENTRY OpenAdapter10_2(D3D10DDIARG_OPENADAPTER* pOpenData) {
  using namespace ward::umd;
  if (pOpenData == nullptr || pOpenData->pAdapterCallbacks == nullptr ||
      pOpenData->pAdapterFuncs_2 == nullptr) {
    return E_INVALIDARG;
  }
  auto* adapter = new (std::nothrow) Adapter;
  if (adapter == nullptr) return E_OUTOFMEMORY;
  const HRESULT result = adapter->Open(*pOpenData);
  if (FAILED(result)) {
    delete adapter;
    return result;
  }
  pOpenData->hAdapter.pDrvPrivate = adapter;
  *pOpenData->pAdapterFuncs_2 = {CalcPrivateDeviceSize, CreateDevice, CloseAdapter,
                                 GetSupportedVersions, GetCaps};
  return S_OK;
}
