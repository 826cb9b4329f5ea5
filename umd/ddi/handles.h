// The DDI's strongly typed handles. They travel by value, in one register on x86-64.
#ifndef WARD_UMD_DDI_HANDLES_H_
#define WARD_UMD_DDI_HANDLES_H_

#include "umd/ddi/windows_types.h"

// A kernel object's number, the same for every process that holds it open; 0 is none.
using D3DKMT_HANDLE = UINT;

// Driver handles: memory of the size that the object's CalcPrivate...Size gave. The adapter's is
// the driver's own pointer.
struct D3D10DDI_HADAPTER {
  void* pDrvPrivate;
};
struct D3D10DDI_HDEVICE {
  void* pDrvPrivate;
};
struct D3D10DDI_HRESOURCE {
  void* pDrvPrivate;
};
struct D3D11_1DDI_HDECODE {
  void* pDrvPrivate;
};
struct D3D11_1DDI_HVIDEODECODEROUTPUTVIEW {
  void* pDrvPrivate;
};
struct D3D11_1DDI_HVIDEOPROCESSORENUM {
  void* pDrvPrivate;
};
struct D3D11_1DDI_HVIDEOPROCESSOR {
  void* pDrvPrivate;
};
struct D3D11_1DDI_HVIDEOPROCESSORINPUTVIEW {
  void* pDrvPrivate;
};
struct D3D11_1DDI_HVIDEOPROCESSOROUTPUTVIEW {
  void* pDrvPrivate;
};
struct D3D11_1DDI_HCRYPTOSESSION {
  void* pDrvPrivate;
};
struct D3D11_1DDI_HAUTHCHANNEL {
  void* pDrvPrivate;
};

// Runtime handles: what the driver passes back in callbacks, opaque to it.
struct D3D10DDI_HRTADAPTER {
  void* handle;
};
struct D3D10DDI_HRTDEVICE {
  void* handle;
};
struct D3D10DDI_HRTCORELAYER {
  void* handle;
};
struct D3D10DDI_HRTRESOURCE {
  void* handle;
};
struct D3D11_1DDI_HRTDECODE {
  void* handle;
};
struct D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW {
  void* handle;
};
struct D3D11_1DDI_HRTVIDEOPROCESSORENUM {
  void* handle;
};
struct D3D11_1DDI_HRTVIDEOPROCESSOR {
  void* handle;
};
struct D3D11_1DDI_HRTVIDEOPROCESSORINPUTVIEW {
  void* handle;
};
struct D3D11_1DDI_HRTVIDEOPROCESSOROUTPUTVIEW {
  void* handle;
};
struct D3D11_1DDI_HRTCRYPTOSESSION {
  void* handle;
};
struct D3D11_1DDI_HRTAUTHCHANNEL {
  void* handle;
};

struct D3D10DDI_HKMRESOURCE {
  D3DKMT_HANDLE handle;
};

#endif  // WARD_UMD_DDI_HANDLES_H_
