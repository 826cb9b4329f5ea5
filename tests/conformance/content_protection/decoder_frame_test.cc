// DriverProtections: a decoder's frames, what they are decrypted with, and what they refuse.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/decoder_party.h"

namespace ward::test {
namespace {

using Pattern = D3D11_1DDI_ENCRYPTED_BLOCK_INFO;
using runtime::DecoderBufferType;

std::vector<uint8_t> Join(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  std::vector<uint8_t> joined = a;
  joined.insert(joined.end(), b.begin(), b.end());
  return joined;
}

Key CounterBlock(uint64_t iv, uint64_t count) {
  Key block{};
  StoreBe64(block.data(), iv);
  StoreBe64(block.data() + 8, count);
  return block;
}

TEST_CASE("DriverProtections.DecoderFrame: buffers lie one behind the other, decrypted") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const std::vector<uint8_t> first = MakeText(1000);
  const std::vector<uint8_t> header = {0, 0, 1, 0x65};
  const std::vector<uint8_t> second(77, 0x5A);
  REQUIRE(party.Begin() == S_OK);
  party.Fill(DecoderBufferType::kPictureParameters, MakeText(32));
  runtime::DecoderBufferDescription control;
  control.type = DecoderBufferType::kPictureParameters;
  control.data_bytes = 32;
  CHECK(party.context.SubmitDecoderBuffers(party.decoder.get(), {&control, 1}) == S_OK);
  const Key next = CounterBlock(7, 0);
  CHECK(party.Submit(header, nullptr) == S_OK);
  CHECK(party.Submit(RunCtr(kSessionKey, kIv, first), &kIv) == S_OK);
  CHECK(party.Submit(RunCtr(kSessionKey, next, second), &next, nullptr, 33) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame() == Join(Join(header, first), second));
  // The next frame begins anew.
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(header, nullptr) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame() == header);
}

TEST_CASE("DriverProtections.DecoderOutput: the picture stays as it is, nothing decodes it") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(MakeText(500), &kIv) == S_OK);
  REQUIRE(party.End() == S_OK);
  Key wrapped{};
  runtime::VideoContext& video = stage.process.app.video();
  REQUIRE(video.GetEncryptionBltKey(party.session.get(), wrapped) == S_OK);
  runtime::TextureDescription description = party.picture->description();
  description.usage = runtime::Usage::kStaging;
  description.bind_flags = description.misc_flags = 0;
  description.cpu_access_flags = runtime::kCpuAccessRead;
  ResourcePointer staging;
  REQUIRE(runtime::Resource::CreateTexture2D(&stage.process.app.device(), description, &staging) ==
          S_OK);
  Key iv{};
  REQUIRE(video.EncryptionBlt(party.session.get(), party.picture.get(), staging.get(), iv) == S_OK);
  CHECK(IsZero(
      RunCtr(EcbDecrypt(kSessionKey, wrapped), iv, stage.process.app.Download(staging.get()))));
}

TEST_CASE("DriverProtections.DecoderContentKey: NULL and zeros are the session key (R8)") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const std::vector<uint8_t> text = MakeText(160);
  const auto decode = [&](ConstByteSpan content_key, const Key& key) {
    REQUIRE(party.Begin(content_key) == S_OK);
    CHECK(party.Submit(RunCtr(key, kIv, text), &kIv) == S_OK);
    REQUIRE(party.End() == S_OK);
    return party.ReadFrame();
  };
  CHECK(decode({}, kSessionKey) == text);
  CHECK(decode(Key{}, kSessionKey) == text);
  CHECK(decode(EcbEncrypt(kSessionKey, kContentKey), kContentKey) == text);
  CHECK(decode(EcbEncrypt(kSessionKey, kOtherKey), kOtherKey) == text);
  CHECK(decode({}, kSessionKey) == text);
}

TEST_CASE("DriverProtections.DecoderKeysApart: frames and blts take each its own content key") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const std::vector<uint8_t> text = MakeText(64);
  const Key of_blt = EcbEncrypt(kSessionKey, kContentKey);
  const auto blt = [&] {
    return stage.process.DecryptAndRead(party.session.get(), kSessionKey,
                                        RunCtr(kContentKey, kIv, text), kIv, of_blt);
  };
  CHECK(blt() == text);
  REQUIRE(party.Begin(EcbEncrypt(kSessionKey, kOtherKey)) == S_OK);
  CHECK(party.Submit(RunCtr(kOtherKey, kIv, text), &kIv) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(blt() == text);
  CHECK(party.ReadFrame() == text);
}

