// A checked VIDEO_BLT: its source, its scaling, and the window of the scaled picture that it
// writes, cut into stripes of columns so that making one row of a stripe is a bounded piece of
// work.
#ifndef WARD_DEVICE_VIDEO_PICTURE_H_
#define WARD_DEVICE_VIDEO_PICTURE_H_

#include <cstdint>

#include "abi/generated/commands.h"
#include "base/result.h"
#include "device/engine_job.h"
#include "device/memory.h"
#include "device/row_layout.h"
#include "device/row_scaler.h"
#include "device/video_source.h"

namespace ward::device {

inline constexpr uint32_t kVideoPixelBytes = 4;  // of the destination, and of converted rows

// Only Make returns one, after checking.
class VideoPicture {
 public:
  // Columns and rows of the scaled picture.
  struct Window {
    uint32_t left;
    uint32_t top;
    uint32_t width;
    uint32_t height;
  };
  // Columns of the scaled picture.
  struct Stripe {
    uint32_t first;
    uint32_t count;
  };

  // OPERAND_INVALID, ADDRESS_MISALIGNED.
  static Result<VideoPicture> Make(const abi::VideoBltCommand& command);

  const VideoSource& source() const { return source_; }
  const RowLayout& destination() const { return destination_; }
  ScaleFilter filter() const { return filter_; }
  uint32_t width() const { return width_; }    // of the scaled picture
  uint32_t height() const { return height_; }  // of the scaled picture

  // Rows of all stripes: what there is to do. They are made stripe by stripe, top to bottom.
  uint64_t TotalRows() const { return uint64_t{StripeCount()} * window_.height; }
  Stripe StripeOf(uint64_t done) const;
  // Row of the scaled picture.
  uint32_t RowOf(uint64_t done) const {
    return window_.top + static_cast<uint32_t>(done % window_.height);
  }
  uint32_t RowsLeftInStripe(uint64_t done) const {
    return window_.height - static_cast<uint32_t>(done % window_.height);
  }
  GuestRange DestinationOf(const EngineJob& job, uint64_t done) const {
    return VideoSource::SliceOf(job.destination, DestinationExtent(done));
  }
  // Of `count` rows of one stripe.
  GuestRange DestinationOf(const EngineJob& job, uint64_t done, uint32_t count) const {
    return destination_.Touched(job.destination, DestinationExtent(done),
                                DestinationExtent(done + count - 1));
  }
  ByteExtent DestinationExtent(uint64_t done) const;

  // From the first to the last.
  struct SourceRows {
    uint32_t first;
    uint32_t last;
  };
  // What a row of the scaled picture is made from.
  SourceRows SourceRowsOf(uint32_t row) const;
  // What the columns of a stripe are made from.
  struct SourceColumns {
    uint32_t first;
    uint32_t count;
  };
  SourceColumns SourceColumnsOf(const Stripe& stripe) const;
  // What a row of a stripe costs beside reading and writing, in bytes of budget.
  uint64_t RowCost(const Stripe& stripe) const;
  // The most reads and writes that a row takes.
  uint64_t AccessesPerRow() const {
    return uint64_t{SourceRowsPerRow()} * (source_.has_chroma() ? 2 : 1) + 1;
  }

 private:
  VideoPicture(const abi::VideoBltCommand& command, VideoSource source, const Window& window,
               RowLayout destination);
  uint32_t StripeCount() const { return (window_.width - 1) / stripe_columns_ + 1; }
  // Source rows that one row of the destination needs at most.
  uint32_t SourceRowsPerRow() const;

  VideoSource source_;
  RowLayout destination_;
  ScaleFilter filter_;
  uint32_t width_;
  uint32_t height_;
  Window window_;
  uint32_t stripe_columns_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_VIDEO_PICTURE_H_
