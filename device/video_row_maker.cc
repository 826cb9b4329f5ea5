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

VideoRowMaker::VideoRowMaker(const VideoPicture& picture, const VideoPicture::Stripe& stripe)
    : picture_(picture),
      stripe_(stripe),
      columns_(ColumnsOf(picture, stripe)),
      across_(picture.source().width(), picture.width()),
      down_(picture.source().height(), picture.height()),
      room_bytes_(picture.source().RoomOf(columns_.count)),
      rooms_(2 * room_bytes_),
      sums_(picture.filter() == ScaleFilter::kArea
                ? size_t{columns_.count} * kVideoPixelBytes * sizeof(uint32_t)
                : 0),
      mixed_(size_t{columns_.count} * kVideoPixelBytes),
      scaled_(size_t{stripe.count} * kVideoPixelBytes) {
  for (BounceBuffer* buffer : {&rooms_, &sums_, &mixed_, &scaled_}) buffer->MarkSecret();
  if (picture.filter() != ScaleFilter::kArea) {
    scaler_.emplace(picture.filter(), picture.source().width(), picture.width(), stripe.first,
                    stripe.count);
  }
}

uint64_t VideoRowMaker::RowCost() const {
  return picture_.SourceRowsPerRow() * columns_.count * picture_.source().PixelCost() +
         scaled_.size_bytes();
}

Result<void> VideoRowMaker::MakeRow(Memory* memory, const EngineJob& job, uint64_t done) {
  const GuestRange destination = picture_.DestinationOf(job, done);
  const uint32_t row = picture_.RowOf(done);
  if (scaler_) {
    WARD_TRY(MixByTap(memory, job, row, destination));
    scaler_->ScaleRow(mixed_.bytes(), scaled_.bytes());
  } else {
    WARD_TRY(MixByArea(memory, job, row, destination));
    ScaleRowByArea(across_, stripe_.first, mixed_.bytes(), scaled_.bytes());
  }
  return memory->Write(destination, scaled_.bytes());
}

Result<void> VideoRowMaker::MixByTap(Memory* memory, const EngineJob& job, uint32_t row,
                                     const GuestRange& destination) {
  const ScaleTap tap =
      FindTap(picture_.filter(), row, picture_.source().height(), picture_.height());
  WARD_ASSIGN_OR_RETURN(const ByteSpan first, SourceRow(memory, job, tap.first, destination));
  WARD_ASSIGN_OR_RETURN(const ByteSpan second, SourceRow(memory, job, tap.second, destination));
  MixRows(first, second, tap.weight, mixed_.bytes());
  return {};
}

Result<void> VideoRowMaker::MixByArea(Memory* memory, const EngineJob& job, uint32_t row,
                                      const GuestRange& destination) {
  std::fill(sums_.bytes().begin(), sums_.bytes().end(), uint8_t{0});
  for (uint32_t source = down_.First(row); source <= down_.Last(row); ++source) {
    WARD_ASSIGN_OR_RETURN(const ByteSpan rgb, SourceRow(memory, job, source, destination));
    AddRowToSums(rgb, down_.ShareOf(source, row), sums_.bytes());
  }
  FinishSums(down_, sums_.bytes(), mixed_.bytes());
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
    const ByteSpan room = rooms_.bytes().subspan(slot * room_bytes_, room_bytes_);
    WARD_ASSIGN_OR_RETURN(converted_[slot], source.Convert(*memory, job, piece, room));
    rows_[slot] = row;
  }
  memory->TakeOwnership(destination, owner);
  return converted_[slot];
}

}  // namespace ward::device
