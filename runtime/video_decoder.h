// ID3D11VideoDecoder, as far as an authenticated channel names one: it has a handle, and decodes
// nothing. Made by VideoDevice::CreateVideoDecoder; ends before its device.
#ifndef WARD_RUNTIME_VIDEO_DECODER_H_
#define WARD_RUNTIME_VIDEO_DECODER_H_

#include "runtime/device.h"
#include "runtime/private_memory.h"
#include "umd/ddi/video_decoder.h"

namespace ward::runtime {

class VideoDecoder {
 public:
  ~VideoDecoder();
  VideoDecoder(const VideoDecoder&) = delete;
  VideoDecoder& operator=(const VideoDecoder&) = delete;

  // An opaque value for authenticated-channel messages.
  HRESULT GetDriverHandle(HANDLE* handle);

  D3D11_1DDI_HDECODE driver_handle() const { return {memory_.get()}; }
  Device& device() { return *device_; }

 private:
  friend class VideoDevice;
  explicit VideoDecoder(Device* device) : device_(device) {}
  HRESULT CreateInDriver(const D3D11_1DDIARG_CREATEVIDEODECODER& arguments);

  Device* device_;
  PrivateMemory memory_;
  bool exists_ = false;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_VIDEO_DECODER_H_
