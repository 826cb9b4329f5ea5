// Entry points for content protection: entries 58 to 70 and 78 of the video function table.
#ifndef WARD_UMD_CONTENT_PROTECTION_DDI_H_
#define WARD_UMD_CONTENT_PROTECTION_DDI_H_

#include "umd/ddi/video_functions.h"
#include "umd/ddi/video_functions_wddm2.h"

namespace ward::umd {

void FillContentProtectionFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions);
// The same entries of a WDDM 2.x table, where hardware DRM is reported too.
void FillWddm2ContentProtectionFunctions(D3DWDDM2_0DDI_VIDEODEVICEFUNCS* functions);
// NegotiateCryptoSessionKeyExchangeMT. The caps do not say that it may be called from another
// thread, so a runtime calls it as it calls the form without flags.
void FillMultiThreadedKeyExchange(D3DWDDM2_4DDI_VIDEODEVICEFUNCS* functions);

}  // namespace ward::umd

#endif  // WARD_UMD_CONTENT_PROTECTION_DDI_H_
