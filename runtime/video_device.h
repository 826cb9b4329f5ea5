// ID3D11VideoDevice: capabilities, crypto sessions, and what the video processor is made of.
#ifndef WARD_RUNTIME_VIDEO_DEVICE_H_
#define WARD_RUNTIME_VIDEO_DEVICE_H_

#include <cstdint>
#include <memory>

#include "runtime/authenticated_channel.h"
#include "runtime/crypto_session.h"
#include "runtime/device.h"
#include "runtime/video_decoder.h"

namespace ward::runtime {

// D3D11_VIDEO_CONTENT_PROTECTION_CAPS: caps with the API's bits.
struct ContentProtectionCaps {
  uint32_t caps = 0;
  uint32_t key_exchange_type_count = 0;
  uint32_t block_alignment_size = 0;   // bytes
  uint64_t protected_memory_size = 0;  // bytes
};

class VideoDevice {
 public:
  // `device` outlives the video device.
  explicit VideoDevice(Device* device) : device_(device) {}

  // `crypto_type` and `decoder_profile` may be null for none. E_INVALIDARG for a profile that the
  // driver does not have; else the driver's answer.
  HRESULT GetContentProtectionCaps(const GUID* crypto_type, const GUID* decoder_profile,
                                   ContentProtectionCaps* caps);
  // `index` below key_exchange_type_count, else E_INVALIDARG.
  HRESULT CheckCryptoKeyExchange(const GUID* crypto_type, const GUID* decoder_profile,
                                 uint32_t index, GUID* key_exchange_type);
  // `decoder_profile` null: the session is for blts only.
  HRESULT CreateCryptoSession(const GUID& crypto_type, const GUID* decoder_profile,
                              const GUID& key_exchange_type,
                              std::unique_ptr<CryptoSession>* session);
  // ID3D11VideoDevice1::GetCryptoSessionPrivateDataSize, in bytes. E_NOTIMPL on a device without a
  // WDDM 2.x table.
  HRESULT GetCryptoSessionPrivateDataSize(const GUID& crypto_type, const GUID* decoder_profile,
                                          const GUID& key_exchange_type, uint32_t* input_bytes,
                                          uint32_t* output_bytes);
  // ID3D11VideoDevice2::NegotiateCryptoSessionKeyExchangeMT: `data` as in VideoContext's. E_NOTIMPL
  // on a device without the WDDM 2.4 table.
  HRESULT NegotiateCryptoSessionKeyExchangeMT(CryptoSession* session,
                                              D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS flags,
                                              ByteSpan data);
  // E_NOTIMPL for type 1, the channel that a runtime answers itself and that this one does not
  // have; else the driver's answer.
  HRESULT CreateAuthenticatedChannel(uint32_t type, std::unique_ptr<AuthenticatedChannel>* channel);
  // 0 decoders: a device that has none. `index` below the count, else E_INVALIDARG.
  uint32_t GetVideoDecoderProfileCount();
  HRESULT GetVideoDecoderProfile(uint32_t index, GUID* profile);
  // E_INVALIDARG for a profile that the driver does not have.
  HRESULT CheckVideoDecoderFormat(const GUID& profile, DXGI_FORMAT format, bool* supported);
  HRESULT GetVideoDecoderConfigCount(const D3D11_1DDI_VIDEO_DECODER_DESC& description,
                                     uint32_t* count);
  HRESULT GetVideoDecoderConfig(const D3D11_1DDI_VIDEO_DECODER_DESC& description, uint32_t index,
                                D3D11_1DDI_VIDEO_DECODER_CONFIG* config);
  // The driver judges description and config.
  HRESULT CreateVideoDecoder(const D3D11_1DDI_VIDEO_DECODER_DESC& description,
                             const D3D11_1DDI_VIDEO_DECODER_CONFIG& config,
                             std::unique_ptr<VideoDecoder>* decoder);

 private:
  bool HasProfile(const GUID* decoder_profile);

  Device* device_;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_VIDEO_DEVICE_H_
