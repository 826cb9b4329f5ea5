// VIDEO_BLT: NV12, P010 or XRGB8888 to XRGB8888 with scaling. The reference formula is in
// docs/spec/video.md.
#ifndef WARD_DEVICE_VIDEO_ENGINE_H_
#define WARD_DEVICE_VIDEO_ENGINE_H_

#include <memory>
#include <optional>

#include "abi/generated/commands.h"
#include "base/result.h"
#include "device/address_space.h"
#include "device/bounce_buffer.h"
#include "device/engine_job.h"
#include "device/memory.h"
#include "device/row_scaler.h"
#include "device/video_picture.h"
#include "device/video_row_maker.h"
#include "device/video_run.h"

namespace ward::device {

class VideoEngine {
 public:
  // `executor` may be null.
  explicit VideoEngine(Memory* memory, ExecutorPort* executor = nullptr)
      : memory_(memory), executor_(executor) {}

  // As CopyEngine.
  Result<EngineJob> Begin(const abi::VideoBltCommand& command, const AddressSpace& space);
  // Makes rows of the destination, or of a stripe of it, for about `budget_bytes` of pixels read
  // and written, at least one. The flow rule is applied again to what they touch.
  Result<bool> Step(EngineJob* job, uint64_t budget_bytes);
  // As CopyEngine.
  bool CanResume(const EngineJob& job) const;

 private:
  // Makes rows until the budget is used up.
  Result<void> MakeRows(const VideoPicture& picture, EngineJob* job, uint64_t budget);
  // Makes the job's next `count` rows, which lie in `stripe`.
  Result<void> MakeRun(const VideoPicture& picture, const VideoPicture::Stripe& stripe,
                       uint32_t count, EngineJob* job);
  // Of a run that is open; by other processors too, if there are any.
  void MakeOpenRows(const VideoPicture& picture, const VideoPicture::Stripe& stripe,
                    const VideoRun& run);
  // What makers of a stripe share; null for the area filter.
  const RowScaler* ScalerOf(const VideoPicture& picture, const VideoPicture::Stripe& stripe);
  // To be wiped after the step.
  ByteSpan Room(size_t size_bytes);

  Memory* memory_;
  ExecutorPort* executor_;
  // Of the last stripe; it follows from the command alone.
  std::optional<RowScaler> scaler_;
  // Made when it is first needed, all zeros but within a step.
  std::unique_ptr<BounceBuffer> room_;
  size_t room_used_ = 0;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_VIDEO_ENGINE_H_
