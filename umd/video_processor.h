// The video processor: one NV12 stream, scaled into a rectangle of a B8G8R8X8 surface, background
// around it.
#ifndef WARD_UMD_VIDEO_PROCESSOR_H_
#define WARD_UMD_VIDEO_PROCESSOR_H_

#include <cstdint>

#include "umd/ddi/video_processor_structures.h"
#include "umd/driver_object.h"
#include "umd/resource.h"

namespace ward::umd {

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

class VideoProcessor : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kVideoProcessor;
  explicit VideoProcessor(Device* device) : DriverObject(device, kKind) {}

  // State of the next Blt; null means all of the surface.
  void SetTargetRect(const RECT* rect) { SetRect(rect, &target_); }
  void SetSourceRect(const RECT* rect) { SetRect(rect, &source_); }
  void SetDestinationRect(const RECT* rect) { SetRect(rect, &destination_); }
  void SetBackground(const D3D11_1DDI_VIDEO_COLOR_RGBA& color);
  void SetColorSpace(bool is_bt709) { color_space_ = is_bt709 ? 1 : 0; }

  // Scales the source rectangle into the destination rectangle and fills what of the target
  // rectangle is around it. E_INVALIDARG for rectangles that do not fit, odd source rectangles, and
  // a destination that the target would clip.
  HRESULT Blt(const Resource& source, const Resource& destination);

 private:
  struct OptionalRect {
    bool is_set;
    RECT rect;
  };

  static void SetRect(const RECT* rect, OptionalRect* to);
  static bool Resolve(const OptionalRect& rect, const ResourceLayout& layout, TexelRect* result);
  HRESULT AppendBlt(const Resource& source, const TexelRect& source_rect,
                    const Resource& destination, const TexelRect& destination_rect);
  HRESULT FillAround(const Resource& destination, const TexelRect& target, const TexelRect& inner);
  HRESULT AppendFill(const Resource& destination, const TexelRect& rect);

  OptionalRect target_ = {};
  OptionalRect source_ = {};
  OptionalRect destination_ = {};
  uint32_t background_ = 0xFF000000u;  // bytes B, G, R, X
  uint32_t color_space_ = 0;           // VIDEO_BLT.color_space
};

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_PROCESSOR_H_
