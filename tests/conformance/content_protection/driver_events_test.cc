// DriverProtections: R7. A VOID function that is given something bad leaves its destination as it
// was, zeroes its outputs and counts an event, for the session that it named; the device lives on.
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

using runtime::EventReport;

constexpr uint32_t kBytes = 64;
const char kNoSession[] = "not a crypto session's handle";
const char kNoResource[] = "not a resource's handle";

// One keyed session, a ciphertext and a protected frame, and the driver's functions with all
// arguments right until a case spoils one.
struct EventStage : Stage {
  EventStage()
      : session(process.MakeKeyedSession(kSessionKey)),
        staging(process.MakeStaging(kBytes)),
        frame(process.MakeDefault(kBytes, true)) {
    source = staging->driver_handle();
    destination = frame->driver_handle();
    handle = session->driver_handle();
    process.app.Upload(staging.get(), MakeText(kBytes));
  }

  runtime::Device& device() { return process.app.device(); }
  D3D10DDI_HDEVICE driver() { return device().driver_handle(); }
  const D3D11_1DDI_VIDEODEVICEFUNCS& functions() { return device().video_functions(); }

  void Decrypt() {
    functions().pfnDecryptionBlt(driver(), handle, source, destination, pattern, content_key_size,
                                 content_key, iv_size, iv_in);
  }
  void Encrypt() {
    functions().pfnEncryptionBlt(driver(), handle, source, destination, iv_size, iv_out);
  }
  void StartRefresh() {
    functions().pfnStartSessionKeyRefresh(driver(), handle, output_size, output);
  }
  void GetReadbackKey() {
    functions().pfnGetEncryptionBltKey(driver(), handle, output_size, output);
  }

  // The only report of a session, or of the device; the test fails when there are more or none.
  EventReport Report(bool is_of_session) {
    std::vector<EventReport> found;
    for (const EventReport& report : kernel->EventReports()) {
      if ((report.session != 0) == is_of_session) found.push_back(report);
    }
    REQUIRE(found.size() == 1);
    return found[0];
  }
  // `call` is refused by the driver, once; nothing else is reported.
  void CheckEvent(bool is_of_session, const std::string& reason,
                  const std::function<void()>& call) {
    call();
    CHECK(device().GetDeviceRemovedReason() == S_OK);
    REQUIRE(kernel->EventReports().size() == 1);
    const EventReport report = Report(is_of_session);
    CHECK(report.driver_events == 1);
    CHECK(report.last_reason == reason);
    CHECK(report.refusal_count == 0);
  }
  // What the device itself refused of the session's blts.
  void CheckRefusal(uint32_t status) {
    HANDLE opaque = nullptr;
    REQUIRE(session->GetCryptoSessionHandle(&opaque) == S_OK);
    const EventReport report = Report(true);
    CHECK(report.driver_events == 0);
    CHECK(report.refusal_count == 1);
    CHECK(report.last_refusal == status);
    CHECK(device().GetDeviceRemovedReason() == S_OK);
  }
  void CheckFrameUntouched() {
    CHECK(process.ReadProtected(session.get(), kSessionKey, frame.get()) ==
          std::vector<uint8_t>(kBytes));
  }
  void CheckStagingUntouched(runtime::Resource* resource) {
    CHECK(process.app.Download(resource) == MakeText(kBytes));
  }

  SessionPointer session;
  ResourcePointer staging;
  ResourcePointer frame;

  D3D11_1DDI_HCRYPTOSESSION handle;
  D3D10DDI_HRESOURCE source;
  D3D10DDI_HRESOURCE destination;
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern = nullptr;
  UINT content_key_size = 0;
  const void* content_key = nullptr;
  UINT iv_size = 16;
  const void* iv_in = kIv.data();
  Key iv = kIv;
  const void* iv_out = iv.data();
  Key number = kContentKey;
  UINT output_size = 16;
  void* output = number.data();
};

// The frame is decrypted with a read-back key made, then source and destination are turned round.
struct ReadbackStage : EventStage {
  ReadbackStage() {
    Decrypt();
    GetReadbackKey();
    source = frame->driver_handle();
    destination = staging->driver_handle();
  }
  void CheckRefused(bool is_of_session, const std::string& reason) {
    CheckEvent(is_of_session, reason, [this] { Encrypt(); });
    CHECK(iv == Key{});
    CheckStagingUntouched(staging.get());
  }
};

