#include "device/video_engine.h"

#include <algorithm>
#include <utility>

#include "base/planted_bug.h"
#include "device/flow_rule.h"

namespace ward::device {

Result<EngineJob> VideoEngine::Begin(const abi::VideoBltCommand& command,
                                     const AddressSpace& space) {
  EngineJob job = EngineJob::Of(EngineJob::Kind::kVideo, command, space.context());
  WARD_ASSIGN_OR_RETURN(const VideoPicture picture, VideoPicture::Make(command));
  const Access access =
      HasPlantedBug(PlantedBug::kPictureIsOnlyRead) ? Access::kRead : Access::kWrite;
  WARD_ASSIGN_OR_RETURN(
      job.destination,
      space.Translate(command.destination, picture.destination().ExtentBytes(), access));
  const VideoSource& source = picture.source();
  WARD_TRY(source.Translate(space, &job));
  const GuestRange luma = source.TouchedLuma(job);
  const GuestRange chroma = source.has_chroma() ? source.TouchedChroma(job) : GuestRange();
  const GuestRange destination = picture.destination().Touched(job.destination);
  WARD_ASSIGN_OR_RETURN(job.owner, flow_rule::CheckTransfer(*memory_, &luma, &chroma, destination));
  // As CopyEngine: at once, because neighbouring rows may share a page.
  memory_->TakeOwnership(destination, job.owner);
  return job;
}

Result<bool> VideoEngine::Step(EngineJob* job, uint64_t budget_bytes) {
  WARD_ASSIGN_OR_RETURN(const VideoPicture picture,
                        VideoPicture::Make(job->As<abi::VideoBltCommand>()));
  Result<void> made = MakeRows(picture, job, std::max(budget_bytes, kLeastStepBytes));
  if (room_used_ != 0) room_->Wipe(std::exchange(room_used_, 0));
  WARD_TRY(std::move(made));
  return job->done == picture.TotalRows();
}

Result<void> VideoEngine::MakeRows(const VideoPicture& picture, EngineJob* job, uint64_t budget) {
  while (budget != 0 && job->done < picture.TotalRows()) {
    const VideoPicture::Stripe stripe = picture.StripeOf(job->done);
    // Of a narrow row the accesses, and pages to be admitted, are nearly all that there is.
    const uint64_t accesses =
        HasPlantedBug(PlantedBug::kNarrowPictureFree) ? 0 : picture.AccessesPerRow();
    const uint64_t work = picture.RowCost(stripe) + accesses * 2 * Memory::kPieceWork;
    const uint64_t count =
        std::min<uint64_t>((budget - 1) / work + 1, picture.RowsLeftInStripe(job->done));
    WARD_TRY(MakeRun(picture, stripe, static_cast<uint32_t>(count), job));
    budget -= std::min(budget, count * work);
  }
  return {};
}

Result<void> VideoEngine::MakeRun(const VideoPicture& picture, const VideoPicture::Stripe& stripe,
                                  uint32_t count, EngineJob* job) {
  const uint64_t cost = picture.RowCost(stripe);  // beside what reading and writing cost
  VideoRun run(memory_, picture, *job, count);
  WARD_TRY(run.Admit());
  if (run.Open()) {
    MakeOpenRows(picture, stripe, run);
    run.Close();
    job->done += count;
    memory_->AddWork(count * cost);
    return {};
  }
  VideoRowMaker maker(picture, stripe, ScalerOf(picture, stripe),
                      Room(VideoRowMaker::RoomBytes(picture, stripe)));
  for (uint32_t i = 0; i < count; ++i) {
    WARD_TRY(maker.CopyRow(memory_, *job, job->done));
    ++job->done;
    memory_->AddWork(cost);
  }
  return {};
}

void VideoEngine::MakeOpenRows(const VideoPicture& picture, const VideoPicture::Stripe& stripe,
                               const VideoRun& run) {
  // What takes a few times as long as handing it over. Rows that share a source row are better left
  // together, since each piece converts its own.
  static constexpr uint64_t kLeastPieceBytes = 32 << 10;
  struct Pieces final : ExecutorPort::Work {
    void Run(uint32_t piece) override {
      VideoRowMaker maker(*picture, *stripe, scaler, room.subspan(piece * room_bytes, room_bytes));
      const uint32_t first = piece * rows_per_piece;
      const uint32_t end = std::min(first + rows_per_piece, run->count());
      for (uint32_t i = first; i < end; ++i) maker.MakeRow(*run, run->first() + i);
    }
    const VideoPicture* picture;
    const VideoPicture::Stripe* stripe;
    const VideoRun* run;
    const RowScaler* scaler;
    uint32_t rows_per_piece;
    ByteSpan room;  // of each piece
    size_t room_bytes;
  } pieces;
  const uint32_t least_rows =
      static_cast<uint32_t>((kLeastPieceBytes - 1) / picture.RowCost(stripe) + 1);
  pieces.picture = &picture;
  pieces.stripe = &stripe;
  pieces.run = &run;
  pieces.scaler = ScalerOf(picture, stripe);
  pieces.rows_per_piece = executor_ == nullptr ? run.count() : least_rows;
  const uint32_t count = (run.count() - 1) / pieces.rows_per_piece + 1;
  pieces.room_bytes = VideoRowMaker::MakesRowsWithoutRoom(picture, stripe)
                          ? 0
                          : VideoRowMaker::RoomBytes(picture, stripe);
  pieces.room = Room(count * pieces.room_bytes);
  if (count == 1) return pieces.Run(0);
  executor_->RunAll(count, &pieces);
}

const RowScaler* VideoEngine::ScalerOf(const VideoPicture& picture,
                                       const VideoPicture::Stripe& stripe) {
  if (picture.filter() == ScaleFilter::kArea) return nullptr;
  const RowScaler::Shape shape = VideoRowMaker::ScalerShape(picture, stripe);
  if (!scaler_ || !(scaler_->shape() == shape)) scaler_.emplace(shape);
  return &*scaler_;
}

ByteSpan VideoEngine::Room(size_t size_bytes) {
  if (size_bytes == 0) return {};
  if (room_ == nullptr || room_->size_bytes() < size_bytes) {
    room_ = std::make_unique<BounceBuffer>(size_bytes);
    room_->MarkSecret();
  }
  room_used_ = std::max(room_used_, size_bytes);
  return room_->bytes().first(size_bytes);
}

bool VideoEngine::CanResume(const EngineJob& job) const {
  const auto made = VideoPicture::Make(job.As<abi::VideoBltCommand>());
  if (!made.ok()) return false;
  const VideoPicture& picture = made.value();
  return job.done <= picture.TotalRows() && memory_->Holds(job.destination) &&
         memory_->Holds(job.source) && memory_->Holds(job.second_source) &&
         picture.source().Fits(job) &&
         job.destination.size_bytes() == picture.destination().ExtentBytes();
}

}  // namespace ward::device
