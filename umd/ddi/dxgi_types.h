// The DXGI types that the DDI uses. On Windows they are the system's own. Source: dxgiformat.h and
// dxgicommon.h as documented; only the formats that this project names are listed.
#ifndef WARD_UMD_DDI_DXGI_TYPES_H_
#define WARD_UMD_DDI_DXGI_TYPES_H_

#include "umd/ddi/windows_types.h"

#ifdef _WIN32

#include <dxgicommon.h>
#include <dxgiformat.h>
#include <dxgitype.h>

#else

enum DXGI_FORMAT : UINT {
  DXGI_FORMAT_UNKNOWN = 0,
  DXGI_FORMAT_R16G16B16A16_FLOAT = 10,
  DXGI_FORMAT_R10G10B10A2_UNORM = 24,
  DXGI_FORMAT_R8G8B8A8_UNORM = 28,
  DXGI_FORMAT_R8G8B8A8_UNORM_SRGB = 29,
  DXGI_FORMAT_R16G16_UNORM = 35,
  DXGI_FORMAT_R32_UINT = 42,
  DXGI_FORMAT_R8G8_UNORM = 49,
  DXGI_FORMAT_R16_UNORM = 56,
  DXGI_FORMAT_R8_UNORM = 61,
  DXGI_FORMAT_R8_UINT = 62,
  DXGI_FORMAT_B8G8R8A8_UNORM = 87,
  DXGI_FORMAT_B8G8R8X8_UNORM = 88,
  DXGI_FORMAT_R10G10B10_XR_BIAS_A2_UNORM = 89,
  DXGI_FORMAT_AYUV = 100,
  DXGI_FORMAT_Y410 = 101,
  DXGI_FORMAT_Y416 = 102,
  DXGI_FORMAT_NV12 = 103,
  DXGI_FORMAT_P010 = 104,
  DXGI_FORMAT_P016 = 105,
  DXGI_FORMAT_420_OPAQUE = 106,
  DXGI_FORMAT_YUY2 = 107,
  DXGI_FORMAT_Y210 = 108,
  DXGI_FORMAT_Y216 = 109,
  DXGI_FORMAT_NV11 = 110,
  DXGI_FORMAT_AI44 = 111,
  DXGI_FORMAT_IA44 = 112,
  DXGI_FORMAT_P8 = 113,
  DXGI_FORMAT_A8P8 = 114,
};

struct DXGI_RATIONAL {
  UINT Numerator;
  UINT Denominator;
};

struct DXGI_GAMMA_CONTROL_CAPABILITIES {
  BOOL ScaleAndOffsetSupported;
  float MaxConvertedValue;
  float MinConvertedValue;
  UINT NumGammaControlPoints;
  float ControlPointPositions[1025];
};

struct DXGI_SAMPLE_DESC {
  UINT Count;
  UINT Quality;
};

#endif  // _WIN32

static_assert(sizeof(DXGI_FORMAT) == 4 && sizeof(DXGI_RATIONAL) == 8);
static_assert(sizeof(DXGI_SAMPLE_DESC) == 8 && sizeof(DXGI_GAMMA_CONTROL_CAPABILITIES) == 4116);

#endif  // WARD_UMD_DDI_DXGI_TYPES_H_
