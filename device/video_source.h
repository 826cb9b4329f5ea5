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
  GuestRange LumaOf(const EngineJob& job, const SourcePiece& piece) const {
    return SliceOf(job.source, LumaExtent(piece));
  }
  GuestRange ChromaOf(const EngineJob& job, const SourcePiece& piece) const {
    return SliceOf(job.second_source, ChromaExtent(piece));
  }
  // Of the same columns of rows one below the other.
  GuestRange LumaOf(const EngineJob& job, const SourcePiece& first, const SourcePiece& last) const {
    return luma_.Touched(job.source, LumaExtent(first), LumaExtent(last));
  }
  GuestRange ChromaOf(const EngineJob& job, const SourcePiece& first,
                      const SourcePiece& last) const {
    return chroma_.Touched(job.second_source, ChromaExtent(first), ChromaExtent(last));
  }
  ByteExtent LumaExtent(const SourcePiece& piece) const;
  ByteExtent ChromaExtent(const SourcePiece& piece) const;
  static GuestRange SliceOf(const GuestRange& range, const ByteExtent& extent) {
    return range.Slice(extent.offset, extent.size_bytes);
  }

  // The bytes of a piece, as LumaOf and ChromaOf have them.
  struct Samples {
    ConstByteSpan luma;
    ConstByteSpan chroma;
  };
  // Bytes of room that pieces of `column_count` need to be read and converted.
  size_t RoomOf(uint32_t column_count) const;
  Result<Samples> Read(const Memory& memory, const EngineJob& job, const SourcePiece& piece,
                       ByteSpan room) const;
  // The piece as XRGB8888 in `room`; gives the part of it with the pixels. The samples may be what
  // Read left in the same room.
  ByteSpan Convert(const SourcePiece& piece, const Samples& samples, ByteSpan room) const;
  // Whether ConvertTo may be used: no pair of pixels that share chroma is cut.
  bool HasWholePairs(const SourcePiece& piece) const;
  // As Convert, to `pixels`, which has as many as the piece and overlaps no samples.
  void ConvertTo(const Samples& samples, ByteSpan pixels) const;

 private:
  VideoSource(const abi::VideoBltCommand& command, RowLayout luma, RowLayout chroma);
  uint32_t SampleBytes() const;
  // Pixel pairs that share chroma: from the first to the last that the piece touches.
  uint32_t FirstPair(const SourcePiece& piece) const;
  uint32_t PairCount(const SourcePiece& piece) const;
  // Where the samples of a piece are kept in its room, with whole pairs.
  struct Places {
    ByteSpan pixels;
    ByteSpan luma;
    ByteSpan chroma;
  };
  Places PlacesIn(ByteSpan room, const SourcePiece& piece) const;
  // Samples of the first pair that the piece has not: none or one.
  size_t Before(const SourcePiece& piece) const { return (left_ + piece.first_column) % 2; }

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