TEST_CASE("DriverProtections.DecoderKeyOfFrame: a blt inside a frame does not change its key") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const std::vector<uint8_t> text = MakeText(64);
  REQUIRE(party.Begin(EcbEncrypt(kSessionKey, kOtherKey)) == S_OK);
  CHECK(stage.process.DecryptAndRead(party.session.get(), kSessionKey,
                                     RunCtr(kContentKey, kIv, text), kIv,
                                     EcbEncrypt(kSessionKey, kContentKey)) == text);
  CHECK(party.Submit(RunCtr(kOtherKey, kIv, text), &kIv) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame() == text);
}

TEST_CASE("DriverProtections.DecoderKeyGone: a key that can't be had again decrypts nothing",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const std::vector<uint8_t> text = MakeText(64);
  REQUIRE(party.Begin(EcbEncrypt(kSessionKey, kOtherKey)) == S_OK);
  stage.process.DecryptAndRead(party.session.get(), kSessionKey, text, kIv,
                               EcbEncrypt(kSessionKey, kContentKey));
  Key number{};
  REQUIRE(stage.process.app.video().StartSessionKeyRefresh(party.session.get(), number) == S_OK);
  REQUIRE(stage.process.app.video().FinishSessionKeyRefresh(party.session.get()) == S_OK);
  CHECK(party.Submit(RunCtr(kOtherKey, kIv, text), &kIv) == E_INVALIDARG);
  REQUIRE(party.End() == S_OK);
}

TEST_CASE("DriverProtections.DecoderKeyGoneForAnother: ... nor by the content key that came later",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  runtime::VideoContext& video = stage.process.app.video();
  const std::vector<uint8_t> text = MakeText(64);
  REQUIRE(party.Begin(EcbEncrypt(kSessionKey, kOtherKey)) == S_OK);
  Key number{};
  REQUIRE(video.StartSessionKeyRefresh(party.session.get(), number) == S_OK);
  REQUIRE(video.FinishSessionKeyRefresh(party.session.get()) == S_OK);
  const Key refreshed = Xor(kSessionKey, number);
  REQUIRE(stage.process.DecryptAndRead(party.session.get(), refreshed,
                                       RunCtr(kContentKey, kIv, text), kIv,
                                       EcbEncrypt(refreshed, kContentKey)) == text);
  CHECK(party.Submit(RunCtr(kOtherKey, kIv, text), &kIv) == E_INVALIDARG);
  REQUIRE(party.End() == S_OK);
}

TEST_CASE("DriverProtections.DecoderFinishAlone: finishing no refresh leaves the frame its key") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const std::vector<uint8_t> text = MakeText(64);
  REQUIRE(party.Begin(EcbEncrypt(kSessionKey, kOtherKey)) == S_OK);
  stage.process.DecryptAndRead(party.session.get(), kSessionKey, text, kIv,
                               EcbEncrypt(kSessionKey, kContentKey));
  stage.process.app.video().FinishSessionKeyRefresh(party.session.get());
  CHECK(party.Submit(RunCtr(kOtherKey, kIv, text), &kIv) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame() == text);
}

TEST_CASE("DriverProtections.DecoderContentKeySize: a content key is 16 bytes (7.5)",
          "[negative]") {
  DecoderStage stage;
  const std::vector<uint8_t> wrapped(48, 1);
  for (const size_t size : {1u, 15u, 17u, 32u, 48u}) {
    CHECK(stage.party.Begin(ConstByteSpan(wrapped).first(size)) == E_INVALIDARG);
  }
  CHECK(stage.party.Begin(ConstByteSpan(wrapped).first(16)) == S_OK);
}

TEST_CASE("DriverProtections.DecoderClear: a buffer without an IV is clear (R8)") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const Pattern everything = {4096, 0, 0};
  REQUIRE(party.Begin(EcbEncrypt(kSessionKey, kContentKey)) == S_OK);
  CHECK(party.Submit(MakeText(100), nullptr) == S_OK);
  CHECK(party.Submit(MakeText(50), nullptr, &everything) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame() == Join(MakeText(100), MakeText(50)));
}

