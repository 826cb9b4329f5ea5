// DDI versions (GetSupportedVersions, Interface and Version of CreateDevice) and the sub-object
// numbers of RetrieveSubObject.
//
// Interface = major << 16 | minor. Version = build << 16 | revision. Supported = Interface << 32 |
// Version. The D3D10 numbers are printed in the DDI's documentation; the D3D11 ones are not, they
// are what several public drivers agree on, and runtime and driver here share this one header.
#ifndef WARD_UMD_DDI_VERSIONS_H_
#define WARD_UMD_DDI_VERSIONS_H_

#include "umd/ddi/windows_types.h"

inline constexpr UINT D3D10_0_DDI_INTERFACE_VERSION = 0x000A0001;
inline constexpr UINT D3D10_0_DDI_BUILD_VERSION = 4;
inline constexpr UINT64 D3D10_0_DDI_SUPPORTED = 0x000A000100040000;

inline constexpr UINT D3D10_1_DDI_INTERFACE_VERSION = 0x000A0002;
inline constexpr UINT D3D10_1_DDI_BUILD_VERSION = 1;
inline constexpr UINT64 D3D10_1_DDI_SUPPORTED = 0x000A000200010000;

inline constexpr UINT D3D11_0_DDI_INTERFACE_VERSION = 0x000B000A;
inline constexpr UINT D3D11_0_DDI_BUILD_VERSION = 2;
inline constexpr UINT64 D3D11_0_DDI_SUPPORTED = 0x000B000A00020000;

inline constexpr UINT D3D11_0_7_DDI_INTERFACE_VERSION = 0x000B000B;
inline constexpr UINT D3D11_0_7_DDI_BUILD_VERSION = 2;
inline constexpr UINT64 D3D11_0_7_DDI_SUPPORTED = 0x000B000B00020000;

inline constexpr UINT D3D11_1_DDI_INTERFACE_VERSION = 0x000B000F;
inline constexpr UINT D3D11_1_DDI_BUILD_VERSION = 0;
inline constexpr UINT64 D3D11_1_DDI_SUPPORTED = 0x000B000F00000000;

inline constexpr UINT D3DWDDM1_3_DDI_INTERFACE_VERSION = 0x000B0010;
inline constexpr UINT D3DWDDM1_3_DDI_BUILD_VERSION = 1;
inline constexpr UINT64 D3DWDDM1_3_DDI_SUPPORTED = 0x000B001000010000;

inline constexpr UINT D3DWDDM2_2_DDI_INTERFACE_VERSION = 0x000B0023;
inline constexpr UINT D3DWDDM2_2_DDI_BUILD_VERSION = 5;
inline constexpr UINT64 D3DWDDM2_2_DDI_SUPPORTED = 0x000B002300050000;

// SubDeviceID of RetrieveSubObject. The documentation's page once had 1 for D3D11.1 and swaps the
// last two; these are the header's own numbers.
inline constexpr UINT32 D3D11_1DDI_VIDEO_FUNCTIONS = 2;
inline constexpr UINT32 D3DWDDM2_0DDI_VIDEO_FUNCTIONS = 3;
inline constexpr UINT32 D3DWDDM2_1DDI_VIDEO_FUNCTIONS = 5;
inline constexpr UINT32 D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0 = 6;
inline constexpr UINT32 D3DWDDM2_4DDI_VIDEO_FUNCTIONS = 7;

#endif  // WARD_UMD_DDI_VERSIONS_H_
