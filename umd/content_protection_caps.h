// What GetContentProtectionCaps says of a device.
#ifndef WARD_UMD_CONTENT_PROTECTION_CAPS_H_
#define WARD_UMD_CONTENT_PROTECTION_CAPS_H_

#include "umd/adapter.h"
#include "umd/ddi/content_protection.h"

namespace ward::umd {

// Whose table the runtime took: what is reported and accepted differs. The D3D11.1 table knows caps
// 0 to 10 and RSAES-OAEP; the WDDM 2.x tables know hardware DRM too.
enum class VideoTable { kD3d11_1, kWddm2 };

// S_OK for AES-128-CTR and for none, with the decoder's profile or without one;
// D3DDDIERR_UNSUPPORTEDCRYPTO else (R3). None is a null pointer or GUID_NULL (R23).
HRESULT CheckCryptoType(const Adapter& adapter, const GUID* crypto_type, const GUID* profile);

D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS MakeContentProtectionCaps(const Adapter& adapter,
                                                                   VideoTable table,
                                                                   const GUID* profile);

// Key exchanges by index: RSAES-OAEP, then HW_PROTECTION. Null behind the last.
const GUID* FindKeyExchange(const Adapter& adapter, VideoTable table, UINT index);

}  // namespace ward::umd

#endif  // WARD_UMD_CONTENT_PROTECTION_CAPS_H_
