#include "device/video_row_maker.h"

#include <algorithm>

#include "device/flow_rule.h"

namespace ward::device {

VideoRowMaker::Columns VideoRowMaker::ColumnsOf(const VideoPicture& picture,
                                                const VideoPicture::Stripe& stripe) {
  const uint32_t last = stripe.first + stripe.count - 1;
  if (picture.filter() == ScaleFilter::kArea) {
    const AreaDirection across(picture.source().width(), picture.width());
    const uint32_t first = across.First(stripe.first);
    return {first, across.Last(last) - first + 1};
  }
  const uint32_t first =
      FindTap(picture.filter(), stripe.first, picture.source().width(), picture.width()).first;
  const uint32_t end =
      FindTap(picture.filter(), last, picture.source().width(), picture.width()).second;
  return {first, end - first + 1};
}

RowScaler::Shape VideoRowMaker::ScalerShape(const VideoPicture& picture,
                                            const VideoPicture::Stripe& stripe) {
  return {picture.filter(), picture.source().width(), picture.width(), stripe.first, stripe.count};
}

struct VideoRowMaker::RoomSizes {
  RoomSizes(const VideoPicture& picture, const Columns& columns, uint32_t count)
      : converted(RoundUp(picture.source().RoomOf(columns.count))),
        sums(picture.filter() == ScaleFilter::kArea
                 ? RoundUp(size_t{columns.count} * kVideoPixelBytes * sizeof(uint32_t))
                 : 0),
        mixed(RoundUp(size_t{columns.count} * kVideoPixelBytes)),
        scaled(RoundUp(size_t{count} * kVideoPixelBytes)) {}
  static size_t RoundUp(size_t size) { return (size + kRoomAlignment - 1) & ~(kRoomAlignment - 1); }
  static constexpr size_t kRoomAlignment = 16;

  size_t converted;  // of each of two
  size_t sums;
  size_t mixed;
  size_t scaled;
};

size_t VideoRowMaker::RoomBytes(const VideoPicture& picture, const VideoPicture::Stripe& stripe) {
  const RoomSizes sizes(picture, ColumnsOf(picture, stripe), stripe.count);
  return 2 * sizes.converted + sizes.sums + sizes.mixed + sizes.scaled;
}

VideoRowMaker::VideoRowMaker(const VideoPicture& picture, const VideoPicture::Stripe& stripe,
                             const RowScaler* scaler, ByteSpan room)
    : picture_(picture),
      stripe_(stripe),
      columns_(ColumnsOf(picture, stripe)),
      across_(picture.source().width(), picture.width()),
      down_(picture.source().height(), picture.height()),
      scaler_(scaler) {
  const RoomSizes sizes(picture, columns_, stripe.count);
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

uint64_t VideoRowMaker::RowCost() const {
  return picture_.SourceRowsPerRow() * columns_.count * picture_.source().PixelCost() +
         scaled_.size();
}

Result<void> VideoRowMaker::MakeRow(Memory* memory, const EngineJob& job, uint64_t done) {
  const GuestRange destination = picture_.DestinationOf(job, done);
  const uint32_t row = picture_.RowOf(done);
  if (scaler_ == nullptr) {
    WARD_TRY(MixByArea(memory, job, row, destination));
    ScaleRowByArea(across_, stripe_.first, mixed_, scaled_);
    return memory->Write(destination, scaled_);
  }
  WARD_ASSIGN_OR_RETURN(const ConstByteSpan mixed, MixByTap(memory, job, row, destination));
  if (scaler_->is_identity()) return memory->Write(destination, mixed);
  scaler_->ScaleRow(mixed, scaled_);
  return memory->Write(destination, scaled_);
}

Result<ConstByteSpan> VideoRowMaker::MixByTap(Memory* memory, const EngineJob& job, uint32_t row,
                                              const GuestRange& destination) {
  const ScaleTap tap =
      FindTap(picture_.filter(), row, picture_.source().height(), picture_.height());
  WARD_ASSIGN_OR_RETURN(const ByteSpan first, SourceRow(memory, job, tap.first, destination));
  WARD_ASSIGN_OR_RETURN(const ByteSpan second, SourceRow(memory, job, tap.second, destination));
  if (tap.weight == 0) return ConstByteSpan(first);
  MixRows(first, second, tap.weight, mixed_);
  return ConstByteSpan(mixed_);
}

Result<void> VideoRowMaker::MixByArea(Memory* memory, const EngineJob& job, uint32_t row,
                                      const GuestRange& destination) {
  std::fill(sums_.begin(), sums_.end(), uint8_t{0});
  for (uint32_t source = down_.First(row); source <= down_.Last(row); ++source) {
    WARD_ASSIGN_OR_RETURN(const ByteSpan rgb, SourceRow(memory, job, source, destination));
    AddRowToSums(rgb, down_.ShareOf(source, row), sums_);
  }
  FinishSums(down_, sums_, mixed_);
  return {};
}

Result<ByteSpan> VideoRowMaker::SourceRow(Memory* memory, const EngineJob& job, uint32_t row,
                                          const GuestRange& destination) {
  const VideoSource& source = picture_.source();
  const SourcePiece piece = {row, columns_.first, columns_.count};
  const GuestRange luma = source.LumaOf(job, piece);
  const GuestRange chroma = source.has_chroma() ? source.ChromaOf(job, piece) : GuestRange();
  WARD_ASSIGN_OR_RETURN(
      const PageOwner owner,
      flow_rule::CheckPartOfTransfer(*memory, &luma, &chroma, destination, job.owner));
  const uint32_t slot = row % 2;
  if (rows_[slot] != row) {
    rows_[slot] = kNone;
    WARD_ASSIGN_OR_RETURN(converted_[slot], source.Convert(*memory, job, piece, rooms_[slot]));
    rows_[slot] = row;
  }
  memory->TakeOwnership(destination, owner);
  return converted_[slot];
}

}  // namespace ward::device