D3D11_1DDI_CERTIFICATE_INFO CertificateOf(D3D11_1DDI_CERTIFICATE_TYPE type) {
  D3D11_1DDI_CERTIFICATE_INFO info = {};
  info.CertificateType = type;
  if (type == D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION) {
    info.CryptoSessionType = D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
  } else {
    info.ChannelType = D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE;
  }
  return info;
}

// Certificates that there are none of.
std::vector<D3D11_1DDI_CERTIFICATE_INFO> UnknownCertificates() {
  D3D11_1DDI_CERTIFICATE_INFO type = CertificateOf(D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION);
  type.CertificateType = static_cast<D3D11_1DDI_CERTIFICATE_TYPE>(3);
  D3D11_1DDI_CERTIFICATE_INFO crypto = CertificateOf(D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION);
  crypto.CryptoSessionType = D3D11_1DDI_CRYPTO_TYPE_PROPRIETARY;
  D3D11_1DDI_CERTIFICATE_INFO channel =
      CertificateOf(D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL);
  channel.ChannelType = static_cast<D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE>(1);
  return {type, crypto, channel};
}

TEST_CASE("DriverProtections.EventCertificateSizeNull: size zero, an event (R7)", "[negative]") {
  EventStage stage;
  UINT size = 77;
  stage.CheckEvent(false, "GetCertificateSize without a description or a place for the size", [&] {
    stage.functions().pfnGetCertificateSize(stage.driver(), nullptr, &size);
  });
  CHECK(size == 0);
}

TEST_CASE("DriverProtections.EventCertificateSizeNowhere: no place for the size, an event",
          "[negative]") {
  EventStage stage;
  const auto info = CertificateOf(D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION);
  stage.CheckEvent(false, "GetCertificateSize without a description or a place for the size", [&] {
    stage.functions().pfnGetCertificateSize(stage.driver(), &info, nullptr);
  });
}

TEST_CASE("DriverProtections.EventCertificateSizeType: no such certificate has size 0 (4.3)",
          "[negative]") {
  for (const D3D11_1DDI_CERTIFICATE_INFO& info : UnknownCertificates()) {
    EventStage stage;
    UINT size = 77;
    stage.CheckEvent(false, "CERTIFICATE_UNAVAILABLE", [&] {
      stage.functions().pfnGetCertificateSize(stage.driver(), &info, &size);
    });
    CHECK(size == 0);
  }
}

TEST_CASE("DriverProtections.EventCertificateNull: no description, the buffer stays, an event",
          "[negative]") {
  EventStage stage;
  std::vector<uint8_t> buffer(4096, 0xEE);
  stage.CheckEvent(false, "GetCertificate without a description or a buffer", [&] {
    stage.functions().pfnGetCertificate(stage.driver(), nullptr, 4096, buffer.data());
  });
  CHECK(buffer == std::vector<uint8_t>(4096, 0xEE));
}

TEST_CASE("DriverProtections.EventCertificateNowhere: no buffer, an event", "[negative]") {
  EventStage stage;
  const auto info = CertificateOf(D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION);
  stage.CheckEvent(false, "GetCertificate without a description or a buffer", [&] {
    stage.functions().pfnGetCertificate(stage.driver(), &info, 4096, nullptr);
  });
}

TEST_CASE("DriverProtections.EventCertificateShort: one byte too few, the buffer stays (4.3)",
          "[negative]") {
  EventStage stage;
  uint32_t size = 0;
  REQUIRE(stage.session->GetCertificateSize(&size) == S_OK);
  const auto info = CertificateOf(D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL);
  std::vector<uint8_t> buffer(size, 0xEE);
  stage.CheckEvent(false, "GetCertificate with a buffer that is too small", [&] {
    stage.functions().pfnGetCertificate(stage.driver(), &info, size - 1, buffer.data());
  });
  CHECK(buffer == std::vector<uint8_t>(size, 0xEE));
}

