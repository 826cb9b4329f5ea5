// The source of a VIDEO_BLT: a rectangle of a picture in one of the formats that the video
// processor reads, and its rows as XRGB8888.
#ifndef WARD_DEVICE_VIDEO_SOURCE_H_
#define WARD_DEVICE_VIDEO_SOURCE_H_

#include <cstdint>

#include "abi/generated/commands.h"
#include "base/result.h"
#include "device/address_space.h"
#include "device/bounce_buffer.h"
#include "device/color_matrix.h"
#include "device/engine_job.h"
#include "device/memory.h"
#include "device/row_layout.h"

namespace ward::device {

// VIDEO_BLT.source_format.
enum class VideoFormat : uint32_t { kNv12 = 0, kP010 = 1, kXrgb8888 = 2 };

// Part of a source row, in pixels of the source rectangle.
struct SourcePiece {
  uint32_t row;
  uint32_t first_column;
  uint32_t column_count;
};

// Only Make returns one, after checking what of the command is the source's.
class VideoSource {
 public:
  // OPERAND_INVALID, ADDRESS_MISALIGNED.
  static Result<VideoSource> Make(const abi::VideoBltCommand& command);

  bool has_chroma() const { return format_ != VideoFormat::kXrgb8888; }
  uint32_t width() const { return width_; }
  uint32_t height() const { return height_; }
  // What a pixel costs to read and convert, in bytes of budget.
  uint64_t PixelCost() const;

  // Sets source and second_source of the job.
  Result<void> Translate(const AddressSpace& space, EngineJob* job) const;
  // Whether the job's sources are as long as Translate makes them.
  bool Fits(const EngineJob& job) const;
  // What the flow rule looks at: of the rectangle, and of a piece of it. Chroma only when
  // has_chroma().
  GuestRange TouchedLuma(const EngineJob& job) const { return luma_.Touched(job.source); }
  GuestRange TouchedChroma(const EngineJob& job) const {
    return chroma_.Touched(job.second_source);
  }
  GuestRange LumaOf(const EngineJob& job, const SourcePiece& piece) const;
  GuestRange ChromaOf(const EngineJob& job, const SourcePiece& piece) const;

  // Bytes of room that Convert needs for pieces of `column_count`.
  size_t RoomOf(uint32_t column_count) const;
  // The piece as XRGB8888 in `room`; gives the part of it with the pixels.
  Result<ByteSpan> Convert(const Memory& memory, const EngineJob& job, const SourcePiece& piece,
                           ByteSpan room) const;

 private:
  VideoSource(const abi::VideoBltCommand& command, RowLayout luma, RowLayout chroma);
  uint32_t SampleBytes() const;
  // Pixel pairs that share chroma: from the first to the last that the piece touches.
  uint32_t FirstPair(const SourcePiece& piece) const;
  uint32_t PairCount(const SourcePiece& piece) const;

  VideoFormat format_;
  ColorSpace color_space_;
  RgbRange range_;
  uint32_t left_;
  uint32_t top_;
  uint32_t width_;
  uint32_t height_;
  RowLayout luma_;  // or pixels of XRGB8888
  RowLayout chroma_;
  uint64_t luma_address_;  // of the rectangle
  uint64_t chroma_address_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_VIDEO_SOURCE_H_
