// A video decoder as far as channel messages name one: no stream is decoded here.
#ifndef WARD_UMD_VIDEO_DECODER_H_
#define WARD_UMD_VIDEO_DECODER_H_

#include <cstdint>

#include "umd/ddi/video_decoder.h"
#include "umd/driver_object.h"

namespace ward::umd {

class VideoDecoder : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kVideoDecoder;

  explicit VideoDecoder(Device* device) : DriverObject(device, kKind) {}

  // E_NOTIMPL for a device without authenticated channels, which are what a decoder is for here;
  // E_INVALIDARG for a config with its own encryption; else the device's answer.
  HRESULT Open(const D3D11_1DDIARG_CREATEVIDEODECODER& arguments);
  HRESULT Close();

  // The value that the application gets (R4).
  uint64_t handle() const { return handle_; }

 private:
  uint64_t handle_ = 0;
};

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_DECODER_H_
