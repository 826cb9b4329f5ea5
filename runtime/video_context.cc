#include "runtime/video_context.h"

#include <vector>

namespace ward::runtime {
namespace {

bool HaveSameLayout(const Resource& a, const Resource& b) {
  const TextureDescription& first = a.description();
  const TextureDescription& second = b.description();
  return first.width == second.width && first.height == second.height &&
         first.format == second.format;
}

}  // namespace

HRESULT VideoContext::NegotiateCryptoSessionKeyExchange(CryptoSession* session, ByteSpan data) {
  if (session == nullptr || data.data() == nullptr) return E_INVALIDARG;
  return device_->video_functions().pfnNegotiateCryptoSessionKeyExchange(
      device_->driver_handle(), session->driver_handle(), static_cast<UINT>(data.size()),
      data.data());
}

HRESULT VideoContext::DecryptionBlt(CryptoSession* session, Resource* source, Resource* destination,
                                    const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* block_info,
                                    ConstByteSpan content_key, ConstByteSpan iv) {
  if (session == nullptr || source == nullptr || destination == nullptr) return E_INVALIDARG;
  if (source->description().usage != Usage::kStaging || !HaveSameLayout(*source, *destination)) {
    return E_INVALIDARG;
  }
  UINT caps = D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT;
  if (block_info != nullptr) caps |= D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION;
  if (!content_key.empty()) caps |= D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY;
  if (const HRESULT result = CheckCaps(*session, caps); FAILED(result)) return result;
  device_->errors().Begin();
  device_->video_functions().pfnDecryptionBlt(
      device_->driver_handle(), session->driver_handle(), source->driver_handle(),
      destination->driver_handle(), block_info, static_cast<UINT>(content_key.size()),
      content_key.empty() ? nullptr : content_key.data(), static_cast<UINT>(iv.size()),
      iv.empty() ? nullptr : iv.data());
  return device_->errors().Take();
}

HRESULT VideoContext::EncryptionBlt(CryptoSession* session, Resource* source, Resource* destination,
                                    ByteSpan iv) {
  if (session == nullptr || source == nullptr || destination == nullptr) return E_INVALIDARG;
  if (!HaveSameLayout(*source, *destination)) return E_INVALIDARG;
  const HRESULT result =
      CheckCaps(*session, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK);
  if (FAILED(result)) return result;
  device_->errors().Begin();
  device_->video_functions().pfnEncryptionBlt(device_->driver_handle(), session->driver_handle(),
                                              source->driver_handle(), destination->driver_handle(),
                                              static_cast<UINT>(iv.size()), iv.data());
  return device_->errors().Take();
}

HRESULT VideoContext::GetEncryptionBltKey(CryptoSession* session, ByteSpan wrapped_key) {
  if (session == nullptr || wrapped_key.empty()) return E_INVALIDARG;
  const HRESULT result =
      CheckCaps(*session, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY);
  if (FAILED(result)) return result;
  device_->errors().Begin();
  device_->video_functions().pfnGetEncryptionBltKey(
      device_->driver_handle(), session->driver_handle(), static_cast<UINT>(wrapped_key.size()),
      wrapped_key.data());
  return device_->errors().Take();
}

HRESULT VideoContext::StartSessionKeyRefresh(CryptoSession* session, ByteSpan random) {
  if (session == nullptr || random.empty()) return E_INVALIDARG;
  const HRESULT result =
      CheckCaps(*session, D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY);
  if (FAILED(result)) return result;
  device_->errors().Begin();
  device_->video_functions().pfnStartSessionKeyRefresh(
      device_->driver_handle(), session->driver_handle(), static_cast<UINT>(random.size()),
      random.data());
  return device_->errors().Take();
}

HRESULT VideoContext::FinishSessionKeyRefresh(CryptoSession* session) {
  if (session == nullptr) return E_INVALIDARG;
  const HRESULT result =
      CheckCaps(*session, D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY);
  if (FAILED(result)) return result;
  device_->errors().Begin();
  device_->video_functions().pfnFinishSessionKeyRefresh(device_->driver_handle(),
                                                        session->driver_handle());
  return device_->errors().Take();
}

HRESULT VideoContext::NegotiateAuthenticatedChannelKeyExchange(AuthenticatedChannel* channel,
                                                               ByteSpan data) {
  if (channel == nullptr || data.data() == nullptr) return E_INVALIDARG;
  return device_->video_functions().pfnNegotiateAuthenticatedChannelKeyExchange(
      device_->driver_handle(), channel->driver_handle(), static_cast<UINT>(data.size()),
      data.data());
}

HRESULT VideoContext::QueryAuthenticatedChannel(AuthenticatedChannel* channel, UINT input_bytes,
                                                const void* input, UINT output_bytes,
                                                void* output) {
  if (channel == nullptr) return E_INVALIDARG;
  return device_->video_functions().pfnQueryAuthenticatedChannel(
      device_->driver_handle(), channel->driver_handle(), input_bytes, input, output_bytes, output);
}

HRESULT VideoContext::ConfigureAuthenticatedChannel(
    AuthenticatedChannel* channel, UINT input_bytes, const void* input,
    D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT* output) {
  if (channel == nullptr) return E_INVALIDARG;
  return device_->video_functions().pfnConfigureAuthenticatedChannel(
      device_->driver_handle(), channel->driver_handle(), input_bytes, input, output);
}

HRESULT VideoContext::VideoProcessorSetStreamColorSpace(
    VideoProcessor* processor, UINT stream,
    const D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE& color_space) {
  device_->errors().Begin();
  device_->video_functions().pfnVideoProcessorSetStreamColorSpace(
      device_->driver_handle(), processor->driver_handle(), stream, &color_space);
  return device_->errors().Take();
}

HRESULT VideoContext::VideoProcessorSetOutputColorSpace(
    VideoProcessor* processor, const D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE& color_space) {
  device_->errors().Begin();
  device_->video_functions().pfnVideoProcessorSetOutputColorSpace(
      device_->driver_handle(), processor->driver_handle(), &color_space);
  return device_->errors().Take();
}

HRESULT VideoContext::VideoProcessorSetStreamSourceRect(VideoProcessor* processor, UINT stream,
                                                        const RECT* rect) {
  const RECT none{};
  device_->errors().Begin();
  device_->video_functions().pfnVideoProcessorSetStreamSourceRect(
      device_->driver_handle(), processor->driver_handle(), stream, rect != nullptr ? TRUE : FALSE,
      rect != nullptr ? rect : &none);
  return device_->errors().Take();
}

HRESULT VideoContext::VideoProcessorSetStreamDestRect(VideoProcessor* processor, UINT stream,
                                                      const RECT* rect) {
  const RECT none{};
  device_->errors().Begin();
  device_->video_functions().pfnVideoProcessorSetStreamDestRect(
      device_->driver_handle(), processor->driver_handle(), stream, rect != nullptr ? TRUE : FALSE,
      rect != nullptr ? rect : &none);
  return device_->errors().Take();
}

HRESULT VideoContext::VideoProcessorSetOutputTargetRect(VideoProcessor* processor,
                                                        const RECT* rect) {
  const RECT none{};
  device_->errors().Begin();
  device_->video_functions().pfnVideoProcessorSetOutputTargetRect(
      device_->driver_handle(), processor->driver_handle(), rect != nullptr ? TRUE : FALSE,
      rect != nullptr ? rect : &none);
  return device_->errors().Take();
}

HRESULT VideoContext::VideoProcessorSetOutputBackgroundColor(VideoProcessor* processor,
                                                             bool is_ycbcr,
                                                             const D3D11_1DDI_VIDEO_COLOR& color) {
  device_->errors().Begin();
  device_->video_functions().pfnVideoProcessorSetOutputBackgroundColor(
      device_->driver_handle(), processor->driver_handle(), is_ycbcr ? TRUE : FALSE, &color);
  return device_->errors().Take();
}

HRESULT VideoContext::VideoProcessorSetStreamExtension(VideoProcessor* processor, UINT stream,
                                                       const GUID& guid, ByteSpan data) {
  return device_->video_functions().pfnVideoProcessorSetStreamExtension(
      device_->driver_handle(), processor->driver_handle(), stream, &guid,
      static_cast<UINT>(data.size()), data.data());
}

HRESULT VideoContext::VideoProcessorGetStreamExtension(VideoProcessor* processor, UINT stream,
                                                       const GUID& guid, ByteSpan data) {
  return device_->video_functions().pfnVideoProcessorGetStreamExtension(
      device_->driver_handle(), processor->driver_handle(), stream, &guid,
      static_cast<UINT>(data.size()), data.data());
}

HRESULT VideoContext::VideoProcessorBlt(VideoProcessor* processor, VideoProcessorOutputView* output,
                                        UINT output_frame, VideoProcessorInputView* input) {
  if (input == nullptr) return E_INVALIDARG;
  return VideoProcessorBlt(processor, output, output_frame, {&input, 1});
}

HRESULT VideoContext::VideoProcessorBlt(VideoProcessor* processor, VideoProcessorOutputView* output,
                                        UINT output_frame,
                                        std::span<VideoProcessorInputView* const> inputs) {
  if (processor == nullptr || output == nullptr) return E_INVALIDARG;
  if (inputs.empty() || inputs.size() > processor->max_input_streams()) return E_INVALIDARG;
  std::vector<D3D11_1DDI_VIDEO_PROCESSOR_STREAM> streams(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == nullptr) continue;
    streams[i].Enable = TRUE;
    streams[i].hInputSurface = inputs[i]->driver_handle();
  }
  device_->errors().Begin();
  const HRESULT result = device_->video_functions().pfnVideoProcessorBlt(
      device_->driver_handle(), processor->driver_handle(), output->driver_handle(), output_frame,
      static_cast<UINT>(streams.size()), streams.data());
  const HRESULT reported = device_->errors().Take();
  return FAILED(result) ? result : reported;
}

HRESULT VideoContext::CheckCaps(const CryptoSession& session, UINT caps) {
  const GUID crypto_type = session.GetCryptoType();
  const GUID profile = session.GetDecoderProfile();
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS answer{};
  const HRESULT result = device_->video_functions().pfnGetContentProtectionCaps(
      device_->driver_handle(), &crypto_type, &profile, &answer);
  if (FAILED(result)) return result;
  return (answer.Caps & caps) == caps ? S_OK : E_NOTIMPL;
}

}  // namespace ward::runtime
