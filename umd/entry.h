// The driver's one export.
#ifndef WARD_UMD_ENTRY_H_
#define WARD_UMD_ENTRY_H_

#include "umd/ddi/adapter.h"

// Fills pAdapterFuncs_2 and hAdapter. S_OK or E_OUTOFMEMORY; E_INVALIDARG without arguments or
// callbacks; D3DDDIERR_NOTAVAILABLE for a device of another major ABI version; else what
// pfnQueryAdapterInfoCb said. Interface and Version are not looked at.
extern "C" HRESULT APIENTRY OpenAdapter10_2(D3D10DDIARG_OPENADAPTER* pOpenData);

#endif  // WARD_UMD_ENTRY_H_