TEST_CASE("DriverProtections.EventCertificateType: no such certificate, the buffer stays",
          "[negative]") {
  for (const D3D11_1DDI_CERTIFICATE_INFO& info : UnknownCertificates()) {
    EventStage stage;
    std::vector<uint8_t> buffer(4096, 0xEE);
    stage.CheckEvent(false, "CERTIFICATE_UNAVAILABLE", [&] {
      stage.functions().pfnGetCertificate(stage.driver(), &info, 4096, buffer.data());
    });
    CHECK(buffer == std::vector<uint8_t>(4096, 0xEE));
  }
}

TEST_CASE("DriverProtections.EventEncryptSession: no session, IV zero, destination stays (R7)",
          "[negative]") {
  for (const bool is_null : {true, false}) {
    ReadbackStage stage;
    stage.handle.pDrvPrivate = is_null ? nullptr : stage.frame->driver_handle().pDrvPrivate;
    stage.CheckRefused(false, kNoSession);
  }
}

TEST_CASE("DriverProtections.EventEncryptSource: no resource, IV zero, destination stays",
          "[negative]") {
  for (const bool is_null : {true, false}) {
    ReadbackStage stage;
    stage.source.pDrvPrivate = is_null ? nullptr : stage.handle.pDrvPrivate;
    stage.CheckRefused(true, kNoResource);
  }
}

TEST_CASE("DriverProtections.EventEncryptDestination: no resource, IV zero", "[negative]") {
  for (const bool is_null : {true, false}) {
    ReadbackStage stage;
    stage.destination.pDrvPrivate = is_null ? nullptr : stage.handle.pDrvPrivate;
    stage.CheckRefused(true, kNoResource);
  }
}

TEST_CASE("DriverProtections.EventEncryptNoIv: nowhere to write the IV, destination stays (R19)",
          "[negative]") {
  ReadbackStage stage;
  stage.iv_out = nullptr;
  stage.iv = {};
  stage.CheckRefused(true, "EncryptionBlt without room for the IV");
}

TEST_CASE("DriverProtections.EventEncryptIvSize: below 16 bytes they are zeroed (R19)",
          "[negative]") {
  for (const UINT size : {0u, 1u, 8u, 15u}) {
    ReadbackStage stage;
    stage.iv_size = size;
    stage.CheckEvent(true, "EncryptionBlt without room for the IV", [&] { stage.Encrypt(); });
    Key expected = kIv;
    std::fill_n(expected.begin(), size, uint8_t{0});
    CHECK(stage.iv == expected);
    stage.CheckStagingUntouched(stage.staging.get());
  }
}

TEST_CASE("DriverProtections.EventEncryptSame: a resource onto itself", "[negative]") {
  ReadbackStage stage;
  stage.source = stage.destination;
  stage.CheckRefused(true, "encrypted copy of a resource onto itself");
}

TEST_CASE("DriverProtections.EventEncryptLayout: another size stays as it was (R11)",
          "[negative]") {
  ReadbackStage stage;
  const ResourcePointer larger = stage.process.MakeDefault(kBytes + 16, true);
  stage.source = larger->driver_handle();
  stage.CheckRefused(true, "encrypted copy between resources of different sizes");
}

TEST_CASE("DriverProtections.EventEncryptOpen: a destination that is not for staging (R28)",
          "[negative]") {
  ReadbackStage stage;
  const ResourcePointer open = stage.process.MakeDefault(kBytes, false);
  stage.destination = open->driver_handle();
  stage.CheckRefused(true, "EncryptionBlt to a resource not for staging");
}

TEST_CASE("DriverProtections.EventEncryptNoReadbackKey: the device's refusal is told, IV zero",
          "[negative]") {
  EventStage stage;
  stage.Decrypt();
  stage.source = stage.frame->driver_handle();
  stage.destination = stage.staging->driver_handle();
  stage.Encrypt();
  CHECK(stage.iv == Key{});
  stage.CheckStagingUntouched(stage.staging.get());
  const EventReport report = stage.Report(true);
  CHECK(report.driver_events == 1);
  CHECK(report.last_reason == "the device refused the EncryptionBlt");
  CHECK(report.refusal_count == 1);
  CHECK(report.last_refusal == abi::kStatusSessionNoReadbackKey);
}

TEST_CASE("DriverProtections.EventDecryptSession: no session, destination stays (R7)",
          "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    stage.handle.pDrvPrivate = is_null ? nullptr : stage.frame->driver_handle().pDrvPrivate;
    stage.CheckEvent(false, kNoSession, [&] { stage.Decrypt(); });
    stage.CheckFrameUntouched();
  }
}

