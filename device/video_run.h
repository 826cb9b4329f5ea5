// Rows of a stripe of a VIDEO_BLT's picture that one step makes: admitted by the flow rule, and
// their bytes where they are, when the host shows them.
#ifndef WARD_DEVICE_VIDEO_RUN_H_
#define WARD_DEVICE_VIDEO_RUN_H_

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "device/engine_job.h"
#include "device/memory.h"
#include "device/video_picture.h"

namespace ward::device {

class VideoRun {
 public:
  // `count` rows from the job's next one on, at most as many as its stripe has. What is given
  // outlives the run.
  VideoRun(Memory* memory, const VideoPicture& picture, const EngineJob& job, uint32_t count);

  // Applies the flow rule to the rows and all that they are made from, and the owner takes them.
  Result<void> Admit() const;

  // Lets the rows be made where they are, and charges what is read as if it were read. False: they
  // have to be read and written.
  bool Open();
  // When all rows were made where they are; before anything else is done with the memory.
  void Close();

  uint64_t first() const { return first_; }  // in the picture's order
  uint32_t count() const { return count_; }
  // Of a run that is open; on any thread.
  VideoSource::Samples SamplesOf(uint32_t source_row) const;
  ByteSpan DestinationOf(uint64_t done) const;

 private:
  SourcePiece PieceOf(uint32_t row) const { return {row, columns_.first, columns_.count}; }
  SourcePiece FirstPiece() const;
  SourcePiece LastPiece() const;
  // The one span of `range` from the first of so many rows to the last; null: there are several, or
  // the rows are but a small part of it.
  static std::optional<PhysicalSpan> SpanOf(const GuestRange& range, const ByteExtent& first,
                                            const ByteExtent& last, uint32_t row_count);
  // As a maker reads them, which keeps two source rows.
  void ChargeReading() const;

  Memory* memory_;
  const VideoPicture& picture_;
  const EngineJob& job_;
  VideoPicture::SourceColumns columns_;
  uint64_t first_;
  uint32_t count_;
  // Of the first source row and the first row.
  ByteExtent luma_extent_{};
  ByteExtent chroma_extent_{};
  ByteExtent destination_extent_{};
  const uint8_t* luma_ = nullptr;
  const uint8_t* chroma_ = nullptr;
  uint8_t* destination_ = nullptr;
  std::optional<PhysicalSpan> destination_span_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_VIDEO_RUN_H_
