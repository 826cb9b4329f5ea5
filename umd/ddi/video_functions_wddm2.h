// The video function tables of WDDM 2.0 to 2.4, which RetrieveSubObject hands out under numbers of
// their own. Each begins with the D3D11.1 table, entry for entry.
#ifndef WARD_UMD_DDI_VIDEO_FUNCTIONS_WDDM2_H_
#define WARD_UMD_DDI_VIDEO_FUNCTIONS_WDDM2_H_

#include "umd/ddi/hardware_protection.h"
#include "umd/ddi/layout_check.h"
#include "umd/ddi/undeclared_function.h"
#include "umd/ddi/video_functions.h"

struct D3DWDDM2_0DDI_VIDEODEVICEFUNCS : D3D11_1DDI_VIDEODEVICEFUNCS {
  PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY pfnGetDataForNewHardwareKey;
  PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS pfnCheckCryptoSessionStatus;
  // In the tables of WDDM 2.4 (RS4_0 and final) this slot is VideoDecoderSubmitBuffers2.
  union {
    PFND3DWDDM2_0DDI_VIDEODECODERSUBMITBUFFERS1 pfnVideoDecoderSubmitBuffers1;
    PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS2 pfnVideoDecoderSubmitBuffers2;
  };
  PFND3D_UNDECLARED pfnQueryVideoCapabilities;
  PFND3D_UNDECLARED pfnCheckVideoProcessorFormatConversion;
  PFND3D_UNDECLARED pfnVideoDecoderEnableDownsampling;
  PFND3D_UNDECLARED pfnVideoDecoderUpdateDownsampling;
  PFND3D_UNDECLARED pfnVideoProcessorSetStreamMirror;
  PFND3D_UNDECLARED pfnVideoProcessorSetOutputColorSpace1;
  PFND3D_UNDECLARED pfnVideoProcessorSetStreamColorSpace1;
  PFND3D_UNDECLARED pfnVideoProcessorSetOutputShaderUsage;
  PFND3D_UNDECLARED pfnVideoProcessorGetBehaviorHints;
  PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE pfnGetCryptoSessionPrivateDataSize;
};
WARD_DDI_SIZE(D3DWDDM2_0DDI_VIDEODEVICEFUNCS, 752);

// Also the table of WDDM 2.4 RS4_0.
struct D3DWDDM2_1DDI_VIDEODEVICEFUNCS : D3DWDDM2_0DDI_VIDEODEVICEFUNCS {
  PFND3D_UNDECLARED pfnVideoProcessorSetOutputHDRMetaData;
  PFND3D_UNDECLARED pfnVideoProcessorSetStreamHDRMetaData;
};
WARD_DDI_SIZE(D3DWDDM2_1DDI_VIDEODEVICEFUNCS, 768);
using D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0 = D3DWDDM2_1DDI_VIDEODEVICEFUNCS;

struct D3DWDDM2_4DDI_VIDEODEVICEFUNCS : D3DWDDM2_1DDI_VIDEODEVICEFUNCS {
  PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE pfnNegotiateCryptoSessionKeyExchangeMT;
};
WARD_DDI_SIZE(D3DWDDM2_4DDI_VIDEODEVICEFUNCS, 776);

// pParams of RetrieveSubObject for these tables, of the shape of D3D11_1DDI_VIDEO_INPUT.
struct D3DWDDM2_0DDI_VIDEO_INPUT {
  BOOL Relocate;
  D3DWDDM2_0DDI_VIDEODEVICEFUNCS* pWDDM2_0VideoDeviceFuncs;
};
WARD_DDI_SIZE(D3DWDDM2_0DDI_VIDEO_INPUT, 16);
WARD_DDI_AT(D3DWDDM2_0DDI_VIDEO_INPUT, pWDDM2_0VideoDeviceFuncs, 8);

struct D3DWDDM2_1DDI_VIDEO_INPUT {
  BOOL Relocate;
  D3DWDDM2_1DDI_VIDEODEVICEFUNCS* pWDDM2_1VideoDeviceFuncs;
};
WARD_DDI_SIZE(D3DWDDM2_1DDI_VIDEO_INPUT, 16);
WARD_DDI_AT(D3DWDDM2_1DDI_VIDEO_INPUT, pWDDM2_1VideoDeviceFuncs, 8);
using D3DWDDM2_4DDI_VIDEO_INPUT_RS4_0 = D3DWDDM2_1DDI_VIDEO_INPUT;

struct D3DWDDM2_4DDI_VIDEO_INPUT {
  BOOL Relocate;
  D3DWDDM2_4DDI_VIDEODEVICEFUNCS* pWDDM2_4VideoDeviceFuncs;
};
WARD_DDI_SIZE(D3DWDDM2_4DDI_VIDEO_INPUT, 16);
WARD_DDI_AT(D3DWDDM2_4DDI_VIDEO_INPUT, pWDDM2_4VideoDeviceFuncs, 8);

#endif  // WARD_UMD_DDI_VIDEO_FUNCTIONS_WDDM2_H_
