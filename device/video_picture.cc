#include "device/video_picture.h"

#include <algorithm>

#include "abi/generated/status.h"
#include "device/area_scaler.h"

namespace ward::device {
namespace {

constexpr uint32_t kMaximumSize = 8192;
constexpr uint32_t kMaximumAreaRatio = 128;
// Source pixels that a row of a stripe looks at, at most. As many as two of the longest rows, so
// that only the area filter makes more than one stripe.
constexpr uint32_t kStripeSourcePixels = 2 * kMaximumSize;

Fault Invalid(const char* reason) { return Fault{abi::kStatusOperandInvalid, reason}; }

bool IsSize(uint32_t size) { return size >= 1 && size <= kMaximumSize; }

// Source pixels that one pixel of the destination looks at in one direction, at most.
uint32_t TapCount(ScaleFilter filter, uint32_t source_size, uint32_t size) {
  if (filter != ScaleFilter::kArea) return 2;
  return (source_size - 1) / size + 2;
}

Result<VideoPicture::Window> MakeWindow(const abi::VideoBltCommand& command) {
  const VideoPicture::Window window = {command.window_left, command.window_top,
                                       command.window_width, command.window_height};
  const bool is_absent = (window.left | window.top | window.width | window.height) == 0;
  if (is_absent) {
    return VideoPicture::Window{0, 0, command.destination_width, command.destination_height};
  }
  if (window.width == 0 || window.left + window.width > command.destination_width ||
      window.height == 0 || window.top + window.height > command.destination_height) {
    return Invalid("a window that is not inside the scaled picture");
  }
  return window;
}

Result<void> CheckScaling(const abi::VideoBltCommand& command) {
  if (!IsSize(command.destination_width) || !IsSize(command.destination_height)) {
    return Invalid("a destination size out of range");
  }
  if (command.filter > static_cast<uint32_t>(ScaleFilter::kArea)) return Invalid("no such filter");
  if (command.filter == static_cast<uint32_t>(ScaleFilter::kArea) &&
      (command.source_width > kMaximumAreaRatio * command.destination_width ||
       command.source_height > kMaximumAreaRatio * command.destination_height)) {
    return Invalid("too many source pixels for one by the area filter");
  }
  return {};
}

}  // namespace

VideoPicture::VideoPicture(const abi::VideoBltCommand& command, VideoSource source,
                           const Window& window, RowLayout destination)
    : source_(source),
      destination_(destination),
      filter_(static_cast<ScaleFilter>(command.filter)),
      width_(command.destination_width),
      height_(command.destination_height),
      window_(window) {
  if (filter_ == ScaleFilter::kArea) {
    const uint32_t pixels =
        SourceRowsPerRow() * TapCount(filter_, command.source_width, command.destination_width);
    stripe_columns_ = std::clamp(kStripeSourcePixels / pixels, 1u, window_.width);
  } else {
    stripe_columns_ = window_.width;
  }
}

Result<VideoPicture> VideoPicture::Make(const abi::VideoBltCommand& command) {
  WARD_ASSIGN_OR_RETURN(const VideoSource source, VideoSource::Make(command));
  WARD_TRY(CheckScaling(command));
  WARD_ASSIGN_OR_RETURN(const Window window, MakeWindow(command));
  const uint32_t row_bytes = kVideoPixelBytes * window.width;
  if (command.destination_pitch % kVideoPixelBytes != 0 || command.destination_pitch < row_bytes) {
    return Invalid("a pitch that can't hold a row of pixels");
  }
  WARD_ASSIGN_OR_RETURN(const RowLayout destination,
                        RowLayout::Make(row_bytes, window.height, command.destination_pitch));
  return VideoPicture(command, source, window, destination);
}

VideoPicture::Stripe VideoPicture::StripeOf(uint64_t done) const {
  const uint32_t first = static_cast<uint32_t>(done / window_.height) * stripe_columns_;
  return {window_.left + first, std::min(stripe_columns_, window_.width - first)};
}

ByteExtent VideoPicture::DestinationExtent(uint64_t done) const {
  const Stripe stripe = StripeOf(done);
  return {(done % window_.height) * destination_.pitch() +
              uint64_t{kVideoPixelBytes} * (stripe.first - window_.left),
          uint64_t{kVideoPixelBytes} * stripe.count};
}

VideoPicture::SourceRows VideoPicture::SourceRowsOf(uint32_t row) const {
  if (filter_ == ScaleFilter::kArea) {
    const AreaDirection down(source_.height(), height_);
    return {down.First(row), down.Last(row)};
  }
  const ScaleTap tap = FindTap(filter_, row, source_.height(), height_);
  return {tap.first, tap.second};
}

VideoPicture::SourceColumns VideoPicture::SourceColumnsOf(const Stripe& stripe) const {
  const uint32_t last = stripe.first + stripe.count - 1;
  if (filter_ == ScaleFilter::kArea) {
    const AreaDirection across(source_.width(), width_);
    const uint32_t first = across.First(stripe.first);
    return {first, across.Last(last) - first + 1};
  }
  // Columns that stay as they are: their taps name a neighbour too, which counts for nothing.
  if (source_.width() == width_) return {stripe.first, stripe.count};
  const uint32_t first = FindTap(filter_, stripe.first, source_.width(), width_).first;
  return {first, FindTap(filter_, last, source_.width(), width_).second - first + 1};
}

uint64_t VideoPicture::RowCost(const Stripe& stripe) const {
  return SourceRowsPerRow() * SourceColumnsOf(stripe).count * source_.PixelCost() +
         uint64_t{kVideoPixelBytes} * stripe.count;
}

uint32_t VideoPicture::SourceRowsPerRow() const {
  return std::min(TapCount(filter_, source_.height(), height_), std::max(2u, source_.height()));
}

}  // namespace ward::device
