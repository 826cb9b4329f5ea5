// pfnBlt and pfnBlt1 of the DXGI table: between surfaces of one device, copied where nothing
// changes, else converted and scaled. Flags say whether formats and sizes may differ.
#ifndef WARD_UMD_DXGI_BLT_H_
#define WARD_UMD_DXGI_BLT_H_

#include "umd/ddi/dxgi_functions.h"

namespace ward::umd {

HRESULT APIENTRY DxgiBltWhole(DXGI_DDI_ARG_BLT* arguments);
HRESULT APIENTRY DxgiBltRegion(DXGI_DDI_ARG_BLT1* arguments);

}  // namespace ward::umd

#endif  // WARD_UMD_DXGI_BLT_H_
