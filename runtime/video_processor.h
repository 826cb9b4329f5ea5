// ID3D11VideoProcessorEnumerator and ID3D11VideoProcessor.
#ifndef WARD_RUNTIME_VIDEO_PROCESSOR_H_
#define WARD_RUNTIME_VIDEO_PROCESSOR_H_

#include <memory>

#include "runtime/device.h"
#include "runtime/private_memory.h"
#include "umd/ddi/video_processor.h"

namespace ward::runtime {

class VideoProcessorEnumerator {
 public:
  // ID3D11VideoDevice::CreateVideoProcessorEnumerator. E_INVALIDARG for content without extent.
  static HRESULT Create(Device* device, const D3D11_1DDI_VIDEO_PROCESSOR_CONTENT_DESC& content,
                        std::unique_ptr<VideoProcessorEnumerator>* enumerator);
  ~VideoProcessorEnumerator();
  VideoProcessorEnumerator(const VideoProcessorEnumerator&) = delete;
  VideoProcessorEnumerator& operator=(const VideoProcessorEnumerator&) = delete;

  // D3D11_VIDEO_PROCESSOR_FORMAT_SUPPORT_INPUT (1) and _OUTPUT (2), or-ed together.
  HRESULT CheckVideoProcessorFormat(DXGI_FORMAT format, UINT* support);
  HRESULT GetVideoProcessorCaps(D3D11_1DDI_VIDEO_PROCESSOR_CAPS* caps);
  // E_INVALIDARG for an index that the caps do not have.
  HRESULT GetVideoProcessorRateConversionCaps(
      UINT index, D3D11_1DDI_VIDEO_PROCESSOR_RATE_CONVERSION_CAPS* caps);
  // E_INVALIDARG for a filter that the caps do not have.
  HRESULT GetVideoProcessorFilterRange(D3D11_1DDI_VIDEO_PROCESSOR_FILTER filter,
                                       D3D11_1DDI_VIDEO_PROCESSOR_FILTER_RANGE* range);

  D3D11_1DDI_HVIDEOPROCESSORENUM driver_handle() const { return {memory_.get()}; }
  Device& device() { return *device_; }

 private:
  explicit VideoProcessorEnumerator(Device* device) : device_(device) {}

  Device* device_;
  PrivateMemory memory_;
  bool exists_ = false;
};

class VideoProcessor {
 public:
  // ID3D11VideoDevice::CreateVideoProcessor. E_INVALIDARG when the driver has no rate conversion
  // of this index. `enumerator` outlives the processor.
  static HRESULT Create(VideoProcessorEnumerator* enumerator, UINT rate_conversion_index,
                        std::unique_ptr<VideoProcessor>* processor);
  ~VideoProcessor();
  VideoProcessor(const VideoProcessor&) = delete;
  VideoProcessor& operator=(const VideoProcessor&) = delete;

  UINT max_input_streams() const { return max_input_streams_; }
  D3D11_1DDI_HVIDEOPROCESSOR driver_handle() const { return {memory_.get()}; }
  Device& device() { return *device_; }

 private:
  explicit VideoProcessor(Device* device) : device_(device) {}

  Device* device_;
  PrivateMemory memory_;
  UINT max_input_streams_ = 0;
  bool exists_ = false;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_VIDEO_PROCESSOR_H_
