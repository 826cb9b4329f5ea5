#include "umd/video_processor.h"

#include <algorithm>
#include <cstddef>

#include "abi/generated/commands.h"
#include "umd/device.h"

namespace ward::umd {

namespace {

bool IsLimitedRgb(const D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE& color_space) {
  return color_space.RGB_Range != 0;
}

struct RgbColor {
  double red;
  double green;
  double blue;
};

// Cb and Cr are 0 to 1 with 0.5 for grey. BT.601 or BT.709 by their luma coefficients.
RgbColor ToRgb(const D3D11_1DDI_VIDEO_COLOR_YCbCrA& color, bool is_bt709) {
  const double kr = is_bt709 ? 0.2126 : 0.299;
  const double kb = is_bt709 ? 0.0722 : 0.114;
  const double red = color.Y + 2 * (1 - kr) * (color.Cr - 0.5);
  const double blue = color.Y + 2 * (1 - kb) * (color.Cb - 0.5);
  return {red, (color.Y - kr * red - kb * blue) / (1 - kr - kb), blue};
}

// 0 to 1 as a byte of the range; what is outside, or no number, becomes the nearer end.
uint32_t ToByte(double value, bool is_limited) {
  const double lowest = is_limited ? 16 : 0;
  const double span = is_limited ? 219 : 255;
  if (!(value > 0)) value = 0;
  return static_cast<uint32_t>(lowest + span * std::min(value, 1.0) + 0.5);
}

bool Resolve(const OptionalRect& rect, const ResourceLayout& layout, TexelRect* result) {
  *result = WholeOf(layout);
  if (!rect.is_set) return true;
  return MakeTexelRect(rect.rect.left, rect.rect.top, rect.rect.right, rect.rect.bottom, layout,
                       result);
}

// Where a stream goes; it may reach over the surface's edges, and then is clipped.
PictureRect DestinationRectOf(const OptionalRect& rect, const ResourceLayout& layout) {
  if (!rect.is_set) return ToPictureRect(WholeOf(layout));
  return {rect.rect.left, rect.rect.top, rect.rect.right, rect.rect.bottom};
}

}  // namespace

HRESULT VideoProcessor::Blt(std::span<const Resource* const> sources, const Resource& destination) {
  TexelRect target = {};
  if (!destination.exists() || !Resolve(target_, destination.layout(), &target)) {
    return device().events().Refuse("VideoProcessorBlt to a rectangle outside its surface");
  }
  Layers layers;
  HRESULT result = MakeLayers(sources, destination, target, &layers);
  if (FAILED(result)) return result;
  // A page that changes owners is zeroed. So that this happens before the first pixel that stays,
  // a protected stream above others takes its pages by a blt of its own first.
  for (uint32_t i = 1; i < layers.count; ++i) {
    if (!layers.copies[i].source->is_protected()) continue;
    result = AppendScaledCopy(&device(), layers.copies[i]);
    if (FAILED(result)) return result;
  }
  PictureRect lowest = {};
  if (layers.count != 0) {
    lowest = Intersection(layers.copies[0].destination_rect, layers.copies[0].clip);
    result = AppendScaledCopy(&device(), layers.copies[0]);
  }
  // After the lowest stream, whose owner the pages have then.
  if (SUCCEEDED(result)) result = FillAround(destination, target, lowest);
  for (uint32_t i = 1; i < layers.count && SUCCEEDED(result); ++i) {
    result = AppendScaledCopy(&device(), layers.copies[i]);
  }
  return result;
}

HRESULT VideoProcessor::MakeLayers(std::span<const Resource* const> sources,
                                   const Resource& destination, const TexelRect& target,
                                   Layers* layers) {
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i] == nullptr) continue;
    const Resource& source = *sources[i];
    TexelRect from = {};
    if (!source.exists() || !Resolve(streams_[i].source, source.layout(), &from)) {
      return device().events().Refuse("VideoProcessorBlt of a rectangle outside its surface");
    }
    const ScaledCopy copy = {&source,
                             from,
                             &destination,
                             DestinationRectOf(streams_[i].destination, destination.layout()),
                             ToPictureRect(target),
                             ColorSpaceOf(streams_[i], source.layout().format),
                             IsLimitedRgb(output_color_space_),
                             streams_[i].filter};
    if (const HRESULT result = CheckScaledCopy(&device(), copy); FAILED(result)) return result;
    layers->copies[layers->count++] = copy;
  }
  return S_OK;
}

uint32_t VideoProcessor::ColorSpaceOf(const VideoStreamState& stream, DXGI_FORMAT format) const {
  if (IsScalableDestination(format)) {
    return IsLimitedRgb(stream.color_space) ? 0 : kColorSpaceFullRange;
  }
  const bool is_full = stream.color_space.Nominal_Range ==
                       static_cast<UINT>(D3D11_1DDI_VIDEO_PROCESSOR_NOMINAL_RANGE_0_255);
  return (stream.color_space.YCbCr_Matrix != 0 ? kColorSpaceBt709 : 0) |
         (is_full ? kColorSpaceFullRange : 0);
}

uint32_t VideoProcessor::BackgroundPixel() const {
  const RgbColor color = is_background_ycbcr_
                             ? ToRgb(background_.YCbCr, output_color_space_.YCbCr_Matrix != 0)
                             : RgbColor{background_.RGBA.R, background_.RGBA.G, background_.RGBA.B};
  const bool is_limited = IsLimitedRgb(output_color_space_);
  return 0xFF000000u | ToByte(color.red, is_limited) << 16 | ToByte(color.green, is_limited) << 8 |
         ToByte(color.blue, is_limited);
}

HRESULT VideoProcessor::FillAround(const Resource& destination, const TexelRect& target,
                                   const PictureRect& inner) {
  const PictureRect outer = ToPictureRect(target);
  if (inner.is_empty()) return AppendFill(destination, outer);
  const PictureRect around[] = {
      {outer.left, outer.top, outer.right, inner.top},
      {outer.left, inner.bottom, outer.right, outer.bottom},
      {outer.left, inner.top, inner.left, inner.bottom},
      {inner.right, inner.top, outer.right, inner.bottom},
  };
  for (const PictureRect& rect : around) {
    if (rect.is_empty()) continue;
    if (const HRESULT result = AppendFill(destination, rect); FAILED(result)) return result;
  }
  return S_OK;
}

HRESULT VideoProcessor::AppendFill(const Resource& destination, const PictureRect& rect) {
  const TexelRect first = {static_cast<uint32_t>(rect.left), static_cast<uint32_t>(rect.top), 0, 0};
  abi::FillCommand command = {};
  command.value = BackgroundPixel();
  command.row_bytes = static_cast<uint32_t>(rect.width()) * destination.layout().texel_bytes;
  command.row_count = static_cast<uint32_t>(rect.height());
  command.destination_pitch = destination.layout().pitch;
  const AddressField address = {offsetof(abi::FillCommand, destination), destination.allocation(),
                                OffsetOf(first, destination.layout()), true};
  return device().commands().Append(command, {&address, 1});
}

}  // namespace ward::umd
