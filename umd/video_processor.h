// The video processor: progressive streams, converted and scaled into rectangles of a surface of 32
// bits a pixel, one over the other, background around them.
#ifndef WARD_UMD_VIDEO_PROCESSOR_H_
#define WARD_UMD_VIDEO_PROCESSOR_H_

#include <cstdint>
#include <span>

#include "umd/ddi/video_processor_structures.h"
#include "umd/driver_object.h"
#include "umd/resource.h"
#include "umd/scaled_copy.h"

namespace ward::umd {

inline constexpr uint32_t kMaximumStreams = 4;

class VideoProcessorEnum : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kVideoProcessorEnum;
  explicit VideoProcessorEnum(Device* device) : DriverObject(device, kKind) {}
};

// A view is of its whole resource; the runtime keeps the resource alive.
class VideoInputView : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kVideoInputView;
  VideoInputView(Device* device, const Resource* resource)
      : DriverObject(device, kKind), resource_(resource) {}
  const Resource& resource() const { return *resource_; }

 private:
  const Resource* resource_;
};

class VideoOutputView : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kVideoOutputView;
  VideoOutputView(Device* device, const Resource* resource)
      : DriverObject(device, kKind), resource_(resource) {}
  const Resource& resource() const { return *resource_; }

 private:
  const Resource* resource_;
};

// A rectangle that an application may leave out: all of the surface then.
struct OptionalRect {
  bool is_set;
  RECT rect;
};

// State of one stream, as VideoProcessorSetStream... leaves it for the next Blt.
struct VideoStreamState {
  OptionalRect source = {};
  OptionalRect destination = {};
  D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE color_space = {};
  ScalingFilter filter = ScalingFilter::kAutomatic;
};

class VideoProcessor : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kVideoProcessor;
  explicit VideoProcessor(Device* device) : DriverObject(device, kKind) {}

  // State of the next Blt. `stream` is less than kMaximumStreams; `rect` null: all of the surface.
  VideoStreamState& stream(uint32_t stream) { return streams_[stream]; }
  void SetTargetRect(const RECT* rect) { target_ = MakeOptional(rect); }
  void SetBackground(bool is_ycbcr, const D3D11_1DDI_VIDEO_COLOR& color) {
    is_background_ycbcr_ = is_ycbcr;
    background_ = color;
  }
  void SetOutputColorSpace(const D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE& color_space) {
    output_color_space_ = color_space;
  }
  static OptionalRect MakeOptional(const RECT* rect) {
    return rect != nullptr ? OptionalRect{true, *rect} : OptionalRect{};
  }

  // What of the target rectangle no stream covers is background. `sources`: a resource for each
  // stream from 0 on, null where the stream is not shown; at most kMaximumStreams. All or nothing:
  // E_INVALIDARG for rectangles of a source or a target that do not fit their surface, and for what
  // scaling refuses (CheckScaledCopy).
  HRESULT Blt(std::span<const Resource* const> sources, const Resource& destination);

 private:
  // The streams that are shown, from the lowest to the topmost.
  struct Layers {
    ScaledCopy copies[kMaximumStreams];
    uint32_t count = 0;
  };

  HRESULT MakeLayers(std::span<const Resource* const> sources, const Resource& destination,
                     const TexelRect& target, Layers* layers);
  uint32_t ColorSpaceOf(const VideoStreamState& stream, DXGI_FORMAT format) const;
  uint32_t BackgroundPixel() const;
  HRESULT FillAround(const Resource& destination, const TexelRect& target,
                     const PictureRect& inner);
  HRESULT AppendFill(const Resource& destination, const PictureRect& rect);

  OptionalRect target_ = {};
  VideoStreamState streams_[kMaximumStreams];
  bool is_background_ycbcr_ = false;
  D3D11_1DDI_VIDEO_COLOR background_ = {};  // black
  D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE output_color_space_ = {};
};

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_PROCESSOR_H_
