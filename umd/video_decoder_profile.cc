#include "umd/video_decoder_profile.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "umd/ddi/guids.h"

namespace ward::umd {

namespace {

constexpr uint32_t kShortSliceControl = 2;  // ConfigBitstreamRaw: the device parses slice headers
constexpr uint32_t kControlBufferBytes = 4096;  // above every H.264 structure of its kind
constexpr uint32_t kSliceControlBytes = 64u << 10;
constexpr uint32_t kLeastBitstreamBytes = 64u << 10;

constexpr D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE kBufferTypes[kDecoderBufferTypeCount] = {
    D3D11_1DDI_VIDEO_DECODER_BUFFER_PICTURE_PARAMETERS,
    D3D11_1DDI_VIDEO_DECODER_BUFFER_INVERSE_QUANTIZATION_MATRIX,
    D3D11_1DDI_VIDEO_DECODER_BUFFER_SLICE_CONTROL,
    D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM,
};

bool IsExtent(UINT extent) {
  return extent != 0 && extent % 2 == 0 && extent <= kMaximumDecoderExtent;
}

}  // namespace

bool HasDecoders(const Adapter& adapter) {
  return adapter.Has(abi::kFeaturesAuthenticatedChannelMask | abi::kFeaturesDecryptBltMask);
}

bool IsDecoderProfile(const GUID& profile) {
  return profile == D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT;
}

bool IsDecodable(const Adapter& adapter, const D3D11_1DDI_VIDEO_DECODER_DESC& description) {
  return HasDecoders(adapter) && IsDecoderProfile(description.Guid) &&
         description.OutputFormat == DXGI_FORMAT_NV12 && IsExtent(description.SampleWidth) &&
         IsExtent(description.SampleHeight);
}

uint32_t DecoderConfigCount(const Adapter& adapter) {
  return adapter.Has(abi::kFeaturesHardwareDrmMask) ? 2 : 1;
}

D3D11_1DDI_VIDEO_DECODER_CONFIG MakeDecoderConfig(uint32_t index) {
  D3D11_1DDI_VIDEO_DECODER_CONFIG config = {};
  if (index == 1) config.guidConfigBitstreamEncryption = D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC;
  config.ConfigBitstreamRaw = kShortSliceControl;
  config.ConfigMinRenderTargetBuffCount = 1;
  return config;
}

bool IsDecoderConfig(const Adapter& adapter, const D3D11_1DDI_VIDEO_DECODER_CONFIG& config) {
  // Behind the last field is padding, which nobody fills.
  constexpr size_t kFieldBytes =
      offsetof(D3D11_1DDI_VIDEO_DECODER_CONFIG, ConfigDecoderSpecific) + sizeof(USHORT);
  for (uint32_t i = 0; i < DecoderConfigCount(adapter); ++i) {
    const D3D11_1DDI_VIDEO_DECODER_CONFIG known = MakeDecoderConfig(i);
    if (std::memcmp(&known, &config, kFieldBytes) == 0) return true;
  }
  return false;
}

D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO MakeDecoderBufferInfo(
    const D3D11_1DDI_VIDEO_DECODER_DESC& description, uint32_t index) {
  D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO info = {};
  info.Type = kBufferTypes[index];
  info.Size = kControlBufferBytes;
  info.Usage = D3D10_DDI_USAGE_DYNAMIC;
  if (info.Type == D3D11_1DDI_VIDEO_DECODER_BUFFER_SLICE_CONTROL) info.Size = kSliceControlBytes;
  if (info.Type == D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM) {
    info.Size = BitstreamCapacity(description);
  }
  return info;
}

bool IsDecoderBufferType(D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE type) {
  return std::find(std::begin(kBufferTypes), std::end(kBufferTypes), type) !=
         std::end(kBufferTypes);
}

// A compressed picture that is larger than the picture itself is of no use.
uint32_t BitstreamCapacity(const D3D11_1DDI_VIDEO_DECODER_DESC& description) {
  const uint32_t picture = description.SampleWidth * description.SampleHeight / 2 * 3;
  const uint32_t pages = (picture + abi::kPageSize - 1) / abi::kPageSize;
  return std::max<uint32_t>(kLeastBitstreamBytes, pages * abi::kPageSize);
}

}  // namespace ward::umd
