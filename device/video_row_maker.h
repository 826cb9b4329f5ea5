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
#include "device/video_run.h"

namespace ward::device {

class VideoRowMaker {
 public:
  // Bytes that the maker of a stripe works in, a multiple of kRoomAlignment.
  static size_t RoomBytes(const VideoPicture& picture, const VideoPicture::Stripe& stripe);
  static constexpr size_t kRoomAlignment = 64;
  // What is given outlives the maker. `scaler` is that of ScalerShape, null for the area filter.
  // `room` has at least RoomBytes, aligned to a pixel; pixels are left in it. It may be empty where
  // MakeRow is all and needs none.
  VideoRowMaker(const VideoPicture& picture, const VideoPicture::Stripe& stripe,
                const RowScaler* scaler, ByteSpan room);
  // Not of the area filter.
  static RowScaler::Shape ScalerShape(const VideoPicture& picture,
                                      const VideoPicture::Stripe& stripe);

  // Makes row `done` of the picture's order, which lies in the stripe and was admitted: of samples
  // that are read, in memory that is written.
  Result<void> CopyRow(Memory* memory, const EngineJob& job, uint64_t done);
  // The same where its bytes are: `run` is open. On any thread.
  void MakeRow(const VideoRun& run, uint64_t done);
  // Whether MakeRow leaves nothing in the room.
  static bool MakesRowsWithoutRoom(const VideoPicture& picture, const VideoPicture::Stripe& stripe);

 private:
  struct RoomSizes;
  // Where source rows come from: `run` where it is not null.
  struct RowReader {
    const VideoRun* run;
    const Memory* memory;
    const EngineJob* job;
  };

  // The pixels of a row of the scaled picture: in `out`, or in a room.
  Result<ConstByteSpan> Make(const RowReader& reader, uint32_t row, ByteSpan out);
  // The source row as RGB; good until the second call after this one.
  Result<ByteSpan> SourceRow(const RowReader& reader, uint32_t row);
  // The source row that a row of the picture is scaled from, mixed of two where it lies between:
  // in `mixed` then.
  Result<ConstByteSpan> MixByTap(const RowReader& reader, uint32_t row, ByteSpan mixed);
  Result<void> MixByArea(const RowReader& reader, uint32_t row);

  static constexpr uint32_t kNone = UINT32_MAX;

  const VideoPicture& picture_;
  VideoPicture::Stripe stripe_;
  VideoPicture::SourceColumns columns_;
  AreaDirection across_;
  AreaDirection down_;
  const RowScaler* scaler_;
  bool needs_no_room_;
  uint32_t rows_[2] = {kNone, kNone};
  ByteSpan converted_[2];
  ByteSpan rooms_[2];  // of converted rows
  ByteSpan sums_;      // of the area filter
  ByteSpan mixed_;
  ByteSpan scaled_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_VIDEO_ROW_MAKER_H_
