// What a video decoder can be here: one profile, its configs and its buffers.
#ifndef WARD_UMD_VIDEO_DECODER_PROFILE_H_
#define WARD_UMD_VIDEO_DECODER_PROFILE_H_

#include <cstdint>

#include "umd/adapter.h"
#include "umd/ddi/video_decoder.h"

namespace ward::umd {

// Whether the device takes decoders at all.
bool HasDecoders(const Adapter& adapter);
bool IsDecoderProfile(const GUID& profile);
// A known profile, NV12, an even size of at most kMaximumDecoderExtent.
bool IsDecodable(const Adapter& adapter, const D3D11_1DDI_VIDEO_DECODER_DESC& description);

inline constexpr uint32_t kMaximumDecoderExtent = 4096;

// The first is for sessions that an authenticated channel ties to the decoder; a second, with
// HW_CENC, for those whose keys a trusted application imports (DDI 9).
uint32_t DecoderConfigCount(const Adapter& adapter);
D3D11_1DDI_VIDEO_DECODER_CONFIG MakeDecoderConfig(uint32_t index);
// Whether it is one of them, in every field.
bool IsDecoderConfig(const Adapter& adapter, const D3D11_1DDI_VIDEO_DECODER_CONFIG& config);

// Buffers that SubmitBuffers takes.
inline constexpr uint32_t kDecoderBufferTypeCount = 4;
D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO MakeDecoderBufferInfo(
    const D3D11_1DDI_VIDEO_DECODER_DESC& description, uint32_t index);
bool IsDecoderBufferType(D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE type);
// Most bytes of bitstream that one frame may have.
uint32_t BitstreamCapacity(const D3D11_1DDI_VIDEO_DECODER_DESC& description);

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_DECODER_PROFILE_H_
