// DriverProtections: R7, the other VOID functions (blt_events_test.cc has the blts), and whose
// events they are.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/event_stage.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

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

TEST_CASE("DriverProtections.EventStatusSession: what is no session is lost (R7)", "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage(D3DWDDM2_0DDI_VIDEO_FUNCTIONS);
    stage.handle.pDrvPrivate = is_null ? nullptr : stage.frame->driver_handle().pDrvPrivate;
    auto status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK;
    stage.CheckEvent(false, kNoSession, [&] {
      stage.device().wddm2_video_functions()->pfnCheckCryptoSessionStatus(stage.driver(),
                                                                          stage.handle, &status);
    });
    CHECK(status == D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST);
  }
}

TEST_CASE("DriverProtections.EventStatusNowhere: nowhere to write the status (R7)", "[negative]") {
  EventStage stage(D3DWDDM2_0DDI_VIDEO_FUNCTIONS);
  stage.CheckEvent(true, "CheckCryptoSessionStatus without room for the status", [&] {
    stage.device().wddm2_video_functions()->pfnCheckCryptoSessionStatus(stage.driver(),
                                                                        stage.handle, nullptr);
  });
}

// The arguments of GetCryptoSessionPrivateDataSize; sizes that are not zero before.
struct PrivateDataQuestion {
  const GUID* crypto_type = &D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
  const GUID* exchange = &D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION;
  bool has_input_size = true;
  bool has_output_size = true;
};

TEST_CASE("DriverProtections.EventPrivateDataSize: nowhere to write, or nothing known (R7)",
          "[negative]") {
  const PrivateDataQuestion questions[] = {
      {.crypto_type = nullptr},  {.crypto_type = &D3D11_1DDI_CRYPTO_TYPE_PROPRIETARY},
      {.exchange = nullptr},     {.exchange = &D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP},
      {.has_input_size = false}, {.has_output_size = false},
  };
  for (const PrivateDataQuestion& question : questions) {
    EventStage stage(D3DWDDM2_0DDI_VIDEO_FUNCTIONS);
    UINT input_size = 7;
    UINT output_size = 7;
    stage.CheckEvent(false, "private data size of an unknown key exchange", [&] {
      stage.device().wddm2_video_functions()->pfnGetCryptoSessionPrivateDataSize(
          stage.driver(), question.crypto_type, nullptr, question.exchange,
          question.has_input_size ? &input_size : nullptr,
          question.has_output_size ? &output_size : nullptr);
    });
    CHECK(input_size == (question.has_input_size ? 0 : 7));
    CHECK(output_size == (question.has_output_size ? 0 : 7));
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
