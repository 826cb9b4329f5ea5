// The device function table of the D3D11.1 interface. Entries that no caller here needs have an
// undeclared type; see undeclared_function.h. VOID functions report errors through pfnSetErrorCb.
#ifndef WARD_UMD_DDI_DEVICE_FUNCTIONS_H_
#define WARD_UMD_DDI_DEVICE_FUNCTIONS_H_

#include "umd/ddi/dxgi_types.h"
#include "umd/ddi/handles.h"
#include "umd/ddi/layout_check.h"
#include "umd/ddi/resource.h"
#include "umd/ddi/undeclared_function.h"
#include "umd/ddi/windows_types.h"

struct D3D11_1DDI_DEVICEFUNCS;

enum D3D11_1_DDI_FLUSH_FLAGS : INT {
  D3D11_1DDI_FLUSH_UNLESS_NO_COMMANDS = 0x00000001,
  D3DWDDM1_3DDI_TRIM_MEMORY = 0x00000002,
};

enum D3D11_1_DDI_CHECK_DIRECT_FLIP_FLAGS : INT {
  D3D11_1DDI_CHECK_DIRECT_FLIP_IMMEDIATE = 0x00000001,
};

enum D3D11DDI_HANDLETYPE : INT {
  D3D10DDI_HT_RESOURCE = 0,
  D3D10DDI_HT_SHADERRESOURCEVIEW = 1,
  D3D10DDI_HT_RENDERTARGETVIEW = 2,
  D3D10DDI_HT_DEPTHSTENCILVIEW = 3,
  D3D10DDI_HT_SHADER = 4,
  D3D10DDI_HT_ELEMENTLAYOUT = 5,
  D3D10DDI_HT_BLENDSTATE = 6,
  D3D10DDI_HT_DEPTHSTENCILSTATE = 7,
  D3D10DDI_HT_RASTERIZERSTATE = 8,
  D3D10DDI_HT_SAMPLERSTATE = 9,
  D3D10DDI_HT_QUERY = 10,
  D3D11DDI_HT_COMMANDLIST = 11,
  D3D11DDI_HT_UNORDEREDACCESSVIEW = 12,
  D3D11_1DDI_HT_DECODE = 13,
  D3D11_1DDI_HT_VIDEOPROCESSORENUM = 14,
  D3D11_1DDI_HT_VIDEOPROCESSOR = 15,
  D3D11_1DDI_HT_VIDEODECODEROUTPUTVIEW = 16,
  D3D11_1DDI_HT_VIDEOPROCESSORINPUTVIEW = 17,
  D3D11_1DDI_HT_VIDEOPROCESSOROUTPUTVIEW = 18,
};

struct D3D11DDI_HANDLESIZE {
  D3D11DDI_HANDLETYPE HandleType;
  SIZE_T DriverPrivateSize;
};
WARD_DDI_SIZE(D3D11DDI_HANDLESIZE, 16);
WARD_DDI_AT(D3D11DDI_HANDLESIZE, DriverPrivateSize, 8);

enum D3D10DDI_QUERY : INT;

struct D3D10DDI_COUNTER_INFO {
  D3D10DDI_QUERY LastDeviceDependentCounter;  // 0: the device has no counters of its own
  UINT NumSimultaneousCounters;
  UINT8 NumDetectableParallelUnits;
};
WARD_DDI_SIZE(D3D10DDI_COUNTER_INFO, 12);
WARD_DDI_AT(D3D10DDI_COUNTER_INFO, NumDetectableParallelUnits, 8);

using PFND3D10DDI_RESOURCEMAP = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                D3D10DDI_HRESOURCE hResource, UINT Subresource,
                                                D3D10_DDI_MAP DDIMap, UINT Flags,
                                                D3D10DDI_MAPPED_SUBRESOURCE* pMappedSubResource);
using PFND3D10DDI_RESOURCEUNMAP = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                  D3D10DDI_HRESOURCE hResource, UINT Subresource);
using PFND3D10DDI_RESOURCECOPY = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                 D3D10DDI_HRESOURCE hDstResource,
                                                 D3D10DDI_HRESOURCE hSrcResource);
