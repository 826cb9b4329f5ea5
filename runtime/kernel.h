// dxgkrnl's part of an adapter: one kmd::Adapter, which several processes share. A process is
// modelled as one runtime::Adapter over this kernel, with devices of its own; all of them live in
// one program, because a VFIO group opens once. Not thread-safe.
#ifndef WARD_RUNTIME_KERNEL_H_
#define WARD_RUNTIME_KERNEL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "abi/pci_function.h"
#include "base/result.h"
#include "kmd/adapter.h"
#include "runtime/event_book.h"
#include "umd/ddi/kernel_structures.h"

namespace ward::runtime {

class KernelDevice;

// A resource that a device shares: IDXGIResource::GetSharedHandle's number leads here.
struct SharedResource {
  KernelDevice* owner;
  HANDLE resource;                    // the runtime's, in the owner's process
  std::vector<uint8_t> driver_data;   // pPrivateDriverData of pfnAllocateCb
  std::vector<uint8_t> runtime_data;  // of the runtime that made it, for the one that opens it
};

class Kernel {
 public:
  // As kmd::Adapter::Open. `function` outlives the kernel.
  static Result<std::unique_ptr<Kernel>> Open(abi::PciFunction* function);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // What the display's owner does before it flips: the mode of output 0, in pixels.
  // INVALID_ARGUMENT when the output has no such mode.
  Result<void> SetMode(uint32_t width, uint32_t height);

  // pfnQueryAdapterInfoCb and pfnEscapeCb (of the adapter, hence here).
  HRESULT QueryAdapterInfo(const D3DDDICB_QUERYADAPTERINFO* data);
  HRESULT Escape(const D3DDDICB_ESCAPE* data);

  // The watchdog of time-out detection and recovery: resets what hangs, or an adapter that was
  // reset from outside (kmd::Adapter::Recover). Runs by itself when a call was let down by a hang.
  Result<kmd::RecoveryReport> Recover() { return adapter_->Recover(); }
  // A number that names a process in SHARED_RESOURCE commands. Never 0, never the same.
  uint64_t NewProcess() { return next_process_ += 4; }
  // What a handle of GetSharedHandle names; null for none.
  const SharedResource* FindShared(uint32_t handle) const;

  // For tools: calls that were refused, by all processes, those that ended too.
  const std::vector<EventReport>& EventReports() const { return events_.reports(); }

  EventBook& events() { return events_; }
  kmd::Adapter& adapter() { return *adapter_; }
  abi::PciFunction& function() { return *function_; }
  uint32_t KeyEpoch() { return adapter_->KeyEpoch(); }

 private:
  friend class KernelDevice;  // comes and goes in devices_
  Kernel(abi::PciFunction* function, std::unique_ptr<kmd::Adapter> adapter);

  abi::PciFunction* function_;
  std::unique_ptr<kmd::Adapter> adapter_;
  EventBook events_;
  std::vector<KernelDevice*> devices_;  // those that live: a handle is looked up, not believed
  std::map<uint32_t, SharedResource> shared_;
  uint32_t next_shared_ = 0x40000002;  // as of a WDDM global handle: no address, no small number
  uint64_t next_process_ = 0x1000;
};

// The HRESULT of a fault, from the contract's status table.
HRESULT HresultOf(const Fault& fault);

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_KERNEL_H_