TEST_CASE("DriverProtections.EventDecryptSource: no resource, destination stays", "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    stage.source.pDrvPrivate = is_null ? nullptr : stage.handle.pDrvPrivate;
    stage.CheckEvent(true, kNoResource, [&] { stage.Decrypt(); });
    stage.CheckFrameUntouched();
  }
}

TEST_CASE("DriverProtections.EventDecryptDestination: no resource", "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    stage.destination.pDrvPrivate = is_null ? nullptr : stage.handle.pDrvPrivate;
    stage.CheckEvent(true, kNoResource, [&] { stage.Decrypt(); });
  }
}

TEST_CASE("DriverProtections.EventDecryptIv: no IV of 16 bytes, destination stays (R20)",
          "[negative]") {
  const std::vector<uint8_t> long_iv(32, 1);
  for (const UINT size : {0u, 8u, 15u, 17u, 32u}) {
    EventStage stage;
    stage.iv_in = size == 0 ? nullptr : long_iv.data();
    stage.iv_size = size == 0 ? 16 : size;
    stage.CheckEvent(true, "DecryptionBlt without an IV of 16 bytes", [&] { stage.Decrypt(); });
    stage.CheckFrameUntouched();
  }
}

TEST_CASE("DriverProtections.EventDecryptContentKey: a content key that is not 16 bytes",
          "[negative]") {
  for (const UINT size : {0u, 15u, 17u}) {
    EventStage stage;
    const std::vector<uint8_t> key(32, 1);
    stage.content_key = key.data();
    stage.content_key_size = size;
    stage.CheckEvent(true, "DecryptionBlt with a content key that is not 16 bytes",
                     [&] { stage.Decrypt(); });
    stage.CheckFrameUntouched();
  }
}

TEST_CASE("DriverProtections.EventDecryptOpen: a destination that is not restricted (R27)",
          "[negative]") {
  EventStage stage;
  const ResourcePointer open = stage.process.MakeDefault(kBytes, false);
  stage.destination = open->driver_handle();
  stage.CheckEvent(true, "DecryptionBlt to a resource without RESTRICTED_CONTENT",
                   [&] { stage.Decrypt(); });
  const ResourcePointer copy = stage.process.MakeStaging(kBytes);
  REQUIRE(stage.process.app.context().CopyResource(copy.get(), open.get()) == S_OK);
  CHECK(IsZero(stage.process.app.Download(copy.get())));
}

TEST_CASE("DriverProtections.EventDecryptSame: a resource onto itself stays", "[negative]") {
  EventStage stage;
  stage.source = stage.destination;
  stage.CheckEvent(true, "encrypted copy of a resource onto itself", [&] { stage.Decrypt(); });
  stage.CheckFrameUntouched();
}

TEST_CASE("DriverProtections.EventDecryptLayout: another size stays as it was (R11)",
          "[negative]") {
  EventStage stage;
  const ResourcePointer larger = stage.process.MakeStaging(kBytes + 16);
  stage.source = larger->driver_handle();
  stage.CheckEvent(true, "encrypted copy between resources of different sizes",
                   [&] { stage.Decrypt(); });
  stage.CheckFrameUntouched();
}

TEST_CASE("DriverProtections.EventDecryptPattern: the device's reason for a bad pattern is told",
          "[negative]") {
  EventStage stage;
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO unaligned = {16, 20, 16};
  stage.pattern = &unaligned;
  stage.Decrypt();
  stage.CheckRefusal(abi::kStatusPatternMisaligned);
  stage.CheckFrameUntouched();
}

TEST_CASE("DriverProtections.EventDecryptBeforeKey: the device's reason is told (R26)",
          "[negative]") {
  EventStage stage;
  stage.session = stage.process.MakeSession();
  stage.handle = stage.session->driver_handle();
  stage.Decrypt();
  stage.CheckRefusal(abi::kStatusSessionNoKey);
}

TEST_CASE("DriverProtections.EventDecryptContentKeyBeforeKey: the message's refusal is an event",
          "[negative]") {
  EventStage stage;
  stage.session = stage.process.MakeSession();
  stage.handle = stage.session->driver_handle();
  stage.content_key = kContentKey.data();
  stage.content_key_size = 16;
  stage.CheckEvent(true, "SESSION_NO_KEY", [&] { stage.Decrypt(); });
}

