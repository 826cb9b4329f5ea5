#include "firmware/video_decoder.h"

#include "base/rule.h"
#include "firmware/crypto_session.h"
#include "firmware/handle_source.h"

namespace ward::firmware {

Decoder* FindDecoder(State* state, uint64_t handle, uint32_t handle_bytes, uint32_t context) {
  for (Decoder& decoder : state->decoders) {
    if (decoder.handle != 0 &&
        (WARD_BROKEN("8.5.decoder_of_device") || decoder.context == context) &&
        (WARD_BROKEN("R4.decoder_cookie") || CutHandle(decoder.handle, handle_bytes) == handle)) {
      return &decoder;
    }
  }
  return nullptr;
}

void EndDecoders(State* state, uint32_t context) {
  for (Decoder& decoder : state->decoders) {
    if (decoder.context == context) decoder = Decoder{};
  }
}

Answer HandleCreateDecoder(const Call& call) {
  for (Decoder& decoder : call.state->decoders) {
    if (decoder.handle != 0) continue;
    uint64_t handle = 0;
    const uint32_t status = MakeHandle(call, &handle);
    if (status != abi::kStatusOk) return Refuse(status);
    decoder = Decoder{};
    decoder.handle = handle;
    decoder.context = call.message.context;
    abi::CreateDecoderResponse response = {};
    response.handle = handle;
    return SucceedWith(call, response);
  }
  return Refuse(abi::kStatusHandlesExhausted);
}

Answer HandleDestroyDecoder(const Call& call) {
  const auto request = ReadRequest<abi::DestroyDecoderRequest>(call);
  Decoder* decoder =
      FindDecoder(call.state, request.handle, sizeof(uint64_t), call.message.context);
  if (decoder == nullptr) return Refuse(abi::kStatusChannelInvalid);
  if (!WARD_BROKEN("4.8.destroy")) *decoder = Decoder{};
  return Succeed();
}

Answer HandleGetDecoderSession(const Call& call) {
  const auto request = ReadRequest<abi::GetDecoderSessionRequest>(call);
  const uint32_t context = call.message.context;
  const Decoder* decoder = FindDecoder(call.state, request.handle, sizeof(uint64_t), context);
  if (decoder == nullptr) return Refuse(abi::kStatusChannelInvalid);
  // No session has handle 0, which stands for none.
  const Session* session =
      FindSessionOfHandle(call.state, decoder->session_handle, sizeof(uint64_t), context);
  abi::GetDecoderSessionResponse response = {};
  if (session != nullptr) {
    response.session = session->number;
    response.state = FindState(call.platform, *session);
  }
  return SucceedWith(call, response);
}

}  // namespace ward::firmware
