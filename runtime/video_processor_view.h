// ID3D11VideoProcessorInputView and ID3D11VideoProcessorOutputView of whole 2D textures.
#ifndef WARD_RUNTIME_VIDEO_PROCESSOR_VIEW_H_
#define WARD_RUNTIME_VIDEO_PROCESSOR_VIEW_H_

#include <memory>

#include "runtime/private_memory.h"
#include "runtime/resource.h"
#include "runtime/video_processor.h"

namespace ward::runtime {

class VideoProcessorInputView {
 public:
  // ID3D11VideoDevice::CreateVideoProcessorInputView. E_INVALIDARG for a format that the
  // enumerator does not name as input. Resource and enumerator outlive the view.
  static HRESULT Create(Resource* resource, VideoProcessorEnumerator* enumerator,
                        std::unique_ptr<VideoProcessorInputView>* view);
  ~VideoProcessorInputView();
  VideoProcessorInputView(const VideoProcessorInputView&) = delete;
  VideoProcessorInputView& operator=(const VideoProcessorInputView&) = delete;

  D3D11_1DDI_HVIDEOPROCESSORINPUTVIEW driver_handle() const { return {memory_.get()}; }

 private:
  explicit VideoProcessorInputView(Device* device) : device_(device) {}

  Device* device_;
  PrivateMemory memory_;
  bool exists_ = false;
};

class VideoProcessorOutputView {
 public:
  // ID3D11VideoDevice::CreateVideoProcessorOutputView. E_INVALIDARG for a format that the
  // enumerator does not name as output. Resource and enumerator outlive the view.
  static HRESULT Create(Resource* resource, VideoProcessorEnumerator* enumerator,
                        std::unique_ptr<VideoProcessorOutputView>* view);
  ~VideoProcessorOutputView();
  VideoProcessorOutputView(const VideoProcessorOutputView&) = delete;
  VideoProcessorOutputView& operator=(const VideoProcessorOutputView&) = delete;

  D3D11_1DDI_HVIDEOPROCESSOROUTPUTVIEW driver_handle() const { return {memory_.get()}; }

 private:
  explicit VideoProcessorOutputView(Device* device) : device_(device) {}

  Device* device_;
  PrivateMemory memory_;
  bool exists_ = false;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_VIDEO_PROCESSOR_VIEW_H_
