#include "device/video_engine.h"

#include <algorithm>

#include "abi/generated/status.h"
#include "device/bounce_buffer.h"
#include "device/flow_rule.h"
#include "device/nv12_row.h"
#include "device/row_layout.h"
#include "device/row_scaler.h"

namespace ward::device {
namespace {

constexpr uint32_t kMaximumSize = 8192;
constexpr uint32_t kPixelBytes = 4;
constexpr uint32_t kBt709 = 1;
constexpr uint32_t kBilinear = 1;

bool IsSourceSize(uint32_t size) { return size >= 2 && size <= kMaximumSize && size % 2 == 0; }
bool IsDestinationSize(uint32_t size) { return size >= 1 && size <= kMaximumSize; }

Result<void> CheckOperands(const abi::VideoBltCommand& command) {
  if (!IsSourceSize(command.source_width) || !IsSourceSize(command.source_height) ||
      !IsDestinationSize(command.destination_width) ||
      !IsDestinationSize(command.destination_height)) {
    return Fault{abi::kStatusOperandInvalid, "a picture size out of range"};
  }
  if (command.destination_pitch % kPixelBytes != 0 ||
      command.destination_pitch < kPixelBytes * command.destination_width ||
      command.source_pitch < command.source_width) {
    return Fault{abi::kStatusOperandInvalid, "a pitch that can't hold a row of pixels"};
  }
  if (command.color_space > kBt709 || command.filter > kBilinear) {
    return Fault{abi::kStatusOperandInvalid, "no such color space or filter"};
  }
  return {};
}

}  // namespace

// A checked command's three planes and how rows of the one come from rows of the others.
class VideoEngine::Picture {
 public:
  static Result<Picture> Make(const abi::VideoBltCommand& command) {
    WARD_TRY(CheckOperands(command));
    WARD_ASSIGN_OR_RETURN(const RowLayout destination,
                          RowLayout::Make(kPixelBytes * command.destination_width,
                                          command.destination_height, command.destination_pitch));
    WARD_ASSIGN_OR_RETURN(
        const RowLayout luma,
        RowLayout::Make(command.source_width, command.source_height, command.source_pitch));
    WARD_ASSIGN_OR_RETURN(
        const RowLayout chroma,
        RowLayout::Make(command.source_width, command.source_height / 2, command.source_pitch));
    return Picture{command, destination, luma, chroma};
  }

  ScaleFilter filter() const { return static_cast<ScaleFilter>(command.filter); }
  ColorSpace color_space() const { return static_cast<ColorSpace>(command.color_space); }
  ScaleTap TapOfRow(uint64_t row) const {
    return FindTap(filter(), static_cast<uint32_t>(row), command.source_height,
                   command.destination_height);
  }
  GuestRange DestinationRow(const EngineJob& job, uint64_t row) const {
    return job.destination.Slice(row * destination.pitch(), destination.row_bytes());
  }
  GuestRange LumaRow(const EngineJob& job, uint64_t row) const {
    return job.source.Slice(row * luma.pitch(), luma.row_bytes());
  }
  GuestRange ChromaRowOf(const EngineJob& job, uint64_t luma_row) const {
    return job.second_source.Slice(luma_row / 2 * chroma.pitch(), chroma.row_bytes());
  }
  // Two source rows of luma, chroma and RGB at most, and one of the destination.
  uint64_t RowCostBytes() const { return 6 * luma.row_bytes() + destination.row_bytes(); }

  abi::VideoBltCommand command;
  RowLayout destination;
  RowLayout luma;
  RowLayout chroma;
};

namespace {

// Rows of the source as RGB, converted when they are asked for; the last two are kept, since rows
// of a picture that is scaled up share them.
class SourceRows {
 public:
  explicit SourceRows(uint32_t width)
      : width_(width), buffer_((2 * kPixelBytes + 2) * size_t{width}) {
    buffer_.MarkSecret();
  }

