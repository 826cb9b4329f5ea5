// COPY and FILL.
#ifndef WARD_DEVICE_COPY_ENGINE_H_
#define WARD_DEVICE_COPY_ENGINE_H_

#include "abi/generated/commands.h"
#include "base/result.h"
#include "device/address_space.h"
#include "device/engine_job.h"
#include "device/memory.h"
#include "device/row_layout.h"

namespace ward::device {

class CopyEngine {
 public:
  explicit CopyEngine(Memory* memory) : memory_(memory) {}

  // Check operands, translate, apply the flow rule to the whole, then let the pages of the
  // destination change hands. No byte has moved afterwards, and a fault leaves all as it was.
  Result<EngineJob> Begin(const abi::CopyCommand& command, const AddressSpace& space);
  Result<EngineJob> Begin(const abi::FillCommand& command, const AddressSpace& space);
  // Moves about `budget_bytes` (at least 4096; a short row counts as 256) and says whether the job
  // is done. The flow rule is applied again to what the step touches.
  Result<bool> Step(EngineJob* job, uint64_t budget_bytes);
  // Whether a job of a saved state is one that Begin could have made and Step could be amid.
  bool CanResume(const EngineJob& job) const;

 private:
  void ReleaseFilledPages(const EngineJob& job, const RowLayout& rows);

  Memory* memory_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_COPY_ENGINE_H_
