#include "examples/protected_player/surfaces.h"

#include <cstring>
#include <string>
#include <utility>

#include "examples/protected_player/step_failure.h"
#include "runtime/video_context.h"

namespace ward::examples {
namespace {

constexpr char kStep[] = "surfaces";
constexpr uint32_t kBackBuffers = 2;

}  // namespace

Surfaces::Surfaces(runtime::Device* device, const Job& job) : context_(device) {
  const uint32_t width = job.width();
  const uint32_t height = job.height();
  runtime::TextureDescription frame = {width, height, DXGI_FORMAT_NV12};
  frame.usage = runtime::Usage::kStaging;
  frame.cpu_access_flags = runtime::kCpuAccessRead | runtime::kCpuAccessWrite;
  Require(kStep, runtime::Resource::CreateTexture2D(device, frame, &ciphertext_),
          "no staging texture for the ciphertext");
  Require(kStep, runtime::Resource::CreateTexture2D(device, frame, &read_back_),
          "no staging texture for the read-back");
  frame.usage = runtime::Usage::kDefault;
  frame.bind_flags = runtime::kBindDecoder;
  frame.misc_flags = umd::kApiResourceMiscRestrictedContent;
  Require(kStep, runtime::Resource::CreateTexture2D(device, frame, &protected_frame_),
          "no RESTRICTED_CONTENT texture for the frame");
  Require(kStep,
          runtime::SwapChain::Create(device, width, height, kBackBuffers,
                                     umd::kApiResourceMiscRestrictedContent, &swap_chain_),
          "no RESTRICTED_CONTENT swap chain of " + std::to_string(width) + " x " +
              std::to_string(height));

  const D3D11_1DDI_VIDEO_PROCESSOR_CONTENT_DESC content = {
      D3D11_1DDI_VIDEO_FRAME_FORMAT_PROGRESSIVE, {24, 1}, width, height, {24, 1}, width, height,
      D3D11_1DDI_VIDEO_USAGE_PLAYBACK_NORMAL};
  Require(kStep, runtime::VideoProcessorEnumerator::Create(device, content, &enumerator_),
          "no video processor for this content");
  Require(kStep, runtime::VideoProcessor::Create(enumerator_.get(), 0, &processor_),
          "no video processor");
  Require(kStep,
          runtime::VideoProcessorInputView::Create(protected_frame_.get(), enumerator_.get(),
                                                   &input_view_),
          "NV12 can't be the video processor's input");
  for (uint32_t i = 0; i < kBackBuffers; ++i) {
    std::unique_ptr<runtime::VideoProcessorOutputView> view;
    Require(kStep,
            runtime::VideoProcessorOutputView::Create(swap_chain_->GetBuffer(i), enumerator_.get(),
                                                      &view),
            "B8G8R8X8 can't be the video processor's output");
    output_views_.push_back(std::move(view));
  }
  D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE color_space{};
  color_space.YCbCr_Matrix = job.is_bt709() ? 1 : 0;
  color_space.Nominal_Range = D3D11_1DDI_VIDEO_PROCESSOR_NOMINAL_RANGE_16_235;
  Require(kStep,
          runtime::VideoContext(device).VideoProcessorSetStreamColorSpace(processor_.get(), 0,
                                                                          color_space),
          "the job's colour space can't be set");

  runtime::MappedSubresource mapped;
  Require(kStep, context_.Map(ciphertext_.get(), runtime::MapType::kWrite, &mapped),
          "the staging texture can't be mapped");
  context_.Unmap(ciphertext_.get());
  if (mapped.row_pitch != job.pitch()) {
    throw StepFailure(kStep, "E_INVALIDARG",
                      "the job's pitch is " + std::to_string(job.pitch()) + ", the driver's " +
                          std::to_string(mapped.row_pitch) + "; write the job with that");
  }
}

runtime::Resource* Surfaces::shown_picture() {
  const uint32_t count = swap_chain_->buffer_count();
  return swap_chain_->GetBuffer((swap_chain_->GetCurrentBackBufferIndex() + count - 1) % count);
}

void Surfaces::Upload(ConstByteSpan frame) {
  runtime::MappedSubresource mapped;
  Require("upload", context_.Map(ciphertext_.get(), runtime::MapType::kWrite, &mapped),
          "the staging texture can't be mapped");
  std::memcpy(mapped.data, frame.data(), frame.size());
  context_.Unmap(ciphertext_.get());
}

std::vector<uint8_t> Surfaces::Download(runtime::Resource* staging, uint32_t size) {
  runtime::MappedSubresource mapped;
  Require("download", context_.Map(staging, runtime::MapType::kRead, &mapped),
          "the staging texture can't be mapped");
  std::vector<uint8_t> bytes(mapped.data, mapped.data + size);
  context_.Unmap(staging);
  return bytes;
}

}  // namespace ward::examples
