// The oracle is the documented order: every list below is typed out in the order that the DDI's
// documentation gives, and each entry's offset must be eight times its place.
#include <cstddef>
#include <iterator>

#include "catch2/catch_test_macros.hpp"
#include "umd/ddi/d3d11_1_ddi.h"

namespace ward::umd {
namespace {

struct Slot {
  const char* name;
  size_t offset;
};

#define WARD_SLOT(table, name) {#name, offsetof(table, name)}

// D3D11_1DDI_DEVICEFUNCS.
const Slot kDeviceFunctions[] = {
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDefaultConstantBufferUpdateSubresourceUP),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnVsSetConstantBuffers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnPsSetShaderResources),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnPsSetShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnPsSetSamplers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnVsSetShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDrawIndexed),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDraw),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDynamicIABufferMapNoOverwrite),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDynamicIABufferUnmap),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDynamicConstantBufferMapDiscard),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDynamicIABufferMapDiscard),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDynamicConstantBufferUnmap),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnPsSetConstantBuffers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnIaSetInputLayout),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnIaSetVertexBuffers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnIaSetIndexBuffer),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDrawIndexedInstanced),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDrawInstanced),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDynamicResourceMapDiscard),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDynamicResourceUnmap),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnGsSetConstantBuffers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnGsSetShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnIaSetTopology),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnStagingResourceMap),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnStagingResourceUnmap),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnVsSetShaderResources),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnVsSetSamplers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnGsSetShaderResources),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnGsSetSamplers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnSetRenderTargets),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnShaderResourceViewReadAfterWriteHazard),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnResourceReadAfterWriteHazard),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnSetBlendState),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnSetDepthStencilState),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnSetRasterizerState),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnQueryEnd),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnQueryBegin),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnResourceCopyRegion),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnResourceUpdateSubresourceUP),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnSoSetTargets),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDrawAuto),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnSetViewports),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnSetScissorRects),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnClearRenderTargetView),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnClearDepthStencilView),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnSetPredication),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnQueryGetData),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnFlush),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnGenMips),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnResourceCopy),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnResourceResolveSubresource),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnResourceMap),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnResourceUnmap),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnResourceIsStagingBusy),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnRelocateDeviceFuncs),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateResourceSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateOpenedResourceSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateResource),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnOpenResource),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyResource),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateShaderResourceViewSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateShaderResourceView),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyShaderResourceView),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateRenderTargetViewSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateRenderTargetView),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyRenderTargetView),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateDepthStencilViewSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateDepthStencilView),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyDepthStencilView),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateElementLayoutSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateElementLayout),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyElementLayout),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateBlendStateSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateBlendState),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyBlendState),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateDepthStencilStateSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateDepthStencilState),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyDepthStencilState),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateRasterizerStateSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateRasterizerState),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyRasterizerState),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateShaderSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateVertexShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateGeometryShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreatePixelShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateGeometryShaderWithStreamOutput),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateGeometryShaderWithStreamOutput),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateSamplerSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateSampler),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroySampler),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateQuerySize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateQuery),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyQuery),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCheckFormatSupport),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCheckMultisampleQualityLevels),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCheckCounterInfo),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCheckCounter),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyDevice),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnSetTextFilterSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnResourceConvert),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnResourceConvertRegion),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDrawIndexedInstancedIndirect),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDrawInstancedIndirect),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCommandListExecute),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnHsSetShaderResources),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnHsSetShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnHsSetSamplers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnHsSetConstantBuffers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDsSetShaderResources),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDsSetShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDsSetSamplers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDsSetConstantBuffers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateHullShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateDomainShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCheckDeferredContextHandleSizes),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcDeferredContextHandleSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateDeferredContextSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateDeferredContext),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnAbandonCommandList),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateCommandListSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateCommandList),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyCommandList),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateTessellationShaderSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnPsSetShaderWithIfaces),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnVsSetShaderWithIfaces),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnGsSetShaderWithIfaces),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnHsSetShaderWithIfaces),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDsSetShaderWithIfaces),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCsSetShaderWithIfaces),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateComputeShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCsSetShader),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCsSetShaderResources),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCsSetSamplers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCsSetConstantBuffers),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCalcPrivateUnorderedAccessViewSize),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCreateUnorderedAccessView),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDestroyUnorderedAccessView),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnClearUnorderedAccessViewUint),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnClearUnorderedAccessViewFloat),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCsSetUnorderedAccessViews),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDispatch),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDispatchIndirect),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnSetResourceMinLOD),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCopyStructureCount),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnRecycleCommandList),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnRecycleCreateCommandList),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnRecycleCreateDeferredContext),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnRecycleDestroyCommandList),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDiscard),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnAssignDebugBinary),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnDynamicConstantBufferMapNoOverwrite),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnCheckDirectFlipSupport),
    WARD_SLOT(D3D11_1DDI_DEVICEFUNCS, pfnClearView),
};

