#include "device/video_source.h"

#include <cstring>

#include "abi/generated/status.h"
#include "base/assert.h"
#include "device/nv12_row.h"
#include "device/p010_row.h"
#include "device/xrgb_row.h"

namespace ward::device {
namespace {

constexpr uint32_t kMaximumSize = 8192;
constexpr uint32_t kPixelBytes = 4;

Fault Invalid(const char* reason) { return Fault{abi::kStatusOperandInvalid, reason}; }

uint32_t SampleBytesOf(VideoFormat format) {
  switch (format) {
    case VideoFormat::kNv12:
      return 1;
    case VideoFormat::kP010:
      return 2;
    case VideoFormat::kXrgb8888:
      return kPixelBytes;
  }
  return 0;
}

// Pairs of pixels, or of rows, that [first, first + count) touches.
uint32_t PairsOf(uint32_t first, uint32_t count) { return (first + count - 1) / 2 - first / 2 + 1; }

// A plane's rows of the rectangle, with the distance of its first byte from the plane's.
struct Plane {
  RowLayout rows;
  uint64_t offset;
};

Result<Plane> MakePlane(uint32_t left_bytes, uint32_t top, uint32_t row_bytes, uint32_t row_count,
                        uint32_t pitch) {
  WARD_ASSIGN_OR_RETURN(const RowLayout rows, RowLayout::Make(row_bytes, row_count, pitch));
  const uint64_t offset = uint64_t{top} * pitch + left_bytes;
  if (offset + rows.ExtentBytes() > RowLayout::kMaximumExtentBytes) {
    return Invalid("a source rectangle too far from its plane's first byte");
  }
  return Plane{rows, offset};
}

Result<void> CheckAlignment(uint64_t address, uint32_t alignment) {
  if (address % alignment == 0) return {};
  return Fault{abi::kStatusAddressMisaligned, "a plane that is not aligned to its samples",
               address};
}

Result<void> CheckFields(const abi::VideoBltCommand& command) {
  if (command.source_format > static_cast<uint32_t>(VideoFormat::kXrgb8888) ||
      command.color_space > static_cast<uint32_t>(ColorSpace::kBt709Full)) {
    return Invalid("no such source format or color space");
  }
  if (command.source_width == 0 || command.source_width > kMaximumSize ||
      command.source_height == 0 || command.source_height > kMaximumSize) {
    return Invalid("a source size out of range");
  }
  const auto format = static_cast<VideoFormat>(command.source_format);
  if (format == VideoFormat::kXrgb8888 && command.source_chroma != 0) {
    return Invalid("XRGB8888 has no chroma plane");
  }
  const uint32_t alignment = SampleBytesOf(format);
  if (command.source_pitch % alignment != 0) return Invalid("a pitch of broken samples");
  WARD_TRY(CheckAlignment(command.source_luma, alignment));
  return CheckAlignment(command.source_chroma, alignment);
}

}  // namespace

VideoSource::VideoSource(const abi::VideoBltCommand& command, RowLayout luma, RowLayout chroma)
    : format_(static_cast<VideoFormat>(command.source_format)),
      color_space_(static_cast<ColorSpace>(command.color_space)),
      range_((command.flags & abi::VideoBltCommand::kFlagLimitedRange) != 0 ? RgbRange::kLimited
                                                                            : RgbRange::kFull),
      left_(command.source_left),
      top_(command.source_top),
      width_(command.source_width),
      height_(command.source_height),
      luma_(luma),
      chroma_(chroma),
      luma_address_(command.source_luma),
      chroma_address_(command.source_chroma) {}

Result<VideoSource> VideoSource::Make(const abi::VideoBltCommand& command) {
  WARD_TRY(CheckFields(command));
  const uint32_t bytes = SampleBytesOf(static_cast<VideoFormat>(command.source_format));
  const uint32_t left = command.source_left;
  const uint32_t top = command.source_top;
  WARD_ASSIGN_OR_RETURN(const Plane luma, MakePlane(left * bytes, top, command.source_width * bytes,
                                                    command.source_height, command.source_pitch));
  Plane chroma = luma;  // of XRGB8888, and then not used
  if (command.source_format != static_cast<uint32_t>(VideoFormat::kXrgb8888)) {
    // A pair of chroma samples is as long as two samples of luma.
    WARD_ASSIGN_OR_RETURN(
        chroma,
        MakePlane(left / 2 * 2 * bytes, top / 2, PairsOf(left, command.source_width) * 2 * bytes,
                  PairsOf(top, command.source_height), command.source_pitch));
  }
  VideoSource source(command, luma.rows, chroma.rows);
  source.luma_address_ += luma.offset;
  source.chroma_address_ += chroma.offset;
  if (source.luma_address_ < luma.offset || source.chroma_address_ < chroma.offset) {
    return Fault{abi::kStatusAddressOutOfRange, "a source rectangle past the last address"};
  }
  return source;
}

uint32_t VideoSource::SampleBytes() const { return SampleBytesOf(format_); }

// Luma and as much chroma; a byte of the result for each of them, or what a word costs.
uint64_t VideoSource::PixelCost() const {
  switch (format_) {
    case VideoFormat::kNv12:
      return 3;
    case VideoFormat::kP010:
      return 12;
    case VideoFormat::kXrgb8888:
      return 4;
  }
  return 0;
}

Result<void> VideoSource::Translate(const AddressSpace& space, EngineJob* job) const {
  WARD_ASSIGN_OR_RETURN(job->source,
                        space.Translate(luma_address_, luma_.ExtentBytes(), Access::kRead));
  if (!has_chroma()) return {};
  WARD_ASSIGN_OR_RETURN(job->second_source,
                        space.Translate(chroma_address_, chroma_.ExtentBytes(), Access::kRead));
  return {};
}

bool VideoSource::Fits(const EngineJob& job) const {
  return job.source.size_bytes() == luma_.ExtentBytes() &&
         job.second_source.size_bytes() == (has_chroma() ? chroma_.ExtentBytes() : 0);
}

uint32_t VideoSource::FirstPair(const SourcePiece& piece) const {
  return (left_ + piece.first_column) / 2 - left_ / 2;
}

uint32_t VideoSource::PairCount(const SourcePiece& piece) const {
  return PairsOf(left_ + piece.first_column, piece.column_count);
}

ByteExtent VideoSource::LumaExtent(const SourcePiece& piece) const {
  return {piece.row * luma_.pitch() + uint64_t{piece.first_column} * SampleBytes(),
          uint64_t{piece.column_count} * SampleBytes()};
}

ByteExtent VideoSource::ChromaExtent(const SourcePiece& piece) const {
  const uint32_t row = (top_ + piece.row) / 2 - top_ / 2;
  const uint64_t pair_bytes = 2 * SampleBytes();
  return {row * chroma_.pitch() + FirstPair(piece) * pair_bytes, PairCount(piece) * pair_bytes};
}

size_t VideoSource::RoomOf(uint32_t column_count) const {
  const size_t pixels = size_t{column_count} + 2;  // both ends may be half a pair
  return pixels * (kPixelBytes + (has_chroma() ? 2 * SampleBytes() : 0));
}

VideoSource::Places VideoSource::PlacesIn(ByteSpan room, const SourcePiece& piece) const {
  WARD_ASSERT(room.size() >= RoomOf(piece.column_count));
  const size_t row_bytes = size_t{PairCount(piece)} * 2 * SampleBytes();
  const ByteSpan pixels = room.first(size_t{PairCount(piece)} * 2 * kPixelBytes);
  return {pixels, room.subspan(pixels.size(), row_bytes),
          room.subspan(pixels.size() + row_bytes, row_bytes)};
}

Result<VideoSource::Samples> VideoSource::Read(const Memory& memory, const EngineJob& job,
                                               const SourcePiece& piece, ByteSpan room) const {
  const size_t piece_bytes = size_t{piece.column_count} * SampleBytes();
  if (!has_chroma()) {
    WARD_TRY(memory.Read(LumaOf(job, piece), room.first(piece_bytes)));
    return Samples{room.first(piece_bytes), {}};
  }
  const Places places = PlacesIn(room, piece);
  const ByteSpan luma = places.luma.subspan(Before(piece) * SampleBytes(), piece_bytes);
  WARD_TRY(memory.Read(LumaOf(job, piece), luma));
  WARD_TRY(memory.Read(ChromaOf(job, piece), places.chroma));
  return Samples{luma, places.chroma};
}

bool VideoSource::HasWholePairs(const SourcePiece& piece) const {
  return !has_chroma() || (Before(piece) == 0 && piece.column_count % 2 == 0);
}

ByteSpan VideoSource::Convert(const SourcePiece& piece, const Samples& samples,
                              ByteSpan room) const {
  const size_t piece_bytes = size_t{piece.column_count} * kPixelBytes;
  if (!has_chroma()) {
    ConvertTo(samples, room.first(piece_bytes));
    return room.first(piece_bytes);
  }
  const Places places = PlacesIn(room, piece);
  if (HasWholePairs(piece)) {
    ConvertTo(samples, places.pixels);
    return places.pixels;
  }
  const size_t before = Before(piece);
  const ByteSpan luma = places.luma.subspan(before * SampleBytes(), samples.luma.size());
  if (luma.data() != samples.luma.data()) {
    std::memcpy(luma.data(), samples.luma.data(), samples.luma.size());
  }
  ConvertTo({places.luma, samples.chroma}, places.pixels);
  return places.pixels.subspan(before * kPixelBytes, piece_bytes);
}

void VideoSource::ConvertTo(const Samples& samples, ByteSpan pixels) const {
  switch (format_) {
    case VideoFormat::kNv12:
      return ConvertNv12Row(MatrixOf8Bits(color_space_, range_), samples.luma, samples.chroma,
                            pixels);
    case VideoFormat::kP010:
      return ConvertP010Row(MatrixOf10Bits(color_space_, range_), samples.luma, samples.chroma,
                            pixels);
    case VideoFormat::kXrgb8888:
      return ConvertXrgbRow(IsFullRange(color_space_) ? RgbRange::kFull : RgbRange::kLimited,
                            range_, samples.luma, pixels);
  }
}

}  // namespace ward::device
