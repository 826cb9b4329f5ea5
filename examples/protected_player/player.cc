#include "examples/protected_player/player.h"

#include <exception>
#include <utility>

#include "examples/protected_player/step_failure.h"
#include "nlohmann/json.hpp"
#include "runtime/hresult_name.h"

namespace ward::examples {
namespace {

constexpr size_t kTamperedByte = 100;

// Members of D3D11_CONTENT_PROTECTION_CAPS without which there is nothing to play.
constexpr uint32_t kCapHardware = 0x2;
constexpr uint32_t kCapContentKey = 0x10;
constexpr uint32_t kCapReadBack = 0x40;
constexpr uint32_t kCapReadBackKey = 0x80;
constexpr uint32_t kCapDecryptionBlt = 0x400;
constexpr uint32_t kNeededCaps =
    kCapHardware | kCapContentKey | kCapReadBack | kCapReadBackKey | kCapDecryptionBlt;

std::string InHex(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%x", value);
  return text;
}

}  // namespace

Player::Player(abi::PciFunction* function, Job* job, Output* output, Story* story)
    : function_(function), job_(job), output_(output), story_(story) {}

void Player::Play() {
  OpenDevice();
  AskCapabilities();
  CreateSession();
  VerifyCertificate();
  TryTamperedBlob();
  ExchangeKey();
  PlayFrames();
  TryToReadThePicture();
  output_->Finish();
  Report();
  if (tally_.protected_reads_refused != tally_.protected_reads_tried) {
    throw StepFailure("read_probe", "E_FAIL", "a read of protected content was not refused");
  }
  story_->Hold();
  TearDown();
}

void Player::OpenDevice() {
  Result<std::unique_ptr<runtime::Kernel>> kernel = runtime::Kernel::Open(function_);
  if (!kernel.ok()) {
    throw StepFailure("open_kernel", runtime::HresultName(runtime::HresultOf(kernel.fault())),
                      std::string(kernel.fault().reason) + " " + function_->LastErrorText());
  }
  kernel_ = std::move(kernel.value());
  story_->Tell("open_kernel", S_OK, "the kernel-mode driver drives the function");
  Require("open_adapter", runtime::Adapter::Open(kernel_.get(), OpenAdapter10_2, &adapter_),
          "the user-mode driver did not open the adapter");
  story_->Tell("open_adapter", S_OK, "OpenAdapter10_2, D3D11.1 spoken");
  Require("create_device", runtime::Device::Create(adapter_.get(), &device_),
          "the user-mode driver made no device");
  story_->Tell("create_device", S_OK,
               "CreateDevice, video functions by RetrieveSubObject: all tables are filled");
}

void Player::AskCapabilities() {
  runtime::VideoDevice video(device_.get());
  runtime::ContentProtectionCaps caps;
  Require("caps",
          video.GetContentProtectionCaps(&D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr, &caps),
          "AES128_CTR is not supported");
  if ((caps.caps & kNeededCaps) != kNeededCaps) {
    throw StepFailure("caps", "E_NOTIMPL",
                      "the device lacks a needed capability: it has " + InHex(caps.caps));
  }
  story_->Tell("caps", S_OK,
               "AES128_CTR in hardware, caps " + InHex(caps.caps) + ", " +
                   std::to_string(caps.protected_memory_size >> 20) + " MiB of protected memory");
  bool has_oaep = false;
  for (uint32_t i = 0; i < caps.key_exchange_type_count; ++i) {
    GUID type;
    Require("key_exchange_types",
            video.CheckCryptoKeyExchange(&D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr, i, &type),
            "key exchange type " + std::to_string(i));
    has_oaep = has_oaep || type == D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP;
  }
  if (!has_oaep) throw StepFailure("key_exchange_types", "E_NOTIMPL", "RSAES_OAEP is missing");
  story_->Tell("key_exchange_types", S_OK, "RSAES_OAEP");
}

void Player::CreateSession() {
  Require("create_session",
          runtime::VideoDevice(device_.get())
              .CreateCryptoSession(D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr,
                                   D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP, &session_),
          "no crypto session");
  story_->Tell("create_session", S_OK, "a crypto session: AES128_CTR, RSAES_OAEP");
}

void Player::VerifyCertificate() {
  uint32_t size_bytes = 0;
  Require("certificate", session_->GetCertificateSize(&size_bytes), "no certificate size");
  std::vector<uint8_t> bundle(size_bytes);
  Require("certificate", session_->GetCertificate(bundle), "no certificate");
  leaf_ = VerifyChain(bundle, job_->root_certificate());
  tally_.certificate_subject = leaf_.subject;
  story_->Tell(
      "certificate", S_OK,
      std::to_string(size_bytes) + " bytes, " + leaf_.subject + ", verified to the job's root");
}

// On a session of its own: the device keeps nothing of it.
void Player::TryTamperedBlob() {
  std::unique_ptr<runtime::CryptoSession> session;
  Require("tampered_blob",
          runtime::VideoDevice(device_.get())
              .CreateCryptoSession(D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr,
                                   D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP, &session),
          "no second crypto session");
  std::vector<uint8_t> blob = session_key_.WrapFor(leaf_.key.get());
  blob[kTamperedByte] ^= 1;
  const HRESULT result =
      runtime::VideoContext(device_.get()).NegotiateCryptoSessionKeyExchange(session.get(), blob);
  tally_.wrong_blob_result = runtime::HresultName(result);
  story_->Tell("tampered_blob", result, "a session key with one bit changed is refused");
  if (result != E_INVALIDARG) {
    throw StepFailure("tampered_blob", tally_.wrong_blob_result,
                      "a tampered session key is to be answered with E_INVALIDARG");
  }
}

void Player::ExchangeKey() {
  runtime::VideoContext video(device_.get());
  std::vector<uint8_t> blob = session_key_.WrapFor(leaf_.key.get());
  Require("negotiate", video.NegotiateCryptoSessionKeyExchange(session_.get(), blob),
          "the device did not take the session key");
  story_->Tell("negotiate", S_OK,
               "NegotiateCryptoSessionKeyExchange: " + std::to_string(blob.size()) +
                   " bytes, RSAES-OAEP with SHA-512");
  wrapped_content_key_ = session_key_.WrapContentKey(job_->content_key());
  job_->content_key().Wipe();
  std::array<uint8_t, 16> wrapped{};
  Require("read_back_key", video.GetEncryptionBltKey(session_.get(), wrapped), "no read-back key");
  readback_key_ = session_key_.UnwrapReadbackKey(wrapped);
  story_->Tell("read_back_key", S_OK, "GetEncryptionBltKey, unwrapped under the session key");
}

void Player::PlayFrames() {
  surfaces_ = std::make_unique<Surfaces>(device_.get(), *job_);
  story_->Tell("surfaces", S_OK,
               "protected NV12 and B8G8R8X8 surfaces of " + std::to_string(job_->width()) + " x " +
                   std::to_string(job_->height()));
  const uint32_t count = job_->frame_count();
  for (uint32_t index = 0; index < count; ++index) {
    DecryptFrame(index);
    ShowFrame();
    ReadFrameBack(index);
    ++tally_.frames;
    story_->Tell("frame", S_OK, std::to_string(index + 1) + " of " + std::to_string(count));
  }
  story_->Tell("frames", S_OK,
               std::to_string(tally_.frames) + " frames decrypted, shown and read back");
}

void Player::DecryptFrame(uint32_t index) {
  surfaces_->Upload(job_->ReadFrame(index));
  Require("decrypt",
          runtime::VideoContext(device_.get())
              .DecryptionBlt(session_.get(), surfaces_->ciphertext(), surfaces_->protected_frame(),
                             nullptr, wrapped_content_key_, job_->CounterBlock(index)),
          "DecryptionBlt of frame " + std::to_string(index));
  tally_.bytes_decrypted += job_->frame_bytes();
}

void Player::ShowFrame() {
  Require("video_processor",
          runtime::VideoContext(device_.get())
              .VideoProcessorBlt(&surfaces_->processor(), &surfaces_->output_view(), 0,
                                 &surfaces_->input_view()),
          "VideoProcessorBlt to the back buffer");
  Require("present", surfaces_->swap_chain().Present(), "flip to the screen");
}

void Player::ReadFrameBack(uint32_t index) {
  std::array<uint8_t, 16> counter_block{};
  Require("read_back",
          runtime::VideoContext(device_.get())
              .EncryptionBlt(session_.get(), surfaces_->protected_frame(), surfaces_->read_back(),
                             counter_block),
          "EncryptionBlt of frame " + std::to_string(index));
  last_frame_ = surfaces_->Download(surfaces_->read_back(), job_->frame_bytes());
  DecryptCtr(readback_key_, counter_block, last_frame_);
  output_->Write(index * RoundToBlocks(job_->frame_bytes()), last_frame_);
  tally_.bytes_read_back += last_frame_.size();
}

void Player::TryToReadThePicture() {
  ReadProbes probes(device_.get(), surfaces_.get(), last_frame_);
  const ReadProbes::Outcome outcomes[] = {
      probes.MapFrame(),
      probes.CopyPicture(),
      probes.CopyFrame(),
      probes.DecryptToUnprotected(session_.get(), wrapped_content_key_,
                                  job_->CounterBlock(job_->frame_count() - 1)),
      probes.SearchBar(),
      probes.ReadPastBar(),
  };
  for (const ReadProbes::Outcome& outcome : outcomes) {
    ++tally_.protected_reads_tried;
    if (outcome.is_refused) ++tally_.protected_reads_refused;
    story_->Tell("read_probe", outcome.is_refused ? S_OK : E_FAIL,
                 outcome.is_refused ? outcome.text + " (refused)"
                                    : outcome.name + ": protected content could be read");
  }
  output_->Write(uint64_t{job_->frame_count()} * RoundToBlocks(job_->frame_bytes()),
                 probes.cpu_view());
}

void Player::Report() {
  const uint64_t stride = RoundToBlocks(job_->frame_bytes());
  const nlohmann::ordered_json report = {
      {"frames", tally_.frames},
      {"width", job_->width()},
      {"height", job_->height()},
      {"bytes_decrypted", tally_.bytes_decrypted},
      {"bytes_read_back", tally_.bytes_read_back},
      {"protected_reads_tried", tally_.protected_reads_tried},
      {"protected_reads_refused", tally_.protected_reads_refused},
      {"wrong_blob_result", tally_.wrong_blob_result},
      {"certificate_subject", tally_.certificate_subject},
      {"read_back_offset", 0},
      {"read_back_frame_bytes", job_->frame_bytes()},
      {"read_back_stride", stride},
      {"cpu_view_offset", job_->frame_count() * stride},
      {"cpu_view_bytes", uint64_t{job_->width()} * job_->height() * 4},
  };
  story_->Report(report.dump());
}

// In the order of a real application: what was made last ends first.
void Player::TearDown() {
  surfaces_.reset();
  session_.reset();
  story_->Tell("destroy_session", S_OK, "surfaces and crypto session ended");
  const HRESULT reason = device_->GetDeviceRemovedReason();
  device_.reset();
  story_->Tell("destroy_device", reason, "DestroyDevice");
  Require("destroy_device", reason, "the device was lost on the way");
  TellEvents();
  adapter_.reset();
  kernel_.reset();
  story_->Tell("close_adapter", S_OK, "CloseAdapter; the function is reset");
}

void Player::TellEvents() {
  if (kernel_ == nullptr) return;
  for (const runtime::EventReport& report : kernel_->EventReports()) {
    story_->Events(report.Text());
  }
}

int RunPlayer(abi::PciFunction* function, const std::string& job_path,
              const std::string& output_path, Story* story) {
  try {
    Job job(job_path);
    Output output(output_path);
    Player player(function, &job, &output, story);
    try {
      player.Play();
    } catch (const std::exception&) {
      player.TellEvents();  // they may say why
      throw;
    }
    return 0;
  } catch (const StepFailure& failure) {
    story->Fail(failure.step(), failure.result(), failure.what());
  } catch (const std::exception& error) {
    story->Fail("player", "E_FAIL", error.what());
  }
  return 1;
}

}  // namespace ward::examples
