#include "runtime/decoder_context.h"

#include <vector>

namespace ward::runtime {
namespace {

using Description1 = D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1;
using Description2 = D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC;
using SubSampleBlock = D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK;

// What all of the DDI's descriptions have. Their pointers are not const; a driver reads only.
template <typename Description, typename Buffer>
HRESULT Describe(VideoDecoder* decoder, const Buffer& buffer, Description* description) {
  Resource* resource = nullptr;
  const HRESULT result = decoder->FindBuffer(buffer.type, &resource);
  if (FAILED(result)) return result;
  description->hResource = resource->driver_handle();
  description->BufferType =
      static_cast<D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE>(static_cast<uint32_t>(buffer.type) + 1);
  description->DataOffset = buffer.data_offset;
  description->DataSize = buffer.data_bytes;
  description->pIV = buffer.iv.empty() ? nullptr : const_cast<uint8_t*>(buffer.iv.data());
  description->IVSize = static_cast<UINT>(buffer.iv.size());
  return S_OK;
}

template <typename Description>
HRESULT DescribeSamples(VideoDecoder* decoder, std::span<const DecoderSampleDescription> buffers,
                        std::vector<Description>* descriptions) {
  for (const DecoderSampleDescription& buffer : buffers) {
    Description& description = descriptions->emplace_back();
    const HRESULT result = Describe(decoder, buffer, &description);
    if (FAILED(result)) return result;
    description.pSubSampleMappingBlock = const_cast<SubSampleBlock*>(buffer.sub_samples.data());
    description.SubSampleMappingCount = static_cast<UINT>(buffer.sub_samples.size());
  }
  return S_OK;
}

}  // namespace

HRESULT DecoderContext::DecoderBeginFrame(VideoDecoder* decoder, VideoDecoderOutputView* view,
                                          ConstByteSpan content_key) {
  if (decoder == nullptr || view == nullptr) return E_INVALIDARG;
  const D3D11_1DDIARG_VIDEODECODERBEGINFRAME arguments = {
      view->driver_handle(), content_key.empty() ? nullptr : content_key.data(),
      static_cast<UINT>(content_key.size())};
  return device_->video_functions().pfnVideoDecoderBeginFrame(device_->driver_handle(),
                                                              decoder->driver_handle(), &arguments);
}

HRESULT DecoderContext::DecoderEndFrame(VideoDecoder* decoder) {
  if (decoder == nullptr) return E_INVALIDARG;
  device_->errors().Begin();
  device_->video_functions().pfnVideoDecoderEndFrame(device_->driver_handle(),
                                                     decoder->driver_handle());
  return device_->errors().Take();
}

HRESULT DecoderContext::GetDecoderBuffer(VideoDecoder* decoder, DecoderBufferType type,
                                         ByteSpan* bytes) {
  *bytes = {};
  if (decoder == nullptr) return E_INVALIDARG;
  Resource* buffer = nullptr;
  HRESULT result = decoder->FindBuffer(type, &buffer);
  if (FAILED(result)) return result;
  MappedSubresource mapped;
  result = context_.Map(buffer, MapType::kWriteDiscard, &mapped);
  if (SUCCEEDED(result)) *bytes = {mapped.data, buffer->description().width};
  return result;
}

HRESULT DecoderContext::ReleaseDecoderBuffer(VideoDecoder* decoder, DecoderBufferType type) {
  if (decoder == nullptr) return E_INVALIDARG;
  Resource* buffer = nullptr;
  const HRESULT result = decoder->FindBuffer(type, &buffer);
  if (SUCCEEDED(result)) context_.Unmap(buffer);
  return result;
}

HRESULT DecoderContext::SubmitDecoderBuffers(VideoDecoder* decoder,
                                             std::span<const DecoderBufferDescription> buffers) {
  if (decoder == nullptr) return E_INVALIDARG;
  std::vector<D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC> descriptions;
  for (const DecoderBufferDescription& buffer : buffers) {
    D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC& description = descriptions.emplace_back();
    const HRESULT result = Describe(decoder, buffer, &description);
    if (FAILED(result)) return result;
    description.PartialEncryption = buffer.pattern != nullptr ? TRUE : FALSE;
    if (buffer.pattern != nullptr) description.EncryptedBlockInfo = *buffer.pattern;
  }
  return device_->video_functions().pfnVideoDecoderSubmitBuffers(
      device_->driver_handle(), decoder->driver_handle(), static_cast<UINT>(descriptions.size()),
      descriptions.data());
}

HRESULT DecoderContext::SubmitDecoderBuffers1(VideoDecoder* decoder,
                                              std::span<const DecoderSampleDescription> buffers) {
  if (decoder == nullptr) return E_INVALIDARG;
  const D3DWDDM2_0DDI_VIDEODEVICEFUNCS* driver = device_->wddm2_video_functions();
  if (driver == nullptr) return E_NOTIMPL;
  const auto count = static_cast<UINT>(buffers.size());
  if (device_->wddm2_4_video_functions() == nullptr) {
    for (const DecoderSampleDescription& buffer : buffers) {
      if (buffer.stripe_encrypted_blocks != 0 || buffer.stripe_clear_blocks != 0) {
        return E_INVALIDARG;
      }
    }
    std::vector<Description1> descriptions;
    const HRESULT result = DescribeSamples(decoder, buffers, &descriptions);
    if (FAILED(result)) return result;
    return driver->pfnVideoDecoderSubmitBuffers1(device_->driver_handle(), decoder->driver_handle(),
                                                 count, descriptions.data());
  }
  std::vector<Description2> descriptions;
  const HRESULT result = DescribeSamples(decoder, buffers, &descriptions);
  if (FAILED(result)) return result;
  for (size_t i = 0; i < buffers.size(); ++i) {
    descriptions[i].cBlocksStripeEncrypted = buffers[i].stripe_encrypted_blocks;
    descriptions[i].cBlocksStripeClear = buffers[i].stripe_clear_blocks;
  }
  return driver->pfnVideoDecoderSubmitBuffers2(device_->driver_handle(), decoder->driver_handle(),
                                               count, descriptions.data());
}

HRESULT DecoderContext::DecoderExtension(VideoDecoder* decoder, UINT function,
                                         ByteSpan private_output, Resource* resource) {
  if (decoder == nullptr) return E_INVALIDARG;
  D3D10DDI_HRESOURCE handle = {};
  if (resource != nullptr) handle = resource->driver_handle();
  D3D11_1DDIARG_VIDEODECODEREXTENSION arguments{};
  arguments.Function = function;
  arguments.pPrivateOutputData = private_output.data();
  arguments.PrivateOutputDataSize = static_cast<UINT>(private_output.size());
  arguments.ResourceCount = resource != nullptr ? 1 : 0;
  arguments.pResourceList = resource != nullptr ? &handle : nullptr;
  return device_->video_functions().pfnVideoDecoderExtension(device_->driver_handle(),
                                                             decoder->driver_handle(), &arguments);
}

}  // namespace ward::runtime
