// Makes rows of one stripe of a VIDEO_BLT's picture. Keeps the source rows that it converted last,
// since neighbouring rows of the picture share them.
#ifndef WARD_DEVICE_VIDEO_ROW_MAKER_H_
#define WARD_DEVICE_VIDEO_ROW_MAKER_H_

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "device/area_scaler.h"
#include "device/bounce_buffer.h"
#include "device/engine_job.h"
#include "device/memory.h"
#include "device/row_scaler.h"
#include "device/video_picture.h"

namespace ward::device {

class VideoRowMaker {
 public:
  // `picture` outlives the maker.
  VideoRowMaker(const VideoPicture& picture, const VideoPicture::Stripe& stripe);

  // Writes row `done` of the picture's order, which lies in the stripe. The flow rule is applied to
  // each source row, and its owner takes the destination.
  Result<void> MakeRow(Memory* memory, const EngineJob& job, uint64_t done);
  // What a row costs beside reading and writing, in bytes of budget.
  uint64_t RowCost() const;

 private:
  // Source columns and rows of the stripe, by filter.
  struct Columns {
    uint32_t first;
    uint32_t count;
  };
  static Columns ColumnsOf(const VideoPicture& picture, const VideoPicture::Stripe& stripe);

  // The source row as RGB; good until the second call after this one.
  Result<ByteSpan> SourceRow(Memory* memory, const EngineJob& job, uint32_t row,
                             const GuestRange& destination);
  Result<void> MixByTap(Memory* memory, const EngineJob& job, uint32_t row,
                        const GuestRange& destination);
  Result<void> MixByArea(Memory* memory, const EngineJob& job, uint32_t row,
                         const GuestRange& destination);

  static constexpr uint32_t kNone = UINT32_MAX;

  const VideoPicture& picture_;
  VideoPicture::Stripe stripe_;
  Columns columns_;
  AreaDirection across_;
  AreaDirection down_;
  std::optional<RowScaler> scaler_;  // but for the area filter
  size_t room_bytes_;                // of one converted row
  BounceBuffer rooms_;               // two of them
  uint32_t rows_[2] = {kNone, kNone};
  ByteSpan converted_[2];
  BounceBuffer sums_;  // of the area filter
  BounceBuffer mixed_;
  BounceBuffer scaled_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_VIDEO_ROW_MAKER_H_
