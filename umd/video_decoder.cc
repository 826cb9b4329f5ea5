#include "umd/video_decoder.h"

#include "abi/generated/messages.h"
#include "abi/generated/registers.h"
#include "umd/ddi/guids.h"
#include "umd/ddi/status_codes.h"
#include "umd/device.h"

namespace ward::umd {

HRESULT VideoDecoder::Open(const D3D11_1DDIARG_CREATEVIDEODECODER& arguments) {
  if (!device().adapter().Has(abi::kFeaturesAuthenticatedChannelMask)) {
    device().events().Count("CreateVideoDecoder on a device without authenticated channels");
    return E_NOTIMPL;
  }
  // Protection comes through CONFIGURE_CRYPTO_SESSION, not through the config.
  const D3D11_1DDI_VIDEO_DECODER_CONFIG& config = arguments.Config;
  if (config.guidConfigBitstreamEncryption != kNullGuid ||
      config.guidConfigMBcontrolEncryption != kNullGuid ||
      config.guidConfigResidDiffEncryption != kNullGuid) {
    return device().events().Refuse("CreateVideoDecoder with an encryption in its config");
  }
  abi::CreateDecoderResponse response = {};
  const HRESULT result =
      device().messages().Ask(abi::kMessageCreateDecoder, abi::CreateDecoderRequest{}, &response);
  handle_ = response.handle;
  return result;
}

HRESULT VideoDecoder::Close() {
  const abi::DestroyDecoderRequest request = {handle_};
  abi::ResponseHeader response = {};
  return device().messages().Ask(abi::kMessageDestroyDecoder, request, &response);
}

}  // namespace ward::umd
