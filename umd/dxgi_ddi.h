// The DXGI table: presenting.
#ifndef WARD_UMD_DXGI_DDI_H_
#define WARD_UMD_DXGI_DDI_H_

#include "umd/ddi/dxgi_functions.h"

namespace ward::umd {

void FillDxgiFunctions(DXGI1_2_DDI_BASE_FUNCTIONS* functions);

}  // namespace ward::umd

#endif  // WARD_UMD_DXGI_DDI_H_
