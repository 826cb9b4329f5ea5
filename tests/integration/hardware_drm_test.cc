// The hardware-DRM scenario of DDI 10.4, end to end: a session of HW_PROTECTION, its mailbox to the
// trusted application, a key that was imported and selected, a frame decrypted under it and shown,
// and the loss of it all.
#include <algorithm>
#include <cstring>
#include <utility>

#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"
#include "emulator/boundary/recording.h"
#include "runtime/decoder_context.h"
#include "runtime/swap_chain.h"
#include "runtime/video_decoder.h"
#include "tests/conformance/content_protection/application_crypto.h"
#include "tests/integration/function_under_test.h"
#include "tests/integration/hardware_party.h"
#include "tests/integration/machine.h"

namespace ward::test {
namespace {

constexpr uint32_t kWidth = 640;
constexpr uint32_t kHeight = 360;
const Key kKeyId = ParseKey("11d76b9b744fc9419e7b0be2d7d93b4f");
const Key kContentKey = ParseKey("000102030405060708090a0b0c0d0e0f");
const Key kOtherKey = ParseKey("603deb1015ca71be2b73aef0857d7781");
const Key kIv = ParseKey("00112233445566770000000000000001");

constexpr auto kOk = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK;
constexpr auto kLost = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;

// Opaque pixels, B G R X.
std::vector<uint8_t> MakePicture() {
  std::vector<uint8_t> pixels(4 * kWidth * kHeight);
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = i % 4 == 3 ? 0xff : static_cast<uint8_t>(i / 4 % 251 + i % 4 * 40);
  }
  return pixels;
}

struct HardwareDrm {
  HardwareDrm() : HardwareDrm(std::make_unique<FunctionUnderTest>()) {}
  explicit HardwareDrm(const MachineOptions& options)
      : HardwareDrm(std::make_unique<FunctionUnderTest>(options)) {}
  explicit HardwareDrm(std::unique_ptr<FunctionUnderTest> function)
      : machine(std::move(function)),
        kernel(OpenKernel(machine->get())),
        application(kernel.get(), D3DWDDM2_4DDI_VIDEO_FUNCTIONS),
        session(CreateHardwareSession(&application)) {
    REQUIRE(runtime::SwapChain::Create(&application.device(), kWidth, kHeight, 2,
                                       umd::kApiResourceMiscRestrictedContent, &chain) == S_OK);
  }

  D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS Status() {
    auto status = static_cast<D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS>(9);
    CHECK(session->CheckStatus(&status) == S_OK);
    return status;
  }
  // `picture` encrypted here, decrypted by the device under the selected key, and shown.
  void Play(const std::vector<uint8_t>& picture) {
    std::unique_ptr<runtime::Resource> staging;
    REQUIRE(runtime::Resource::CreateTexture2D(
                &application.device(),
                {kWidth, kHeight, DXGI_FORMAT_B8G8R8X8_UNORM, runtime::Usage::kStaging, 0,
                 runtime::kCpuAccessRead | runtime::kCpuAccessWrite, 0},
                &staging) == S_OK);
    application.Upload(staging.get(), RunCtr(kContentKey, kIv, picture));
    runtime::Resource* frame = chain->GetBuffer(chain->GetCurrentBackBufferIndex());
    REQUIRE(DecryptUnderSelectedKey(session.get(), staging.get(), frame, kIv) == S_OK);
    REQUIRE(chain->Present() == S_OK);
  }
  std::vector<uint8_t> Screen() {
    std::vector<uint8_t> pixels(4 * kWidth * kHeight);
    machine->ReadScreen(0, device::ScanoutView::kOperator, pixels, 4 * kWidth);
    for (size_t i = 3; i < pixels.size(); i += 4) pixels[i] = 0xff;
    return pixels;
  }
  static std::vector<uint8_t> Black() {
    std::vector<uint8_t> pixels(4 * kWidth * kHeight);
    for (size_t i = 3; i < pixels.size(); i += 4) pixels[i] = 0xff;
    return pixels;
  }