using PFND3D11_1DDI_RESOURCECOPYREGION =
    void(APIENTRY*)(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hDstResource, UINT DstSubresource,
                    UINT DstX, UINT DstY, UINT DstZ, D3D10DDI_HRESOURCE hSrcResource,
                    UINT SrcSubresource, const D3D10_DDI_BOX* pSrcBox, UINT copyFlags);
using PFND3D11_1DDI_RESOURCEUPDATESUBRESOURCEUP =
    void(APIENTRY*)(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hDstResource, UINT DstSubresource,
                    const D3D10_DDI_BOX* pDstBox, const void* pSysMemUP, UINT RowPitch,
                    UINT DepthPitch, UINT CopyFlags);
using PFND3D10DDI_RESOURCEISSTAGINGBUSY = BOOL(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                          D3D10DDI_HRESOURCE hResource);
using PFND3D11_1DDI_RELOCATEDEVICEFUNCS = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                          D3D11_1DDI_DEVICEFUNCS* pDeviceFunctions);
using PFND3D11DDI_CALCPRIVATERESOURCESIZE =
    SIZE_T(APIENTRY*)(D3D10DDI_HDEVICE hDevice, const D3D11DDIARG_CREATERESOURCE* pCreateResource);
using PFND3D10DDI_CALCPRIVATEOPENEDRESOURCESIZE =
    SIZE_T(APIENTRY*)(D3D10DDI_HDEVICE hDevice, const D3D10DDIARG_OPENRESOURCE* pOpenResource);
using PFND3D11DDI_CREATERESOURCE =
    void(APIENTRY*)(D3D10DDI_HDEVICE hDevice, const D3D11DDIARG_CREATERESOURCE* pCreateResource,
                    D3D10DDI_HRESOURCE hResource, D3D10DDI_HRTRESOURCE hRTResource);
using PFND3D10DDI_OPENRESOURCE = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                 const D3D10DDIARG_OPENRESOURCE* pOpenResource,
                                                 D3D10DDI_HRESOURCE hResource,
                                                 D3D10DDI_HRTRESOURCE hRTResource);
using PFND3D10DDI_DESTROYRESOURCE = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                    D3D10DDI_HRESOURCE hResource);
using PFND3D10DDI_RESOURCEREADAFTERWRITEHAZARD = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                                 D3D10DDI_HRESOURCE hResource);
using PFND3D10DDI_RESOURCERESOLVESUBRESOURCE = void(APIENTRY*)(
    D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hDstResource, UINT DstSubresource,
    D3D10DDI_HRESOURCE hSrcResource, UINT SrcSubresource, DXGI_FORMAT ResolveFormat);
using PFND3D10DDI_CHECKFORMATSUPPORT = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice, DXGI_FORMAT Format,
                                                       UINT* pFormatCaps);
using PFND3D10DDI_CHECKMULTISAMPLEQUALITYLEVELS = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                                  DXGI_FORMAT Format,
                                                                  UINT SampleCount,
                                                                  UINT* pNumQualityLevels);
using PFND3D10DDI_CHECKCOUNTERINFO = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                     D3D10DDI_COUNTER_INFO* pCounterInfo);
using PFND3D10DDI_DESTROYDEVICE = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice);
using PFND3D10DDI_SETTEXTFILTERSIZE = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice, UINT Width,
                                                      UINT Height);
// True when something was submitted.
using PFND3D11_1DDI_FLUSH = BOOL(APIENTRY*)(D3D10DDI_HDEVICE hDevice, UINT FlushFlags);
using PFND3D11DDI_CHECKDEFERREDCONTEXTHANDLESIZES =
    void(APIENTRY*)(D3D10DDI_HDEVICE hDevice, UINT* pHSizes, D3D11DDI_HANDLESIZE* pHandleSize);
using PFND3D11DDI_CALCDEFERREDCONTEXTHANDLESIZE = SIZE_T(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                                    D3D11DDI_HANDLETYPE HandleType,
                                                                    void* pICObject);
using PFND3D11_1DDI_DISCARD = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                              D3D11DDI_HANDLETYPE HandleType, void* hResourceOrView,
                                              const D3D10_DDI_RECT* pRects, UINT NumRects);
using PFND3D11_1DDI_CHECKDIRECTFLIPSUPPORT = void(APIENTRY*)(D3D10DDI_HDEVICE hDevice,
                                                             D3D10DDI_HRESOURCE hResource1,
                                                             D3D10DDI_HRESOURCE hResource2,
                                                             UINT CheckDirectFlipFlags,
                                                             BOOL* pSupported);