TEST_CASE("DriverProtections.EventDestroyTells: what was refused last is told when a session ends",
          "[negative]") {
  EventStage stage;
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO unaligned = {16, 16, 2};
  stage.pattern = &unaligned;
  stage.Decrypt();
  stage.Decrypt();
  CHECK(stage.kernel->EventReports().empty());  // the device has not been asked
  stage.session.reset();
  const EventReport report = stage.Report(true);
  CHECK(report.refusal_count == 2);
  CHECK(report.last_refusal == abi::kStatusPatternMisaligned);
}

TEST_CASE("DriverProtections.EventRefreshSession: no session, the number is zero (R7)",
          "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    stage.handle.pDrvPrivate = is_null ? nullptr : stage.frame->driver_handle().pDrvPrivate;
    stage.CheckEvent(false, kNoSession, [&] { stage.StartRefresh(); });
    CHECK(stage.number == Key{});
  }
}

TEST_CASE("DriverProtections.EventRefreshSize: another size is zeroed as far as it goes (7.7)",
          "[negative]") {
  for (const UINT size : {0u, 1u, 15u}) {
    EventStage stage;
    stage.output_size = size;
    stage.CheckEvent(true, "StartSessionKeyRefresh for a number that is not 16 bytes",
                     [&] { stage.StartRefresh(); });
    Key expected = kContentKey;
    std::fill_n(expected.begin(), size, uint8_t{0});
    CHECK(stage.number == expected);
  }
}

TEST_CASE("DriverProtections.EventRefreshNowhere: nowhere to write the number", "[negative]") {
  EventStage stage;
  stage.output = nullptr;
  stage.CheckEvent(true, "StartSessionKeyRefresh for a number that is not 16 bytes",
                   [&] { stage.StartRefresh(); });
  CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
}

TEST_CASE("DriverProtections.EventRefreshBeforeKey: the number is zero (R26)", "[negative]") {
  EventStage stage;
  stage.session = stage.process.MakeSession();
  stage.handle = stage.session->driver_handle();
  stage.CheckEvent(true, "SESSION_NO_KEY", [&] { stage.StartRefresh(); });
  CHECK(stage.number == Key{});
}

TEST_CASE("DriverProtections.EventFinishSession: no session, no key changes (R7)", "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    stage.StartRefresh();
    stage.handle.pDrvPrivate = is_null ? nullptr : stage.frame->driver_handle().pDrvPrivate;
    stage.CheckEvent(false, kNoSession, [&] {
      stage.functions().pfnFinishSessionKeyRefresh(stage.driver(), stage.handle);
    });
    CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
  }
}

TEST_CASE("DriverProtections.EventReadbackSession: no session, the key is zero (R7)",
          "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    stage.handle.pDrvPrivate = is_null ? nullptr : stage.frame->driver_handle().pDrvPrivate;
    stage.CheckEvent(false, kNoSession, [&] { stage.GetReadbackKey(); });
    CHECK(stage.number == Key{});
  }
}

TEST_CASE("DriverProtections.EventReadbackSize: another size is zeroed as far as it goes",
          "[negative]") {
  for (const UINT size : {0u, 1u, 15u}) {
    EventStage stage;
    stage.output_size = size;
    stage.CheckEvent(true, "GetEncryptionBltKey for a key that is not 16 bytes",
                     [&] { stage.GetReadbackKey(); });
    Key expected = kContentKey;
    std::fill_n(expected.begin(), size, uint8_t{0});
    CHECK(stage.number == expected);
  }
}

TEST_CASE("DriverProtections.EventReadbackNowhere: nowhere to write the key", "[negative]") {
  EventStage stage;
  stage.output = nullptr;
  stage.CheckEvent(true, "GetEncryptionBltKey for a key that is not 16 bytes",
                   [&] { stage.GetReadbackKey(); });
}

TEST_CASE("DriverProtections.EventReadbackBeforeKey: the key is zero (R26)", "[negative]") {
  EventStage stage;
  stage.session = stage.process.MakeSession();
  stage.handle = stage.session->driver_handle();
  stage.CheckEvent(true, "SESSION_NO_KEY", [&] { stage.GetReadbackKey(); });
  CHECK(stage.number == Key{});
}

