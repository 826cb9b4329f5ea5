// An application that decodes: a session that a channel ties to a decoder, and frames whose
// decrypted bitstream it reads back.
#ifndef WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_DECODER_PARTY_H_
#define WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_DECODER_PARTY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/decoder_context.h"
#include "tests/conformance/content_protection/channel_party.h"

namespace ward::test {

using DecoderPointer = std::unique_ptr<runtime::VideoDecoder>;
using ViewPointer = std::unique_ptr<runtime::VideoDecoderOutputView>;
using SubSample = D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK;

inline constexpr uint32_t kDecoderWidth = 64;
inline constexpr uint32_t kDecoderHeight = 48;

inline const GUID& DecoderProfile() { return D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT; }
D3D11_1DDI_VIDEO_DECODER_DESC DescribeDecoder(uint32_t width = kDecoderWidth,
                                              uint32_t height = kDecoderHeight);

DecoderPointer MakeDecoder(Process* process, uint32_t width = kDecoderWidth,
                           uint32_t height = kDecoderHeight);

class DecoderParty {
 public:
  explicit DecoderParty(Process* process, uint32_t width = kDecoderWidth,
                        uint32_t height = kDecoderHeight, uint32_t channel_type = kHardwareChannel);

  // A session for the decoder's profile, with `key` negotiated.
  SessionPointer MakeSession(const Key& key);
  // CONFIGURE_CRYPTO_SESSION through the channel: decoder, session and device.
  HRESULT Tie(runtime::CryptoSession* session);
  // A session with kSessionKey, tied.
  void Open();

  ResourcePointer MakePicture(bool is_restricted, uint32_t width, uint32_t height);

  HRESULT Begin(ConstByteSpan content_key = {});
  HRESULT End() { return context.DecoderEndFrame(decoder.get()); }
  // Writes the bytes to the decoder's buffer, at `offset`, and submits them. `iv` null: clear.
  HRESULT Submit(ConstByteSpan bytes, const Key* iv,
                 const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern = nullptr, uint32_t offset = 0);
  HRESULT SubmitSample(ConstByteSpan bytes, const Key* iv, const std::vector<SubSample>& list,
                       uint32_t stripe_encrypted = 0, uint32_t stripe_clear = 0);
  void Fill(runtime::DecoderBufferType type, ConstByteSpan bytes, uint32_t offset = 0);

  // VideoDecoderExtension's copy of the frame's bitstream.
  HRESULT CopyFrame(runtime::Resource* destination, uint32_t* bytes);
  // The frame's decrypted bitstream, read back by `reader` under `reader_key`.
  std::vector<uint8_t> ReadFrame(runtime::CryptoSession* reader, const Key& reader_key);
  std::vector<uint8_t> ReadFrame() { return ReadFrame(session.get(), kSessionKey); }

  // What the runtime would not let through: the driver's own entry.
  HRESULT SubmitRaw(const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC& description);
  // A description of the decoder's BITSTREAM buffer, clear.
  D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC RawBitstream(uint32_t bytes);

  SessionPointer session;
  ChannelParty channel;
  DecoderPointer decoder;
  ResourcePointer picture;
  ViewPointer view;
  runtime::DecoderContext context;

 private:
  Process* process_;
};

// A machine with one application that decodes.
struct DecoderStage : Stage {
  explicit DecoderStage(UINT32 video_table = D3D11_1DDI_VIDEO_FUNCTIONS)
      : Stage(video_table), party(&process) {
    party.Open();
  }
  // As Stage.
  explicit DecoderStage(const MachineOptions& options) : Stage(options), party(&process) {
    party.Open();
  }
  DecoderParty party;
};

}  // namespace ward::test

#endif  // WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_DECODER_PARTY_H_