// D3D11_1DDI_VIDEODEVICEFUNCS.
const Slot kVideoFunctions[] = {
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetVideoDecoderProfileCount),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetVideoDecoderProfile),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCheckVideoDecoderFormat),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetVideoDecoderConfigCount),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetVideoDecoderConfig),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetVideoDecoderBufferTypeCount),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetVideoDecoderBufferInfo),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCalcPrivateVideoDecoderSize),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCreateVideoDecoder),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnDestroyVideoDecoder),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoDecoderExtension),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoDecoderBeginFrame),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoDecoderEndFrame),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoDecoderSubmitBuffers),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCalcPrivateVideoProcessorEnumSize),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCreateVideoProcessorEnum),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnDestroyVideoProcessorEnum),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCheckVideoProcessorFormat),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetVideoProcessorCaps),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetVideoProcessorRateConversionCaps),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetVideoProcessorCustomRate),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetVideoProcessorFilterRange),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCalcPrivateVideoProcessorSize),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCreateVideoProcessor),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnDestroyVideoProcessor),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetOutputTargetRect),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetOutputBackgroundColor),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetOutputColorSpace),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetOutputAlphaFillMode),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetOutputConstriction),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetOutputStereoMode),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetOutputExtension),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorGetOutputExtension),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamFrameFormat),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamColorSpace),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamOutputRate),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamSourceRect),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamDestRect),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamAlpha),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamPalette),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamPixelAspectRatio),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamLumaKey),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamStereoFormat),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamAutoProcessingMode),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamFilter),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamExtension),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorGetStreamExtension),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorBlt),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCalcPrivateVideoDecoderOutputViewSize),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCreateVideoDecoderOutputView),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnDestroyVideoDecoderOutputView),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCalcPrivateVideoProcessorInputViewSize),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCreateVideoProcessorInputView),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnDestroyVideoProcessorInputView),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCalcPrivateVideoProcessorOutputViewSize),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCreateVideoProcessorOutputView),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnDestroyVideoProcessorOutputView),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorInputViewReadAfterWriteHazard),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetContentProtectionCaps),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetCryptoKeyExchangeType),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCalcPrivateCryptoSessionSize),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCreateCryptoSession),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnDestroyCryptoSession),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetCertificateSize),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetCertificate),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnNegotiateCryptoSessionKeyExchange),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnEncryptionBlt),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnDecryptionBlt),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnStartSessionKeyRefresh),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnFinishSessionKeyRefresh),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetEncryptionBltKey),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCalcPrivateAuthenticatedChannelSize),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCreateAuthenticatedChannel),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnDestroyAuthenticatedChannel),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnNegotiateAuthenticatedChannelKeyExchange),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnQueryAuthenticatedChannel),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnConfigureAuthenticatedChannel),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoDecoderGetHandle),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnCryptoSessionGetHandle),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamRotation),
    WARD_SLOT(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetCaptureHandle),
};

// D3DDDI_DEVICECALLBACKS.
const Slot kKernelCallbacks[] = {
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnAllocateCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnDeallocateCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSetPriorityCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnQueryResidencyCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSetDisplayModeCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnPresentCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnRenderCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnLockCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnUnlockCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnEscapeCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnCreateOverlayCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnUpdateOverlayCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnFlipOverlayCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnDestroyOverlayCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnCreateContextCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnDestroyContextCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnCreateSynchronizationObjectCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnDestroySynchronizationObjectCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnWaitForSynchronizationObjectCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSignalSynchronizationObjectCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSetAsyncCallbacksCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSetDisplayPrivateDriverFormatCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnOfferAllocationsCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnReclaimAllocationsCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnCreateSynchronizationObject2Cb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnWaitForSynchronizationObject2Cb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSignalSynchronizationObject2Cb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnPresentMultiPlaneOverlayCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnLogUMDMarkerCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnMakeResidentCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnEvictCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnWaitForSynchronizationObjectFromCpuCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSignalSynchronizationObjectFromCpuCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnWaitForSynchronizationObjectFromGpuCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSignalSynchronizationObjectFromGpuCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnCreatePagingQueueCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnDestroyPagingQueueCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnLock2Cb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnUnlock2Cb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnInvalidateCacheCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnReserveGpuVirtualAddressCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnMapGpuVirtualAddressCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnFreeGpuVirtualAddressCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnUpdateGpuVirtualAddressCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnCreateContextVirtualCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSubmitCommandCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnDeallocate2Cb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSignalSynchronizationObjectFromGpu2Cb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnReclaimAllocations2Cb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnGetResourcePresentPrivateDriverDataCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnUpdateAllocationPropertyCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnOfferAllocations2Cb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnReclaimAllocations3Cb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnAcquireResourceCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnReleaseResourceCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnCreateHwContextCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnDestroyHwContextCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnCreateHwQueueCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnDestroyHwQueueCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSubmitCommandToHwQueueCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSubmitWaitForSyncObjectsToHwQueueCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSubmitSignalSyncObjectsToHwQueueCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSubmitPresentBltToHwQueueCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSubmitPresentToHwQueueCb),
    WARD_SLOT(D3DDDI_DEVICECALLBACKS, pfnSubmitHistorySequenceCb),
};

