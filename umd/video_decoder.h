// A video decoder: takes the buffers of a frame, clear or encrypted, and gathers the bitstream in
// protected memory. The stream itself is not decoded here: the output view stays as it is.
#ifndef WARD_UMD_VIDEO_DECODER_H_
#define WARD_UMD_VIDEO_DECODER_H_

#include <cstdint>
#include <memory>
#include <new>
#include <span>

#include "base/bytes.h"
#include "umd/bitstream_buffer.h"
#include "umd/crypto_session.h"
#include "umd/ddi/status_codes.h"
#include "umd/ddi/video_decoder.h"
#include "umd/decoder_buffer.h"
#include "umd/driver_object.h"

namespace ward::umd {

class VideoDecoder : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kVideoDecoder;

  explicit VideoDecoder(Device* device) : DriverObject(device, kKind), bitstream_(device) {}

  // E_NOTIMPL for a device without decoders; E_INVALIDARG for a description or a config that it
  // does not have; else the device's answer.
  HRESULT Open(const D3D11_1DDIARG_CREATEVIDEODECODER& arguments);
  HRESULT Close();

  // Not nested. Chooses the key of the frame's encrypted buffers (R8): that of the session that
  // CONFIGURE_CRYPTO_SESSION tied to the decoder, or of the one that a HW_CENC frame names.
  HRESULT BeginFrame(const D3D11_1DDIARG_VIDEODECODERBEGINFRAME& arguments);
  void EndFrame();
  // The descriptions are read once, and all buffers are checked before the first one is taken.
  // E_INVALIDARG for more than kMaximumBuffers.
  static constexpr uint32_t kMaximumBuffers = 256;
  template <typename Description>
  HRESULT SubmitBuffers(uint32_t count, const Description* descriptions) {
    if (count > kMaximumBuffers) return RefuseCount();
    const std::unique_ptr<DecoderBuffer[]> buffers(new (std::nothrow) DecoderBuffer[count]);
    if (buffers == nullptr) return E_OUTOFMEMORY;
    for (uint32_t i = 0; i < count; ++i) {
      if (!buffers[i].Fetch(&device(), descriptions[i])) return E_OUTOFMEMORY;
    }
    return TakeBuffers({buffers.get(), count});
  }

  // Function kCopyBitstream: the frame's decrypted bitstream, so far or of the frame that ended
  // last, to the beginning of the protected buffer pResourceList[0]. Private output: its bytes,
  // u32.
  static constexpr UINT kCopyBitstream = 1;
  HRESULT RunExtension(const D3D11_1DDIARG_VIDEODECODEREXTENSION& arguments);

  // The value that the application gets (R4).
  uint64_t handle() const { return handle_; }

 private:
  HRESULT ChooseKey(const D3D11_1DDIARG_VIDEODECODERBEGINFRAME& arguments, FrameKey* key);
  HRESULT ChooseTiedKey(const void* content_key, uint32_t size_bytes, FrameKey* key);
  HRESULT ChooseImportedKey(const void* content_key, uint32_t size_bytes, FrameKey* key);
  // The frame's content key is the session's again, whatever used the session since BeginFrame.
  HRESULT RestoreKey();
  HRESULT RefuseCount();
  HRESULT TakeBuffers(std::span<const DecoderBuffer> buffers);
  HRESULT CheckBuffer(const DecoderBuffer& buffer, uint64_t* bitstream_bytes);
  HRESULT TakeBuffer(const DecoderBuffer& buffer);

  uint64_t handle_ = 0;
  D3D11_1DDI_VIDEO_DECODER_DESC description_ = {};
  bool is_hardware_cenc_ = false;
  bool is_in_frame_ = false;
  bool output_is_protected_ = false;  // of the frame
  FrameKey key_;
  uint8_t wrapped_key_[kKeyBytes] = {};    // of the frame, when it uses a content key
  CryptoSession::KeySerials key_serials_;  // of its session then
  GUID key_id_ = {};                       // the same with HW_CENC
  BitstreamBuffer bitstream_;
};

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_DECODER_H_
