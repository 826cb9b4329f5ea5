// Pointer types for those entries of the DDI's tables whose signature nobody here needs. They keep
// a table's size and order whole. On both x86-64 ABIs (System V and Windows) the caller removes its
// own arguments and no entry returns an object through a hidden pointer, so that one function
// without parameters may stand in every such slot, whatever a runtime passes to it.
#ifndef WARD_UMD_DDI_UNDECLARED_FUNCTION_H_
#define WARD_UMD_DDI_UNDECLARED_FUNCTION_H_

#include "umd/ddi/windows_types.h"

// Entries that return VOID, HRESULT or BOOL.
using PFND3D_UNDECLARED = HRESULT(APIENTRY*)();
// CalcPrivate...Size entries: a 32-bit return would leave the upper half of the size undefined.
using PFND3D_UNDECLARED_SIZE = SIZE_T(APIENTRY*)();

#endif  // WARD_UMD_DDI_UNDECLARED_FUNCTION_H_
