// The picture that a decoder writes: all of an NV12 texture. The runtime keeps the texture alive.
#ifndef WARD_UMD_VIDEO_DECODER_OUTPUT_VIEW_H_
#define WARD_UMD_VIDEO_DECODER_OUTPUT_VIEW_H_

#include "umd/driver_object.h"
#include "umd/resource.h"

namespace ward::umd {

class VideoDecoderOutputView : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kVideoDecoderOutputView;
  VideoDecoderOutputView(Device* device, const Resource* resource)
      : DriverObject(device, kKind), resource_(resource) {}
  const Resource& resource() const { return *resource_; }

 private:
  const Resource* resource_;
};

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_DECODER_OUTPUT_VIEW_H_