  bool Has(uint32_t row) const { return rows_[row % 2] == row; }
  ByteSpan Rgb(uint32_t row) { return buffer_.bytes().subspan((row % 2) * RgbBytes(), RgbBytes()); }
  Result<void> Convert(const Memory& memory, uint32_t row, const GuestRange& luma,
                       const GuestRange& chroma, ColorSpace color_space) {
    rows_[row % 2] = kNone;
    const ByteSpan luma_bytes = buffer_.bytes().subspan(2 * RgbBytes(), width_);
    const ByteSpan chroma_bytes = buffer_.bytes().subspan(2 * RgbBytes() + width_, width_);
    WARD_TRY(memory.Read(luma, luma_bytes));
    WARD_TRY(memory.Read(chroma, chroma_bytes));
    ConvertNv12Row(color_space, luma_bytes, chroma_bytes, Rgb(row));
    rows_[row % 2] = row;
    return {};
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  size_t RgbBytes() const { return kPixelBytes * size_t{width_}; }

  uint32_t width_;
  BounceBuffer buffer_;
  uint32_t rows_[2] = {kNone, kNone};
};

}  // namespace

Result<EngineJob> VideoEngine::Begin(const abi::VideoBltCommand& command,
                                     const AddressSpace& space) {
  EngineJob job = EngineJob::Of(EngineJob::Kind::kVideo, command, space.context());
  WARD_ASSIGN_OR_RETURN(const Picture picture, Picture::Make(command));
  WARD_ASSIGN_OR_RETURN(
      job.destination,
      space.Translate(command.destination, picture.destination.ExtentBytes(), Access::kWrite));
  WARD_ASSIGN_OR_RETURN(
      job.source, space.Translate(command.source_luma, picture.luma.ExtentBytes(), Access::kRead));
  WARD_ASSIGN_OR_RETURN(
      job.second_source,
      space.Translate(command.source_chroma, picture.chroma.ExtentBytes(), Access::kRead));
  const GuestRange luma = picture.luma.Touched(job.source);
  const GuestRange chroma = picture.chroma.Touched(job.second_source);
  const GuestRange destination = picture.destination.Touched(job.destination);
  WARD_ASSIGN_OR_RETURN(job.owner, flow_rule::CheckTransfer(*memory_, &luma, &chroma, destination));
  // As CopyEngine: at once, because neighbouring rows may share a page.
  memory_->TakeOwnership(destination, job.owner);
  return job;
}

Result<bool> VideoEngine::Step(EngineJob* job, uint64_t budget_bytes) {
  WARD_ASSIGN_OR_RETURN(const Picture picture, Picture::Make(job->As<abi::VideoBltCommand>()));
  const RowScaler scaler(picture.filter(), picture.command.source_width,
                         picture.command.destination_width);
  SourceRows rows(picture.command.source_width);
  BounceBuffer mixed(picture.command.source_width * kPixelBytes);
  BounceBuffer scaled(picture.destination.row_bytes());
  mixed.MarkSecret();
  scaled.MarkSecret();
  uint64_t budget = std::max(budget_bytes, kLeastStepBytes);
  while (budget != 0 && job->done < picture.destination.row_count()) {
    const ScaleTap tap = picture.TapOfRow(job->done);
    const GuestRange destination = picture.DestinationRow(*job, job->done);
    for (const uint32_t row : {tap.first, tap.second}) {
      const GuestRange luma = picture.LumaRow(*job, row);
      const GuestRange chroma = picture.ChromaRowOf(*job, row);
      WARD_ASSIGN_OR_RETURN(
          const PageOwner owner,
          flow_rule::CheckPartOfTransfer(*memory_, &luma, &chroma, destination, job->owner));
      if (!rows.Has(row)) {
        WARD_TRY(rows.Convert(*memory_, row, luma, chroma, picture.color_space()));
      }
      memory_->TakeOwnership(destination, owner);
    }
    RowScaler::MixRows(rows.Rgb(tap.first), rows.Rgb(tap.second), tap.weight, mixed.bytes());
    scaler.ScaleRow(mixed.bytes(), scaled.bytes());
    WARD_TRY(memory_->Write(destination, scaled.bytes()));
    ++job->done;
    memory_->AddWork(picture.RowCostBytes());  // beside what reading and writing it cost
    budget -= std::min(budget, picture.RowCostBytes());
  }
  return job->done == picture.destination.row_count();
}

bool VideoEngine::CanResume(const EngineJob& job) const {
  const auto picture = Picture::Make(job.As<abi::VideoBltCommand>());
  if (!picture.ok()) return false;
  return job.done <= picture.value().destination.row_count() && memory_->Holds(job.destination) &&
         memory_->Holds(job.source) && memory_->Holds(job.second_source) &&
         job.destination.size_bytes() == picture.value().destination.ExtentBytes() &&
         job.source.size_bytes() == picture.value().luma.ExtentBytes() &&
         job.second_source.size_bytes() == picture.value().chroma.ExtentBytes();
}

}  // namespace ward::device
