#include "runtime/video_device.h"

#include <utility>

#include "umd/ddi/api_flags.h"

namespace ward::runtime {
namespace {

// From 0x2000 on the two enumerations differ; the DDI's 0x2000 and 0x8000 have no API bit.
uint32_t ApiCapsOf(UINT ddi_caps) {
  uint32_t caps = ddi_caps & umd::kApiContentProtectionCapsCommonMask;
  if ((ddi_caps & D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN) != 0) {
    caps |= umd::kApiContentProtectionCapsHardwareTeardown;
  }
  if ((ddi_caps & D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION) != 0) {
    caps |= umd::kApiContentProtectionCapsHardwareDrmCommunication;
  }
  return caps;
}

}  // namespace

HRESULT VideoDevice::GetContentProtectionCaps(const GUID* crypto_type, const GUID* decoder_profile,
                                              ContentProtectionCaps* caps) {
  *caps = {};
  if (!HasProfile(decoder_profile)) return E_INVALIDARG;
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS answer{};
  const HRESULT result = device_->video_functions().pfnGetContentProtectionCaps(
      device_->driver_handle(), crypto_type, decoder_profile, &answer);
  if (FAILED(result)) return result;
  *caps = {ApiCapsOf(answer.Caps), answer.KeyExchangeTypeCount, answer.BlockAlignmentSize,
           answer.ProtectedMemorySize};
  return result;
}

HRESULT VideoDevice::CheckCryptoKeyExchange(const GUID* crypto_type, const GUID* decoder_profile,
                                            uint32_t index, GUID* key_exchange_type) {
  *key_exchange_type = umd::kNullGuid;
  ContentProtectionCaps caps;
  const HRESULT result = GetContentProtectionCaps(crypto_type, decoder_profile, &caps);
  if (FAILED(result)) return result;
  if (index >= caps.key_exchange_type_count) return E_INVALIDARG;
  return device_->video_functions().pfnGetCryptoKeyExchangeType(
      device_->driver_handle(), crypto_type, decoder_profile, index, key_exchange_type);
}

HRESULT VideoDevice::CreateCryptoSession(const GUID& crypto_type, const GUID* decoder_profile,
                                         const GUID& key_exchange_type,
                                         std::unique_ptr<CryptoSession>* session) {
  if (!HasProfile(decoder_profile)) return E_INVALIDARG;
  const GUID profile = decoder_profile != nullptr ? *decoder_profile : umd::kNullGuid;
  const D3D11_1DDIARG_CREATECRYPTOSESSION description = {crypto_type, profile, key_exchange_type};
  std::unique_ptr<CryptoSession> made(new CryptoSession(device_, description));
  const HRESULT result = made->CreateInDriver();
  if (SUCCEEDED(result)) *session = std::move(made);
  return result;
}

HRESULT VideoDevice::GetCryptoSessionPrivateDataSize(const GUID& crypto_type,
                                                     const GUID* decoder_profile,
                                                     const GUID& key_exchange_type,
                                                     uint32_t* input_bytes,
                                                     uint32_t* output_bytes) {
  const D3DWDDM2_0DDI_VIDEODEVICEFUNCS* driver = device_->wddm2_video_functions();
  *input_bytes = *output_bytes = 0;
  if (driver == nullptr) return E_NOTIMPL;
  UINT input = 0;
  UINT output = 0;
  device_->errors().Begin();
  driver->pfnGetCryptoSessionPrivateDataSize(device_->driver_handle(), &crypto_type,
                                             decoder_profile, &key_exchange_type, &input, &output);
  *input_bytes = input;
  *output_bytes = output;
  return device_->errors().Take();
}

HRESULT VideoDevice::NegotiateCryptoSessionKeyExchangeMT(
    CryptoSession* session, D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS flags, ByteSpan data) {
  const D3DWDDM2_4DDI_VIDEODEVICEFUNCS* driver = device_->wddm2_4_video_functions();
  if (driver == nullptr) return E_NOTIMPL;
  if (session == nullptr || data.data() == nullptr) return E_INVALIDARG;
  return driver->pfnNegotiateCryptoSessionKeyExchangeMT(
      device_->driver_handle(), session->driver_handle(), flags, static_cast<UINT>(data.size()),
      data.data());
}

HRESULT VideoDevice::CreateAuthenticatedChannel(uint32_t type,
                                                std::unique_ptr<AuthenticatedChannel>* channel) {
  constexpr uint32_t kRuntimeChannel = 1;  // D3D11_AUTHENTICATED_CHANNEL_D3D11
  if (type == kRuntimeChannel) return E_NOTIMPL;
  std::unique_ptr<AuthenticatedChannel> made(
      new AuthenticatedChannel(device_, static_cast<D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE>(type)));
  const HRESULT result = made->CreateInDriver();
  if (SUCCEEDED(result)) *channel = std::move(made);
  return result;
}

uint32_t VideoDevice::GetVideoDecoderProfileCount() {
  UINT count = 0;
  device_->video_functions().pfnGetVideoDecoderProfileCount(device_->driver_handle(), &count);
  return count;
}

HRESULT VideoDevice::GetVideoDecoderProfile(uint32_t index, GUID* profile) {
  *profile = umd::kNullGuid;
  if (index >= GetVideoDecoderProfileCount()) return E_INVALIDARG;
  device_->video_functions().pfnGetVideoDecoderProfile(device_->driver_handle(), index, profile);
  return S_OK;
}

HRESULT VideoDevice::CheckVideoDecoderFormat(const GUID& profile, DXGI_FORMAT format,
                                             bool* supported) {
  *supported = false;
  if (profile == umd::kNullGuid || !HasProfile(&profile)) return E_INVALIDARG;
  BOOL answer = FALSE;
  device_->video_functions().pfnCheckVideoDecoderFormat(device_->driver_handle(), &profile, format,
                                                        &answer);
  *supported = answer != FALSE;
  return S_OK;
}

HRESULT VideoDevice::GetVideoDecoderConfigCount(const D3D11_1DDI_VIDEO_DECODER_DESC& description,
                                                uint32_t* count) {
  UINT answer = 0;
  device_->video_functions().pfnGetVideoDecoderConfigCount(device_->driver_handle(), &description,
                                                           &answer);
  *count = answer;
  return S_OK;
}

HRESULT VideoDevice::GetVideoDecoderConfig(const D3D11_1DDI_VIDEO_DECODER_DESC& description,
                                           uint32_t index,
                                           D3D11_1DDI_VIDEO_DECODER_CONFIG* config) {
  *config = {};
  uint32_t count = 0;
  (void)GetVideoDecoderConfigCount(description, &count);
  if (index >= count) return E_INVALIDARG;
  device_->video_functions().pfnGetVideoDecoderConfig(device_->driver_handle(), &description, index,
                                                      config);
  return S_OK;
}

HRESULT VideoDevice::CreateVideoDecoder(const D3D11_1DDI_VIDEO_DECODER_DESC& description,
                                        const D3D11_1DDI_VIDEO_DECODER_CONFIG& config,
                                        std::unique_ptr<VideoDecoder>* decoder) {
  std::unique_ptr<VideoDecoder> made(new VideoDecoder(device_, {description, config}));
  const HRESULT result = made->CreateInDriver();
  if (SUCCEEDED(result)) *decoder = std::move(made);
  return result;
}

bool VideoDevice::HasProfile(const GUID* decoder_profile) {
  if (decoder_profile == nullptr || *decoder_profile == umd::kNullGuid) return true;
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device_->video_functions();
  UINT count = 0;
  driver.pfnGetVideoDecoderProfileCount(device_->driver_handle(), &count);
  for (UINT index = 0; index < count; ++index) {
    GUID profile{};
    driver.pfnGetVideoDecoderProfile(device_->driver_handle(), index, &profile);
    if (profile == *decoder_profile) return true;
  }
  return false;
}

}  // namespace ward::runtime
