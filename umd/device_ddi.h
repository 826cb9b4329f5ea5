// The device function table: 155 entries, and the ways from it to the other tables.
#ifndef WARD_UMD_DEVICE_DDI_H_
#define WARD_UMD_DEVICE_DDI_H_

#include "umd/ddi/adapter.h"
#include "umd/ddi/device_functions.h"

namespace ward::umd {

void FillDeviceFunctions(D3D11_1DDI_DEVICEFUNCS* functions);

// Fills the video table through D3D11_1DDI_VIDEO_INPUT (R2). E_INVALIDARG for another sub-object.
HRESULT APIENTRY RetrieveSubObject(D3D10DDI_HDEVICE hDevice, UINT32 sub_device_id,
                                   SIZE_T parameter_size, void* parameters, SIZE_T output_size,
                                   void* output);

}  // namespace ward::umd

#endif  // WARD_UMD_DEVICE_DDI_H_