struct D3D11_1DDI_DEVICEFUNCS {
  PFND3D11_1DDI_RESOURCEUPDATESUBRESOURCEUP pfnDefaultConstantBufferUpdateSubresourceUP;
  PFND3D_UNDECLARED pfnVsSetConstantBuffers;
  PFND3D_UNDECLARED pfnPsSetShaderResources;
  PFND3D_UNDECLARED pfnPsSetShader;
  PFND3D_UNDECLARED pfnPsSetSamplers;
  PFND3D_UNDECLARED pfnVsSetShader;
  PFND3D_UNDECLARED pfnDrawIndexed;
  PFND3D_UNDECLARED pfnDraw;
  PFND3D10DDI_RESOURCEMAP pfnDynamicIABufferMapNoOverwrite;
  PFND3D10DDI_RESOURCEUNMAP pfnDynamicIABufferUnmap;
  PFND3D10DDI_RESOURCEMAP pfnDynamicConstantBufferMapDiscard;
  PFND3D10DDI_RESOURCEMAP pfnDynamicIABufferMapDiscard;
  PFND3D10DDI_RESOURCEUNMAP pfnDynamicConstantBufferUnmap;
  PFND3D_UNDECLARED pfnPsSetConstantBuffers;
  PFND3D_UNDECLARED pfnIaSetInputLayout;
  PFND3D_UNDECLARED pfnIaSetVertexBuffers;
  PFND3D_UNDECLARED pfnIaSetIndexBuffer;
  PFND3D_UNDECLARED pfnDrawIndexedInstanced;
  PFND3D_UNDECLARED pfnDrawInstanced;
  PFND3D10DDI_RESOURCEMAP pfnDynamicResourceMapDiscard;
  PFND3D10DDI_RESOURCEUNMAP pfnDynamicResourceUnmap;
  PFND3D_UNDECLARED pfnGsSetConstantBuffers;
  PFND3D_UNDECLARED pfnGsSetShader;
  PFND3D_UNDECLARED pfnIaSetTopology;
  PFND3D10DDI_RESOURCEMAP pfnStagingResourceMap;
  PFND3D10DDI_RESOURCEUNMAP pfnStagingResourceUnmap;
  PFND3D_UNDECLARED pfnVsSetShaderResources;
  PFND3D_UNDECLARED pfnVsSetSamplers;
  PFND3D_UNDECLARED pfnGsSetShaderResources;
  PFND3D_UNDECLARED pfnGsSetSamplers;
  PFND3D_UNDECLARED pfnSetRenderTargets;
  PFND3D_UNDECLARED pfnShaderResourceViewReadAfterWriteHazard;
  PFND3D10DDI_RESOURCEREADAFTERWRITEHAZARD pfnResourceReadAfterWriteHazard;
  PFND3D_UNDECLARED pfnSetBlendState;
  PFND3D_UNDECLARED pfnSetDepthStencilState;
  PFND3D_UNDECLARED pfnSetRasterizerState;
  PFND3D_UNDECLARED pfnQueryEnd;
  PFND3D_UNDECLARED pfnQueryBegin;
  PFND3D11_1DDI_RESOURCECOPYREGION pfnResourceCopyRegion;
  PFND3D11_1DDI_RESOURCEUPDATESUBRESOURCEUP pfnResourceUpdateSubresourceUP;
  PFND3D_UNDECLARED pfnSoSetTargets;
  PFND3D_UNDECLARED pfnDrawAuto;
  PFND3D_UNDECLARED pfnSetViewports;
  PFND3D_UNDECLARED pfnSetScissorRects;
  PFND3D_UNDECLARED pfnClearRenderTargetView;
  PFND3D_UNDECLARED pfnClearDepthStencilView;
  PFND3D_UNDECLARED pfnSetPredication;
  PFND3D_UNDECLARED pfnQueryGetData;
  PFND3D11_1DDI_FLUSH pfnFlush;
  PFND3D_UNDECLARED pfnGenMips;
  PFND3D10DDI_RESOURCECOPY pfnResourceCopy;
  PFND3D10DDI_RESOURCERESOLVESUBRESOURCE pfnResourceResolveSubresource;
  PFND3D10DDI_RESOURCEMAP pfnResourceMap;
  PFND3D10DDI_RESOURCEUNMAP pfnResourceUnmap;
  PFND3D10DDI_RESOURCEISSTAGINGBUSY pfnResourceIsStagingBusy;
  PFND3D11_1DDI_RELOCATEDEVICEFUNCS pfnRelocateDeviceFuncs;
  PFND3D11DDI_CALCPRIVATERESOURCESIZE pfnCalcPrivateResourceSize;
  PFND3D10DDI_CALCPRIVATEOPENEDRESOURCESIZE pfnCalcPrivateOpenedResourceSize;
  PFND3D11DDI_CREATERESOURCE pfnCreateResource;
  PFND3D10DDI_OPENRESOURCE pfnOpenResource;
  PFND3D10DDI_DESTROYRESOURCE pfnDestroyResource;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateShaderResourceViewSize;
  PFND3D_UNDECLARED pfnCreateShaderResourceView;
  PFND3D_UNDECLARED pfnDestroyShaderResourceView;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateRenderTargetViewSize;
  PFND3D_UNDECLARED pfnCreateRenderTargetView;
  PFND3D_UNDECLARED pfnDestroyRenderTargetView;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateDepthStencilViewSize;
  PFND3D_UNDECLARED pfnCreateDepthStencilView;
  PFND3D_UNDECLARED pfnDestroyDepthStencilView;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateElementLayoutSize;
  PFND3D_UNDECLARED pfnCreateElementLayout;
  PFND3D_UNDECLARED pfnDestroyElementLayout;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateBlendStateSize;
  PFND3D_UNDECLARED pfnCreateBlendState;
  PFND3D_UNDECLARED pfnDestroyBlendState;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateDepthStencilStateSize;
  PFND3D_UNDECLARED pfnCreateDepthStencilState;
  PFND3D_UNDECLARED pfnDestroyDepthStencilState;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateRasterizerStateSize;
  PFND3D_UNDECLARED pfnCreateRasterizerState;
  PFND3D_UNDECLARED pfnDestroyRasterizerState;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateShaderSize;
  PFND3D_UNDECLARED pfnCreateVertexShader;
  PFND3D_UNDECLARED pfnCreateGeometryShader;
  PFND3D_UNDECLARED pfnCreatePixelShader;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateGeometryShaderWithStreamOutput;
  PFND3D_UNDECLARED pfnCreateGeometryShaderWithStreamOutput;
  PFND3D_UNDECLARED pfnDestroyShader;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateSamplerSize;
  PFND3D_UNDECLARED pfnCreateSampler;
  PFND3D_UNDECLARED pfnDestroySampler;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateQuerySize;
  PFND3D_UNDECLARED pfnCreateQuery;
  PFND3D_UNDECLARED pfnDestroyQuery;
  PFND3D10DDI_CHECKFORMATSUPPORT pfnCheckFormatSupport;
  PFND3D10DDI_CHECKMULTISAMPLEQUALITYLEVELS pfnCheckMultisampleQualityLevels;
  PFND3D10DDI_CHECKCOUNTERINFO pfnCheckCounterInfo;
  PFND3D_UNDECLARED pfnCheckCounter;
  PFND3D10DDI_DESTROYDEVICE pfnDestroyDevice;
  PFND3D10DDI_SETTEXTFILTERSIZE pfnSetTextFilterSize;
  PFND3D10DDI_RESOURCECOPY pfnResourceConvert;
  PFND3D11_1DDI_RESOURCECOPYREGION pfnResourceConvertRegion;
  PFND3D_UNDECLARED pfnDrawIndexedInstancedIndirect;
  PFND3D_UNDECLARED pfnDrawInstancedIndirect;
  PFND3D_UNDECLARED pfnCommandListExecute;
  PFND3D_UNDECLARED pfnHsSetShaderResources;
  PFND3D_UNDECLARED pfnHsSetShader;
  PFND3D_UNDECLARED pfnHsSetSamplers;
  PFND3D_UNDECLARED pfnHsSetConstantBuffers;
  PFND3D_UNDECLARED pfnDsSetShaderResources;
  PFND3D_UNDECLARED pfnDsSetShader;
  PFND3D_UNDECLARED pfnDsSetSamplers;
  PFND3D_UNDECLARED pfnDsSetConstantBuffers;
  PFND3D_UNDECLARED pfnCreateHullShader;
  PFND3D_UNDECLARED pfnCreateDomainShader;
  PFND3D11DDI_CHECKDEFERREDCONTEXTHANDLESIZES pfnCheckDeferredContextHandleSizes;
  PFND3D11DDI_CALCDEFERREDCONTEXTHANDLESIZE pfnCalcDeferredContextHandleSize;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateDeferredContextSize;
  PFND3D_UNDECLARED pfnCreateDeferredContext;
  PFND3D_UNDECLARED pfnAbandonCommandList;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateCommandListSize;
  PFND3D_UNDECLARED pfnCreateCommandList;
  PFND3D_UNDECLARED pfnDestroyCommandList;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateTessellationShaderSize;
  PFND3D_UNDECLARED pfnPsSetShaderWithIfaces;
  PFND3D_UNDECLARED pfnVsSetShaderWithIfaces;
  PFND3D_UNDECLARED pfnGsSetShaderWithIfaces;
  PFND3D_UNDECLARED pfnHsSetShaderWithIfaces;
  PFND3D_UNDECLARED pfnDsSetShaderWithIfaces;
  PFND3D_UNDECLARED pfnCsSetShaderWithIfaces;
  PFND3D_UNDECLARED pfnCreateComputeShader;
  PFND3D_UNDECLARED pfnCsSetShader;
  PFND3D_UNDECLARED pfnCsSetShaderResources;
  PFND3D_UNDECLARED pfnCsSetSamplers;
  PFND3D_UNDECLARED pfnCsSetConstantBuffers;
  PFND3D_UNDECLARED_SIZE pfnCalcPrivateUnorderedAccessViewSize;
  PFND3D_UNDECLARED pfnCreateUnorderedAccessView;
  PFND3D_UNDECLARED pfnDestroyUnorderedAccessView;
  PFND3D_UNDECLARED pfnClearUnorderedAccessViewUint;
  PFND3D_UNDECLARED pfnClearUnorderedAccessViewFloat;
  PFND3D_UNDECLARED pfnCsSetUnorderedAccessViews;
  PFND3D_UNDECLARED pfnDispatch;
  PFND3D_UNDECLARED pfnDispatchIndirect;
  PFND3D_UNDECLARED pfnSetResourceMinLOD;
  PFND3D_UNDECLARED pfnCopyStructureCount;
  PFND3D_UNDECLARED pfnRecycleCommandList;
  PFND3D_UNDECLARED pfnRecycleCreateCommandList;
  PFND3D_UNDECLARED pfnRecycleCreateDeferredContext;
  PFND3D_UNDECLARED pfnRecycleDestroyCommandList;
  PFND3D11_1DDI_DISCARD pfnDiscard;
  PFND3D_UNDECLARED pfnAssignDebugBinary;
  PFND3D10DDI_RESOURCEMAP pfnDynamicConstantBufferMapNoOverwrite;
  PFND3D11_1DDI_CHECKDIRECTFLIPSUPPORT pfnCheckDirectFlipSupport;
  PFND3D_UNDECLARED pfnClearView;
};
WARD_DDI_SIZE(D3D11_1DDI_DEVICEFUNCS, 155 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnDefaultConstantBufferUpdateSubresourceUP, 0 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnStagingResourceMap, 24 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnStagingResourceUnmap, 25 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnResourceCopyRegion, 38 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnFlush, 48 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnResourceCopy, 50 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnResourceMap, 52 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnResourceUnmap, 53 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnResourceIsStagingBusy, 54 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnRelocateDeviceFuncs, 55 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateResourceSize, 56 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateOpenedResourceSize, 57 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnCreateResource, 58 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnOpenResource, 59 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyResource, 60 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnCheckFormatSupport, 95 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyDevice, 99 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnDiscard, 150 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnCheckDirectFlipSupport, 153 * 8);
WARD_DDI_AT(D3D11_1DDI_DEVICEFUNCS, pfnClearView, 154 * 8);

#endif  // WARD_UMD_DDI_DEVICE_FUNCTIONS_H_
