// ID3D11VideoContext: key exchange, encrypted blts, the video processor. Where the API's method
// returns nothing, the HRESULT here says whether the runtime passed the call on (E_INVALIDARG: a
// check of its own failed) and whether the device was lost by it; a blt that the driver or the
// device refuses is a no-op with S_OK (R7).
#ifndef WARD_RUNTIME_VIDEO_CONTEXT_H_
#define WARD_RUNTIME_VIDEO_CONTEXT_H_

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "runtime/authenticated_channel.h"
#include "runtime/crypto_session.h"
#include "runtime/device.h"
#include "runtime/resource.h"
#include "runtime/video_processor.h"
#include "runtime/video_processor_view.h"

namespace ward::runtime {

class VideoContext {
 public:
  // `device` outlives the context.
  explicit VideoContext(Device* device) : device_(device) {}

  // `data` is written too by some exchanges; the driver judges its size.
  HRESULT NegotiateCryptoSessionKeyExchange(CryptoSession* session, ByteSpan data);

  // Source staging, destination of the same size and format. `block_info` null: everything is
  // encrypted. `content_key` empty: under the session key; else the wrapped content key. `iv` is
  // the initial counter block, 16 bytes. Needs DECRYPTION_BLT, and PARTIAL_DECRYPTION and
  // CONTENT_KEY for those two.
  HRESULT DecryptionBlt(CryptoSession* session, Resource* source, Resource* destination,
                        const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* block_info,
                        ConstByteSpan content_key, ConstByteSpan iv);
  // Destination of the source's size and format. `iv` receives the counter block that the driver
  // chose; the result is in the destination once it can be mapped.
  HRESULT EncryptionBlt(CryptoSession* session, Resource* source, Resource* destination,
                        ByteSpan iv);
  // A new read-back key, wrapped by the session key. Zeros when the session has no key.
  HRESULT GetEncryptionBltKey(CryptoSession* session, ByteSpan wrapped_key);
  // `random`: 16 bytes, which the session key is changed by at Finish; zeros when nothing was
  // saved. Both need FRESHEN_SESSION_KEY.
  HRESULT StartSessionKeyRefresh(CryptoSession* session, ByteSpan random);
  // For all that is called later; earlier blts keep the old key.
  HRESULT FinishSessionKeyRefresh(CryptoSession* session);

  // E_INVALIDARG without a channel or data; else the driver's answer, as with the other two.
  HRESULT NegotiateAuthenticatedChannelKeyExchange(AuthenticatedChannel* channel, ByteSpan data);
  // Sizes and structures are the driver's to judge: null pointers reach it.
  HRESULT QueryAuthenticatedChannel(AuthenticatedChannel* channel, UINT input_bytes,
                                    const void* input, UINT output_bytes, void* output);
  HRESULT ConfigureAuthenticatedChannel(AuthenticatedChannel* channel, UINT input_bytes,
                                        const void* input,
                                        D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT* output);

  HRESULT VideoProcessorSetStreamColorSpace(
      VideoProcessor* processor, UINT stream,
      const D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE& color_space);
  HRESULT VideoProcessorSetOutputColorSpace(
      VideoProcessor* processor, const D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE& color_space);
  // `rect` null: the whole picture.
  HRESULT VideoProcessorSetStreamSourceRect(VideoProcessor* processor, UINT stream,
                                            const RECT* rect);
  HRESULT VideoProcessorSetStreamDestRect(VideoProcessor* processor, UINT stream, const RECT* rect);
  // `rect` null: all of the output.
  HRESULT VideoProcessorSetOutputTargetRect(VideoProcessor* processor, const RECT* rect);
  HRESULT VideoProcessorSetOutputBackgroundColor(VideoProcessor* processor, bool is_ycbcr,
                                                 const D3D11_1DDI_VIDEO_COLOR& color);
  // A driver's own functions, by its GUID. E_INVALIDARG for one that it does not have.
  HRESULT VideoProcessorSetStreamExtension(VideoProcessor* processor, UINT stream, const GUID& guid,
                                           ByteSpan data);
  HRESULT VideoProcessorGetStreamExtension(VideoProcessor* processor, UINT stream, const GUID& guid,
                                           ByteSpan data);
  // One progressive stream, one frame.
  HRESULT VideoProcessorBlt(VideoProcessor* processor, VideoProcessorOutputView* output,
                            UINT output_frame, VideoProcessorInputView* input);
  // As many streams as `inputs`, the lowest first; null where a stream is not shown. E_INVALIDARG
  // for more than the driver has.
  HRESULT VideoProcessorBlt(VideoProcessor* processor, VideoProcessorOutputView* output,
                            UINT output_frame, std::span<VideoProcessorInputView* const> inputs);

 private:
  // S_OK when the driver reports all of `caps` for the session's crypto type.
  HRESULT CheckCaps(const CryptoSession& session, UINT caps);

  Device* device_;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_VIDEO_CONTEXT_H_
