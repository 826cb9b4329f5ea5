#include "device/video_row_maker.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace ward::device {

RowScaler::Shape VideoRowMaker::ScalerShape(const VideoPicture& picture,
                                            const VideoPicture::Stripe& stripe) {
  return {picture.filter(), picture.source().width(), picture.width(), stripe.first, stripe.count};
}

bool VideoRowMaker::MakesRowsWithoutRoom(const VideoPicture& picture,
                                         const VideoPicture::Stripe& stripe) {
  const VideoSource& source = picture.source();
  const auto [first, count] = picture.SourceColumnsOf(stripe);
  return picture.filter() != ScaleFilter::kArea && source.width() == picture.width() &&
         source.height() == picture.height() && source.HasWholePairs({0, first, count});
}

struct VideoRowMaker::RoomSizes {
  RoomSizes(const VideoPicture& picture, uint32_t source_count, uint32_t count)
      : converted(RoundUp(picture.source().RoomOf(source_count))),
        sums(picture.filter() == ScaleFilter::kArea
                 ? RoundUp(size_t{source_count} * kVideoPixelBytes * sizeof(uint32_t))
                 : 0),
        mixed(RoundUp(size_t{source_count} * kVideoPixelBytes)),
        scaled(RoundUp(size_t{count} * kVideoPixelBytes)) {}
  static size_t RoundUp(size_t size) { return (size + kRoomAlignment - 1) & ~(kRoomAlignment - 1); }

  size_t converted;  // of each of two
  size_t sums;
  size_t mixed;
  size_t scaled;
};

size_t VideoRowMaker::RoomBytes(const VideoPicture& picture, const VideoPicture::Stripe& stripe) {
  const RoomSizes sizes(picture, picture.SourceColumnsOf(stripe).count, stripe.count);
  return 2 * sizes.converted + sizes.sums + sizes.mixed + sizes.scaled;
}

VideoRowMaker::VideoRowMaker(const VideoPicture& picture, const VideoPicture::Stripe& stripe,
                             const RowScaler* scaler, ByteSpan room)
    : picture_(picture),
      stripe_(stripe),
      columns_(picture.SourceColumnsOf(stripe)),
      across_(picture.source().width(), picture.width()),
      down_(picture.source().height(), picture.height()),
      scaler_(scaler),
      needs_no_room_(MakesRowsWithoutRoom(picture, stripe)) {
  if (needs_no_room_ && room.empty()) return;
  const RoomSizes sizes(picture, columns_.count, stripe.count);
  const auto take = [&room](size_t rounded, size_t size) {
    const ByteSpan taken = room.first(size);
    room = room.subspan(rounded);
    return taken;
  };
  for (ByteSpan& converted : rooms_) converted = take(sizes.converted, sizes.converted);
  sums_ = take(sizes.sums,
               sizes.sums == 0 ? 0 : size_t{columns_.count} * kVideoPixelBytes * sizeof(uint32_t));
  mixed_ = take(sizes.mixed, size_t{columns_.count} * kVideoPixelBytes);
  scaled_ = take(sizes.scaled, size_t{stripe.count} * kVideoPixelBytes);
}

Result<void> VideoRowMaker::CopyRow(Memory* memory, const EngineJob& job, uint64_t done) {
  WARD_ASSIGN_OR_RETURN(const ConstByteSpan pixels,
                        Make({nullptr, memory, &job}, picture_.RowOf(done), scaled_));
  return memory->Write(picture_.DestinationOf(job, done), pixels);
}

void VideoRowMaker::MakeRow(const VideoRun& run, uint64_t done) {
  const ByteSpan out = run.DestinationOf(done);
  const uint32_t row = picture_.RowOf(done);
  if (needs_no_room_) return picture_.source().ConvertTo(run.SamplesOf(row), out);
  const auto made = Make({&run, nullptr, nullptr}, row, out);
  const ConstByteSpan pixels = made.value();  // nothing is read that the host could refuse
  if (pixels.data() != out.data()) std::memcpy(out.data(), pixels.data(), out.size());
}

Result<ConstByteSpan> VideoRowMaker::Make(const RowReader& reader, uint32_t row, ByteSpan out) {
  if (scaler_ == nullptr) {
    WARD_TRY(MixByArea(reader, row));
    ScaleRowByArea(across_, stripe_.first, mixed_, out);
    return ConstByteSpan(out);
  }
  if (scaler_->is_identity()) return MixByTap(reader, row, out);
  WARD_ASSIGN_OR_RETURN(const ConstByteSpan mixed, MixByTap(reader, row, mixed_));
  scaler_->ScaleRow(mixed, out);
  return ConstByteSpan(out);
}

Result<ConstByteSpan> VideoRowMaker::MixByTap(const RowReader& reader, uint32_t row,
                                              ByteSpan mixed) {
  const ScaleTap tap =
      FindTap(picture_.filter(), row, picture_.source().height(), picture_.height());
  WARD_ASSIGN_OR_RETURN(const ByteSpan first, SourceRow(reader, tap.first));
  // What counts for nothing is not converted, but it is read (docs/spec/video.md).
  if (tap.weight == 0 && reader.run != nullptr) return ConstByteSpan(first);
  WARD_ASSIGN_OR_RETURN(const ByteSpan second, SourceRow(reader, tap.second));
  if (tap.weight == 0) return ConstByteSpan(first);
  MixRows(first, second, tap.weight, mixed);
  return ConstByteSpan(mixed);
}

Result<void> VideoRowMaker::MixByArea(const RowReader& reader, uint32_t row) {
  std::fill(sums_.begin(), sums_.end(), uint8_t{0});
  for (uint32_t source = down_.First(row); source <= down_.Last(row); ++source) {
    WARD_ASSIGN_OR_RETURN(const ByteSpan rgb, SourceRow(reader, source));
    AddRowToSums(rgb, down_.ShareOf(source, row), sums_);
  }
  FinishSums(down_, sums_, mixed_);
  return {};
}

Result<ByteSpan> VideoRowMaker::SourceRow(const RowReader& reader, uint32_t row) {
  const uint32_t slot = row % 2;
  if (rows_[slot] == row) return ByteSpan(converted_[slot]);
  const VideoSource& source = picture_.source();
  const SourcePiece piece = {row, columns_.first, columns_.count};
  VideoSource::Samples samples;
  rows_[slot] = kNone;
  if (reader.run != nullptr) {
    samples = reader.run->SamplesOf(row);
  } else {
    WARD_ASSIGN_OR_RETURN(samples, source.Read(*reader.memory, *reader.job, piece, rooms_[slot]));
  }
  converted_[slot] = source.Convert(piece, samples, rooms_[slot]);
  rows_[slot] = row;
  return ByteSpan(converted_[slot]);
}

}  // namespace ward::device
