// Makes rows of one stripe of a VIDEO_BLT's picture. Keeps the source rows that it converted last,
// since neighbouring rows of the picture share them.
#ifndef WARD_DEVICE_VIDEO_ROW_MAKER_H_
#define WARD_DEVICE_VIDEO_ROW_MAKER_H_

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "device/area_scaler.h"
#include "device/engine_job.h"
#include "device/memory.h"
#include "device/row_scaler.h"
#include "device/video_picture.h"

namespace ward::device {

class VideoRowMaker {
 public:
  // Bytes that the maker of a stripe works in.
  static size_t RoomBytes(const VideoPicture& picture, const VideoPicture::Stripe& stripe);
  // What is given outlives the maker. `scaler` is that of ScalerShape, null for the area filter.
  // `room` has at least RoomBytes, aligned to 16; pixels are left in it.
  VideoRowMaker(const VideoPicture& picture, const VideoPicture::Stripe& stripe,
                const RowScaler* scaler, ByteSpan room);
  // Not of the area filter.
  static RowScaler::Shape ScalerShape(const VideoPicture& picture,
                                      const VideoPicture::Stripe& stripe);

  // Writes row `done` of the picture's order, which lies in the stripe. The flow rule is applied to
  // each source row, and its owner takes the destination.
  Result<void> MakeRow(Memory* memory, const EngineJob& job, uint64_t done);
  // What a row costs beside reading and writing, in bytes of budget.
  uint64_t RowCost() const;

 private:
  // Source columns of the stripe, by filter.
  struct Columns {
    uint32_t first;
    uint32_t count;
  };
  struct RoomSizes;
  static Columns ColumnsOf(const VideoPicture& picture, const VideoPicture::Stripe& stripe);

  // The source row as RGB; good until the second call after this one.
  Result<ByteSpan> SourceRow(Memory* memory, const EngineJob& job, uint32_t row,
                             const GuestRange& destination);
  // The source row that a row of the picture is scaled from, mixed of two where it lies between.
  Result<ConstByteSpan> MixByTap(Memory* memory, const EngineJob& job, uint32_t row,
                                 const GuestRange& destination);
  Result<void> MixByArea(Memory* memory, const EngineJob& job, uint32_t row,
                         const GuestRange& destination);

  static constexpr uint32_t kNone = UINT32_MAX;

  const VideoPicture& picture_;
  VideoPicture::Stripe stripe_;
  Columns columns_;
  AreaDirection across_;
  AreaDirection down_;
  const RowScaler* scaler_;
  uint32_t rows_[2] = {kNone, kNone};
  ByteSpan converted_[2];
  ByteSpan rooms_[2];  // of converted rows
  ByteSpan sums_;      // of the area filter
  ByteSpan mixed_;
  ByteSpan scaled_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_VIDEO_ROW_MAKER_H_
