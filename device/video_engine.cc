#include "device/video_engine.h"

#include <algorithm>
#include <utility>

#include "device/flow_rule.h"

namespace ward::device {

Result<EngineJob> VideoEngine::Begin(const abi::VideoBltCommand& command,
                                     const AddressSpace& space) {
  EngineJob job = EngineJob::Of(EngineJob::Kind::kVideo, command, space.context());
  WARD_ASSIGN_OR_RETURN(const VideoPicture picture, VideoPicture::Make(command));
  WARD_ASSIGN_OR_RETURN(
      job.destination,
      space.Translate(command.destination, picture.destination().ExtentBytes(), Access::kWrite));
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
  std::optional<VideoRowMaker> maker;
  uint32_t stripe_of_maker = 0;
  while (budget != 0 && job->done < picture.TotalRows()) {
    const VideoPicture::Stripe stripe = picture.StripeOf(job->done);
    if (!maker || stripe.first != stripe_of_maker) {
      maker.emplace(MakerOf(picture, stripe));
      stripe_of_maker = stripe.first;
    }
    WARD_TRY(maker->MakeRow(memory_, *job, job->done));
    ++job->done;
    memory_->AddWork(maker->RowCost());  // beside what reading and writing it cost
    budget -= std::min(budget, maker->RowCost());
  }
  return {};
}

VideoRowMaker VideoEngine::MakerOf(const VideoPicture& picture,
                                   const VideoPicture::Stripe& stripe) {
  const RowScaler* scaler = nullptr;
  if (picture.filter() != ScaleFilter::kArea) {
    const RowScaler::Shape shape = VideoRowMaker::ScalerShape(picture, stripe);
    if (!scaler_ || !(scaler_->shape() == shape)) scaler_.emplace(shape);
    scaler = &*scaler_;
  }
  const size_t room_bytes = VideoRowMaker::RoomBytes(picture, stripe);
  if (room_ == nullptr || room_->size_bytes() < room_bytes) {
    room_ = std::make_unique<BounceBuffer>(room_bytes);
    room_->MarkSecret();
  }
  room_used_ = std::max(room_used_, room_bytes);
  return {picture, stripe, scaler, room_->bytes()};
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
