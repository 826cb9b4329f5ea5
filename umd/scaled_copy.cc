#include "umd/scaled_copy.h"

#include <algorithm>
#include <cstddef>

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "umd/device.h"

namespace ward::umd {

namespace {

constexpr uint32_t kMaximumAreaRatio = 128;  // VIDEO_BLT's

// VIDEO_BLT.source_format; kNoFormat for what it can't read.
constexpr uint32_t kNoFormat = UINT32_MAX;
uint32_t SourceFormatOf(DXGI_FORMAT format) {
  switch (format) {
    case DXGI_FORMAT_NV12:
      return 0;
    case DXGI_FORMAT_P010:
      return 1;
    case DXGI_FORMAT_B8G8R8A8_UNORM:
    case DXGI_FORMAT_B8G8R8X8_UNORM:
      return 2;
    default:
      return kNoFormat;
  }
}

bool HasFormats(const Device& device) {
  return device.adapter().Has(abi::kFeaturesVideoFormatsMask);
}

// What only a device with VIDEO_FORMATS does, without regard to the source's format.
bool NeedsFormats(const ScaledCopy& copy) {
  const bool is_whole = Intersection(copy.destination_rect, copy.clip) == copy.destination_rect;
  return !is_whole || !IsEven(copy.source_rect) || copy.color_space >= kColorSpaceFullRange ||
         copy.is_limited_range || copy.filter == ScalingFilter::kArea;
}

// Area where the picture gets smaller and nowhere larger, which takes each pixel into account.
ScalingFilter ChooseFilter(const Device& device, const ScaledCopy& copy) {
  if (copy.filter != ScalingFilter::kAutomatic) return copy.filter;
  const int64_t width = copy.destination_rect.width();
  const int64_t height = copy.destination_rect.height();
  const bool is_smaller = copy.source_rect.width >= width && copy.source_rect.height >= height &&
                          (copy.source_rect.width > width || copy.source_rect.height > height);
  const bool is_in_reach = copy.source_rect.width <= kMaximumAreaRatio * width &&
                           copy.source_rect.height <= kMaximumAreaRatio * height;
  return is_smaller && is_in_reach && HasFormats(device) ? ScalingFilter::kArea
                                                         : ScalingFilter::kBilinear;
}

bool IsExtent(int64_t extent) { return extent >= 1 && extent <= kMaximumScaledExtent; }

}  // namespace

PictureRect ToPictureRect(const TexelRect& rect) {
  return {rect.left, rect.top, int64_t{rect.left} + rect.width, int64_t{rect.top} + rect.height};
}

PictureRect Intersection(const PictureRect& a, const PictureRect& b) {
  return {std::max(a.left, b.left), std::max(a.top, b.top), std::min(a.right, b.right),
          std::min(a.bottom, b.bottom)};
}

bool IsScalableSource(const Device& device, DXGI_FORMAT format) {
  return SourceFormatOf(format) != kNoFormat && (format == DXGI_FORMAT_NV12 || HasFormats(device));
}

bool IsScalableDestination(DXGI_FORMAT format) {
  return format == DXGI_FORMAT_B8G8R8X8_UNORM || format == DXGI_FORMAT_B8G8R8A8_UNORM;
}

HRESULT CheckScaledCopy(Device* device, const ScaledCopy& copy) {
  EventLog& events = device->events();
  if (!copy.source->exists() || !copy.destination->exists()) {
    return events.Refuse("scaling of a resource without memory");
  }
  if (!IsScalableSource(*device, copy.source->layout().format) ||
      !IsScalableDestination(copy.destination->layout().format)) {
    return events.Refuse("scaling between formats that the device does not have");
  }
  if (!IsExtent(copy.source_rect.width) || !IsExtent(copy.source_rect.height) ||
      !IsExtent(copy.destination_rect.width()) || !IsExtent(copy.destination_rect.height())) {
    return events.Refuse("scaling of a rectangle that is empty, or of more than 8192 pixels");
  }
  if (copy.source == copy.destination) return events.Refuse("scaling of a resource into itself");
  if (copy.filter == ScalingFilter::kArea &&
      (copy.source_rect.width > kMaximumAreaRatio * copy.destination_rect.width() ||
       copy.source_rect.height > kMaximumAreaRatio * copy.destination_rect.height())) {
    return events.Refuse("the area filter takes 128 pixels for one at most");
  }
  if (NeedsFormats(copy) && !HasFormats(*device)) {
    return events.Refuse("clipping, ranges and odd rectangles need VIDEO_FORMATS");
  }
  return S_OK;
}

HRESULT AppendScaledCopy(Device* device, const ScaledCopy& copy) {
  const PictureRect written = Intersection(copy.destination_rect, copy.clip);
  if (written.is_empty()) return S_OK;
  const ResourceLayout& from = copy.source->layout();
  const ResourceLayout& to = copy.destination->layout();
  abi::VideoBltCommand command = {};
  command.destination_pitch = to.pitch;
  command.source_pitch = from.pitch;
  command.source_width = copy.source_rect.width;
  command.source_height = copy.source_rect.height;
  command.destination_width = static_cast<uint32_t>(copy.destination_rect.width());
  command.destination_height = static_cast<uint32_t>(copy.destination_rect.height());
  command.color_space = copy.color_space;
  command.filter = static_cast<uint32_t>(ChooseFilter(*device, copy));
  command.source_format = SourceFormatOf(from.format);
  if (copy.is_limited_range) command.flags = abi::VideoBltCommand::kFlagLimitedRange;
  // An even rectangle is told by its address, as a device without VIDEO_FORMATS needs it.
  const TexelRect even = {copy.source_rect.left / 2 * 2, copy.source_rect.top / 2 * 2, 0, 0};
  command.source_left = static_cast<uint16_t>(copy.source_rect.left % 2);
  command.source_top = static_cast<uint16_t>(copy.source_rect.top % 2);
  if (written != copy.destination_rect) {
    command.window_left = static_cast<uint16_t>(written.left - copy.destination_rect.left);
    command.window_top = static_cast<uint16_t>(written.top - copy.destination_rect.top);
    command.window_width = static_cast<uint16_t>(written.width());
    command.window_height = static_cast<uint16_t>(written.height());
  }
  const TexelRect first = {static_cast<uint32_t>(written.left), static_cast<uint32_t>(written.top),
                           0, 0};
  const AddressField addresses[] = {
      {offsetof(abi::VideoBltCommand, destination), copy.destination->allocation(),
       OffsetOf(first, to), true},
      {offsetof(abi::VideoBltCommand, source_luma), copy.source->allocation(), OffsetOf(even, from),
       false},
      {offsetof(abi::VideoBltCommand, source_chroma), copy.source->allocation(),
       ChromaOffsetOf(even, from), false},
  };
  const bool has_chroma = from.chroma_offset != 0;
  return device->commands().Append(command, {addresses, has_chroma ? 3u : 2u});
}

}  // namespace ward::umd
