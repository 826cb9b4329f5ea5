// What an application can do wrong with protected content: the documented answer, nothing lost, and
// the next good request works.
#include <algorithm>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "kmd/command.h"
#include "tests/integration/application.h"
#include "tests/integration/function_under_test.h"

namespace ward::test {
namespace {

const Key kSessionKey = ParseKey("2b7e151628aed2a6abf7158809cf4f3c");
const Key kOtherKey = ParseKey("603deb1015ca71be2b73aef0857d7781");

struct Stage {
  Stage()
      : kernel(OpenKernel(machine.get())),
        application(kernel.get()),
        clip(MakeClip(1)),
        ciphertext(Encrypt(workspace, clip)),
        staging(application.CreateStaging(clip)),
        frame(application.CreateTexture(clip, true)) {
    application.Upload(staging.get(), ciphertext);
  }

  HRESULT Decrypt(runtime::CryptoSession* session, runtime::Resource* destination,
                  const Key& session_key = kSessionKey) {
    const Key wrapped = EcbEncrypt(session_key, ParseKey(clip.content_key));
    return application.video().DecryptionBlt(session, staging.get(), destination, nullptr, wrapped,
                                             ParseKey(clip.iv));
  }
  // The next good request: decrypts into the protected frame and reads it back.
  bool Works(runtime::CryptoSession* session, const Key& session_key = kSessionKey) {
    if (Decrypt(session, frame.get(), session_key) != S_OK) return false;
    return ReadBack(&application, session, session_key, frame.get(), clip) == clip.frames;
  }
  std::vector<uint8_t> CopyOut(runtime::Resource* source) {
    const auto copy = application.CreateStaging(clip);
    REQUIRE(application.context().CopyResource(copy.get(), source) == S_OK);
    return application.Download(copy.get());
  }

