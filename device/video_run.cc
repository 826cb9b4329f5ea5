#include "device/video_run.h"

#include <algorithm>

#include "abi/generated/pci.h"
#include "base/assert.h"
#include "device/flow_rule.h"

namespace ward::device {
namespace {

bool AreDisjoint(const uint8_t* first, uint64_t first_bytes, const uint8_t* second,
                 uint64_t second_bytes) {
  return first + first_bytes <= second || second + second_bytes <= first;
}

uint64_t BytesBetween(const ByteExtent& first, const ByteExtent& last) {
  return last.offset + last.size_bytes - first.offset;
}

// A host looks at each page of a window, and the rows pay for their own bytes alone.
bool IsSparse(uint64_t bytes, uint64_t row_bytes, uint64_t row_count) {
  constexpr uint64_t kMostPerRow = 4;
  return bytes > row_count * kMostPerRow * std::max<uint64_t>(row_bytes, abi::kPageSize);
}

}  // namespace

VideoRun::VideoRun(Memory* memory, const VideoPicture& picture, const EngineJob& job,
                   uint32_t count)
    : memory_(memory),
      picture_(picture),
      job_(job),
      columns_(picture.SourceColumnsOf(picture.StripeOf(job.done))),
      first_(job.done),
      count_(count) {
  WARD_ASSERT(count != 0 && count <= picture.RowsLeftInStripe(job.done));
}

SourcePiece VideoRun::FirstPiece() const {
  return PieceOf(picture_.SourceRowsOf(picture_.RowOf(first_)).first);
}

SourcePiece VideoRun::LastPiece() const {
  return PieceOf(picture_.SourceRowsOf(picture_.RowOf(first_ + count_ - 1)).last);
}

Result<void> VideoRun::Admit() const {
  const VideoSource& source = picture_.source();
  const GuestRange luma = source.LumaOf(job_, FirstPiece(), LastPiece());
  const GuestRange chroma =
      source.has_chroma() ? source.ChromaOf(job_, FirstPiece(), LastPiece()) : GuestRange();
  const GuestRange destination = picture_.DestinationOf(job_, first_, count_);
  WARD_ASSIGN_OR_RETURN(
      const PageOwner owner,
      flow_rule::CheckPartOfTransfer(*memory_, &luma, &chroma, destination, job_.owner));
  memory_->TakeOwnership(destination, owner);
  return {};
}

std::optional<PhysicalSpan> VideoRun::SpanOf(const GuestRange& range, const ByteExtent& first,
                                             const ByteExtent& last, uint32_t row_count) {
  const uint64_t bytes = BytesBetween(first, last);
  if (IsSparse(bytes, first.size_bytes, row_count)) return std::nullopt;
  const GuestRange slice = range.Slice(first.offset, bytes);
  if (slice.spans().size() != 1) return std::nullopt;
  return slice.spans().front();
}

bool VideoRun::Open() {
  const VideoSource& source = picture_.source();
  const uint64_t last = first_ + count_ - 1;
  const SourcePiece first_piece = FirstPiece();
  const SourcePiece last_piece = LastPiece();
  destination_extent_ = picture_.DestinationExtent(first_);
  luma_extent_ = source.LumaExtent(first_piece);
  destination_span_ =
      SpanOf(job_.destination, destination_extent_, picture_.DestinationExtent(last), count_);
  const uint32_t source_rows = last_piece.row - first_piece.row + 1;
  const auto luma = SpanOf(job_.source, luma_extent_, source.LumaExtent(last_piece), source_rows);
  if (!destination_span_ || !luma) return false;
  luma_ = memory_->OpenForRead(*luma);
  if (luma_ == nullptr) return false;
  uint64_t chroma_bytes = 0;
  if (source.has_chroma()) {
    chroma_extent_ = source.ChromaExtent(first_piece);
    const auto chroma = SpanOf(job_.second_source, chroma_extent_, source.ChromaExtent(last_piece),
                               source_rows / 2 + 1);
    if (!chroma) return false;
    chroma_ = memory_->OpenForRead(*chroma);
    if (chroma_ == nullptr) return false;
    chroma_bytes = chroma->size_bytes();
  }
  destination_ = memory_->OpenForWrite(*destination_span_);
  if (destination_ == nullptr) return false;
  // A picture that is written over its own source is made in order, row by row.
  const uint64_t bytes = destination_span_->size_bytes();
  if (!AreDisjoint(destination_, bytes, luma_, luma->size_bytes()) ||
      (chroma_bytes != 0 && !AreDisjoint(destination_, bytes, chroma_, chroma_bytes))) {
    return false;
  }
  ChargeReading();
  return true;
}

void VideoRun::ChargeReading() const {
  uint64_t reads = 0;
  uint32_t kept[2] = {UINT32_MAX, UINT32_MAX};
  for (uint32_t i = 0; i < count_; ++i) {
    const auto [first, last] = picture_.SourceRowsOf(picture_.RowOf(first_ + i));
    for (uint32_t row = first; row <= last; ++row) {
      if (kept[row % 2] == row) continue;
      kept[row % 2] = row;
      ++reads;
    }
  }
  uint64_t work = Memory::TransferWork(luma_extent_.size_bytes);
  if (picture_.source().has_chroma()) work += Memory::TransferWork(chroma_extent_.size_bytes);
  memory_->AddWork(reads * work);
}

void VideoRun::Close() {
  memory_->AddWork(count_ * Memory::TransferWork(destination_extent_.size_bytes));
  for (uint32_t i = 0; i < count_; ++i) {
    const ByteExtent row = picture_.DestinationExtent(first_ + i);
    memory_->CloseWritten(
        destination_span_->Slice(row.offset - destination_extent_.offset, row.size_bytes),
        DestinationOf(first_ + i).data());
  }
}

VideoSource::Samples VideoRun::SamplesOf(uint32_t source_row) const {
  const VideoSource& source = picture_.source();
  const ByteExtent luma = source.LumaExtent(PieceOf(source_row));
  VideoSource::Samples samples = {{luma_ + (luma.offset - luma_extent_.offset), luma.size_bytes},
                                  {}};
  if (source.has_chroma()) {
    const ByteExtent chroma = source.ChromaExtent(PieceOf(source_row));
    samples.chroma = {chroma_ + (chroma.offset - chroma_extent_.offset), chroma.size_bytes};
  }
  return samples;
}

ByteSpan VideoRun::DestinationOf(uint64_t done) const {
  const ByteExtent row = picture_.DestinationExtent(done);
  return {destination_ + (row.offset - destination_extent_.offset), row.size_bytes};
}

}  // namespace ward::device
