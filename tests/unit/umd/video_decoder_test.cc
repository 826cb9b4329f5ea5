// A decoder: its life, and the commands that its frames become.
#include <algorithm>
#include <string>
#include <vector>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "tests/unit/umd/driver_fixture.h"
#include "tests/unit/umd/session_fixture.h"
#include "umd/ddi/guids.h"
#include "umd/ddi/hardware_protection.h"
#include "umd/ddi/video_functions_wddm2.h"

namespace ward::umd {
namespace {

constexpr uint64_t kDecoderHandle = 0xA8A7A6A5A4A3A2A1;
const std::vector<uint8_t> kHandleBytes = {0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8};
constexpr uint8_t kSessionNumber = 9;  // SessionDriver's

D3D11_1DDIARG_CREATEVIDEODECODER Describe(OpenedDevice* device, UINT config = 0) {
  D3D11_1DDIARG_CREATEVIDEODECODER arguments = {};
  arguments.Desc = {D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT, 64, 48, DXGI_FORMAT_NV12};
  device->video.pfnGetVideoDecoderConfig(device->handle, &arguments.Desc, config,
                                         &arguments.Config);
  return arguments;
}

// A decoder with a picture and a buffer; `state` is that of the session tied to it.
class DecoderDriver : public Driver {
 public:
  static constexpr D3D10DDI_MIPINFO kPicture = Extent(64, 48);
  static constexpr D3D10DDI_MIPINFO kBuffer = Extent(8192);

  explicit DecoderDriver(uint64_t missing_features = 0)
      : Driver(missing_features),
        memory(device.video.pfnCalcPrivateVideoDecoderSize(device.handle, nullptr)) {
    decoder.pDrvPrivate = memory.get();
    kernel.answer = [this](const FakeKernel::Message& message, uint32_t* answer_status) {
      *answer_status = status;
      if (status != 0) return std::vector<uint8_t>{};
      return Body(message);
    };
  }
  HRESULT Create(const D3D11_1DDIARG_CREATEVIDEODECODER& arguments) {
    return device.video.pfnCreateVideoDecoder(device.handle, &arguments, decoder, {});
  }
  HRESULT Create() { return Create(Describe(&device)); }
  HRESULT Begin(const void* content_key = nullptr, UINT size = 0) {
    const D3D11_1DDIARG_VIDEODECODERBEGINFRAME begin = {view, content_key, size};
    return device.video.pfnVideoDecoderBeginFrame(device.handle, decoder, &begin);
  }
  // Decoder, view and buffer, ready to begin.
  void Open(UINT config = 0) {
    REQUIRE(Create(Describe(&device, config)) == S_OK);
    const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW create = {
        picture.handle, D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT, 0, 0, 1};
    view.pDrvPrivate = view_memory.get();
    REQUIRE(device.video.pfnCreateVideoDecoderOutputView(device.handle, &create, view, {}) == S_OK);
  }
  D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC Buffer(UINT offset, UINT bytes, const uint8_t* iv) const {
    D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC description = {};
    description.hResource = buffer.handle;
    description.BufferType = D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM;
    description.DataOffset = offset;
    description.DataSize = bytes;
    description.pIV = const_cast<uint8_t*>(iv);
    description.IVSize = iv != nullptr ? 16 : 0;
    return description;
  }
  HRESULT Submit(const std::vector<D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC>& buffers) {
    return device.video.pfnVideoDecoderSubmitBuffers(
        device.handle, decoder, static_cast<UINT>(buffers.size()), buffers.data());
  }
  void End() { device.video.pfnVideoDecoderEndFrame(device.handle, decoder); }

  PrivateMemory memory;
  PrivateMemory view_memory{256};
  CreatedResource picture{&device,
                          DescribeTexture(kPicture, DXGI_FORMAT_NV12, D3D10_DDI_USAGE_DEFAULT,
                                          D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT)};
  CreatedResource buffer{&device, DescribeBuffer(kBuffer, D3D10_DDI_USAGE_DYNAMIC)};
  D3D11_1DDI_HDECODE decoder = {};
  D3D11_1DDI_HVIDEODECODEROUTPUTVIEW view = {};
  uint32_t status = 0;
  uint8_t session = kSessionNumber;  // 0: none is tied
  uint8_t state = 1;

