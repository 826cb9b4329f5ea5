#include "umd/video_decoder.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "abi/generated/messages.h"
#include "abi/generated/registers.h"
#include "base/rule.h"
#include "umd/crypto_session.h"
#include "umd/ddi/guids.h"
#include "umd/ddi/hardware_protection.h"
#include "umd/ddi/status_codes.h"
#include "umd/device.h"
#include "umd/resource.h"
#include "umd/video_decoder_output_view.h"
#include "umd/video_decoder_profile.h"

namespace ward::umd {

namespace {

bool IsZero(ConstByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

HRESULT VideoDecoder::Open(const D3D11_1DDIARG_CREATEVIDEODECODER& arguments) {
  EventLog& events = device().events();
  const Adapter& adapter = device().adapter();
  if (!HasDecoders(adapter)) {
    events.Count("CreateVideoDecoder on a device without decoders");
    return E_NOTIMPL;
  }
  if (WARD_RULE("decoder.description", !IsDecodable(adapter, arguments.Desc))) {
    return events.Refuse("CreateVideoDecoder of another profile, format or size");
  }
  if (WARD_RULE("decoder.config", !IsDecoderConfig(adapter, arguments.Config))) {
    return events.Refuse("CreateVideoDecoder with a config that was not reported");
  }
  description_ = arguments.Desc;
  is_hardware_cenc_ =
      arguments.Config.guidConfigBitstreamEncryption == D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC;
  bitstream_.SetCapacity(BitstreamCapacity(description_));
  abi::CreateDecoderResponse response = {};
  const HRESULT result =
      device().messages().Ask(abi::kMessageCreateDecoder, abi::CreateDecoderRequest{}, &response);
  handle_ = response.handle;
  return result;
}

HRESULT VideoDecoder::Close() {
  bitstream_.Free();
  const abi::DestroyDecoderRequest request = {handle_};
  abi::ResponseHeader response = {};
  return device().messages().Ask(abi::kMessageDestroyDecoder, request, &response);
}

HRESULT VideoDecoder::BeginFrame(const D3D11_1DDIARG_VIDEODECODERBEGINFRAME& arguments) {
  EventLog& events = device().events();
  if (WARD_RULE("decoder.nested_frame", is_in_frame_)) {
    return events.Refuse("VideoDecoderBeginFrame inside a frame");
  }
  const auto* view =
      DriverObject::Find<VideoDecoderOutputView>(&device(), arguments.hOutputView.pDrvPrivate);
  if (view == nullptr) return events.Refuse("VideoDecoderBeginFrame without an output view");
  const ResourceLayout& layout = view->resource().layout();
  if (WARD_RULE("decoder.output_size", layout.width < description_.SampleWidth ||
                                           layout.height < description_.SampleHeight)) {
    return events.Refuse("VideoDecoderBeginFrame with a view that is smaller than the picture");
  }
  FrameKey key;
  HRESULT result = ChooseKey(arguments, &key);
  if (SUCCEEDED(result)) result = bitstream_.Begin(key);
  if (FAILED(result)) return result;
  key_ = key;
  output_is_protected_ = view->resource().is_protected();
  is_in_frame_ = true;
  return S_OK;
}

void VideoDecoder::EndFrame() {
  if (!is_in_frame_) device().events().Count("VideoDecoderEndFrame without a frame");
  is_in_frame_ = false;
}

// What pContentKey points to is the config's to say, before its size means anything (DDI 9).
HRESULT VideoDecoder::ChooseKey(const D3D11_1DDIARG_VIDEODECODERBEGINFRAME& arguments,
                                FrameKey* key) {
  if (is_hardware_cenc_) {
    return ChooseImportedKey(arguments.pContentKey, arguments.ContentKeySize, key);
  }
  return ChooseTiedKey(arguments.pContentKey, arguments.ContentKeySize, key);
}

HRESULT VideoDecoder::ChooseTiedKey(const void* content_key, uint32_t size_bytes, FrameKey* key) {
  EventLog& events = device().events();
  if (WARD_RULE("decoder.content_key_size", content_key != nullptr && size_bytes != kKeyBytes)) {
    return events.Refuse("VideoDecoderBeginFrame with a content key that is not 16 bytes");
  }
  const abi::GetDecoderSessionRequest request = {handle_};
  abi::GetDecoderSessionResponse response = {};
  const HRESULT result =
      device().messages().Ask(abi::kMessageGetDecoderSession, request, &response);
  if (FAILED(result)) return result;
  if (response.state == kSessionKeyed) key->session = response.session;
  if (content_key == nullptr) return S_OK;
  uint8_t wrapped[kKeyBytes];  // read once: the application may write it anew
  std::memcpy(wrapped, content_key, sizeof(wrapped));
  if (WARD_RULE("decoder.zero_content_key", IsZero(wrapped))) return S_OK;
  CryptoSession* session = device().sessions().Find(key->session);
  if (session == nullptr) {
    return events.Refuse("VideoDecoderBeginFrame with a content key and no session with a key");
  }
  key->uses_content_key = true;
  std::copy(std::begin(wrapped), std::end(wrapped), wrapped_key_);
  const HRESULT loaded = session->UseContentKey(wrapped);
  key_serials_ = session->serials();
  return loaded;
}

HRESULT VideoDecoder::ChooseImportedKey(const void* content_key, uint32_t size_bytes,
                                        FrameKey* key) {
  using FrameSession = D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION;
  EventLog& events = device().events();
  if (content_key == nullptr) return S_OK;  // a frame of clear buffers
  if (size_bytes != sizeof(FrameSession)) {
    return events.Refuse("VideoDecoderBeginFrame with another structure than the config's");
  }
  FrameSession named;
  std::memcpy(&named, content_key, sizeof(named));
  auto* session = DriverObject::Find<CryptoSession>(&device(), named.hCryptoSession.pDrvPrivate);
  if (session == nullptr || named.pKeyInfoId == nullptr) {
    return events.Refuse("VideoDecoderBeginFrame without the session or the key's name");
  }
  key_id_ = *named.pKeyInfoId;
  const HRESULT result = session->SelectKey(key_id_);
  if (SUCCEEDED(result)) *key = {session->number(), true};
  return result;
}

HRESULT VideoDecoder::RestoreKey() {
  CryptoSession* session = device().sessions().Find(key_.session);
  if (session != nullptr) session->NoteBlt();
  if (!key_.uses_content_key || WARD_BROKEN("decoder.key_of_frame")) return S_OK;
  if (session == nullptr) {
    return device().events().Refuse("the session of the decoder's frame has ended");
  }
  return is_hardware_cenc_ ? session->SelectKey(key_id_)
                           : session->RestoreContentKey(wrapped_key_, key_serials_);
}

HRESULT VideoDecoder::RefuseCount() {
  return device().events().Refuse("VideoDecoderSubmitBuffers with more buffers than a call takes");
}

HRESULT VideoDecoder::TakeBuffers(std::span<const DecoderBuffer> buffers) {
  uint64_t bitstream_bytes = 0;
  for (const DecoderBuffer& buffer : buffers) {
    if (const HRESULT result = CheckBuffer(buffer, &bitstream_bytes); FAILED(result)) return result;
  }
  if (const HRESULT result = RestoreKey(); FAILED(result)) return result;
  for (const DecoderBuffer& buffer : buffers) {
    if (const HRESULT result = TakeBuffer(buffer); FAILED(result)) return result;
  }
  return S_OK;
}

HRESULT VideoDecoder::CheckBuffer(const DecoderBuffer& buffer, uint64_t* bitstream_bytes) {
  EventLog& events = device().events();
  if (WARD_RULE("decoder.no_frame", !is_in_frame_)) {
    return events.Refuse("VideoDecoderSubmitBuffers outside a frame");
  }
  if (const char* fault = buffer.FindFault()) return events.Refuse(fault);
  if (WARD_RULE("decoder.no_session_key", buffer.is_encrypted() && key_.session == 0)) {
    return events.Refuse("encrypted decoder buffer, and no session with a key");
  }
  if (WARD_RULE("decoder.open_output", buffer.is_encrypted() && !output_is_protected_)) {
    return events.Refuse("encrypted decoder buffer for a picture without RESTRICTED_CONTENT");
  }
  if (buffer.is_bitstream()) *bitstream_bytes += buffer.size_bytes();
  if (WARD_RULE("decoder.capacity", !bitstream_.HasRoomFor(*bitstream_bytes))) {
    return events.Refuse("more bitstream than GetVideoDecoderBufferInfo says");
  }
  if (buffer.has_sub_samples() && !device().adapter().Has(abi::kFeaturesSubSamplesMask)) {
    events.Count("sub-samples on a device without DECRYPT_SAMPLE");
    return E_NOTIMPL;
  }
  return S_OK;
}

// Control buffers have done their duty when they were checked.
HRESULT VideoDecoder::TakeBuffer(const DecoderBuffer& buffer) {
  return buffer.is_bitstream() ? bitstream_.Append(buffer) : S_OK;
}

HRESULT VideoDecoder::RunExtension(const D3D11_1DDIARG_VIDEODECODEREXTENSION& arguments) {
  EventLog& events = device().events();
  if (WARD_RULE("decoder.extension_function", arguments.Function != kCopyBitstream)) {
    return events.Refuse("VideoDecoderExtension: no such function");
  }
  auto* output = static_cast<uint8_t*>(arguments.pPrivateOutputData);
  if (output == nullptr || arguments.PrivateOutputDataSize < sizeof(uint32_t) ||
      arguments.ResourceCount != 1 || arguments.pResourceList == nullptr) {
    return events.Refuse("VideoDecoderExtension without a buffer or room for its size");
  }
  const auto* resource =
      DriverObject::Find<Resource>(&device(), arguments.pResourceList[0].pDrvPrivate);
  if (resource == nullptr || !resource->exists()) {
    return events.Refuse("VideoDecoderExtension without a buffer");
  }
  if (WARD_RULE("decoder.extension_destination", !resource->is_protected())) {
    return events.Refuse("VideoDecoderExtension to a resource without RESTRICTED_CONTENT");
  }
  if (WARD_RULE("decoder.extension_size",
                resource->layout().size_bytes < bitstream_.used_bytes())) {
    return events.Refuse("VideoDecoderExtension to a buffer that is too small");
  }
  StoreLe<uint32_t>(output, bitstream_.used_bytes());
  return bitstream_.CopyTo(resource->allocation());
}

}  // namespace ward::umd
