// The runtime's core-layer callbacks. Only pfnSetErrorCb, slot 0 of every variant, is used here: it
// is how a function that returns nothing reports an error of its category. Any other code, S_OK
// included, makes the runtime remove the device.
#ifndef WARD_UMD_DDI_CORE_LAYER_CALLBACKS_H_
#define WARD_UMD_DDI_CORE_LAYER_CALLBACKS_H_

#include "umd/ddi/handles.h"
#include "umd/ddi/layout_check.h"
#include "umd/ddi/undeclared_function.h"
#include "umd/ddi/windows_types.h"

using PFND3D10DDI_SETERROR_CB = void(APIENTRY*)(D3D10DDI_HRTCORELAYER hRuntimeDevice,
                                                HRESULT hResult);

struct D3D11DDI_CORELAYER_DEVICECALLBACKS {
  PFND3D10DDI_SETERROR_CB pfnSetErrorCb;
  PFND3D_UNDECLARED pfnStateVsConstBufCb;
  PFND3D_UNDECLARED pfnStatePsSrvCb;
  PFND3D_UNDECLARED pfnStatePsShaderCb;
  PFND3D_UNDECLARED pfnStatePsSamplerCb;
  PFND3D_UNDECLARED pfnStateVsShaderCb;
  PFND3D_UNDECLARED pfnStatePsConstBufCb;
  PFND3D_UNDECLARED pfnStateIaInputLayoutCb;
  PFND3D_UNDECLARED pfnStateIaVertexBufCb;
  PFND3D_UNDECLARED pfnStateIaIndexBufCb;
  PFND3D_UNDECLARED pfnStateGsConstBufCb;
  PFND3D_UNDECLARED pfnStateGsShaderCb;
  PFND3D_UNDECLARED pfnStateIaPrimitiveTopologyCb;
  PFND3D_UNDECLARED pfnStateVsSrvCb;
  PFND3D_UNDECLARED pfnStateVsSamplerCb;
  PFND3D_UNDECLARED pfnStateGsSrvCb;
  PFND3D_UNDECLARED pfnStateGsSamplerCb;
  PFND3D_UNDECLARED pfnStateOmRenderTargetsCb;
  PFND3D_UNDECLARED pfnStateOmBlendStateCb;
  PFND3D_UNDECLARED pfnStateOmDepthStateCb;
  PFND3D_UNDECLARED pfnStateRsRastStateCb;
  PFND3D_UNDECLARED pfnStateSoTargetsCb;
  PFND3D_UNDECLARED pfnStateRsViewportsCb;
  PFND3D_UNDECLARED pfnStateRsScissorCb;
  PFND3D_UNDECLARED pfnDisableDeferredStagingResourceDestruction;
  PFND3D_UNDECLARED pfnStateTextFilterSizeCb;
  PFND3D_UNDECLARED pfnStateHsSrvCb;
  PFND3D_UNDECLARED pfnStateHsShaderCb;
  PFND3D_UNDECLARED pfnStateHsSamplerCb;
  PFND3D_UNDECLARED pfnStateHsConstBufCb;
  PFND3D_UNDECLARED pfnStateDsSrvCb;
  PFND3D_UNDECLARED pfnStateDsShaderCb;
  PFND3D_UNDECLARED pfnStateDsSamplerCb;
  PFND3D_UNDECLARED pfnStateDsConstBufCb;
  PFND3D_UNDECLARED pfnPerformAmortizedProcessingCb;
  PFND3D_UNDECLARED pfnStateCsSrvCb;
  PFND3D_UNDECLARED pfnStateCsUavCb;
  PFND3D_UNDECLARED pfnStateCsShaderCb;
  PFND3D_UNDECLARED pfnStateCsSamplerCb;
  PFND3D_UNDECLARED pfnStateCsConstBufCb;
};
WARD_DDI_SIZE(D3D11DDI_CORELAYER_DEVICECALLBACKS, 40 * 8);
WARD_DDI_AT(D3D11DDI_CORELAYER_DEVICECALLBACKS, pfnSetErrorCb, 0);

#endif  // WARD_UMD_DDI_CORE_LAYER_CALLBACKS_H_
