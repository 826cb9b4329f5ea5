// DriverProtections and CrossProc: what the blts refuse, through the driver's table where the
// runtime would not let it pass.
#include <algorithm>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

struct KeyedSession : Stage {
  KeyedSession() : session(process.MakeKeyedSession(kSessionKey)) {}

  const D3D11_1DDI_VIDEODEVICEFUNCS& functions() { return process.app.device().video_functions(); }
  D3D10DDI_HDEVICE handle() { return process.app.device().driver_handle(); }
  // DecryptionBlt as the driver sees it.
  void DecryptInDriver(runtime::Resource* source, runtime::Resource* destination, UINT iv_size,
                       const void* iv) {
    functions().pfnDecryptionBlt(handle(), session->driver_handle(), source->driver_handle(),
                                 destination->driver_handle(), nullptr, 0, nullptr, iv_size, iv);
  }
  void EncryptInDriver(runtime::Resource* source, runtime::Resource* destination, UINT iv_size,
                       void* iv) {
    functions().pfnEncryptionBlt(handle(), session->driver_handle(), source->driver_handle(),
                                 destination->driver_handle(), iv_size, iv);
  }
  ResourcePointer Upload(ConstByteSpan bytes) {
    ResourcePointer staging = process.MakeStaging(static_cast<uint32_t>(bytes.size()));
    process.app.Upload(staging.get(), bytes);
    return staging;
  }
  // A protected buffer with MakeText in it.
  ResourcePointer MakeFrame(uint32_t size_bytes) {
    ResourcePointer frame = process.MakeDefault(size_bytes, true);
    const std::vector<uint8_t> ciphertext = RunCtr(kSessionKey, kIv, MakeText(size_bytes));
    REQUIRE(process.Decrypt(session.get(), ciphertext, kIv, frame.get()) == S_OK);
    return frame;
  }
  void CheckHolds(runtime::Resource* frame, const std::vector<uint8_t>& bytes) {
    CHECK(process.ReadProtected(session.get(), kSessionKey, frame) == bytes);
    CHECK(process.app.device().GetDeviceRemovedReason() == S_OK);
  }
  void MakeReadbackKey() {
    Key wrapped{};
    REQUIRE(process.app.video().GetEncryptionBltKey(session.get(), wrapped) == S_OK);
  }

  SessionPointer session;
};

TEST_CASE("DriverProtections.DecryptIvNull: no IV, no decryption (R20)", "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.process.MakeDefault(256, true);
  stage.DecryptInDriver(stage.Upload(MakeText(256)).get(), frame.get(), 16, nullptr);
  stage.CheckHolds(frame.get(), std::vector<uint8_t>(256));
}

TEST_CASE("DriverProtections.DecryptSizes: resources of two sizes are refused (R11)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.process.MakeDefault(256, true);
  for (const size_t size : {16u, 255u, 512u}) {
    stage.DecryptInDriver(stage.Upload(MakeText(size)).get(), frame.get(), 16, kIv.data());
  }
  stage.CheckHolds(frame.get(), std::vector<uint8_t>(256));
}

TEST_CASE("DriverProtections.EncryptSizes: resources of two sizes are refused (R11)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.MakeFrame(256);
  stage.MakeReadbackKey();
  for (const uint32_t size : {16u, 512u}) {
    const ResourcePointer staging = stage.process.MakeStaging(size);
    Key iv = kIv;
    stage.EncryptInDriver(frame.get(), staging.get(), 16, iv.data());
    CHECK(iv == Key{});
    CHECK(IsZero(stage.process.app.Download(staging.get())));
  }
}

TEST_CASE("DriverProtections.DecryptFromProtected: protected memory is no source (5)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer source = stage.MakeFrame(256);
  const ResourcePointer frame = stage.process.MakeDefault(256, true);
  stage.DecryptInDriver(source.get(), frame.get(), 16, kIv.data());
  stage.CheckHolds(frame.get(), std::vector<uint8_t>(256));
  stage.CheckHolds(source.get(), MakeText(256));
}

TEST_CASE("DriverProtections.EncryptToProtected: read-back does not write protected memory (R28)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.MakeFrame(256);
  const ResourcePointer other = stage.process.MakeDefault(256, true);
  stage.MakeReadbackKey();
  Key iv = kIv;
  stage.EncryptInDriver(frame.get(), other.get(), 16, iv.data());
  CHECK(iv == Key{});
  stage.CheckHolds(other.get(), std::vector<uint8_t>(256));
}

TEST_CASE("DriverProtections.EncryptIvSize: without room for the IV nothing is written (R19)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.MakeFrame(256);
  stage.MakeReadbackKey();
  for (const UINT size : {1u, 8u, 15u}) {
    const ResourcePointer staging = stage.process.MakeStaging(256);
    Key iv = kIv;
    stage.EncryptInDriver(frame.get(), staging.get(), size, iv.data());
    CHECK(IsZero(ConstByteSpan(iv).first(size)));
    CHECK(std::equal(iv.begin() + size, iv.end(), kIv.begin() + size));
    CHECK(IsZero(stage.process.app.Download(staging.get())));
  }
}

TEST_CASE("DriverProtections.EncryptBeforeReadbackKey: the session key reads nothing back (R22)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.MakeFrame(256);
  const ResourcePointer staging = stage.process.MakeStaging(256);
  Key iv = kIv;
  CHECK(stage.process.app.video().EncryptionBlt(stage.session.get(), frame.get(), staging.get(),
                                                iv) == S_OK);
  CHECK(iv == Key{});
  CHECK(IsZero(stage.process.app.Download(staging.get())));
}

TEST_CASE("DriverProtections.PatternNull: without a pattern all is encrypted (7.8)") {
  KeyedSession stage;
  const std::vector<uint8_t> text = MakeText(4099);
  CHECK(stage.process.DecryptAndRead(stage.session.get(), kSessionKey,
                                     RunCtr(kSessionKey, kIv, text), kIv) == text);
}

TEST_CASE("CrossProc.ResourceDecrypt: another device's resources are no blt's (4)", "[negative]") {
  KeyedSession stage;
  Process other(stage.kernel.get());
  const SessionPointer theirs = other.MakeKeyedSession(kOtherKey);
  const ResourcePointer their_frame = other.MakeDefault(64, true);
  stage.DecryptInDriver(stage.Upload(MakeText(64)).get(), their_frame.get(), 16, kIv.data());
  CHECK(other.ReadProtected(theirs.get(), kOtherKey, their_frame.get()) ==
        std::vector<uint8_t>(64));
  const ResourcePointer their_staging = other.MakeStaging(64);
  other.app.Upload(their_staging.get(), MakeText(64));
  const ResourcePointer frame = stage.process.MakeDefault(64, true);
  stage.DecryptInDriver(their_staging.get(), frame.get(), 16, kIv.data());
  stage.CheckHolds(frame.get(), std::vector<uint8_t>(64));
}

TEST_CASE("CrossProc.ResourceEncrypt: another device's frame is not read back (4)", "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.MakeFrame(64);
  Process other(stage.kernel.get());
  const ResourcePointer staging = other.MakeStaging(64);
  stage.MakeReadbackKey();
  Key iv = kIv;
  stage.EncryptInDriver(frame.get(), staging.get(), 16, iv.data());
  CHECK(iv == Key{});
  CHECK(IsZero(other.app.Download(staging.get())));
}

}  // namespace
}  // namespace ward::test
