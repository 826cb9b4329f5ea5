// Arguments of the kernel callbacks. Each callback takes one of these, in, out or both.
// Source: d3dumddi.h and d3dukmdt.h as documented (WDDM 1.x, Windows 8 interface).
#ifndef WARD_UMD_DDI_KERNEL_STRUCTURES_H_
#define WARD_UMD_DDI_KERNEL_STRUCTURES_H_

#include "umd/ddi/handles.h"
#include "umd/ddi/layout_check.h"
#include "umd/ddi/windows_types.h"

using D3DGPU_VIRTUAL_ADDRESS = ULONGLONG;
using D3DDDI_VIDEO_PRESENT_SOURCE_ID = UINT;

inline constexpr UINT D3DDDI_MAX_BROADCAST_CONTEXT = 64;
inline constexpr UINT D3DDDI_MAX_WRITTEN_PRIMARIES = 16;

struct D3DDDI_ALLOCATIONINFO2;
struct D3DDDI_OPENALLOCATIONINFO2;

struct D3DDDI_ALLOCATIONINFO {
  D3DKMT_HANDLE hAllocation;  // out
  const void* pSystemMem;
  void* pPrivateDriverData;
  UINT PrivateDriverDataSize;
  D3DDDI_VIDEO_PRESENT_SOURCE_ID VidPnSourceId;
  union {
    struct {
      UINT Primary : 1;
      UINT Stereo : 1;
      UINT Reserved : 30;
    };
    UINT Value;
  } Flags;
};
WARD_DDI_SIZE(D3DDDI_ALLOCATIONINFO, 40);
WARD_DDI_AT(D3DDDI_ALLOCATIONINFO, pSystemMem, 8);
WARD_DDI_AT(D3DDDI_ALLOCATIONINFO, pPrivateDriverData, 16);
WARD_DDI_AT(D3DDDI_ALLOCATIONINFO, PrivateDriverDataSize, 24);
WARD_DDI_AT(D3DDDI_ALLOCATIONINFO, VidPnSourceId, 28);
WARD_DDI_AT(D3DDDI_ALLOCATIONINFO, Flags, 32);

struct D3DDDI_OPENALLOCATIONINFO {
  D3DKMT_HANDLE hAllocation;
  const void* pPrivateDriverData;
  UINT PrivateDriverDataSize;
};
WARD_DDI_SIZE(D3DDDI_OPENALLOCATIONINFO, 24);
WARD_DDI_AT(D3DDDI_OPENALLOCATIONINFO, pPrivateDriverData, 8);
WARD_DDI_AT(D3DDDI_OPENALLOCATIONINFO, PrivateDriverDataSize, 16);

struct D3DDDICB_ALLOCATE {
  const void* pPrivateDriverData;
  UINT PrivateDriverDataSize;
  HANDLE hResource;
  D3DKMT_HANDLE hKMResource;  // out
  UINT NumAllocations;
  union {
    D3DDDI_ALLOCATIONINFO* pAllocationInfo;
    D3DDDI_ALLOCATIONINFO2* pAllocationInfo2;
  };
};
WARD_DDI_SIZE(D3DDDICB_ALLOCATE, 40);
WARD_DDI_AT(D3DDDICB_ALLOCATE, PrivateDriverDataSize, 8);
WARD_DDI_AT(D3DDDICB_ALLOCATE, hResource, 16);
WARD_DDI_AT(D3DDDICB_ALLOCATE, hKMResource, 24);
WARD_DDI_AT(D3DDDICB_ALLOCATE, NumAllocations, 28);
WARD_DDI_AT(D3DDDICB_ALLOCATE, pAllocationInfo, 32);

// By resource (then NumAllocations is 0) or by allocations.
struct D3DDDICB_SETPRIORITY {
  HANDLE hResource;
  UINT NumAllocations;
  const D3DKMT_HANDLE* HandleList;
  const UINT* pPriorities;
};
WARD_DDI_SIZE(D3DDDICB_SETPRIORITY, 32);
WARD_DDI_AT(D3DDDICB_SETPRIORITY, HandleList, 16);

enum D3DDDI_RESIDENCYSTATUS : INT {
  D3DDDI_RESIDENCYSTATUS_RESIDENTINGPUMEMORY = 1,
  D3DDDI_RESIDENCYSTATUS_RESIDENTINSHAREDMEMORY = 2,
  D3DDDI_RESIDENCYSTATUS_NOTRESIDENT = 3,
};