  std::unique_ptr<FunctionUnderTest> machine;
  std::unique_ptr<runtime::Kernel> kernel;
  Application application;
  std::unique_ptr<runtime::CryptoSession> session;
  std::unique_ptr<runtime::SwapChain> chain;
};

TEST_CASE("10.4: from the caps to a picture under an imported key, and its loss by tear-down",
          "[needs-hand][needs-screen]") {
  HardwareDrm drm;
  runtime::VideoDevice video(&drm.application.device());
  runtime::ContentProtectionCaps caps;
  REQUIRE(video.GetContentProtectionCaps(&D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr, &caps) ==
          S_OK);
  CHECK((caps.caps & 0x6000) == 0x6000);  // the API's HARDWARE_TEARDOWN, HARDWARE_DRM_COMMUNICATION
  GUID exchange = {};
  REQUIRE(video.CheckCryptoKeyExchange(&D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr, 1, &exchange) ==
          S_OK);
  CHECK(exchange == D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION);
  uint32_t private_input = 9;
  uint32_t private_output = 9;
  CHECK(video.GetCryptoSessionPrivateDataSize(D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr, exchange,
                                              &private_input, &private_output) == S_OK);
  CHECK(private_input + private_output == 0);

  const TrustedReply version =
      CallTrusted(&drm.application, drm.session.get(), kTrustedVersion, {});
  REQUIRE(version.transport == S_OK);
  CHECK(version.drm_result == S_OK);
  CHECK(version.output == std::vector<uint8_t>{1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0});
  CHECK(version.execution_time == 200);  // 20 us

  CHECK(drm.Status() == kOk);
  REQUIRE(ImportKey(&drm.application, drm.session.get(), kKeyId, kContentKey).drm_result == S_OK);
  REQUIRE(SelectKey(drm.session.get(), kKeyId) == S_OK);
  const std::vector<uint8_t> picture = MakePicture();
  drm.Play(picture);
  CHECK(drm.Screen() == picture);
  CHECK(drm.Status() == kOk);

  const uint32_t epoch = drm.kernel->KeyEpoch();
  drm.machine->TearDown();
  CHECK(drm.Screen() == HardwareDrm::Black());
  CHECK(drm.Status() == kLost);
  CHECK(drm.kernel->KeyEpoch() == epoch + 1);
  CHECK(SelectKey(drm.session.get(), kKeyId) == E_INVALIDARG);
  CHECK(CallTrusted(&drm.application, drm.session.get(), kTrustedVersion, {}).transport ==
        E_INVALIDARG);
  drm.Play(picture);
  CHECK(drm.Screen() == HardwareDrm::Black());
  CHECK(drm.application.device().GetDeviceRemovedReason() == S_OK);

  // The application starts over, on the same device.
  drm.session = CreateHardwareSession(&drm.application);
  REQUIRE(ImportKey(&drm.application, drm.session.get(), kKeyId, kContentKey).drm_result == S_OK);
  REQUIRE(SelectKey(drm.session.get(), kKeyId) == S_OK);
  drm.Play(picture);
  CHECK(drm.Screen() == picture);
  CHECK(drm.Status() == kOk);
}

// A decoder with HW_CENC: each frame names the session and its key.
class HardwareDecoder {
 public:
  static constexpr uint32_t kPictureWidth = 1280;
  static constexpr uint32_t kPictureHeight = 720;

  explicit HardwareDecoder(HardwareDrm* drm) : drm_(drm), context_(&drm->application.device()) {
    runtime::Device* device = &drm->application.device();
    runtime::VideoDevice video(device);
    const D3D11_1DDI_VIDEO_DECODER_DESC description = {
        D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT, kPictureWidth, kPictureHeight, DXGI_FORMAT_NV12};
    D3D11_1DDI_VIDEO_DECODER_CONFIG config = {};
    REQUIRE(video.GetVideoDecoderConfig(description, 1, &config) == S_OK);
    REQUIRE(config.guidConfigBitstreamEncryption == D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC);
    REQUIRE(video.CreateVideoDecoder(description, config, &decoder_) == S_OK);
    runtime::TextureDescription picture = {kPictureWidth, kPictureHeight, DXGI_FORMAT_NV12};
    picture.bind_flags = runtime::kBindDecoder;
    picture.misc_flags = umd::kApiResourceMiscRestrictedContent;
    REQUIRE(runtime::Resource::CreateTexture2D(device, picture, &picture_) == S_OK);
    REQUIRE(runtime::VideoDecoderOutputView::Create(picture_.get(), description.Guid, &view_) ==
            S_OK);
  }