 private:
  std::vector<uint8_t> Body(const FakeKernel::Message& message) const {
    std::vector<uint8_t> body(16);
    switch (message.number) {
      case abi::kMessageCreateDecoder:
        std::copy(kHandleBytes.begin(), kHandleBytes.end(), body.begin());
        return body;
      case abi::kMessageCreateSession:
        body[0] = kSessionNumber;
        return body;
      case abi::kMessageGetDecoderSession:
        body[0] = session;
        body[4] = state;
        return body;
      default:
        return {};
    }
  }
};

TEST_CASE("a decoder has the device's handle until it is destroyed") {
  DecoderDriver driver;
  const D3D11_1DDI_VIDEODEVICEFUNCS& video = driver.device.video;
  REQUIRE(driver.Create() == S_OK);
  HANDLE handle = nullptr;
  CHECK(video.pfnVideoDecoderGetHandle(driver.device.handle, driver.decoder, &handle) == S_OK);
  CHECK(reinterpret_cast<UINT_PTR>(handle) == kDecoderHandle);
  CHECK(video.pfnVideoDecoderGetHandle(driver.device.handle, driver.decoder, nullptr) ==
        E_INVALIDARG);
  video.pfnDestroyVideoDecoder(driver.device.handle, driver.decoder);
  REQUIRE(driver.kernel.messages.size() == 2);
  CHECK(driver.kernel.messages[1].number == abi::kMessageDestroyDecoder);
  CHECK(driver.kernel.messages[1].payload == kHandleBytes);
  CHECK(video.pfnVideoDecoderGetHandle(driver.device.handle, driver.decoder, &handle) ==
        E_INVALIDARG);
  CHECK(handle == nullptr);
  video.pfnDestroyVideoDecoder(driver.device.handle, driver.decoder);
  CHECK(driver.kernel.messages.size() == 2);
  driver.RequireClean();
}

TEST_CASE("CreateVideoDecoder gives the device's refusal and leaves no decoder") {
  DecoderDriver driver;
  driver.status = abi::kStatusHandlesExhausted;
  CHECK(driver.Create() == E_OUTOFMEMORY);
  HANDLE handle = &driver;
  CHECK(driver.device.video.pfnVideoDecoderGetHandle(driver.device.handle, driver.decoder,
                                                     &handle) == E_INVALIDARG);
  CHECK(handle == nullptr);
}

TEST_CASE("CreateVideoDecoder refuses nulls, and asks the device for nothing then") {
  DecoderDriver driver;
  const auto create = driver.device.video.pfnCreateVideoDecoder;
  const D3D11_1DDIARG_CREATEVIDEODECODER arguments = Describe(&driver.device);
  CHECK(create(driver.device.handle, nullptr, driver.decoder, {}) == E_INVALIDARG);
  CHECK(create(driver.device.handle, &arguments, {nullptr}, {}) == E_INVALIDARG);
  CHECK(create({nullptr}, &arguments, driver.decoder, {}) == E_INVALIDARG);
  CHECK(driver.Create(D3D11_1DDIARG_CREATEVIDEODECODER{}) == E_INVALIDARG);
  CHECK(driver.kernel.messages.empty());
}

TEST_CASE("a device without channels, or without decryption, has no decoder, and asks nothing") {
  for (const uint64_t feature :
       {abi::kFeaturesAuthenticatedChannelMask, abi::kFeaturesDecryptBltMask}) {
    FakeKernel kernel;
    kernel.adapter_data.features &= ~feature;
    const OpenedAdapter adapter(&kernel);
    OpenedDevice device(&kernel, adapter);
    UINT profiles = 9;
    device.video.pfnGetVideoDecoderProfileCount(device.handle, &profiles);
    CHECK(profiles == 0);
    const PrivateMemory memory(device.video.pfnCalcPrivateVideoDecoderSize(device.handle, nullptr));
    const D3D11_1DDIARG_CREATEVIDEODECODER arguments = {};
    CHECK(device.video.pfnCreateVideoDecoder(device.handle, &arguments, {memory.get()}, {}) ==
          E_NOTIMPL);
    CHECK(kernel.messages.empty());
  }
}

TEST_CASE("a device without hardware DRM has one config, none of it encrypted") {
  FakeKernel kernel;
  kernel.adapter_data.features &= ~abi::kFeaturesHardwareDrmMask;
  const OpenedAdapter adapter(&kernel);
  OpenedDevice device(&kernel, adapter);
  D3D11_1DDIARG_CREATEVIDEODECODER arguments = Describe(&device);
  UINT count = 0;
  device.video.pfnGetVideoDecoderConfigCount(device.handle, &arguments.Desc, &count);
  CHECK(count == 1);
  CHECK(arguments.Config.ConfigBitstreamRaw == 2);
  arguments.Config.guidConfigBitstreamEncryption = D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC;
  const PrivateMemory memory(device.video.pfnCalcPrivateVideoDecoderSize(device.handle, nullptr));
  CHECK(device.video.pfnCreateVideoDecoder(device.handle, &arguments, {memory.get()}, {}) ==
        E_INVALIDARG);
}

TEST_CASE("another device's decoder has no handle here") {
  DecoderDriver driver;
  REQUIRE(driver.Create() == S_OK);
  OpenedDevice other(&driver.kernel, driver.adapter);
  HANDLE handle = &driver;
  CHECK(other.video.pfnVideoDecoderGetHandle(other.handle, driver.decoder, &handle) ==
        E_INVALIDARG);
  CHECK(handle == nullptr);
  other.video.pfnDestroyVideoDecoder(other.handle, driver.decoder);
  CHECK(driver.kernel.messages.size() == 1);
}

TEST_CASE("a frame's buffers become DECRYPT_BLTs into protected memory, one behind the other") {
  DecoderDriver driver;
  driver.Open();
  REQUIRE(driver.Begin() == S_OK);
  CHECK(driver.kernel.messages.back().number == abi::kMessageGetDecoderSession);
  CHECK(driver.kernel.messages.back().payload == kHandleBytes);
  D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC partial = driver.Buffer(64, 96, SessionDriver::kIv);
  partial.PartialEncryption = TRUE;
  partial.EncryptedBlockInfo = {16, 32, 48};
  CHECK(driver.Submit({driver.Buffer(3, 7, nullptr), driver.Buffer(16, 33, SessionDriver::kIv),
                       partial}) == S_OK);
  driver.End();
  driver.Flush();
  const auto blts = driver.kernel.Find("DECRYPT_BLT");
  REQUIRE(blts.size() == 3);
  const D3DKMT_HANDLE source = driver.buffer.AllocationOf(driver.kernel);
  const D3DKMT_HANDLE bitstream = blts[0].addresses.at(16).allocation;
  CHECK(driver.kernel.allocations.at(bitstream).data.segment == 2);
  const uint32_t offsets[] = {0, 7, 40};
  const uint32_t sources[] = {3, 16, 64};
  for (size_t i = 0; i < 3; ++i) {
    CHECK(blts[i].addresses.at(16) == FakeKernel::Place{bitstream, offsets[i], true});
    CHECK(blts[i].addresses.at(24) == FakeKernel::Place{source, sources[i], false});
    CHECK(blts[i].As<abi::DecryptBltCommand>().session == kSessionNumber);
  }
  const auto clear = blts[0].As<abi::DecryptBltCommand>();
  CHECK(clear.flags == abi::DecryptBltCommand::kFlagPattern);
  CHECK((clear.encrypted_bytes_at_beginning | clear.skip_bytes | clear.encrypt_bytes) == 0);
  const auto whole = blts[1].As<abi::DecryptBltCommand>();
  CHECK(whole.flags == 0);
  CHECK(whole.length_bytes == 33);
  CHECK(std::equal(std::begin(whole.iv), std::end(whole.iv), SessionDriver::kIv));
  const auto pattern = blts[2].As<abi::DecryptBltCommand>();
  CHECK(pattern.flags == abi::DecryptBltCommand::kFlagPattern);
  CHECK(pattern.encrypted_bytes_at_beginning == 16);
  CHECK(pattern.skip_bytes == 32);
  CHECK(pattern.encrypt_bytes == 48);
  driver.RequireClean();
}

TEST_CASE("without a session that has a key, clear buffers are copied and encrypted ones refused") {
  for (const uint8_t state : {0, 2, 3}) {
    DecoderDriver driver;
    driver.session = state == 0 ? 0 : kSessionNumber;
    driver.state = state;
    driver.Open();
    REQUIRE(driver.Begin() == S_OK);
    CHECK(driver.Submit({driver.Buffer(0, 16, SessionDriver::kIv)}) == E_INVALIDARG);
    CHECK(driver.Submit({driver.Buffer(5, 100, nullptr)}) == S_OK);
    driver.Flush();
    CHECK(driver.kernel.Find("DECRYPT_BLT").empty());
    const auto copies = driver.kernel.Find("COPY");
    REQUIRE(copies.size() == 1);
    CHECK(copies[0].As<abi::CopyCommand>().row_bytes == 100);
    CHECK(copies[0].As<abi::CopyCommand>().row_count == 1);
    driver.RequireClean();
  }
}

TEST_CASE("a content key is sent once, and its frames carry the flag") {
  DecoderDriver driver;
  driver.Open();
  const CreatedSession session(&driver.device);
  const uint8_t wrapped[16] = {1, 2, 3};
  const uint8_t zeros[16] = {};
  const auto count_keys = [&] {
    size_t count = 0;
    for (const FakeKernel::Message& message : driver.kernel.messages) {
      count += message.number == abi::kMessageSetContentKey;
    }
    return count;
  };
  for (int frame = 0; frame < 2; ++frame) {
    REQUIRE(driver.Begin(wrapped, 16) == S_OK);
    CHECK(driver.Submit({driver.Buffer(0, 16, SessionDriver::kIv)}) == S_OK);
    driver.End();
  }
  CHECK(count_keys() == 1);
  REQUIRE(driver.Begin(zeros, 16) == S_OK);
  CHECK(driver.Submit({driver.Buffer(0, 16, SessionDriver::kIv)}) == S_OK);
  driver.End();
  CHECK(count_keys() == 1);
  driver.Flush();
  const auto blts = driver.kernel.Find("DECRYPT_BLT");
  REQUIRE(blts.size() == 3);
  CHECK(blts[0].As<abi::DecryptBltCommand>().flags == abi::DecryptBltCommand::kFlagContentKey);
  CHECK(blts[1].As<abi::DecryptBltCommand>().flags == abi::DecryptBltCommand::kFlagContentKey);
  CHECK(blts[2].As<abi::DecryptBltCommand>().flags == 0);
  driver.RequireClean();
}

TEST_CASE("a HW_CENC frame selects the key that its session imported") {
  DecoderDriver driver;
  driver.Open(1);
  const CreatedSession session(&driver.device);
  GUID name = D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC;
  D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION frame = {};
  frame.hCryptoSession = session.handle;
  frame.pKeyInfoId = &name;
  CHECK(driver.Begin(&frame, 16) == E_INVALIDARG);
  REQUIRE(driver.Begin(&frame, sizeof(frame)) == S_OK);
  const FakeKernel::Message& select = driver.kernel.messages.back();
  CHECK(select.number == abi::kMessageSelectKey);
  std::vector<uint8_t> expected = {kSessionNumber, 0, 0, 0, 0, 0, 0, 0};
  const auto* bytes = reinterpret_cast<const uint8_t*>(&name);
  expected.insert(expected.end(), bytes, bytes + sizeof(name));
  CHECK(select.payload == expected);
  CHECK(driver.Submit({driver.Buffer(0, 16, SessionDriver::kIv)}) == S_OK);
  driver.Flush();
  const auto blts = driver.kernel.Find("DECRYPT_BLT");
  REQUIRE(blts.size() == 1);
  CHECK(blts[0].As<abi::DecryptBltCommand>().flags == abi::DecryptBltCommand::kFlagContentKey);
  driver.End();
  driver.status = abi::kStatusSessionNoContentKey;
  CHECK(FAILED(driver.Begin(&frame, sizeof(frame))));
  CHECK(driver.Submit({driver.Buffer(0, 16, nullptr)}) == E_INVALIDARG);  // no frame began
  driver.status = 0;
  driver.RequireClean();
}

// A sample of three sub-samples, through WDDM 2.4's function.
HRESULT SubmitSample(DecoderDriver* driver,
                     D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK (&blocks)[3]) {
  D3DWDDM2_4DDI_VIDEODEVICEFUNCS table = {};
  D3DWDDM2_4DDI_VIDEO_INPUT input = {FALSE, &table};
  REQUIRE(driver->device.retrieve_sub_object(driver->device.handle, D3DWDDM2_4DDI_VIDEO_FUNCTIONS,
                                             sizeof(input), &input, 0, nullptr) == S_OK);
  uint8_t iv[16] = {7};
  D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC description = {};
  description.hResource = driver->buffer.handle;
  description.BufferType = D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM;
  description.DataSize = 100;
  description.pIV = iv;
  description.IVSize = 16;
  description.pSubSampleMappingBlock = blocks;
  description.SubSampleMappingCount = 3;
  description.cBlocksStripeEncrypted = 5;
  description.cBlocksStripeClear = 6;
  return table.pfnVideoDecoderSubmitBuffers2(driver->device.handle, driver->decoder, 1,
                                             &description);
}

// What an application may do in another thread, at the worst moment: between check and use.
TEST_CASE("what a description said when it was read is what is used, lists and IVs too") {
  using SubSample = D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK;
  DecoderDriver driver;
  driver.Open(1);
  const CreatedSession session(&driver.device);
  GUID name = D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC;
  D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION frame = {};
  frame.hCryptoSession = session.handle;
  frame.pKeyInfoId = &name;
  REQUIRE(driver.Begin(&frame, sizeof(frame)) == S_OK);
  uint8_t iv[16] = {7};
  std::vector<D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC> buffers = {driver.Buffer(64, 48, iv),
                                                               driver.Buffer(128, 16, iv)};
  buffers[0].PartialEncryption = TRUE;
  buffers[0].EncryptedBlockInfo = {16, 16, 32};
  constexpr SubSample kBlocks[] = {{1, 2}, {3, 4}, {0, 90}};
  SubSample blocks[3] = {};
  int rewritten = 0;
  const auto answer = driver.kernel.answer;
  driver.kernel.answer = [&](const FakeKernel::Message& message, uint32_t* status) {
    // The frame's key is selected again after the checks, before the first buffer is taken.
    if (message.number == abi::kMessageSelectKey) {
      std::fill(std::begin(iv), std::end(iv), uint8_t{0xEE});
      for (auto& buffer : buffers) {
        buffer = driver.Buffer(8000, 4000, nullptr);
        buffer.EncryptedBlockInfo = {1, 2, 3};
        buffer.hResource = {};
      }
      std::fill(std::begin(blocks), std::end(blocks), SubSample{5000, 5000});
      ++rewritten;
    }
    return answer(message, status);
  };
  CHECK(driver.Submit(buffers) == S_OK);
  REQUIRE(rewritten == 1);
  std::copy_n(kBlocks, 3, blocks);
  CHECK(SubmitSample(&driver, blocks) == S_OK);
  REQUIRE(rewritten == 2);
  driver.Flush();
  const auto blts = driver.kernel.Find("DECRYPT_BLT");
  REQUIRE(blts.size() == 2);
  const auto first = blts[0].As<abi::DecryptBltCommand>();
  CHECK(first.length_bytes == 48);
  CHECK(first.encrypted_bytes_at_beginning == 16);
  CHECK(first.skip_bytes == 16);
  CHECK(first.encrypt_bytes == 32);
  for (const auto& blt : blts) CHECK(blt.As<abi::DecryptBltCommand>().iv[0] == 7);
  CHECK(blts[1].As<abi::DecryptBltCommand>().length_bytes == 16);
  const auto samples = driver.kernel.Find("DECRYPT_SAMPLE");
  REQUIRE(samples.size() == 1);
  CHECK(std::memcmp(samples[0].bytes.data() + 80, kBlocks, sizeof(kBlocks)) == 0);
  driver.RequireClean();
}

TEST_CASE("a call takes 256 buffers, and none of more") {
  DecoderDriver driver;
  driver.Open();
  REQUIRE(driver.Begin() == S_OK);
  std::vector<D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC> buffers(256, driver.Buffer(0, 16, nullptr));
  CHECK(driver.Submit(buffers) == S_OK);
  driver.Flush();
  CHECK(driver.kernel.Find("DECRYPT_BLT").size() == 256);
  buffers.push_back(buffers.front());
  CHECK(driver.Submit(buffers) == E_INVALIDARG);
  driver.Flush();
  CHECK(driver.kernel.Find("DECRYPT_BLT").size() == 256);
  driver.RequireClean();
}

TEST_CASE("sub-samples travel behind a DECRYPT_SAMPLE") {
  DecoderDriver driver;
  driver.Open();
  REQUIRE(driver.Begin() == S_OK);
  D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK blocks[] = {{1, 2}, {3, 4}, {0, 90}};
  CHECK(SubmitSample(&driver, blocks) == S_OK);
  driver.Flush();
  const auto samples = driver.kernel.Find("DECRYPT_SAMPLE");
  REQUIRE(samples.size() == 1);
  const auto sample = samples[0].As<abi::DecryptSampleCommand>();
  CHECK(sample.length == 112);
  CHECK(sample.length_bytes == 100);
  CHECK(sample.sub_sample_count == 3);
  CHECK(sample.stripe_encrypted_blocks == 5);
  CHECK(sample.stripe_clear_blocks == 6);
  CHECK(std::memcmp(samples[0].bytes.data() + 80, blocks, sizeof(blocks)) == 0);
  driver.RequireClean();
}

TEST_CASE("a device without DECRYPT_SAMPLE says E_NOTIMPL to sub-samples, and takes none") {
  DecoderDriver driver(abi::kFeaturesSubSamplesMask);
  driver.Open();
  REQUIRE(driver.Begin() == S_OK);
  D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK blocks[] = {{1, 2}, {3, 4}, {0, 90}};
  CHECK(SubmitSample(&driver, blocks) == E_NOTIMPL);
  driver.Flush();
  CHECK(driver.kernel.Find("DECRYPT_SAMPLE").empty());
  driver.RequireClean();
}

TEST_CASE("another session's frame gets new memory; an ended decoder gives its memory back") {
  DecoderDriver driver;
  driver.Open();
  const auto count_protected = [&] {
    size_t count = 0;
    for (const auto& [handle, allocation] : driver.kernel.allocations) {
      count += allocation.data.segment == 2;
    }
    return count;
  };
  const size_t before = count_protected();
  const auto bitstream = [&] {
    REQUIRE(driver.Begin() == S_OK);
    CHECK(driver.Submit({driver.Buffer(0, 16, nullptr)}) == S_OK);
    driver.End();
    driver.Flush();
    return driver.kernel.Find("DECRYPT_BLT").back().addresses.at(16).allocation;
  };
  const D3DKMT_HANDLE first = bitstream();
  CHECK(bitstream() == first);
  driver.session = 10;
  CHECK(bitstream() != first);
  CHECK(count_protected() == before + 1);
  driver.device.video.pfnDestroyVideoDecoder(driver.device.handle, driver.decoder);
  CHECK(count_protected() == before);
  driver.RequireClean();
}

TEST_CASE("a frame that finds no protected memory does not begin") {
  DecoderDriver driver;
  driver.Open();
  driver.kernel.allocate_result = E_OUTOFMEMORY;
  CHECK(driver.Begin() == E_OUTOFMEMORY);
  driver.kernel.allocate_result = S_OK;
  CHECK(driver.Submit({driver.Buffer(0, 16, nullptr)}) == E_INVALIDARG);
  CHECK(driver.Begin() == S_OK);
  driver.RequireClean();
}

TEST_CASE("the functions of a decoder refuse handles and pointers that are none") {
  DecoderDriver driver;
  driver.Open();
  const D3D11_1DDI_VIDEODEVICEFUNCS& video = driver.device.video;
  const D3D10DDI_HDEVICE device = driver.device.handle;
  const D3D11_1DDIARG_VIDEODECODERBEGINFRAME begin = {driver.view, nullptr, 0};
  CHECK(video.pfnVideoDecoderBeginFrame(device, {}, &begin) == E_INVALIDARG);
  CHECK(video.pfnVideoDecoderBeginFrame(device, driver.decoder, nullptr) == E_INVALIDARG);
  CHECK(video.pfnVideoDecoderSubmitBuffers(device, {}, 0, nullptr) == E_INVALIDARG);
  CHECK(video.pfnVideoDecoderSubmitBuffers(device, driver.decoder, 1, nullptr) == E_INVALIDARG);
  CHECK(video.pfnVideoDecoderExtension(device, driver.decoder, nullptr) == E_INVALIDARG);
  CHECK(video.pfnVideoDecoderExtension(device, {}, nullptr) == E_INVALIDARG);
  const EventLog& events = driver.device.driver().events();
  const auto check_event = [&](uint32_t before, const char* reason) {
    CHECK(events.count() == before + 1);
    CHECK(std::string(events.last_reason()) == reason);
  };
  uint32_t before = events.count();
  video.pfnVideoDecoderEndFrame(device, {});
  check_event(before, "not a decoder's handle");
  video.pfnVideoDecoderEndFrame(device, driver.decoder);
  check_event(before + 1, "VideoDecoderEndFrame without a frame");
  before = events.count();
  video.pfnDestroyVideoDecoderOutputView(device, driver.view);
  CHECK(events.count() == before);
  video.pfnDestroyVideoDecoderOutputView(device, driver.view);
  check_event(before, "not an output view's handle");
  CHECK(video.pfnVideoDecoderBeginFrame(device, driver.decoder, &begin) == E_INVALIDARG);
  CHECK(driver.kernel.errors.empty());
}

}  // namespace
}  // namespace ward::umd
