// ID3D11VideoDecoder and ID3D11VideoDecoderOutputView. Made by VideoDevice; they end before their
// device.
#ifndef WARD_RUNTIME_VIDEO_DECODER_H_
#define WARD_RUNTIME_VIDEO_DECODER_H_

#include <array>
#include <cstdint>
#include <memory>

#include "runtime/device.h"
#include "runtime/private_memory.h"
#include "runtime/resource.h"
#include "umd/ddi/video_decoder.h"

namespace ward::runtime {

// D3D11_VIDEO_DECODER_BUFFER_TYPE, with the API's numbers: the DDI's are one higher.
enum class DecoderBufferType : uint32_t {
  kPictureParameters = 0,
  kMacroblockControl = 1,
  kResidualDifference = 2,
  kDeblockingControl = 3,
  kInverseQuantizationMatrix = 4,
  kSliceControl = 5,
  kBitstream = 6,
  kMotionVector = 7,
  kFilmGrain = 8,
};

class VideoDecoder {
 public:
  ~VideoDecoder();
  VideoDecoder(const VideoDecoder&) = delete;
  VideoDecoder& operator=(const VideoDecoder&) = delete;

  // An opaque value for authenticated-channel messages.
  HRESULT GetDriverHandle(HANDLE* handle);

  // The decoder's buffer of that type, made at its first use as the driver's buffer info says.
  // E_INVALIDARG for a type that the driver does not name.
  HRESULT FindBuffer(DecoderBufferType type, Resource** buffer);

  D3D11_1DDI_HDECODE driver_handle() const { return {memory_.get()}; }
  Device& device() { return *device_; }

 private:
  friend class VideoDevice;
  VideoDecoder(Device* device, const D3D11_1DDIARG_CREATEVIDEODECODER& description)
      : device_(device), description_(description) {}
  HRESULT CreateInDriver();
  // False when the driver's list has no such type.
  bool FindBufferInfo(D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE type,
                      D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO* info);

  static constexpr size_t kBufferTypeCount = 9;

  Device* device_;
  D3D11_1DDIARG_CREATEVIDEODECODER description_;
  PrivateMemory memory_;
  std::array<std::unique_ptr<Resource>, kBufferTypeCount> buffers_;
  bool exists_ = false;
};

class VideoDecoderOutputView {
 public:
  // ID3D11VideoDevice::CreateVideoDecoderOutputView of a whole 2D texture, which outlives the view.
  static HRESULT Create(Resource* resource, const GUID& profile,
                        std::unique_ptr<VideoDecoderOutputView>* view);
  ~VideoDecoderOutputView();
  VideoDecoderOutputView(const VideoDecoderOutputView&) = delete;
  VideoDecoderOutputView& operator=(const VideoDecoderOutputView&) = delete;

  D3D11_1DDI_HVIDEODECODEROUTPUTVIEW driver_handle() const { return {memory_.get()}; }

 private:
  explicit VideoDecoderOutputView(Device* device) : device_(device) {}

  Device* device_;
  PrivateMemory memory_;
  bool exists_ = false;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_VIDEO_DECODER_H_