  HRESULT Begin(const Key& key_id, size_t size_bytes = sizeof(FrameSession)) {
    GUID name;
    std::memcpy(&name, key_id.data(), sizeof(name));
    FrameSession frame = {};
    frame.hCryptoSession = drm_->session->driver_handle();
    frame.pKeyInfoId = &name;
    return context_.DecoderBeginFrame(decoder_.get(), view_.get(),
                                      {reinterpret_cast<const uint8_t*>(&frame), size_bytes});
  }
  // One sample: `clear` bytes as they are, the rest encrypted.
  HRESULT Submit(const std::vector<uint8_t>& sample, uint32_t clear, const Key& iv) {
    ByteSpan buffer;
    REQUIRE(context_.GetDecoderBuffer(decoder_.get(), runtime::DecoderBufferType::kBitstream,
                                      &buffer) == S_OK);
    REQUIRE(buffer.size() >= sample.size());
    std::copy(sample.begin(), sample.end(), buffer.begin());
    REQUIRE(context_.ReleaseDecoderBuffer(decoder_.get(), runtime::DecoderBufferType::kBitstream) ==
            S_OK);
    const auto size_bytes = static_cast<uint32_t>(sample.size());
    const D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK list = {clear, size_bytes - clear};
    runtime::DecoderSampleDescription description;
    description.data_bytes = size_bytes;
    description.iv = iv;
    description.sub_samples = {&list, 1};
    return context_.SubmitDecoderBuffers1(decoder_.get(), {&description, 1});
  }
  HRESULT End() { return context_.DecoderEndFrame(decoder_.get()); }
  // The bitstream is a picture here: nothing decodes it, so it is shown as it is.
  void Show(uint32_t size_bytes) {
    std::unique_ptr<runtime::Resource> copy;
    REQUIRE(runtime::Resource::CreateBuffer(&drm_->application.device(), size_bytes,
                                            runtime::Usage::kDefault, 0,
                                            umd::kApiResourceMiscRestrictedContent, &copy) == S_OK);
    uint8_t output[4] = {};
    REQUIRE(context_.DecoderExtension(decoder_.get(), kCopyBitstream, output, copy.get()) == S_OK);
    CHECK(LoadLe<uint32_t>(output) == size_bytes);
    runtime::Resource* frame = drm_->chain->GetBuffer(drm_->chain->GetCurrentBackBufferIndex());
    REQUIRE(CopyToSurface(copy.get(), frame) == S_OK);
    REQUIRE(drm_->chain->Present() == S_OK);
  }

 private:
  using FrameSession = D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION;
  static constexpr UINT kCopyBitstream = 1;

