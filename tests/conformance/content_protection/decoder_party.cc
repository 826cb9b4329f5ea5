#include "tests/conformance/content_protection/decoder_party.h"

#include <algorithm>

#include "catch2/catch_test_macros.hpp"

namespace ward::test {
namespace {

constexpr UINT kCopyBitstream = 1;  // of VideoDecoderExtension

}  // namespace

D3D11_1DDI_VIDEO_DECODER_DESC DescribeDecoder(uint32_t width, uint32_t height) {
  return {DecoderProfile(), width, height, DXGI_FORMAT_NV12};
}

DecoderPointer MakeDecoder(Process* process, uint32_t width, uint32_t height) {
  runtime::VideoDevice video = process->video_device();
  const D3D11_1DDI_VIDEO_DECODER_DESC description = DescribeDecoder(width, height);
  D3D11_1DDI_VIDEO_DECODER_CONFIG config{};
  REQUIRE(video.GetVideoDecoderConfig(description, 0, &config) == S_OK);
  DecoderPointer decoder;
  REQUIRE(video.CreateVideoDecoder(description, config, &decoder) == S_OK);
  return decoder;
}

DecoderParty::DecoderParty(Process* process, uint32_t width, uint32_t height, uint32_t channel_type)
    : channel(process, channel_type),
      decoder(MakeDecoder(process, width, height)),
      context(&process->app.device()),
      process_(process) {
  picture = MakePicture(true, width, height);
  REQUIRE(runtime::VideoDecoderOutputView::Create(picture.get(), DecoderProfile(), &view) == S_OK);
}

SessionPointer DecoderParty::MakeSession(const Key& key) {
  SessionPointer made;
  REQUIRE(process_->video_device().CreateCryptoSession(
              D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, &DecoderProfile(),
              D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP, &made) == S_OK);
  REQUIRE(process_->Negotiate(made.get(), WrapOaep(process_->device_key(), key)) == S_OK);
  return made;
}

HRESULT DecoderParty::Tie(runtime::CryptoSession* tied) {
  HANDLE decoder_handle = nullptr;
  HANDLE session_handle = nullptr;
  REQUIRE(decoder->GetDriverHandle(&decoder_handle) == S_OK);
  REQUIRE(tied->GetCryptoSessionHandle(&session_handle) == S_OK);
  const Reply device = channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_DEVICE_HANDLE, {}, 56);
  return channel
      .Configure(D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_GUID,
                 Longs({reinterpret_cast<uintptr_t>(decoder_handle),
                        reinterpret_cast<uintptr_t>(session_handle), device.Long(48)}))
      .result;
}

void DecoderParty::Open() {
  channel.Open();
  session = MakeSession(kSessionKey);
  REQUIRE(Tie(session.get()) == S_OK);
}

ResourcePointer DecoderParty::MakePicture(bool is_restricted, uint32_t width, uint32_t height) {
  runtime::TextureDescription description = {width, height, DXGI_FORMAT_NV12};
  description.bind_flags = runtime::kBindDecoder;
  if (is_restricted) description.misc_flags = umd::kApiResourceMiscRestrictedContent;
  ResourcePointer texture;
  REQUIRE(runtime::Resource::CreateTexture2D(&process_->app.device(), description, &texture) ==
          S_OK);
  return texture;
}

HRESULT DecoderParty::Begin(ConstByteSpan content_key) {
  return context.DecoderBeginFrame(decoder.get(), view.get(), content_key);
}

void DecoderParty::Fill(runtime::DecoderBufferType type, ConstByteSpan bytes, uint32_t offset) {
  ByteSpan buffer;
  REQUIRE(context.GetDecoderBuffer(decoder.get(), type, &buffer) == S_OK);
  REQUIRE(buffer.size() >= offset + bytes.size());
  std::copy(bytes.begin(), bytes.end(), buffer.begin() + offset);
  REQUIRE(context.ReleaseDecoderBuffer(decoder.get(), type) == S_OK);
}

HRESULT DecoderParty::Submit(ConstByteSpan bytes, const Key* iv,
                             const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern, uint32_t offset) {
  Fill(runtime::DecoderBufferType::kBitstream, bytes, offset);
  runtime::DecoderBufferDescription buffer;
  buffer.data_offset = offset;
  buffer.data_bytes = static_cast<uint32_t>(bytes.size());
  if (iv != nullptr) buffer.iv = *iv;
  buffer.pattern = pattern;
  return context.SubmitDecoderBuffers(decoder.get(), {&buffer, 1});
}

HRESULT DecoderParty::SubmitSample(ConstByteSpan bytes, const Key* iv,
                                   const std::vector<SubSample>& list, uint32_t stripe_encrypted,
                                   uint32_t stripe_clear) {
  Fill(runtime::DecoderBufferType::kBitstream, bytes);
  runtime::DecoderSampleDescription buffer;
  buffer.data_bytes = static_cast<uint32_t>(bytes.size());
  if (iv != nullptr) buffer.iv = *iv;
  buffer.sub_samples = list;
  buffer.stripe_encrypted_blocks = stripe_encrypted;
  buffer.stripe_clear_blocks = stripe_clear;
  return context.SubmitDecoderBuffers1(decoder.get(), {&buffer, 1});
}

HRESULT DecoderParty::CopyFrame(runtime::Resource* destination, uint32_t* bytes) {
  uint8_t output[4] = {};
  const HRESULT result =
      context.DecoderExtension(decoder.get(), kCopyBitstream, output, destination);
  *bytes = LoadLe<uint32_t>(output);
  return result;
}

std::vector<uint8_t> DecoderParty::ReadFrame(runtime::CryptoSession* reader,
                                             const Key& reader_key) {
  runtime::Resource* bitstream = nullptr;
  REQUIRE(decoder->FindBuffer(runtime::DecoderBufferType::kBitstream, &bitstream) == S_OK);
  const ResourcePointer copy = process_->MakeDefault(bitstream->description().width, true);
  uint32_t bytes = 0;
  REQUIRE(CopyFrame(copy.get(), &bytes) == S_OK);
  std::vector<uint8_t> frame = process_->ReadProtected(reader, reader_key, copy.get());
  if (frame.size() >= bytes) frame.resize(bytes);
  return frame;
}

HRESULT DecoderParty::SubmitRaw(const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC& description) {
  runtime::Device& device = process_->app.device();
  return device.video_functions().pfnVideoDecoderSubmitBuffers(
      device.driver_handle(), decoder->driver_handle(), 1, &description);
}

D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC DecoderParty::RawBitstream(uint32_t bytes) {
  runtime::Resource* buffer = nullptr;
  REQUIRE(decoder->FindBuffer(runtime::DecoderBufferType::kBitstream, &buffer) == S_OK);
  D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC description{};
  description.hResource = buffer->driver_handle();
  description.BufferType = D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM;
  description.DataSize = bytes;
  return description;
}

}  // namespace ward::test