TEST_CASE("DriverProtections.DecoderNotTied: without a session only clear buffers are taken",
          "[negative]") {
  Stage stage;
  DecoderParty party(&stage.process);
  const SessionPointer reader = party.MakeSession(kSessionKey);
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(MakeText(64), &kIv) == E_INVALIDARG);
  CHECK(party.Submit(MakeText(5000), nullptr) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame(reader.get(), kSessionKey) == MakeText(5000));
  CHECK(party.Begin(EcbEncrypt(kSessionKey, kContentKey)) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.DecoderKeyless: a session without a key decrypts nothing (R26)",
          "[negative]") {
  Stage stage;
  DecoderParty party(&stage.process);
  party.channel.Open();
  const SessionPointer keyless = stage.process.MakeSession();
  REQUIRE(party.Tie(keyless.get()) == S_OK);
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(MakeText(64), &kIv) == E_INVALIDARG);
  CHECK(party.Submit(MakeText(64), nullptr) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.Begin(EcbEncrypt(kSessionKey, kContentKey)) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.DecoderSessionGone: a destroyed session decrypts nothing",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  party.session.reset();
  CHECK(party.Submit(MakeText(64), &kIv) == S_OK);  // too late to tell; the device refuses
  REQUIRE(party.End() == S_OK);
  const SessionPointer reader = party.MakeSession(kOtherKey);
  CHECK(IsZero(party.ReadFrame(reader.get(), kOtherKey)));
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(MakeText(64), &kIv) == E_INVALIDARG);
  CHECK(stage.process.app.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("DriverProtections.DecoderOtherSession: a frame is its session's, no other reads it",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(MakeText(64), &kIv) == S_OK);
  REQUIRE(party.End() == S_OK);
  const SessionPointer other = party.MakeSession(kOtherKey);
  CHECK(party.ReadFrame(other.get(), kOtherKey).empty());
  // Tied to the other one, the decoder's memory changes hands without what was in it.
  REQUIRE(party.Tie(other.get()) == S_OK);
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(RunCtr(kOtherKey, kIv, MakeText(32)), &kIv) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame(other.get(), kOtherKey) == MakeText(32));
}

TEST_CASE("DriverProtections.DecoderIvSize: an IV that is not 16 bytes is refused (R20)",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  party.Fill(DecoderBufferType::kBitstream, MakeText(64));
  const std::vector<uint8_t> iv(32, 1);
  for (const size_t size : {1u, 8u, 15u, 17u, 32u}) {
    runtime::DecoderBufferDescription buffer;
    buffer.data_bytes = 64;
    buffer.iv = ConstByteSpan(iv).first(size);
    CHECK(party.context.SubmitDecoderBuffers(party.decoder.get(), {&buffer, 1}) == E_INVALIDARG);
  }
}

TEST_CASE("DriverProtections.DecoderPattern: the reference's (16,16,16) in a buffer (7.8)") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const Pattern pattern = {16, 16, 16};
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(std::vector<uint8_t>(64), &kIv, &pattern) == S_OK);
  REQUIRE(party.End() == S_OK);
  std::vector<uint8_t> expected(64);
  const Key first = ParseKey("dcd04ae8f4bbc1fca8b52f59a91e3da1");
  const Key third = ParseKey("e0f41d30c0f1f03ce963843fe9b95c44");
  std::copy(first.begin(), first.end(), expected.begin());
  std::copy(third.begin(), third.end(), expected.begin() + 32);
  CHECK(party.ReadFrame() == expected);
}

TEST_CASE("DriverProtections.DecoderPatternOff: PartialEncryption FALSE ignores the pattern") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  party.Fill(DecoderBufferType::kBitstream, RunCtr(kSessionKey, kIv, MakeText(64)));
  Key iv = kIv;
  D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC description = party.RawBitstream(64);
  description.pIV = iv.data();
  description.IVSize = 16;
  description.EncryptedBlockInfo = {16, 20, 2};
  CHECK(party.SubmitRaw(description) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame() == MakeText(64));
}