struct D3DDDICB_QUERYRESIDENCY {
  HANDLE hResource;
  UINT NumAllocations;
  const D3DKMT_HANDLE* HandleList;
  D3DDDI_RESIDENCYSTATUS* pResidencyStatus;  // out, NumAllocations entries
};
WARD_DDI_SIZE(D3DDDICB_QUERYRESIDENCY, 32);
WARD_DDI_AT(D3DDDICB_QUERYRESIDENCY, HandleList, 16);

struct D3DDDICB_SETDISPLAYMODE {
  D3DKMT_HANDLE hPrimaryAllocation;
  UINT PrivateDriverFormatAttribute;
};
WARD_DDI_SIZE(D3DDDICB_SETDISPLAYMODE, 8);

enum D3DDDI_OFFER_PRIORITY : INT {
  D3DDDI_OFFER_PRIORITY_NONE = 0,
  D3DDDI_OFFER_PRIORITY_LOW = 1,
  D3DDDI_OFFER_PRIORITY_NORMAL = 2,
  D3DDDI_OFFER_PRIORITY_HIGH = 3,
  D3DDDI_OFFER_PRIORITY_AUTO = 4,
};

// One of pResources and HandleList is null.
struct D3DDDICB_OFFERALLOCATIONS {
  const HANDLE* pResources;
  const D3DKMT_HANDLE* HandleList;
  UINT NumAllocations;
  D3DDDI_OFFER_PRIORITY Priority;
};
WARD_DDI_SIZE(D3DDDICB_OFFERALLOCATIONS, 24);
WARD_DDI_AT(D3DDDICB_OFFERALLOCATIONS, NumAllocations, 16);

struct D3DDDICB_RECLAIMALLOCATIONS {
  const HANDLE* pResources;
  const D3DKMT_HANDLE* HandleList;
  BOOL* pDiscarded;  // out, may be null
  UINT NumAllocations;
};
WARD_DDI_SIZE(D3DDDICB_RECLAIMALLOCATIONS, 32);
WARD_DDI_AT(D3DDDICB_RECLAIMALLOCATIONS, NumAllocations, 24);

struct D3DDDICB_DEALLOCATE {
  HANDLE hResource;
  UINT NumAllocations;
  const D3DKMT_HANDLE* HandleList;
};
WARD_DDI_SIZE(D3DDDICB_DEALLOCATE, 24);
WARD_DDI_AT(D3DDDICB_DEALLOCATE, NumAllocations, 8);
WARD_DDI_AT(D3DDDICB_DEALLOCATE, HandleList, 16);

struct D3DDDICB_LOCKFLAGS {
  union {
    struct {
      UINT ReadOnly : 1;
      UINT WriteOnly : 1;
      UINT DonotWait : 1;
      UINT IgnoreSync : 1;
      UINT LockEntire : 1;
      UINT DonotEvict : 1;
      UINT AcquireAperture : 1;
      UINT Discard : 1;
      UINT NoExistingReference : 1;
      UINT UseAlternateVA : 1;
      UINT IgnoreReadSync : 1;
      UINT Reserved : 21;
    };
    UINT Value;
  };
};

// The bits above as masks for `Value`.
namespace ward::umd {
inline constexpr UINT kLockReadOnly = 1u << 0;
inline constexpr UINT kLockWriteOnly = 1u << 1;
inline constexpr UINT kLockDonotWait = 1u << 2;
inline constexpr UINT kLockIgnoreSync = 1u << 3;
inline constexpr UINT kLockEntire = 1u << 4;
inline constexpr UINT kLockDonotEvict = 1u << 5;
inline constexpr UINT kLockAcquireAperture = 1u << 6;
inline constexpr UINT kLockDiscard = 1u << 7;
inline constexpr UINT kLockNoExistingReference = 1u << 8;
inline constexpr UINT kLockUseAlternateVa = 1u << 9;
inline constexpr UINT kLockIgnoreReadSync = 1u << 10;
}  // namespace ward::umd

struct D3DDDICB_LOCK {
  D3DKMT_HANDLE hAllocation;
  UINT PrivateDriverData;
  UINT NumPages;
  const UINT* pPages;
  void* pData;  // out
  D3DDDICB_LOCKFLAGS Flags;
  D3DGPU_VIRTUAL_ADDRESS GpuVirtualAddress;
};
WARD_DDI_SIZE(D3DDDICB_LOCKFLAGS, 4);
WARD_DDI_SIZE(D3DDDICB_LOCK, 48);
WARD_DDI_AT(D3DDDICB_LOCK, PrivateDriverData, 4);
WARD_DDI_AT(D3DDDICB_LOCK, NumPages, 8);
WARD_DDI_AT(D3DDDICB_LOCK, pPages, 16);
WARD_DDI_AT(D3DDDICB_LOCK, pData, 24);
WARD_DDI_AT(D3DDDICB_LOCK, Flags, 32);
WARD_DDI_AT(D3DDDICB_LOCK, GpuVirtualAddress, 40);