template <size_t kCount>
void CheckOrder(const Slot (&slots)[kCount], size_t table_bytes) {
  CHECK(table_bytes == kCount * 8);
  for (size_t index = 0; index < kCount; ++index) {
    INFO(slots[index].name << " is documented as entry " << index);
    CHECK(slots[index].offset == index * 8);
  }
}

TEST_CASE("the device function table has the 155 documented entries in order") {
  CHECK(std::size(kDeviceFunctions) == 155);
  CheckOrder(kDeviceFunctions, sizeof(D3D11_1DDI_DEVICEFUNCS));
}

TEST_CASE("the video function table has the 81 documented entries in order") {
  CHECK(std::size(kVideoFunctions) == 81);
  CheckOrder(kVideoFunctions, sizeof(D3D11_1DDI_VIDEODEVICEFUNCS));
}

TEST_CASE("the kernel callback table has the 65 documented entries in order") {
  CHECK(std::size(kKernelCallbacks) == 65);
  CheckOrder(kKernelCallbacks, sizeof(D3DDDI_DEVICECALLBACKS));
}

TEST_CASE("content-protection entries are at the byte offsets that the documentation works out") {
  using Table = D3D11_1DDI_VIDEODEVICEFUNCS;
  CHECK(offsetof(Table, pfnGetContentProtectionCaps) == 464);
  CHECK(offsetof(Table, pfnGetCryptoKeyExchangeType) == 472);
  CHECK(offsetof(Table, pfnCalcPrivateCryptoSessionSize) == 480);
  CHECK(offsetof(Table, pfnCreateCryptoSession) == 488);
  CHECK(offsetof(Table, pfnDestroyCryptoSession) == 496);
  CHECK(offsetof(Table, pfnGetCertificateSize) == 504);
  CHECK(offsetof(Table, pfnGetCertificate) == 512);
  CHECK(offsetof(Table, pfnVideoDecoderBeginFrame) == 88);
  CHECK(offsetof(Table, pfnNegotiateCryptoSessionKeyExchange) == 520);
  CHECK(offsetof(Table, pfnEncryptionBlt) == 528);
  CHECK(offsetof(Table, pfnDecryptionBlt) == 536);
  CHECK(offsetof(Table, pfnStartSessionKeyRefresh) == 544);
  CHECK(offsetof(Table, pfnFinishSessionKeyRefresh) == 552);
  CHECK(offsetof(Table, pfnGetEncryptionBltKey) == 560);
  CHECK(offsetof(Table, pfnCalcPrivateAuthenticatedChannelSize) == 568);
  CHECK(offsetof(Table, pfnCreateAuthenticatedChannel) == 576);
  CHECK(offsetof(Table, pfnDestroyAuthenticatedChannel) == 584);
  CHECK(offsetof(Table, pfnNegotiateAuthenticatedChannelKeyExchange) == 592);
  CHECK(offsetof(Table, pfnQueryAuthenticatedChannel) == 600);
  CHECK(offsetof(Table, pfnConfigureAuthenticatedChannel) == 608);
  CHECK(offsetof(Table, pfnVideoDecoderGetHandle) == 616);
  CHECK(offsetof(Table, pfnCryptoSessionGetHandle) == 624);
}

TEST_CASE("the error callback is slot 0 of the core-layer callbacks") {
  CHECK(offsetof(D3D11DDI_CORELAYER_DEVICECALLBACKS, pfnSetErrorCb) == 0);
}

#undef WARD_SLOT

}  // namespace
}  // namespace ward::umd