  Workspace workspace;
  const FunctionUnderTest machine;
  std::unique_ptr<runtime::Kernel> kernel;
  Application application;
  Clip clip;
  std::vector<uint8_t> ciphertext;
  std::unique_ptr<runtime::Resource> staging;
  std::unique_ptr<runtime::Resource> frame;
};

bool IsZero(const std::vector<uint8_t>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

void CheckRefusedBlob(Stage* stage, std::vector<uint8_t> blob) {
  const auto session = stage->application.CreateSession();
  runtime::VideoContext& video = stage->application.video();
  CHECK(video.NegotiateCryptoSessionKeyExchange(session.get(), blob) == E_INVALIDARG);
  // The same session takes the right one afterwards.
  std::vector<uint8_t> good = stage->application.Wrap(kSessionKey);
  CHECK(video.NegotiateCryptoSessionKeyExchange(session.get(), good) == S_OK);
  CHECK(stage->Works(session.get()));
}

TEST_CASE("A tampered session key is E_INVALIDARG") {
  Stage stage;
  std::vector<uint8_t> blob = stage.application.Wrap(kSessionKey);
  blob[17] ^= 0x40;
  CheckRefusedBlob(&stage, blob);
}

TEST_CASE("A session key wrapped with SHA-1 is E_INVALIDARG") {
  Stage stage;
  CheckRefusedBlob(&stage, stage.application.Wrap(kSessionKey, "sha1"));
}

TEST_CASE("A blob of 255 bytes is E_INVALIDARG") {
  Stage stage;
  std::vector<uint8_t> blob = stage.application.Wrap(kSessionKey);
  blob.pop_back();
  CheckRefusedBlob(&stage, blob);
}

TEST_CASE("A blob of 257 bytes is E_INVALIDARG") {
  Stage stage;
  std::vector<uint8_t> blob = stage.application.Wrap(kSessionKey);
  blob.push_back(0);
  CheckRefusedBlob(&stage, blob);
}

TEST_CASE("A session key of 17 bytes is E_INVALIDARG") {
  Stage stage;
  const std::vector<uint8_t> long_key(17, 0x5a);
  CheckRefusedBlob(&stage, stage.application.Wrap(long_key));
}

TEST_CASE("A key exchange that fails leaves the earlier key in force") {
  Stage stage;
  const auto session = stage.application.CreateKeyedSession(kSessionKey);
  std::vector<uint8_t> blob = stage.application.Wrap(kOtherKey);
  blob[0] ^= 1;
  CHECK(stage.application.video().NegotiateCryptoSessionKeyExchange(session.get(), blob) ==
        E_INVALIDARG);
  CHECK(stage.Works(session.get()));
}

TEST_CASE("A session of another device is E_INVALIDARG there and goes on where it belongs") {
  Stage stage;
  const auto session = stage.application.CreateKeyedSession(kSessionKey);
  Application other(stage.kernel.get());
  std::vector<uint8_t> blob = other.Wrap(kOtherKey);
  CHECK(other.video().NegotiateCryptoSessionKeyExchange(session.get(), blob) == E_INVALIDARG);
  // A blt of the other device has no effect either, and costs it nothing.
  const auto other_staging = other.CreateStaging(stage.clip);
  const auto other_frame = other.CreateTexture(stage.clip, true);
  const Key wrapped = EcbEncrypt(kSessionKey, ParseKey(stage.clip.content_key));
  CHECK(other.video().DecryptionBlt(session.get(), other_staging.get(), other_frame.get(), nullptr,
                                    wrapped, ParseKey(stage.clip.iv)) == S_OK);
  CHECK(other.device().GetDeviceRemovedReason() == S_OK);
  const auto own = other.CreateKeyedSession(kOtherKey);
  CHECK(IsZero(ReadBack(&other, own.get(), kOtherKey, other_frame.get(), stage.clip)));
  CHECK(stage.Works(session.get()));
}

TEST_CASE("A blt before the key exchange does nothing") {
  Stage stage;
  const auto session = stage.application.CreateSession();
  CHECK(stage.Decrypt(session.get(), stage.frame.get()) == S_OK);
  CHECK(stage.application.device().GetDeviceRemovedReason() == S_OK);
  Key wrapped = kOtherKey;
  CHECK(stage.application.video().GetEncryptionBltKey(session.get(), wrapped) == S_OK);
  CHECK(wrapped == Key{});

  std::vector<uint8_t> blob = stage.application.Wrap(kSessionKey);
  CHECK(stage.application.video().NegotiateCryptoSessionKeyExchange(session.get(), blob) == S_OK);
  // The frame is as it was made: the blt wrote nothing.
  const std::vector<uint8_t> frame =
      ReadBack(&stage.application, session.get(), kSessionKey, stage.frame.get(), stage.clip);
  CHECK(frame.size() == stage.clip.frames.size());
  CHECK(IsZero(frame));
  CHECK(stage.Works(session.get()));
}

TEST_CASE("A destination without RESTRICTED_CONTENT stays as it was") {
  Stage stage;
  const auto session = stage.application.CreateKeyedSession(kSessionKey);
  const auto open = stage.application.CreateTexture(stage.clip, false);
  CHECK(stage.Decrypt(session.get(), open.get()) == S_OK);
  CHECK(IsZero(stage.CopyOut(open.get())));
  CHECK(stage.application.device().GetDeviceRemovedReason() == S_OK);
  CHECK(stage.Works(session.get()));
}

TEST_CASE("A protected frame can't be copied where a CPU sees it") {
  Stage stage;
  const auto session = stage.application.CreateKeyedSession(kSessionKey);
  CHECK(stage.Works(session.get()));
  CHECK(IsZero(stage.CopyOut(stage.frame.get())));
  const auto open = stage.application.CreateTexture(stage.clip, false);
  CHECK(stage.application.context().CopyResource(open.get(), stage.frame.get()) == S_OK);
  CHECK(IsZero(stage.CopyOut(open.get())));
  // In protected memory it may be copied, and stays its owner's.
  const auto copy = stage.application.CreateTexture(stage.clip, true);
  CHECK(stage.application.context().CopyResource(copy.get(), stage.frame.get()) == S_OK);
  CHECK(ReadBack(&stage.application, session.get(), kSessionKey, copy.get(), stage.clip) ==
        stage.clip.frames);
}

TEST_CASE("One session's pixels are not encrypted under another session's key") {
  Stage stage;
  const auto owner = stage.application.CreateKeyedSession(kSessionKey);
  const auto other = stage.application.CreateKeyedSession(kOtherKey);
  CHECK(stage.Works(owner.get()));
  CHECK(
      ReadBack(&stage.application, other.get(), kOtherKey, stage.frame.get(), stage.clip).empty());
  CHECK(ReadBack(&stage.application, owner.get(), kSessionKey, stage.frame.get(), stage.clip) ==
        stage.clip.frames);
  CHECK(stage.Works(other.get(), kOtherKey));
}

TEST_CASE("Pixels do not outlive their session") {
  Stage stage;
  auto owner = stage.application.CreateKeyedSession(kSessionKey);
  CHECK(stage.Works(owner.get()));
  owner.reset();
  const auto heir = stage.application.CreateKeyedSession(kSessionKey);
  const std::vector<uint8_t> left =
      ReadBack(&stage.application, heir.get(), kSessionKey, stage.frame.get(), stage.clip);
  CHECK(left.size() == stage.clip.frames.size());
  CHECK(IsZero(left));
  CHECK(stage.Works(heir.get()));
}

TEST_CASE("A queue that a bad command stopped costs its device and no other") {
  Stage stage;
  const auto session = stage.application.CreateKeyedSession(kSessionKey);
  kmd::Adapter& adapter = stage.kernel->adapter();
  const kmd::DeviceHandle device = adapter.CreateDevice().value();
  const auto run = [&](ConstByteSpan commands) {
    const kmd::ContextHandle context = adapter.CreateContext(device).value();
    const Result<uint64_t> fence = adapter.Submit(device, context, commands, {}, {});
    const uint32_t outcome = fence.ok()
                                 ? adapter.WaitFence(device, context, fence.value()).fault().status
                                 : fence.fault().status;
    CHECK(outcome == abi::kStatusQueueFaulted);
    const uint32_t status = adapter.Report(device, context).value().fault_status;
    CHECK(adapter.DestroyContext(device, context).ok());
    return status;
  };

  auto unknown = kmd::MakeCommand<abi::NoopCommand>();
  unknown.opcode = 0x7777;
  CHECK(run(kmd::BytesOf(unknown)) == abi::kStatusOpcodeUnknown);

  auto copy = kmd::MakeCommand<abi::CopyCommand>();
  copy.destination = 0x700000000000;
  copy.source = 0x600000000000;
  copy.row_bytes = 64;
  copy.row_count = 1;
  CHECK(run(kmd::BytesOf(copy)) == abi::kStatusPageNotMapped);
  copy.destination = 1ull << 48;
  CHECK(run(kmd::BytesOf(copy)) == abi::kStatusAddressOutOfRange);

  CHECK(stage.Works(session.get()));
  CHECK(stage.application.device().GetDeviceRemovedReason() == S_OK);
}

}  // namespace
}  // namespace ward::test
