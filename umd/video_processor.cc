#include "umd/video_processor.h"

#include <cstddef>

#include "abi/generated/commands.h"
#include "umd/device.h"

namespace ward::umd {

namespace {

constexpr uint32_t kFilterBilinear = 1;    // VIDEO_BLT.filter
constexpr uint32_t kMaximumExtent = 8192;  // VIDEO_BLT's

// 0 to 1 as a byte; what is outside, or no number, becomes the nearer end.
uint32_t ToByte(float value) {
  if (!(value > 0)) return 0;
  return value >= 1 ? 255 : static_cast<uint32_t>(value * 255 + 0.5f);
}

bool IsInside(const TexelRect& inner, const TexelRect& outer) {
  return inner.left >= outer.left && inner.top >= outer.top &&
         inner.left + inner.width <= outer.left + outer.width &&
         inner.top + inner.height <= outer.top + outer.height;
}

bool IsScalable(const TexelRect& rect) {
  return rect.width <= kMaximumExtent && rect.height <= kMaximumExtent;
}

}  // namespace

void VideoProcessor::SetBackground(const D3D11_1DDI_VIDEO_COLOR_RGBA& color) {
  background_ = 0xFF000000u | ToByte(color.R) << 16 | ToByte(color.G) << 8 | ToByte(color.B);
}

void VideoProcessor::SetRect(const RECT* rect, OptionalRect* to) {
  *to = {};
  if (rect != nullptr) *to = {true, *rect};
}

bool VideoProcessor::Resolve(const OptionalRect& rect, const ResourceLayout& layout,
                             TexelRect* result) {
  *result = WholeOf(layout);
  if (!rect.is_set) return true;
  return MakeTexelRect(rect.rect.left, rect.rect.top, rect.rect.right, rect.rect.bottom, layout,
                       result);
}

HRESULT VideoProcessor::Blt(const Resource& source, const Resource& destination) {
  EventLog& events = device().events();
  if (!source.exists() || !destination.exists()) {
    return events.Refuse("VideoProcessorBlt of a resource without memory");
  }
  TexelRect from = {};
  TexelRect to = {};
  TexelRect target = {};
  if (!Resolve(source_, source.layout(), &from) ||
      !Resolve(destination_, destination.layout(), &to) ||
      !Resolve(target_, destination.layout(), &target)) {
    return events.Refuse("VideoProcessorBlt with a rectangle outside its surface");
  }
  if (!IsEven(from) || !IsScalable(from) || !IsScalable(to)) {
    return events.Refuse("VideoProcessorBlt with an odd source rectangle, or one above 8192");
  }
  if (!IsInside(to, target)) {
    return events.Refuse("VideoProcessorBlt does not clip to a target rectangle");
  }
  const HRESULT result = AppendBlt(source, from, destination, to);
  // After the picture, whose owner the pages have then: a page that changes owners is zeroed.
  return SUCCEEDED(result) ? FillAround(destination, target, to) : result;
}

HRESULT VideoProcessor::AppendBlt(const Resource& source, const TexelRect& source_rect,
                                  const Resource& destination, const TexelRect& destination_rect) {
  abi::VideoBltCommand command = {};
  command.destination_pitch = destination.layout().pitch;
  command.source_pitch = source.layout().pitch;
  command.source_width = source_rect.width;
  command.source_height = source_rect.height;
  command.destination_width = destination_rect.width;
  command.destination_height = destination_rect.height;
  command.color_space = color_space_;
  command.filter = kFilterBilinear;
  const AddressField addresses[] = {
      {offsetof(abi::VideoBltCommand, destination), destination.allocation(),
       OffsetOf(destination_rect, destination.layout()), true},
      {offsetof(abi::VideoBltCommand, source_luma), source.allocation(),
       OffsetOf(source_rect, source.layout()), false},
      {offsetof(abi::VideoBltCommand, source_chroma), source.allocation(),
       ChromaOffsetOf(source_rect, source.layout()), false},
  };
  return device().commands().Append(command, addresses);
}

HRESULT VideoProcessor::FillAround(const Resource& destination, const TexelRect& target,
                                   const TexelRect& inner) {
  const uint32_t target_bottom = target.top + target.height;
  const uint32_t target_right = target.left + target.width;
  const uint32_t inner_bottom = inner.top + inner.height;
  const uint32_t inner_right = inner.left + inner.width;
  const TexelRect around[] = {
      {target.left, target.top, target.width, inner.top - target.top},
      {target.left, inner_bottom, target.width, target_bottom - inner_bottom},
      {target.left, inner.top, inner.left - target.left, inner.height},
      {inner_right, inner.top, target_right - inner_right, inner.height},
  };
  for (const TexelRect& rect : around) {
    if (rect.width == 0 || rect.height == 0) continue;
    if (const HRESULT result = AppendFill(destination, rect); FAILED(result)) return result;
  }
  return S_OK;
}

HRESULT VideoProcessor::AppendFill(const Resource& destination, const TexelRect& rect) {
  abi::FillCommand command = {};
  command.value = background_;
  command.row_bytes = rect.width * destination.layout().texel_bytes;
  command.row_count = rect.height;
  command.destination_pitch = destination.layout().pitch;
  const AddressField address = {offsetof(abi::FillCommand, destination), destination.allocation(),
                                OffsetOf(rect, destination.layout()), true};
  return device().commands().Append(command, {&address, 1});
}

}  // namespace ward::umd
