// Entry points of hardware DRM: what the WDDM 2.x tables add for sessions of HW_PROTECTION. The
// versions that GetSupportedVersions lists end at D3D11.1, for which there is a known number; a
// runtime gets at these through RetrieveSubObject.
#ifndef WARD_UMD_HARDWARE_PROTECTION_DDI_H_
#define WARD_UMD_HARDWARE_PROTECTION_DDI_H_

#include "umd/crypto_session.h"
#include "umd/ddi/video_functions_wddm2.h"
#include "umd/device.h"

namespace ward::umd {

void FillHardwareProtectionFunctions(D3DWDDM2_0DDI_VIDEODEVICEFUNCS* functions);

// NegotiateCryptoSessionKeyExchange of a session of HW_PROTECTION: `data` has to be one
// D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_DATA. The transport's HRESULT.
HRESULT CallTrustedApplication(Device* device, CryptoSession* session, UINT size, BYTE* data);

}  // namespace ward::umd

#endif  // WARD_UMD_HARDWARE_PROTECTION_DDI_H_
