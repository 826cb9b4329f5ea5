// Entry points for resources: creation, mapping, copies.
#ifndef WARD_UMD_RESOURCE_DDI_H_
#define WARD_UMD_RESOURCE_DDI_H_

#include "umd/ddi/device_functions.h"

namespace ward::umd {

void FillResourceFunctions(D3D11_1DDI_DEVICEFUNCS* functions);

}  // namespace ward::umd

#endif  // WARD_UMD_RESOURCE_DDI_H_
