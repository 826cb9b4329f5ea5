// The decoder's half of ID3D11VideoContext and ID3D11VideoContext1: frames and their buffers.
#ifndef WARD_RUNTIME_DECODER_CONTEXT_H_
#define WARD_RUNTIME_DECODER_CONTEXT_H_

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "runtime/device.h"
#include "runtime/device_context.h"
#include "runtime/resource.h"
#include "runtime/video_decoder.h"
#include "umd/ddi/hardware_protection.h"

namespace ward::runtime {

// D3D11_VIDEO_DECODER_BUFFER_DESC as far as it is needed here. `iv` empty: the buffer is clear.
struct DecoderBufferDescription {
  DecoderBufferType type = DecoderBufferType::kBitstream;
  uint32_t data_offset = 0;  // bytes
  uint32_t data_bytes = 0;
  ConstByteSpan iv;
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern = nullptr;  // null: PartialEncryption is FALSE
};

// D3D11_VIDEO_DECODER_BUFFER_DESC1 and DESC2. Stripes are in cipher blocks.
struct DecoderSampleDescription {
  DecoderBufferType type = DecoderBufferType::kBitstream;
  uint32_t data_offset = 0;  // bytes
  uint32_t data_bytes = 0;
  ConstByteSpan iv;
  std::span<const D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK> sub_samples;
  uint32_t stripe_encrypted_blocks = 0;
  uint32_t stripe_clear_blocks = 0;
};

class DecoderContext {
 public:
  // `device` outlives the context.
  explicit DecoderContext(Device* device) : device_(device), context_(device) {}

  // Every HRESULT is the driver's, but for E_INVALIDARG without a decoder.
  // `content_key` empty: a null pointer.
  HRESULT DecoderBeginFrame(VideoDecoder* decoder, VideoDecoderOutputView* view,
                            ConstByteSpan content_key);
  HRESULT DecoderEndFrame(VideoDecoder* decoder);

  // The buffer's memory, which the CPU may write until ReleaseDecoderBuffer.
  HRESULT GetDecoderBuffer(VideoDecoder* decoder, DecoderBufferType type, ByteSpan* bytes);
  HRESULT ReleaseDecoderBuffer(VideoDecoder* decoder, DecoderBufferType type);

  HRESULT SubmitDecoderBuffers(VideoDecoder* decoder,
                               std::span<const DecoderBufferDescription> buffers);
  // Of a device with a WDDM 2.x table, else E_NOTIMPL. One of 2.4 takes stripes; an older one
  // refuses them with E_INVALIDARG.
  HRESULT SubmitDecoderBuffers1(VideoDecoder* decoder,
                                std::span<const DecoderSampleDescription> buffers);

  // `resource` may be null for none.
  HRESULT DecoderExtension(VideoDecoder* decoder, UINT function, ByteSpan private_output,
                           Resource* resource);

 private:
  Device* device_;
  DeviceContext context_;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_DECODER_CONTEXT_H_