struct D3DDDICB_UNLOCK {
  UINT NumAllocations;
  const D3DKMT_HANDLE* phAllocations;
};
WARD_DDI_SIZE(D3DDDICB_UNLOCK, 16);
WARD_DDI_AT(D3DDDICB_UNLOCK, phAllocations, 8);

struct D3DDDI_ESCAPEFLAGS {
  union {
    struct {
      UINT HardwareAccess : 1;
      UINT DeviceStatusQuery : 1;
      UINT ChangeFrameLatency : 1;
      UINT Reserved : 29;
    };
    UINT Value;
  };
};

struct D3DDDICB_ESCAPE {
  HANDLE hDevice;
  D3DDDI_ESCAPEFLAGS Flags;
  void* pPrivateDriverData;  // in and out
  UINT PrivateDriverDataSize;
  HANDLE hContext;
};
WARD_DDI_SIZE(D3DDDI_ESCAPEFLAGS, 4);
WARD_DDI_SIZE(D3DDDICB_ESCAPE, 40);
WARD_DDI_AT(D3DDDICB_ESCAPE, Flags, 8);
WARD_DDI_AT(D3DDDICB_ESCAPE, pPrivateDriverData, 16);
WARD_DDI_AT(D3DDDICB_ESCAPE, PrivateDriverDataSize, 24);
WARD_DDI_AT(D3DDDICB_ESCAPE, hContext, 32);

struct D3DDDICB_QUERYADAPTERINFO {
  void* pPrivateDriverData;  // out
  UINT PrivateDriverDataSize;
};
WARD_DDI_SIZE(D3DDDICB_QUERYADAPTERINFO, 16);
WARD_DDI_AT(D3DDDICB_QUERYADAPTERINFO, PrivateDriverDataSize, 8);

struct D3DDDI_ALLOCATIONLIST {
  D3DKMT_HANDLE hAllocation;
  union {
    struct {
      UINT WriteOperation : 1;
      UINT DoNotRetireInstance : 1;
      UINT OfferPriority : 3;
      UINT Reserved : 27;
    };
    UINT Value;
  };
};
WARD_DDI_SIZE(D3DDDI_ALLOCATIONLIST, 8);
WARD_DDI_AT(D3DDDI_ALLOCATIONLIST, Value, 4);

namespace ward::umd {
inline constexpr UINT kAllocationListWriteOperation = 1u << 0;
inline constexpr UINT kAllocationListDoNotRetireInstance = 1u << 1;
}  // namespace ward::umd

struct D3DDDI_PATCHLOCATIONLIST {
  UINT AllocationIndex;
  union {
    struct {
      UINT SlotId : 24;
      UINT Reserved : 8;
    };
    UINT Value;
  };
  UINT DriverId;
  UINT AllocationOffset;
  UINT PatchOffset;
  UINT SplitOffset;
};
WARD_DDI_SIZE(D3DDDI_PATCHLOCATIONLIST, 24);
WARD_DDI_AT(D3DDDI_PATCHLOCATIONLIST, Value, 4);
WARD_DDI_AT(D3DDDI_PATCHLOCATIONLIST, DriverId, 8);
WARD_DDI_AT(D3DDDI_PATCHLOCATIONLIST, AllocationOffset, 12);
WARD_DDI_AT(D3DDDI_PATCHLOCATIONLIST, PatchOffset, 16);
WARD_DDI_AT(D3DDDI_PATCHLOCATIONLIST, SplitOffset, 20);

struct D3DDDI_CREATECONTEXTFLAGS {
  union {
    struct {
      UINT NullRendering : 1;
      UINT InitialData : 1;
      UINT Reserved : 30;
    };
    UINT Value;
  };
};

struct D3DDDICB_CREATECONTEXT {
  UINT NodeOrdinal;
  UINT EngineAffinity;
  D3DDDI_CREATECONTEXTFLAGS Flags;
  void* pPrivateDriverData;
  UINT PrivateDriverDataSize;
  HANDLE hContext;  // out, as is all that follows
  void* pCommandBuffer;
  UINT CommandBufferSize;
  D3DDDI_ALLOCATIONLIST* pAllocationList;
  UINT AllocationListSize;
  D3DDDI_PATCHLOCATIONLIST* pPatchLocationList;
  UINT PatchLocationListSize;
  D3DGPU_VIRTUAL_ADDRESS CommandBuffer;
};
WARD_DDI_SIZE(D3DDDI_CREATECONTEXTFLAGS, 4);
WARD_DDI_SIZE(D3DDDICB_CREATECONTEXT, 96);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, EngineAffinity, 4);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, Flags, 8);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, pPrivateDriverData, 16);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, PrivateDriverDataSize, 24);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, hContext, 32);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, pCommandBuffer, 40);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, CommandBufferSize, 48);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, pAllocationList, 56);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, AllocationListSize, 64);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, pPatchLocationList, 72);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, PatchLocationListSize, 80);
WARD_DDI_AT(D3DDDICB_CREATECONTEXT, CommandBuffer, 88);