TEST_CASE("DriverProtections.EventDestroySession: what is no session is not destroyed (R7)",
          "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    stage.handle.pDrvPrivate = is_null ? nullptr : stage.frame->driver_handle().pDrvPrivate;
    stage.CheckEvent(false, kNoSession, [&] {
      stage.functions().pfnDestroyCryptoSession(stage.driver(), stage.handle);
    });
    CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
  }
}

TEST_CASE("DriverProtections.EventDestroySessionTwice: the second time it is none", "[negative]") {
  EventStage stage;
  const D3D11_1DDIARG_CREATECRYPTOSESSION arguments = {
      D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, umd::kNullGuid, D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP};
  runtime::PrivateMemory memory;
  REQUIRE(memory.Allocate(
      stage.functions().pfnCalcPrivateCryptoSessionSize(stage.driver(), &arguments)));
  stage.handle.pDrvPrivate = memory.get();
  REQUIRE(stage.functions().pfnCreateCryptoSession(stage.driver(), &arguments, stage.handle, {}) ==
          S_OK);
  stage.functions().pfnDestroyCryptoSession(stage.driver(), stage.handle);
  CHECK(stage.kernel->EventReports().empty());
  stage.CheckEvent(false, kNoSession, [&] {
    stage.functions().pfnDestroyCryptoSession(stage.driver(), stage.handle);
  });
}

TEST_CASE("DriverProtections.EventDestroyChannel: what is no channel is not destroyed (R7)",
          "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    D3D11_1DDI_HAUTHCHANNEL channel = {is_null ? nullptr : stage.handle.pDrvPrivate};
    stage.CheckEvent(false, "not an authenticated channel's handle", [&] {
      stage.functions().pfnDestroyAuthenticatedChannel(stage.driver(), channel);
    });
    CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
  }
}

TEST_CASE("DriverProtections.EventOtherDevice: the device that called has the event, not the owner",
          "[negative]") {
  EventStage stage;
  Process other(stage.kernel.get());
  const runtime::Device& device = other.app.device();
  Key key = kContentKey;
  device.video_functions().pfnGetEncryptionBltKey(device.driver_handle(), stage.handle, 16,
                                                  key.data());
  device.video_functions().pfnDestroyCryptoSession(device.driver_handle(), stage.handle);
  CHECK(key == Key{});
  const EventReport report = stage.Report(false);
  CHECK(report.driver_events == 2);
  CHECK(report.last_reason == kNoSession);
  stage.handle.pDrvPrivate = nullptr;
  stage.Decrypt();
  REQUIRE(stage.kernel->EventReports().size() == 2);
  CHECK(stage.kernel->EventReports()[1].device != report.device);
}

TEST_CASE("DriverProtections.EventEachSession: each session has its own count and reason (R7)",
          "[negative]") {
  EventStage stage;
  const SessionPointer second = stage.process.MakeKeyedSession(kOtherKey);
  stage.output_size = 8;
  stage.GetReadbackKey();
  const uint32_t first_session = stage.Report(true).session;
  stage.handle = second->driver_handle();
  stage.StartRefresh();
  stage.StartRefresh();
  REQUIRE(stage.kernel->EventReports().size() == 2);
  const EventReport& first_report = stage.kernel->EventReports()[0];
  const EventReport& second_report = stage.kernel->EventReports()[1];
  CHECK(first_report.session == first_session);
  CHECK(first_report.driver_events == 1);
  CHECK(first_report.last_reason == "GetEncryptionBltKey for a key that is not 16 bytes");
  CHECK(second_report.session != first_session);
  CHECK(second_report.driver_events == 2);
  CHECK(second_report.last_reason == "StartSessionKeyRefresh for a number that is not 16 bytes");
}

TEST_CASE("DriverProtections.EventNone: what is right is no event") {
  ReadbackStage stage;
  stage.Encrypt();
  CHECK(stage.iv != Key{});
  stage.StartRefresh();
  stage.functions().pfnFinishSessionKeyRefresh(stage.driver(), stage.handle);
  stage.session.reset();
  CHECK(stage.kernel->EventReports().empty());
}

}  // namespace
}  // namespace ward::test