TEST_CASE("DriverProtections.DecoderPatternAlignment: a pattern is made of cipher blocks (R10)",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  for (const Pattern& pattern : {Pattern{16, 20, 16}, Pattern{16, 16, 2}, Pattern{100, 16, 16}}) {
    CHECK(party.Submit(MakeText(256), &kIv, &pattern) == E_INVALIDARG);
  }
  const Pattern beginning = {100, 20, 0};
  CHECK(party.Submit(MakeText(256), &kIv, &beginning) == S_OK);
}

TEST_CASE("DriverProtections.DecoderRange: data outside its buffer is refused", "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  const uint32_t size = 64u << 10;
  struct {
    uint32_t offset, bytes;
  } const cases[] = {{0, 0},    {0, size + 1},    {1, size},
                     {size, 1}, {0xFFFFFFFFu, 1}, {16, 0xFFFFFFF0u}};
  for (const auto& c : cases) {
    D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC description = party.RawBitstream(c.bytes);
    description.DataOffset = c.offset;
    CHECK(party.SubmitRaw(description) == E_INVALIDARG);
  }
  D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC description = party.RawBitstream(size);
  CHECK(party.SubmitRaw(description) == S_OK);
}

TEST_CASE("DriverProtections.DecoderCapacity: a frame has no more bitstream than was reported",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.SubmitRaw(party.RawBitstream((64u << 10) - 8)) == S_OK);
  CHECK(party.SubmitRaw(party.RawBitstream(9)) == E_INVALIDARG);
  CHECK(party.SubmitRaw(party.RawBitstream(8)) == S_OK);
  CHECK(party.SubmitRaw(party.RawBitstream(1)) == E_INVALIDARG);
  REQUIRE(party.End() == S_OK);
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.SubmitRaw(party.RawBitstream(64u << 10)) == S_OK);
}

TEST_CASE("DriverProtections.DecoderBufferType: only the four types that were reported",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  for (const int type : {0, 2, 3, 4, 8, 9, 10, -1}) {
    D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC description = party.RawBitstream(16);
    description.BufferType = static_cast<D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE>(type);
    CHECK(party.SubmitRaw(description) == E_INVALIDARG);
  }
  runtime::Resource* buffer = nullptr;
  CHECK(party.decoder->FindBuffer(DecoderBufferType::kFilmGrain, &buffer) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.DecoderEncryptedControl: slice data alone may be encrypted",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  for (const DecoderBufferType type :
       {DecoderBufferType::kPictureParameters, DecoderBufferType::kInverseQuantizationMatrix,
        DecoderBufferType::kSliceControl}) {
    party.Fill(type, MakeText(32));
    runtime::DecoderBufferDescription buffer;
    buffer.type = type;
    buffer.data_bytes = 32;
    buffer.iv = kIv;
    CHECK(party.context.SubmitDecoderBuffers(party.decoder.get(), {&buffer, 1}) == E_INVALIDARG);
    buffer.iv = {};
    CHECK(party.context.SubmitDecoderBuffers(party.decoder.get(), {&buffer, 1}) == S_OK);
  }
}

TEST_CASE("DriverProtections.DecoderProtectedSource: a protected resource is no decoder buffer",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const ResourcePointer restricted = stage.process.MakeDefault(4096, true);
  REQUIRE(party.Begin() == S_OK);
  D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC description = party.RawBitstream(64);
  description.hResource = restricted->driver_handle();
  CHECK(party.SubmitRaw(description) == E_INVALIDARG);
  description.hResource = {};
  CHECK(party.SubmitRaw(description) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.DecoderNoFrame: buffers are taken between Begin and End alone",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  CHECK(party.Submit(MakeText(64), nullptr) == E_INVALIDARG);
  REQUIRE(party.End() == S_OK);  // nothing to end, nothing happens
  REQUIRE(party.Begin() == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.Submit(MakeText(64), nullptr) == E_INVALIDARG);
  CHECK(party.context.SubmitDecoderBuffers(party.decoder.get(), {}) == E_INVALIDARG);
  CHECK(stage.process.app.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("DriverProtections.DecoderNestedFrame: a frame does not begin inside another (4.8)",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(MakeText(64), nullptr) == S_OK);
  CHECK(party.Begin() == E_INVALIDARG);
  CHECK(party.Submit(MakeText(10), nullptr) == S_OK);  // the frame goes on
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame() == Join(MakeText(64), MakeText(10)));
  CHECK(party.Begin() == S_OK);
}

TEST_CASE("DriverProtections.DecoderAllOrNothing: a bad buffer keeps those before it out",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  party.Fill(DecoderBufferType::kBitstream, MakeText(64));
  runtime::DecoderBufferDescription buffers[2];
  buffers[0].data_bytes = 64;
  buffers[1].data_bytes = 0;
  CHECK(party.context.SubmitDecoderBuffers(party.decoder.get(), buffers) == E_INVALIDARG);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame().empty());
}