  HardwareDrm* drm_;
  runtime::DecoderContext context_;
  std::unique_ptr<runtime::VideoDecoder> decoder_;
  std::unique_ptr<runtime::Resource> picture_;
  std::unique_ptr<runtime::VideoDecoderOutputView> view_;
};

TEST_CASE("10.4: DecoderBeginFrame names session and key, and its samples are decrypted",
          "[needs-hand][needs-screen]") {
  HardwareDrm drm;
  const Key other_id = ParseKey("22222222222222222222222222222222");
  REQUIRE(ImportKey(&drm.application, drm.session.get(), kKeyId, kContentKey).drm_result == S_OK);
  REQUIRE(ImportKey(&drm.application, drm.session.get(), other_id, kOtherKey).drm_result == S_OK);
  HardwareDecoder decoder(&drm);
  const std::vector<uint8_t> picture = MakePicture();
  constexpr uint32_t kClear = 1000;
  const auto sample = [&](const Key& key) {
    std::vector<uint8_t> bytes = picture;
    const std::vector<uint8_t> encrypted = RunCtr(key, kIv, ConstByteSpan(picture).subspan(kClear));
    std::copy(encrypted.begin(), encrypted.end(), bytes.begin() + kClear);
    return bytes;
  };
  for (const auto& [id, key] : {std::pair(kKeyId, kContentKey), std::pair(other_id, kOtherKey)}) {
    REQUIRE(decoder.Begin(id) == S_OK);
    REQUIRE(decoder.Submit(sample(key), kClear, kIv) == S_OK);
    REQUIRE(decoder.End() == S_OK);
    decoder.Show(static_cast<uint32_t>(picture.size()));
    CHECK(drm.Screen() == picture);
  }
  // A name that was not imported, another structure, and a session that is lost.
  CHECK(FAILED(decoder.Begin(ParseKey("33333333333333333333333333333333"))));
  CHECK(decoder.Begin(kKeyId, 16) == E_INVALIDARG);
  drm.machine->TearDown();
  CHECK(decoder.Begin(kKeyId) == E_INVALIDARG);
  CHECK(drm.Status() == kLost);
  CHECK(drm.application.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("10.4: keys are chosen by their names; the wrong one shows another picture",
          "[needs-screen]") {
  HardwareDrm drm;
  const Key other_id = ParseKey("22222222222222222222222222222222");
  REQUIRE(ImportKey(&drm.application, drm.session.get(), kKeyId, kContentKey).drm_result == S_OK);
  REQUIRE(ImportKey(&drm.application, drm.session.get(), other_id, kOtherKey).drm_result == S_OK);
  const std::vector<uint8_t> picture = MakePicture();
  REQUIRE(SelectKey(drm.session.get(), other_id) == S_OK);
  drm.Play(picture);
  CHECK(drm.Screen() != picture);
  REQUIRE(SelectKey(drm.session.get(), kKeyId) == S_OK);
  drm.Play(picture);
  CHECK(drm.Screen() == picture);
}

TEST_CASE("10.4: a machine that was saved comes back with its keys and content lost",
          "[needs-hand][needs-inside][needs-screen]") {
  HardwareDrm drm;
  REQUIRE(ImportKey(&drm.application, drm.session.get(), kKeyId, kContentKey).drm_result == S_OK);
  REQUIRE(SelectKey(drm.session.get(), kKeyId) == S_OK);
  drm.Play(MakePicture());
  const device::GpuSnapshot saved = drm.machine->inside().gpu().TakeSnapshot();
  drm.machine->inside().gpu().Restore(saved);
  drm.machine->TearDown();
  CHECK(drm.Status() == kLost);
  CHECK(drm.Screen() == HardwareDrm::Black());
  const uint32_t cause = drm.machine->get()->BarRead32(0, abi::kRegInterruptCause);
  CHECK((cause & abi::kInterruptCauseKeysLostMask) != 0);
}

TEST_CASE("10.4: after a reset of the function the session's status still has an answer") {
  HardwareDrm drm;
  REQUIRE(ImportKey(&drm.application, drm.session.get(), kKeyId, kContentKey).drm_result == S_OK);
  REQUIRE(drm.machine->get()->ResetFunction() == abi::PciError::kNone);
  CHECK(drm.Status() == kLost);
  CHECK(drm.application.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("A recording with a tear-down in it replays to the same state",
          "[needs-hand][needs-inside]") {
  emulator::Recording recording;
  MachineOptions options;
  options.listener = &recording;
  HardwareDrm drm(options);
  REQUIRE(ImportKey(&drm.application, drm.session.get(), kKeyId, kContentKey).drm_result == S_OK);
  drm.machine->TearDown();
  CHECK(drm.Status() == kLost);
  const uint64_t state_hash = drm.machine->inside().gpu().StateHash();
  const auto outcome = emulator::Replay(recording, TestGpuOptions());
  REQUIRE(outcome.ok());
  INFO("event " << outcome.value().event << ": " << outcome.value().difference);
  CHECK(outcome.value().matches);
  CHECK(outcome.value().state_hash == state_hash);
  // Without it the chip goes another way.
  std::erase_if(recording.events(), [](const emulator::Recording::Event& event) {
    return event.kind == emulator::BoundaryEventKind::kTearDown;
  });
  const auto other = emulator::Replay(recording, TestGpuOptions());
  REQUIRE(other.ok());
  CHECK_FALSE(other.value().state_hash == state_hash);
}

}  // namespace
}  // namespace ward::test