struct D3DDDICB_DESTROYCONTEXT {
  HANDLE hContext;
};
WARD_DDI_SIZE(D3DDDICB_DESTROYCONTEXT, 8);

struct D3DDDICB_RENDERFLAGS {
  union {
    struct {
      UINT ResizeCommandBuffer : 1;
      UINT ResizeAllocationList : 1;
      UINT ResizePatchLocationList : 1;
      UINT NullRendering : 1;
      UINT Reserved : 28;
    };
    UINT Value;
  };
};

struct D3DDDICB_RENDER {
  UINT CommandLength;
  UINT CommandOffset;
  UINT NumAllocations;
  UINT NumPatchLocations;
  void* pNewCommandBuffer;    // out
  UINT NewCommandBufferSize;  // in and out, as are the sizes below
  D3DDDI_ALLOCATIONLIST* pNewAllocationList;
  UINT NewAllocationListSize;
  D3DDDI_PATCHLOCATIONLIST* pNewPatchLocationList;
  UINT NewPatchLocationListSize;
  D3DDDICB_RENDERFLAGS Flags;
  HANDLE hContext;
  UINT BroadcastContextCount;
  HANDLE BroadcastContext[D3DDDI_MAX_BROADCAST_CONTEXT];
  ULONG QueuedBufferCount;  // out
  D3DGPU_VIRTUAL_ADDRESS NewCommandBuffer;
  void* pPrivateDriverData;
  UINT PrivateDriverDataSize;
};
WARD_DDI_SIZE(D3DDDICB_RENDERFLAGS, 4);
WARD_DDI_SIZE(D3DDDICB_RENDER, 624);
WARD_DDI_AT(D3DDDICB_RENDER, CommandOffset, 4);
WARD_DDI_AT(D3DDDICB_RENDER, NumAllocations, 8);
WARD_DDI_AT(D3DDDICB_RENDER, NumPatchLocations, 12);
WARD_DDI_AT(D3DDDICB_RENDER, pNewCommandBuffer, 16);
WARD_DDI_AT(D3DDDICB_RENDER, NewCommandBufferSize, 24);
WARD_DDI_AT(D3DDDICB_RENDER, pNewAllocationList, 32);
WARD_DDI_AT(D3DDDICB_RENDER, NewAllocationListSize, 40);
WARD_DDI_AT(D3DDDICB_RENDER, pNewPatchLocationList, 48);
WARD_DDI_AT(D3DDDICB_RENDER, NewPatchLocationListSize, 56);
WARD_DDI_AT(D3DDDICB_RENDER, Flags, 60);
WARD_DDI_AT(D3DDDICB_RENDER, hContext, 64);
WARD_DDI_AT(D3DDDICB_RENDER, BroadcastContextCount, 72);
WARD_DDI_AT(D3DDDICB_RENDER, BroadcastContext, 80);
WARD_DDI_AT(D3DDDICB_RENDER, QueuedBufferCount, 592);
WARD_DDI_AT(D3DDDICB_RENDER, NewCommandBuffer, 600);
WARD_DDI_AT(D3DDDICB_RENDER, pPrivateDriverData, 608);
WARD_DDI_AT(D3DDDICB_RENDER, PrivateDriverDataSize, 616);

struct D3DDDICB_PRESENT {
  D3DKMT_HANDLE hSrcAllocation;
  D3DKMT_HANDLE hDstAllocation;
  HANDLE hContext;
  UINT BroadcastContextCount;
  HANDLE BroadcastContext[D3DDDI_MAX_BROADCAST_CONTEXT];
};
WARD_DDI_SIZE(D3DDDICB_PRESENT, 536);
WARD_DDI_AT(D3DDDICB_PRESENT, hContext, 8);
WARD_DDI_AT(D3DDDICB_PRESENT, BroadcastContextCount, 16);
WARD_DDI_AT(D3DDDICB_PRESENT, BroadcastContext, 24);

#endif  // WARD_UMD_DDI_KERNEL_STRUCTURES_H_
