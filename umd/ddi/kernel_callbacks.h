// The kernel's callback tables, which the runtime hands to the driver. The first argument of a
// device callback is hRTDevice.handle; of pfnEscapeCb and pfnQueryAdapterInfoCb it is
// hRTAdapter.handle.
#ifndef WARD_UMD_DDI_KERNEL_CALLBACKS_H_
#define WARD_UMD_DDI_KERNEL_CALLBACKS_H_

#include "umd/ddi/kernel_structures.h"
#include "umd/ddi/layout_check.h"
#include "umd/ddi/undeclared_function.h"
#include "umd/ddi/windows_types.h"

using PFND3DDDI_ALLOCATECB = HRESULT(APIENTRY*)(HANDLE hDevice, D3DDDICB_ALLOCATE* pData);
using PFND3DDDI_DEALLOCATECB = HRESULT(APIENTRY*)(HANDLE hDevice, const D3DDDICB_DEALLOCATE* pData);
using PFND3DDDI_SETPRIORITYCB = HRESULT(APIENTRY*)(HANDLE hDevice, D3DDDICB_SETPRIORITY* pData);
using PFND3DDDI_QUERYRESIDENCYCB = HRESULT(APIENTRY*)(HANDLE hDevice,
                                                      const D3DDDICB_QUERYRESIDENCY* pData);
using PFND3DDDI_SETDISPLAYMODECB = HRESULT(APIENTRY*)(HANDLE hDevice,
                                                      D3DDDICB_SETDISPLAYMODE* pData);
using PFND3DDDI_OFFERALLOCATIONSCB = HRESULT(APIENTRY*)(HANDLE hDevice,
                                                        const D3DDDICB_OFFERALLOCATIONS* pData);
using PFND3DDDI_RECLAIMALLOCATIONSCB = HRESULT(APIENTRY*)(HANDLE hDevice,
                                                          const D3DDDICB_RECLAIMALLOCATIONS* pData);
using PFND3DDDI_PRESENTCB = HRESULT(APIENTRY*)(HANDLE hDevice, const D3DDDICB_PRESENT* pData);
using PFND3DDDI_RENDERCB = HRESULT(APIENTRY*)(HANDLE hDevice, D3DDDICB_RENDER* pData);
using PFND3DDDI_LOCKCB = HRESULT(APIENTRY*)(HANDLE hDevice, D3DDDICB_LOCK* pData);
using PFND3DDDI_UNLOCKCB = HRESULT(APIENTRY*)(HANDLE hDevice, const D3DDDICB_UNLOCK* pData);
using PFND3DDDI_ESCAPECB = HRESULT(APIENTRY*)(HANDLE hAdapter, const D3DDDICB_ESCAPE* pData);
using PFND3DDDI_CREATECONTEXTCB = HRESULT(APIENTRY*)(HANDLE hDevice, D3DDDICB_CREATECONTEXT* pData);
using PFND3DDDI_DESTROYCONTEXTCB = HRESULT(APIENTRY*)(HANDLE hDevice,
                                                      const D3DDDICB_DESTROYCONTEXT* pData);
using PFND3DDDI_QUERYADAPTERINFOCB = HRESULT(APIENTRY*)(HANDLE hAdapter,
                                                        const D3DDDICB_QUERYADAPTERINFO* pData);

struct D3DDDI_ADAPTERCALLBACKS {
  PFND3DDDI_QUERYADAPTERINFOCB pfnQueryAdapterInfoCb;
  PFND3D_UNDECLARED pfnGetMultisampleMethodListCb;
};
WARD_DDI_SIZE(D3DDDI_ADAPTERCALLBACKS, 16);
WARD_DDI_AT(D3DDDI_ADAPTERCALLBACKS, pfnGetMultisampleMethodListCb, 8);

