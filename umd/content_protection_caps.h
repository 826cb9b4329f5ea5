// What GetContentProtectionCaps says of a device.
#ifndef WARD_UMD_CONTENT_PROTECTION_CAPS_H_
#define WARD_UMD_CONTENT_PROTECTION_CAPS_H_

#include "umd/adapter.h"
#include "umd/ddi/content_protection.h"

namespace ward::umd {

// RSAES-OAEP.
inline constexpr UINT kKeyExchangeTypeCount = 1;

// S_OK for AES-128-CTR and for none, with the decoder's profile or without one;
// D3DDDIERR_UNSUPPORTEDCRYPTO else (R3). None is a null pointer or GUID_NULL (R23).
HRESULT CheckCryptoType(const Adapter& adapter, const GUID* crypto_type, const GUID* profile);

D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS MakeContentProtectionCaps(const Adapter& adapter,
                                                                   const GUID* profile);

}  // namespace ward::umd

#endif  // WARD_UMD_CONTENT_PROTECTION_CAPS_H_
