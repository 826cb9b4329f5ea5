// DriverProtections: what decoders there are, their views, samples with sub-samples, and the
// extension that copies a frame's bitstream.
#include <functional>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/decoder_party.h"

namespace ward::test {
namespace {

using Config = D3D11_1DDI_VIDEO_DECODER_CONFIG;
using Description = D3D11_1DDI_VIDEO_DECODER_DESC;

const GUID kOtherProfile = {
    0x1B81BEA3, 0xA0C7, 0x11D3, {0xB9, 0x84, 0, 0xC0, 0x4F, 0x2E, 0x73, 0xC5}};

// The sub-samples of a sample whose encrypted bytes are `cipher`, byte by byte.
std::vector<uint8_t> EncryptSample(const std::vector<uint8_t>& text,
                                   const std::vector<SubSample>& list, const Key& key,
                                   const Key& iv,
                                   const std::function<bool(size_t, size_t)>& is_encrypted) {
  std::vector<size_t> places;
  size_t at = 0;
  for (const SubSample& sub_sample : list) {
    at += sub_sample.ClearSize;
    for (size_t i = 0; i < sub_sample.EncryptedSize; ++i, ++at) {
      if (is_encrypted(i, sub_sample.EncryptedSize)) places.push_back(at);
    }
  }
  std::vector<uint8_t> joined;
  for (const size_t place : places) joined.push_back(text[place]);
  joined = RunCtr(key, iv, joined);
  std::vector<uint8_t> sample = text;
  for (size_t i = 0; i < places.size(); ++i) sample[places[i]] = joined[i];
  return sample;
}

bool All(size_t, size_t) { return true; }

TEST_CASE("DriverProtections.DecoderProfile: H.264 VLD without film grain, in NV12") {
  Stage stage;
  runtime::VideoDevice video = stage.process.video_device();
  CHECK(video.GetVideoDecoderProfileCount() == 1);
  GUID profile{};
  CHECK(video.GetVideoDecoderProfile(0, &profile) == S_OK);
  CHECK(profile == DecoderProfile());
  CHECK(video.GetVideoDecoderProfile(1, &profile) == E_INVALIDARG);
  bool supported = false;
  CHECK(video.CheckVideoDecoderFormat(DecoderProfile(), DXGI_FORMAT_NV12, &supported) == S_OK);
  CHECK(supported);
  CHECK(video.CheckVideoDecoderFormat(DecoderProfile(), DXGI_FORMAT_B8G8R8X8_UNORM, &supported) ==
        S_OK);
  CHECK_FALSE(supported);
  CHECK(video.CheckVideoDecoderFormat(kOtherProfile, DXGI_FORMAT_NV12, &supported) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.DecoderBufferInfo: four types of buffers, with their sizes") {
  Stage stage;
  runtime::Device& device = stage.process.app.device();
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device.video_functions();
  const Description large = DescribeDecoder(1920, 1088);
  UINT count = 0;
  driver.pfnGetVideoDecoderBufferTypeCount(device.driver_handle(), &large, &count);
  REQUIRE(count == 4);
  std::vector<int> types;
  for (UINT i = 0; i < count; ++i) {
    D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO info{};
    driver.pfnGetVideoDecoderBufferInfo(device.driver_handle(), &large, i, &info);
    types.push_back(info.Type);
    CHECK(info.Size >=
          (info.Type == D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM ? 1920u * 1088 * 3 / 2 : 1040u));
  }
  CHECK(types == std::vector<int>{1, 5, 6, 7});
  D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO info{};
  driver.pfnGetVideoDecoderBufferInfo(device.driver_handle(), &large, 4, &info);
  CHECK(info.Size == 0);
}

TEST_CASE("DriverProtections.DecoderDescription: another profile, format or size is refused",
          "[negative]") {
  Stage stage;
  runtime::VideoDevice video = stage.process.video_device();
  Config config{};
  REQUIRE(video.GetVideoDecoderConfig(DescribeDecoder(), 0, &config) == S_OK);
  std::vector<Description> bad;
  for (const uint32_t extent : {0u, 63u, 4098u, 0xFFFFFFFEu}) {
    bad.push_back(DescribeDecoder(extent, 48));
    bad.push_back(DescribeDecoder(64, extent));
  }
  bad.push_back(DescribeDecoder());
  bad.back().Guid = kOtherProfile;
  bad.push_back(DescribeDecoder());
  bad.back().OutputFormat = DXGI_FORMAT_B8G8R8X8_UNORM;
  for (const Description& description : bad) {
    DecoderPointer decoder;
    CHECK(video.CreateVideoDecoder(description, config, &decoder) == E_INVALIDARG);
    uint32_t count = 9;
    CHECK(video.GetVideoDecoderConfigCount(description, &count) == S_OK);
    CHECK(count == 0);
  }
}

TEST_CASE("DriverProtections.DecoderConfig: only a config that was reported", "[negative]") {
  Stage stage;
  runtime::VideoDevice video = stage.process.video_device();
  Config good{};
  REQUIRE(video.GetVideoDecoderConfig(DescribeDecoder(), 0, &good) == S_OK);
  CHECK(good.guidConfigBitstreamEncryption == umd::kNullGuid);
  const auto create = [&](const Config& config) {
    DecoderPointer decoder;
    return video.CreateVideoDecoder(DescribeDecoder(), config, &decoder);
  };
  CHECK(create(good) == S_OK);
  Config bad = good;
  bad.ConfigBitstreamRaw = 1;
  CHECK(create(bad) == E_INVALIDARG);
  bad = good;
  bad.guidConfigBitstreamEncryption = kOtherProfile;
  CHECK(create(bad) == E_INVALIDARG);
  bad = good;
  bad.guidConfigMBcontrolEncryption = D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC;
  CHECK(create(bad) == E_INVALIDARG);
  bad = good;
  bad.guidConfigResidDiffEncryption = D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC;
  CHECK(create(bad) == E_INVALIDARG);
  bad = good;
  bad.ConfigDecoderSpecific = 1;
  CHECK(create(bad) == E_INVALIDARG);
  Config hardware{};
  CHECK(video.GetVideoDecoderConfig(DescribeDecoder(), 1, &hardware) == S_OK);
  CHECK(hardware.guidConfigBitstreamEncryption == D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC);
  CHECK(create(hardware) == S_OK);
  CHECK(video.GetVideoDecoderConfig(DescribeDecoder(), 2, &hardware) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.DecoderHardwareFrame: HW_CENC frames name a session, not a key",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  Config config{};
  runtime::VideoDevice video = stage.process.video_device();
  REQUIRE(video.GetVideoDecoderConfig(DescribeDecoder(), 1, &config) == S_OK);
  REQUIRE(video.CreateVideoDecoder(DescribeDecoder(), config, &party.decoder) == S_OK);
  REQUIRE(party.Tie(party.session.get()) == S_OK);
  CHECK(party.Begin(Key{}) == E_INVALIDARG);
  CHECK(party.Begin(EcbEncrypt(kSessionKey, kContentKey)) == E_INVALIDARG);
  GUID name = kOtherProfile;
  D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION frame{};
  const auto begin = [&](size_t size) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&frame);
    return party.Begin({bytes, size});
  };
  CHECK(begin(sizeof(frame)) == E_INVALIDARG);  // no session
  frame.hCryptoSession = party.session->driver_handle();
  CHECK(begin(sizeof(frame)) == E_INVALIDARG);  // no name
  frame.pKeyInfoId = &name;
  CHECK(FAILED(begin(sizeof(frame))));  // not a session that keys are imported into
  CHECK(begin(sizeof(frame) - 1) == E_INVALIDARG);
  // Without one the frame is clear, whatever the channel tied.
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(MakeText(64), &kIv) == E_INVALIDARG);
  CHECK(party.Submit(MakeText(64), nullptr) == S_OK);
}

TEST_CASE("DriverProtections.DecoderView: an output view is of an NV12 texture, whole",
          "[negative]") {
  Stage stage;
  DecoderParty party(&stage.process);
  ViewPointer view;
  const ResourcePointer buffer = stage.process.MakeDefault(4096, true);
  CHECK(runtime::VideoDecoderOutputView::Create(buffer.get(), DecoderProfile(), &view) ==
        E_INVALIDARG);
  CHECK(runtime::VideoDecoderOutputView::Create(party.picture.get(), kOtherProfile, &view) ==
        E_INVALIDARG);
  runtime::Device& device = stage.process.app.device();
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device.video_functions();
  std::vector<uint8_t> memory(256);
  D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW arguments = {party.picture->driver_handle(),
                                                          DecoderProfile(), 1, 0, 1};
  CHECK(driver.pfnCreateVideoDecoderOutputView(device.driver_handle(), &arguments, {memory.data()},
                                               {}) == E_INVALIDARG);
  arguments.MipSlice = 0;
  arguments.FirstArraySlice = 1;
  CHECK(driver.pfnCreateVideoDecoderOutputView(device.driver_handle(), &arguments, {memory.data()},
                                               {}) == E_INVALIDARG);
  const D3D11_1DDIARG_VIDEODECODERBEGINFRAME begin = {};
  CHECK(driver.pfnVideoDecoderBeginFrame(device.driver_handle(), party.decoder->driver_handle(),
                                         &begin) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.DecoderExtension: the bitstream is copied to protected buffers only",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(MakeText(500), nullptr) == S_OK);
  REQUIRE(party.End() == S_OK);
  uint32_t bytes = 0;
  const ResourcePointer open = stage.process.MakeDefault(4096, false);
  CHECK(party.CopyFrame(open.get(), &bytes) == E_INVALIDARG);
  const ResourcePointer staging = stage.process.MakeStaging(4096);
  CHECK(party.CopyFrame(staging.get(), &bytes) == E_INVALIDARG);
  CHECK(IsZero(stage.process.app.Download(staging.get())));
  const ResourcePointer small = stage.process.MakeDefault(499, true);
  CHECK(party.CopyFrame(small.get(), &bytes) == E_INVALIDARG);
  CHECK(party.CopyFrame(nullptr, &bytes) == E_INVALIDARG);
  const ResourcePointer fitting = stage.process.MakeDefault(500, true);
  CHECK(party.CopyFrame(fitting.get(), &bytes) == S_OK);
  CHECK(bytes == 500);
  CHECK(stage.process.ReadProtected(party.session.get(), kSessionKey, fitting.get()) ==
        MakeText(500));
}

TEST_CASE("DriverProtections.DecoderExtensionFunction: there is one, and it tells a size",
          "[negative]") {
  DecoderStage stage;
  DecoderParty& party = stage.party;
  const ResourcePointer copy = stage.process.MakeDefault(4096, true);
  uint8_t output[4] = {};
  for (const UINT function : {0u, 2u, 0xFFFFFFFFu}) {
    CHECK(party.context.DecoderExtension(party.decoder.get(), function, output, copy.get()) ==
          E_INVALIDARG);
  }
  CHECK(party.context.DecoderExtension(party.decoder.get(), 1, ByteSpan(output).first(3),
                                       copy.get()) == E_INVALIDARG);
  CHECK(party.context.DecoderExtension(party.decoder.get(), 1, output, copy.get()) == S_OK);
  CHECK(LoadLe<uint32_t>(output) == 0);
}

TEST_CASE("DriverProtections.DecoderOtherDevice: a decoder is its device's alone", "[negative]") {
  DecoderStage stage;
  Process other(stage.kernel.get());
  runtime::DecoderContext context(&other.app.device());
  DecoderParty& party = stage.party;
  CHECK(context.DecoderBeginFrame(party.decoder.get(), party.view.get(), {}) == E_INVALIDARG);
  REQUIRE(party.Begin() == S_OK);
  runtime::DecoderBufferDescription buffer;
  buffer.data_bytes = 16;
  CHECK(context.SubmitDecoderBuffers(party.decoder.get(), {&buffer, 1}) == E_INVALIDARG);
  CHECK(party.Submit(MakeText(16), nullptr) == S_OK);
}

TEST_CASE("DriverProtections.DecoderSubSamples: the keystream runs on over clear bytes (R9)") {
  for (const UINT32 table : {D3DWDDM2_0DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEO_FUNCTIONS}) {
    DecoderStage stage(table);
    DecoderParty& party = stage.party;
    const std::vector<SubSample> list = {{5, 100}, {17, 3}, {0, 61}, {9, 0}, {0, 0}, {1, 16}};
    const std::vector<uint8_t> text = MakeText(212);
    REQUIRE(party.Begin(EcbEncrypt(kSessionKey, kContentKey)) == S_OK);
    CHECK(party.SubmitSample(EncryptSample(text, list, kContentKey, kIv, All), &kIv, list) == S_OK);
    // No list: the whole buffer; no IV: clear, whatever the list says.
    CHECK(party.SubmitSample(RunCtr(kContentKey, kIv, text), &kIv, {}) == S_OK);
    CHECK(party.SubmitSample(text, nullptr, list) == S_OK);
    REQUIRE(party.End() == S_OK);
    std::vector<uint8_t> expected;
    for (int i = 0; i < 3; ++i) expected.insert(expected.end(), text.begin(), text.end());
    CHECK(party.ReadFrame() == expected);
  }
}

TEST_CASE("DriverProtections.DecoderStripes: pattern encryption of each sub-sample (cens)") {
  DecoderStage stage(D3DWDDM2_4DDI_VIDEO_FUNCTIONS);
  DecoderParty& party = stage.party;
  const std::vector<SubSample> list = {{10, 405}, {3, 32}, {0, 15}};
  const std::vector<uint8_t> text = MakeText(465);
  const auto in_stripe = [](size_t i, size_t size) {
    return i / 16 * 16 + 16 <= size && i / 16 % 10 < 1;
  };
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.SubmitSample(EncryptSample(text, list, kSessionKey, kIv, in_stripe), &kIv, list, 1,
                           9) == S_OK);
  const std::vector<SubSample> whole = {{0, 465}};
  CHECK(party.SubmitSample(EncryptSample(text, whole, kSessionKey, kIv, in_stripe), &kIv, {}, 1,
                           9) == S_OK);
  REQUIRE(party.End() == S_OK);
  std::vector<uint8_t> expected = text;
  expected.insert(expected.end(), text.begin(), text.end());
  CHECK(party.ReadFrame() == expected);
}

TEST_CASE("DriverProtections.DecoderStripeEmpty: a stripe that encrypts nothing is refused",
          "[negative]") {
  DecoderStage stage(D3DWDDM2_4DDI_VIDEO_FUNCTIONS);
  REQUIRE(stage.party.Begin() == S_OK);
  CHECK(stage.party.SubmitSample(MakeText(64), &kIv, {{0, 64}}, 0, 9) == E_INVALIDARG);
  CHECK(stage.party.SubmitSample(MakeText(64), &kIv, {}, 0, 1) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.DecoderSubSampleSum: sub-samples add up to their data", "[negative]") {
  DecoderStage stage(D3DWDDM2_0DDI_VIDEO_FUNCTIONS);
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  const std::vector<SubSample> lists[] = {
      {{0, 63}}, {{1, 64}}, {{32, 16}, {0, 15}}, {{0, 0}}, {{0x80000000u, 0x80000000u}, {0, 64}}};
  for (const std::vector<SubSample>& list : lists) {
    CHECK(party.SubmitSample(MakeText(64), &kIv, list) == E_INVALIDARG);
  }
  CHECK(party.SubmitSample(MakeText(64), &kIv, {{32, 16}, {0, 16}}) == S_OK);
}

TEST_CASE("DriverProtections.DecoderSubSampleCount: 1008 sub-samples, and no more", "[negative]") {
  DecoderStage stage(D3DWDDM2_0DDI_VIDEO_FUNCTIONS);
  DecoderParty& party = stage.party;
  const std::vector<uint8_t> text = MakeText(2018);
  REQUIRE(party.Begin() == S_OK);
  const std::vector<SubSample> many(1009, {1, 1});
  REQUIRE(party.SubmitSample(text, &kIv, many) == E_INVALIDARG);
  const std::vector<SubSample> most(1008, {1, 1});
  const std::vector<uint8_t> shorter = MakeText(2016);
  CHECK(party.SubmitSample(EncryptSample(shorter, most, kSessionKey, kIv, All), &kIv, most) ==
        S_OK);
  REQUIRE(party.End() == S_OK);
  CHECK(party.ReadFrame() == shorter);
}

TEST_CASE("DriverProtections.DecoderSubSamplesMissing: a count without a list is refused",
          "[negative]") {
  DecoderStage stage(D3DWDDM2_0DDI_VIDEO_FUNCTIONS);
  DecoderParty& party = stage.party;
  REQUIRE(party.Begin() == S_OK);
  const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC buffer = party.RawBitstream(64);
  Key iv = kIv;
  D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1 description{};
  description.hResource = buffer.hResource;
  description.BufferType = buffer.BufferType;
  description.DataSize = 64;
  description.pIV = iv.data();
  description.IVSize = 16;
  description.SubSampleMappingCount = 1;
  runtime::Device& device = stage.process.app.device();
  CHECK(device.wddm2_video_functions()->pfnVideoDecoderSubmitBuffers1(
            device.driver_handle(), party.decoder->driver_handle(), 1, &description) ==
        E_INVALIDARG);
}

}  // namespace
}  // namespace ward::test
