#include "umd/device_ddi.h"

#include <cstddef>
#include <cstring>

#include "base/rule.h"
#include "umd/authenticated_channel_ddi.h"
#include "umd/content_protection_ddi.h"
#include "umd/ddi/d3d11_1_ddi.h"
#include "umd/device.h"
#include "umd/hardware_protection_ddi.h"
#include "umd/resource_ddi.h"
#include "umd/resource_layout.h"
#include "umd/scaled_copy.h"
#include "umd/unsupported_function.h"
#include "umd/video_decoder_ddi.h"
#include "umd/video_processor_ddi.h"

namespace ward::umd {

namespace {

BOOL APIENTRY Flush(D3D10DDI_HDEVICE hDevice, UINT) {
  Device* device = Device::From(hDevice);
  if (device == nullptr) return FALSE;
  bool submitted = false;
  const HRESULT result = device->commands().Flush(&submitted);
  device->Report(result);
  // Last, so that the work is under way while this waits; nothing when there were no blts.
  device->sessions().FetchRefusals();
  return submitted && SUCCEEDED(result) ? TRUE : FALSE;
}

void APIENTRY CheckFormatSupport(D3D10DDI_HDEVICE hDevice, DXGI_FORMAT format, UINT* caps) {
  const Device* device = Device::From(hDevice);
  if (caps == nullptr || device == nullptr) return;
  if (TexelBytes(format) == 0) {
    *caps = D3D10_DDI_FORMAT_SUPPORT_NOT_SUPPORTED;
    return;
  }
  *caps = 0;
  if (IsScalableSource(*device, format)) {
    *caps |= D3D11_1DDI_FORMAT_SUPPORT_VIDEO_PROCESSOR_INPUT;
  }
  if (IsScalableDestination(format)) *caps |= D3D11_1DDI_FORMAT_SUPPORT_VIDEO_PROCESSOR_OUTPUT;
  if (format == DXGI_FORMAT_NV12) *caps |= D3D11_1DDI_FORMAT_SUPPORT_DECODER_OUTPUT;
}

void APIENTRY CheckMultisampleQualityLevels(D3D10DDI_HDEVICE, DXGI_FORMAT format, UINT sample_count,
                                            UINT* levels) {
  if (levels == nullptr) return;
  *levels = sample_count == 1 && TexelBytes(format) != 0 ? 1 : 0;
}

void APIENTRY CheckCounterInfo(D3D10DDI_HDEVICE, D3D10DDI_COUNTER_INFO* info) {
  if (info != nullptr) *info = {};
}

void APIENTRY CheckDirectFlipSupport(D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D10DDI_HRESOURCE, UINT,
                                     BOOL* supported) {
  if (supported != nullptr) *supported = FALSE;
}

// A hint; contents may stay.
void APIENTRY Discard(D3D10DDI_HDEVICE, D3D11DDI_HANDLETYPE, void*, const D3D10_DDI_RECT*, UINT) {}

void APIENTRY RelocateDeviceFuncs(D3D10DDI_HDEVICE, D3D11_1DDI_DEVICEFUNCS* functions) {
  if (functions != nullptr) FillDeviceFunctions(functions);
}

void APIENTRY DestroyDevice(D3D10DDI_HDEVICE hDevice) {
  Device* device = Device::From(hDevice);
  if (device == nullptr) return;
  device->Close();
  device->~Device();
}

void MarkUndeclaredSizes(D3D11_1DDI_DEVICEFUNCS* functions) {
  MarkUnsupported(
      functions->pfnCalcPrivateShaderResourceViewSize,
      functions->pfnCalcPrivateRenderTargetViewSize, functions->pfnCalcPrivateDepthStencilViewSize,
      functions->pfnCalcPrivateElementLayoutSize, functions->pfnCalcPrivateBlendStateSize,
      functions->pfnCalcPrivateDepthStencilStateSize, functions->pfnCalcPrivateRasterizerStateSize,
      functions->pfnCalcPrivateShaderSize, functions->pfnCalcPrivateGeometryShaderWithStreamOutput,
      functions->pfnCalcPrivateSamplerSize, functions->pfnCalcPrivateQuerySize,
      functions->pfnCalcPrivateDeferredContextSize, functions->pfnCalcPrivateCommandListSize,
      functions->pfnCalcPrivateTessellationShaderSize,
      functions->pfnCalcPrivateUnorderedAccessViewSize);
}

}  // namespace

void FillDeviceFunctions(D3D11_1DDI_DEVICEFUNCS* functions) {
  // First every slot, then those whose type the DDI headers declare.
  constexpr size_t kSlots = sizeof(*functions) / sizeof(PFND3D_UNDECLARED);
  PFND3D_UNDECLARED unsupported[kSlots];
  for (PFND3D_UNDECLARED& slot : unsupported) MarkUnsupported(slot);
  static_assert(sizeof(unsupported) == sizeof(*functions));
  std::memcpy(static_cast<void*>(functions), unsupported, sizeof(unsupported));
  MarkUndeclaredSizes(functions);
  MarkUnsupported(functions->pfnResourceResolveSubresource, functions->pfnSetTextFilterSize,
                  functions->pfnCheckDeferredContextHandleSizes,
                  functions->pfnCalcDeferredContextHandleSize);
  FillResourceFunctions(functions);
  functions->pfnFlush = Flush;
  functions->pfnCheckFormatSupport = CheckFormatSupport;
  functions->pfnCheckMultisampleQualityLevels = CheckMultisampleQualityLevels;
  functions->pfnCheckCounterInfo = CheckCounterInfo;
  functions->pfnCheckDirectFlipSupport = CheckDirectFlipSupport;
  functions->pfnDiscard = Discard;
  functions->pfnRelocateDeviceFuncs = RelocateDeviceFuncs;
  functions->pfnDestroyDevice = DestroyDevice;
}

namespace {

void FillVideoFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions) {
  FillVideoDecoderFunctions(functions);
  FillVideoProcessorFunctions(functions);
  FillContentProtectionFunctions(functions);
  FillAuthenticatedChannelFunctions(functions);
}

void FillVideoFunctions(D3DWDDM2_0DDI_VIDEODEVICEFUNCS* functions) {
  FillVideoFunctions(static_cast<D3D11_1DDI_VIDEODEVICEFUNCS*>(functions));
  FillWddm2ContentProtectionFunctions(functions);
  FillHardwareProtectionFunctions(functions);
  MarkUnsupported(
      functions->pfnQueryVideoCapabilities, functions->pfnCheckVideoProcessorFormatConversion,
      functions->pfnVideoDecoderEnableDownsampling, functions->pfnVideoDecoderUpdateDownsampling,
      functions->pfnVideoProcessorSetStreamMirror, functions->pfnVideoProcessorSetOutputColorSpace1,
      functions->pfnVideoProcessorSetStreamColorSpace1,
      functions->pfnVideoProcessorSetOutputShaderUsage,
      functions->pfnVideoProcessorGetBehaviorHints);
}

void FillVideoFunctions(D3DWDDM2_1DDI_VIDEODEVICEFUNCS* functions) {
  FillVideoFunctions(static_cast<D3DWDDM2_0DDI_VIDEODEVICEFUNCS*>(functions));
  MarkUnsupported(functions->pfnVideoProcessorSetOutputHDRMetaData,
                  functions->pfnVideoProcessorSetStreamHDRMetaData);
}

void FillVideoFunctions(D3DWDDM2_4DDI_VIDEODEVICEFUNCS* functions) {
  FillVideoFunctions(static_cast<D3DWDDM2_1DDI_VIDEODEVICEFUNCS*>(functions));
  FillMultiThreadedKeyExchange(functions);
}

// Every VIDEO_INPUT is {BOOL Relocate; Table* table}. Moved tables are filled again, as new ones.
// Slot 83 is SubmitBuffers1 up to WDDM 2.1 and SubmitBuffers2 from 2.4 on: kFillDecoder knows.
template <typename Table, auto kFillDecoder>
bool FillTable(SIZE_T parameter_size, const void* parameters) {
  struct VideoInput {
    BOOL relocate;
    Table* table;
  };
  static_assert(sizeof(VideoInput) == sizeof(D3D11_1DDI_VIDEO_INPUT));
  if (parameters == nullptr || WARD_RULE("R2.input_size", parameter_size < sizeof(VideoInput))) {
    return false;
  }
  VideoInput input;
  std::memcpy(&input, parameters, sizeof(input));
  if (input.table == nullptr) return false;
  if (WARD_BROKEN("R2.table")) return true;
  FillVideoFunctions(input.table);
  kFillDecoder(input.table);
  return true;
}

using TableFiller = bool (*)(SIZE_T parameter_size, const void* parameters);

TableFiller FindFiller(UINT32 sub_device_id) {
  switch (sub_device_id) {
    case D3D11_1DDI_VIDEO_FUNCTIONS:
      return FillTable<D3D11_1DDI_VIDEODEVICEFUNCS, FillVideoDecoderFunctions>;
    case D3DWDDM2_0DDI_VIDEO_FUNCTIONS:
      return FillTable<D3DWDDM2_0DDI_VIDEODEVICEFUNCS, FillVideoDecoderFunctions2_0>;
    case D3DWDDM2_1DDI_VIDEO_FUNCTIONS:
      return FillTable<D3DWDDM2_1DDI_VIDEODEVICEFUNCS, FillVideoDecoderFunctions2_0>;
    case D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0:
      return FillTable<D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0, FillVideoDecoderFunctions2_4>;
    case D3DWDDM2_4DDI_VIDEO_FUNCTIONS:
      return FillTable<D3DWDDM2_4DDI_VIDEODEVICEFUNCS, FillVideoDecoderFunctions2_4>;
    default:
      return WARD_BROKEN("R2.sub_device")
                 ? FillTable<D3D11_1DDI_VIDEODEVICEFUNCS, FillVideoDecoderFunctions>
                 : nullptr;
  }
}

}  // namespace

HRESULT APIENTRY RetrieveSubObject(D3D10DDI_HDEVICE hDevice, UINT32 sub_device_id,
                                   SIZE_T parameter_size, void* parameters, SIZE_T, void*) {
  Device* device = Device::From(hDevice);
  if (device == nullptr) return E_INVALIDARG;
  const TableFiller fill = FindFiller(sub_device_id);
  if (fill == nullptr) return device->events().Refuse("RetrieveSubObject: no such sub-object");
  if (!fill(parameter_size, parameters)) {
    return device->events().Refuse("RetrieveSubObject without a table");
  }
  if (sub_device_id >= D3DWDDM2_0DDI_VIDEO_FUNCTIONS) device->NoteWddm2Table();
  return S_OK;
}

}  // namespace ward::umd
