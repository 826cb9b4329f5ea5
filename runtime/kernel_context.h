// A GPU context as the user-mode driver holds it: the buffers that it writes until pfnRenderCb.
#ifndef WARD_RUNTIME_KERNEL_CONTEXT_H_
#define WARD_RUNTIME_KERNEL_CONTEXT_H_

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "kmd/adapter.h"
#include "umd/ddi/kernel_structures.h"

namespace ward::runtime {

class KernelContext {
 public:
  static constexpr uint32_t kCommandBufferBytes = 64 << 10;
  static constexpr uint32_t kListEntries = 256;

  KernelContext(kmd::Adapter* adapter, kmd::DeviceHandle device, kmd::ContextHandle handle);
  KernelContext(const KernelContext&) = delete;
  KernelContext& operator=(const KernelContext&) = delete;

  // Hands the buffers out, for the first time and after each pfnRenderCb.
  void HandOut(D3DDDICB_CREATECONTEXT* data);
  void HandOut(D3DDDICB_RENDER* data);

  // Submits what `data` says of the buffers. INVALID_ARGUMENT for counts, offsets and indices that
  // the buffers don't have; else as kmd::Adapter::Submit.
  Result<void> Submit(const D3DDDICB_RENDER& data);

  kmd::ContextHandle handle() const { return handle_; }

 private:
  // PatchOffset counts from the buffer's first byte, the submission from `command_offset`.
  Result<std::vector<kmd::Patch>> TakePatches(uint32_t count, uint32_t allocation_count,
                                              uint32_t command_offset) const;

  kmd::Adapter* adapter_;
  kmd::DeviceHandle device_;
  kmd::ContextHandle handle_;
  std::vector<uint8_t> commands_;
  std::vector<D3DDDI_ALLOCATIONLIST> allocations_;
  std::vector<D3DDDI_PATCHLOCATIONLIST> patches_;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_KERNEL_CONTEXT_H_