TEST_CASE("DriverProtections.DecoderOpenOutput: encrypted buffers need a protected picture",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const ResourcePointer open = party.MakePicture(false, kDecoderWidth, kDecoderHeight);
  REQUIRE(runtime::VideoDecoderOutputView::Create(open.get(), DecoderProfile(), &party.view) ==
          S_OK);
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(MakeText(64), &kIv) == E_INVALIDARG);
  CHECK(party.Submit(MakeText(64), nullptr) == S_OK);
}

TEST_CASE("DriverProtections.DecoderOutputSize: the picture has room for the decoder's",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  for (const bool is_narrow : {true, false}) {
    const ResourcePointer small = party.MakePicture(true, kDecoderWidth - (is_narrow ? 2 : 0),
                                                    kDecoderHeight - (is_narrow ? 0 : 2));
    ViewPointer view;
    REQUIRE(runtime::VideoDecoderOutputView::Create(small.get(), DecoderProfile(), &view) == S_OK);
    CHECK(party.context.DecoderBeginFrame(party.decoder.get(), view.get(), {}) == E_INVALIDARG);
  }
  const ResourcePointer large = party.MakePicture(true, 128, 128);
  ViewPointer view;
  REQUIRE(runtime::VideoDecoderOutputView::Create(large.get(), DecoderProfile(), &view) == S_OK);
  CHECK(party.context.DecoderBeginFrame(party.decoder.get(), view.get(), {}) == S_OK);
}

TEST_CASE("DriverProtections.DecoderSequentialIv: one IV with a Count that runs on, or IV + 1",
          "[needs-strict-iv]") {
  MachineOptions strict;
  strict.strict_iv = true;
  DecoderStage stage(strict);
  DecoderParty& party = stage.party;
  std::vector<uint8_t> text = MakeText(48);
  const auto submit = [&](uint64_t iv, uint64_t count) {
    const Key block = CounterBlock(iv, count);
    return party.Submit(RunCtr(kSessionKey, block, text), &block);
  };
  REQUIRE(party.Begin() == S_OK);
  for (const uint64_t count : {1u, 4u, 7u}) CHECK(submit(5, count) == S_OK);  // 7.4's example
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame() == Join(Join(text, text), text));
  text.assign(48, 0x33);
  REQUIRE(party.Begin() == S_OK);
  CHECK(submit(6, 0) == S_OK);
  CHECK(submit(7, 0) == S_OK);
  CHECK(submit(7, 2) == S_OK);  // overlaps: the device refuses it, and moves nothing
  REQUIRE(party.End() == S_OK);
  const std::vector<uint8_t> frame = party.ReadFrame();
  REQUIRE(frame.size() == 144);
  CHECK(std::vector<uint8_t>(frame.begin(), frame.begin() + 96) == Join(text, text));
  CHECK(std::vector<uint8_t>(frame.begin() + 96, frame.end()) != text);
}

TEST_CASE("DriverProtections.DecoderRefresh: a frame after Finish takes the new session key") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  Key random{};
  runtime::VideoContext& video = stage.process.app.video();
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(RunCtr(kSessionKey, kIv, MakeText(64)), &kIv) == S_OK);
  REQUIRE(video.StartSessionKeyRefresh(party.session.get(), random) == S_OK);
  CHECK(party.Submit(RunCtr(kSessionKey, kIv, MakeText(32)), &kIv) == S_OK);
  REQUIRE(video.FinishSessionKeyRefresh(party.session.get()) == S_OK);
  const Key refreshed = Xor(kSessionKey, random);
  CHECK(party.Submit(RunCtr(refreshed, kIv, MakeText(16)), &kIv) == S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame(party.session.get(), refreshed) ==
        Join(Join(MakeText(64), MakeText(32)), MakeText(16)));
}

}  // namespace
}  // namespace ward::test
