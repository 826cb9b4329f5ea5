// The pictures on their way: ciphertext, decrypted NV12, the screen's buffers, read-back.
#ifndef WARD_EXAMPLES_PROTECTED_PLAYER_SURFACES_H_
#define WARD_EXAMPLES_PROTECTED_PLAYER_SURFACES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "examples/protected_player/job.h"
#include "runtime/device.h"
#include "runtime/device_context.h"
#include "runtime/resource.h"
#include "runtime/swap_chain.h"
#include "runtime/video_processor.h"
#include "runtime/video_processor_view.h"

namespace ward::examples {

class Surfaces {
 public:
  // Throws StepFailure (step "surfaces"), also when the driver's pitch is not the job's.
  Surfaces(runtime::Device* device, const Job& job);

  runtime::DeviceContext& context() { return context_; }
  runtime::SwapChain& swap_chain() { return *swap_chain_; }
  runtime::VideoProcessor& processor() { return *processor_; }
  runtime::VideoProcessorInputView& input_view() { return *input_view_; }
  runtime::VideoProcessorOutputView& output_view() {
    return *output_views_[swap_chain_->GetCurrentBackBufferIndex()];
  }
  runtime::Resource* ciphertext() { return ciphertext_.get(); }
  // RESTRICTED_CONTENT; asked to be lockable, so that it is the driver that refuses.
  runtime::Resource* protected_frame() { return protected_frame_.get(); }
  runtime::Resource* read_back() { return read_back_.get(); }
  // The buffer that the last Present put on the screen.
  runtime::Resource* shown_picture();

  void Upload(ConstByteSpan frame);
  // The first `size` bytes of a staging resource in Map order.
  std::vector<uint8_t> Download(runtime::Resource* staging, uint32_t size);

 private:
  runtime::DeviceContext context_;
  std::unique_ptr<runtime::Resource> ciphertext_;
  std::unique_ptr<runtime::Resource> protected_frame_;
  std::unique_ptr<runtime::Resource> read_back_;
  std::unique_ptr<runtime::SwapChain> swap_chain_;
  std::unique_ptr<runtime::VideoProcessorEnumerator> enumerator_;
  std::unique_ptr<runtime::VideoProcessor> processor_;
  std::unique_ptr<runtime::VideoProcessorInputView> input_view_;
  std::vector<std::unique_ptr<runtime::VideoProcessorOutputView>> output_views_;
};

}  // namespace ward::examples

#endif  // WARD_EXAMPLES_PROTECTED_PLAYER_SURFACES_H_