// The runtime may rewrite entries while the device lives: keep the pointer, not a copy. A driver
// that asked for the Windows 8 interface may read the first 28 entries only.
struct D3DDDI_DEVICECALLBACKS {
  PFND3DDDI_ALLOCATECB pfnAllocateCb;
  PFND3DDDI_DEALLOCATECB pfnDeallocateCb;
  PFND3DDDI_SETPRIORITYCB pfnSetPriorityCb;
  PFND3DDDI_QUERYRESIDENCYCB pfnQueryResidencyCb;
  PFND3DDDI_SETDISPLAYMODECB pfnSetDisplayModeCb;
  PFND3DDDI_PRESENTCB pfnPresentCb;
  PFND3DDDI_RENDERCB pfnRenderCb;
  PFND3DDDI_LOCKCB pfnLockCb;
  PFND3DDDI_UNLOCKCB pfnUnlockCb;
  PFND3DDDI_ESCAPECB pfnEscapeCb;
  PFND3D_UNDECLARED pfnCreateOverlayCb;
  PFND3D_UNDECLARED pfnUpdateOverlayCb;
  PFND3D_UNDECLARED pfnFlipOverlayCb;
  PFND3D_UNDECLARED pfnDestroyOverlayCb;
  PFND3DDDI_CREATECONTEXTCB pfnCreateContextCb;
  PFND3DDDI_DESTROYCONTEXTCB pfnDestroyContextCb;
  PFND3D_UNDECLARED pfnCreateSynchronizationObjectCb;
  PFND3D_UNDECLARED pfnDestroySynchronizationObjectCb;
  PFND3D_UNDECLARED pfnWaitForSynchronizationObjectCb;
  PFND3D_UNDECLARED pfnSignalSynchronizationObjectCb;
  PFND3D_UNDECLARED pfnSetAsyncCallbacksCb;
  PFND3D_UNDECLARED pfnSetDisplayPrivateDriverFormatCb;
  // Windows 8 and later.
  PFND3DDDI_OFFERALLOCATIONSCB pfnOfferAllocationsCb;
  PFND3DDDI_RECLAIMALLOCATIONSCB pfnReclaimAllocationsCb;
  PFND3D_UNDECLARED pfnCreateSynchronizationObject2Cb;
  PFND3D_UNDECLARED pfnWaitForSynchronizationObject2Cb;
  PFND3D_UNDECLARED pfnSignalSynchronizationObject2Cb;
  PFND3D_UNDECLARED pfnPresentMultiPlaneOverlayCb;
  // WDDM 1.3 and later.
  PFND3D_UNDECLARED pfnLogUMDMarkerCb;
  // WDDM 2.0 and later.
  PFND3D_UNDECLARED pfnMakeResidentCb;
  PFND3D_UNDECLARED pfnEvictCb;
  PFND3D_UNDECLARED pfnWaitForSynchronizationObjectFromCpuCb;
  PFND3D_UNDECLARED pfnSignalSynchronizationObjectFromCpuCb;
  PFND3D_UNDECLARED pfnWaitForSynchronizationObjectFromGpuCb;
  PFND3D_UNDECLARED pfnSignalSynchronizationObjectFromGpuCb;
  PFND3D_UNDECLARED pfnCreatePagingQueueCb;
  PFND3D_UNDECLARED pfnDestroyPagingQueueCb;
  PFND3D_UNDECLARED pfnLock2Cb;
  PFND3D_UNDECLARED pfnUnlock2Cb;
  PFND3D_UNDECLARED pfnInvalidateCacheCb;
  PFND3D_UNDECLARED pfnReserveGpuVirtualAddressCb;
  PFND3D_UNDECLARED pfnMapGpuVirtualAddressCb;
  PFND3D_UNDECLARED pfnFreeGpuVirtualAddressCb;
  PFND3D_UNDECLARED pfnUpdateGpuVirtualAddressCb;
  PFND3D_UNDECLARED pfnCreateContextVirtualCb;
  PFND3D_UNDECLARED pfnSubmitCommandCb;
  PFND3D_UNDECLARED pfnDeallocate2Cb;
  PFND3D_UNDECLARED pfnSignalSynchronizationObjectFromGpu2Cb;
  PFND3D_UNDECLARED pfnReclaimAllocations2Cb;
  PFND3D_UNDECLARED pfnGetResourcePresentPrivateDriverDataCb;
  // WDDM 2.1 and later.
  PFND3D_UNDECLARED pfnUpdateAllocationPropertyCb;
  PFND3D_UNDECLARED pfnOfferAllocations2Cb;
  PFND3D_UNDECLARED pfnReclaimAllocations3Cb;
  PFND3D_UNDECLARED pfnAcquireResourceCb;
  PFND3D_UNDECLARED pfnReleaseResourceCb;
  PFND3D_UNDECLARED pfnCreateHwContextCb;
  PFND3D_UNDECLARED pfnDestroyHwContextCb;
  PFND3D_UNDECLARED pfnCreateHwQueueCb;
  PFND3D_UNDECLARED pfnDestroyHwQueueCb;
  PFND3D_UNDECLARED pfnSubmitCommandToHwQueueCb;
  PFND3D_UNDECLARED pfnSubmitWaitForSyncObjectsToHwQueueCb;
  PFND3D_UNDECLARED pfnSubmitSignalSyncObjectsToHwQueueCb;
  PFND3D_UNDECLARED pfnSubmitPresentBltToHwQueueCb;
  PFND3D_UNDECLARED pfnSubmitPresentToHwQueueCb;
  PFND3D_UNDECLARED pfnSubmitHistorySequenceCb;
};
WARD_DDI_SIZE(D3DDDI_DEVICECALLBACKS, 65 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnPresentCb, 5 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnRenderCb, 6 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnLockCb, 7 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnUnlockCb, 8 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnEscapeCb, 9 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnCreateContextCb, 14 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnDestroyContextCb, 15 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnOfferAllocationsCb, 22 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnLogUMDMarkerCb, 28 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnMakeResidentCb, 29 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnSubmitCommandCb, 45 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnUpdateAllocationPropertyCb, 50 * 8);
WARD_DDI_AT(D3DDDI_DEVICECALLBACKS, pfnSubmitHistorySequenceCb, 64 * 8);

#endif  // WARD_UMD_DDI_KERNEL_CALLBACKS_H_
