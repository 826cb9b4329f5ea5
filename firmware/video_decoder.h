// Decoders as channel messages know them: a handle, and the session tied to it. Private to the
// firmware.
#ifndef WARD_FIRMWARE_VIDEO_DECODER_H_
#define WARD_FIRMWARE_VIDEO_DECODER_H_

#include <cstdint>

#include "firmware/message.h"

namespace ward::firmware {

// The context's decoder of that handle, cut to `handle_bytes`; nullptr when it has none.
Decoder* FindDecoder(State* state, uint64_t handle, uint32_t handle_bytes, uint32_t context);
void EndDecoders(State* state, uint32_t context);

Answer HandleCreateDecoder(const Call& call);
Answer HandleDestroyDecoder(const Call& call);
Answer HandleGetDecoderSession(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_VIDEO_DECODER_H_
