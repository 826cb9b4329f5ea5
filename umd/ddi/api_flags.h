// Flags of the D3D11 API whose DDI counterparts have other numbers. The runtime translates; a
// driver never sees these. The names are this project's, so that <d3d11.h> may be included too.
#ifndef WARD_UMD_DDI_API_FLAGS_H_
#define WARD_UMD_DDI_API_FLAGS_H_

#include "umd/ddi/windows_types.h"

namespace ward::umd {

// D3D11_RESOURCE_MISC_FLAG.
inline constexpr UINT kApiResourceMiscShared = 0x2;
inline constexpr UINT kApiResourceMiscRestrictedContent = 0x1000;
// Enforced by the runtime alone: no DDI flag.
inline constexpr UINT kApiResourceMiscRestrictSharedResource = 0x2000;
inline constexpr UINT kApiResourceMiscRestrictSharedResourceDriver = 0x4000;
inline constexpr UINT kApiResourceMiscHwProtected = 0x80000;

// D3D11_CONTENT_PROTECTION_CAPS agrees with the DDI's bits up to this mask.
inline constexpr UINT kApiContentProtectionCapsCommonMask = 0x1FFF;
inline constexpr UINT kApiContentProtectionCapsHardwareTeardown = 0x2000;
inline constexpr UINT kApiContentProtectionCapsHardwareDrmCommunication = 0x4000;

// D3D11_AUTHENTICATED_CHANNEL_TYPE's first value: the runtime's own channel.
inline constexpr UINT kApiAuthenticatedChannelD3d11 = 1;

}  // namespace ward::umd

#endif  // WARD_UMD_DDI_API_FLAGS_H_
