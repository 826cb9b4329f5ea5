// One keyed session, a ciphertext and a protected frame, for cases that spoil one argument of a
// VOID function and look at what is left behind (R7).
#ifndef WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_EVENT_STAGE_H_
#define WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_EVENT_STAGE_H_

#include <functional>
#include <string>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"

namespace ward::test {

using runtime::EventReport;

inline constexpr uint32_t kEventBytes = 64;
inline constexpr char kNoSession[] = "not a crypto session's handle";
inline constexpr char kNoResource[] = "not a resource's handle";

// One keyed session, a ciphertext and a protected frame, and the driver's functions with all
// arguments right until a case spoils one.
struct EventStage : Stage {
  explicit EventStage(UINT32 video_table = D3D11_1DDI_VIDEO_FUNCTIONS)
      : Stage(video_table),
        session(process.MakeKeyedSession(kSessionKey)),
        staging(process.MakeStaging(kEventBytes)),
        frame(process.MakeDefault(kEventBytes, true)) {
    source = staging->driver_handle();
    destination = frame->driver_handle();
    handle = session->driver_handle();
    process.app.Upload(staging.get(), MakeText(kEventBytes));
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
          std::vector<uint8_t>(kEventBytes));
  }
  void CheckStagingUntouched(runtime::Resource* resource) {
    CHECK(process.app.Download(resource) == MakeText(kEventBytes));
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

}  // namespace ward::test

#endif  // WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_EVENT_STAGE_H_
