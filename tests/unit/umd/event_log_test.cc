#include "umd/event_log.h"

#include <string>

#include "abi/generated/status.h"
#include "tests/unit/umd/session_fixture.h"

namespace ward::umd {
namespace {

struct Recorder final : EventListener {
  void OnEvent(const EventCount& events) override { seen.push_back(events); }
  std::vector<EventCount> seen;
};

TEST_CASE("an event is the named session's, else the device's, and the log's in any case") {
  Recorder recorder;
  EventLog log;
  log.set_listener(&recorder);
  EventCount session;
  session.session = 7;
  log.Count("first");
  {
    const EventScope named(&log, &session);
    CHECK(log.Refuse("second") == E_INVALIDARG);
  }
  log.Count("third");
  CHECK(log.count() == 3);
  CHECK(log.last_reason() == std::string("third"));
  CHECK(session.count == 1);
  CHECK(session.last_reason == std::string("second"));
  REQUIRE(recorder.seen.size() == 3);
  CHECK(recorder.seen[0].session == 0);
  CHECK(recorder.seen[1].session == 7);
  CHECK(recorder.seen[2].session == 0);
  CHECK(recorder.seen[2].count == 2);
}

TEST_CASE("a session's count stays at its greatest value") {
  EventLog log;
  EventCount session;
  session.count = UINT32_MAX;
  const EventScope named(&log, &session);
  log.Count("once more");
  CHECK(session.count == UINT32_MAX);
}

TEST_CASE("a log without a listener counts") {
  EventLog log;
  EventCount session;
  log.Count("nobody hears");
  log.NoteDeviceEvents(&session, {2, abi::kStatusSessionNoKey, 0});
  CHECK(log.count() == 1);
  CHECK(session.by_device.refusal_count == 2);
}

TEST_CASE("refusals that are as they were are not told again") {
  Recorder recorder;
  EventLog log;
  log.set_listener(&recorder);
  EventCount session;
  log.NoteDeviceEvents(&session, {});
  CHECK(recorder.seen.empty());
  log.NoteDeviceEvents(&session, {1, abi::kStatusSessionNoKey, 0});
  log.NoteDeviceEvents(&session, {1, abi::kStatusSessionNoKey, 0});
  REQUIRE(recorder.seen.size() == 1);
  CHECK(recorder.seen[0].by_device.last_refusal == abi::kStatusSessionNoKey);
}

TEST_CASE("the kernel is told of each event, with its session and a text that ends") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  uint8_t key[8] = {1};
  driver.device.video.pfnGetEncryptionBltKey(driver.device.handle, session.handle, 8, key);
  REQUIRE(driver.kernel.event_reports.size() == 1);
  const abi::EventReport& report = driver.kernel.event_reports[0];
  CHECK(report.session == SessionDriver::kFirstSession);
  CHECK(report.driver_events == 1);
  CHECK(reinterpret_cast<const char*>(report.last_reason) ==
        std::string("GetEncryptionBltKey for a key that is not 16 bytes"));
}

TEST_CASE("a reason that is too long loses its end") {
  SessionDriver driver;
  const std::string reason(100, 'x');
  driver.device.driver().events().Count(reason.c_str());
  REQUIRE(driver.kernel.event_reports.size() == 1);
  CHECK(reinterpret_cast<const char*>(driver.kernel.event_reports[0].last_reason) ==
        std::string(67, 'x'));
}

TEST_CASE("a removed device tells nothing, its removal neither") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  driver.kernel.render_result = D3DDDIERR_DEVICEREMOVED;
  uint8_t key[16] = {1};
  driver.device.video.pfnGetEncryptionBltKey(driver.device.handle, session.handle, 16, key);
  driver.device.video.pfnGetEncryptionBltKey(driver.device.handle, session.handle, 8, key);
  CHECK(driver.device.events() >= 2);
  CHECK(driver.kernel.event_reports.empty());
  CHECK(driver.kernel.escape_count == 1);
}

TEST_CASE("a kernel without pfnEscapeCb is told nothing") {
  SessionDriver driver;
  driver.kernel.device_callbacks.pfnEscapeCb = nullptr;
  driver.device.driver().events().Count("unheard");
  CHECK(driver.device.events() == 1);
}

TEST_CASE("the device is asked for refusals once for each run of blts, and when a session ends") {
  SessionDriver driver;
  const BltPair pair(&driver);
  CreatedSession session(&driver.device);
  driver.refusal_count = 3;
  driver.last_refusal = abi::kStatusPatternMisaligned;
  HANDLE handle = nullptr;
  const auto ask = [&] {
    REQUIRE(driver.device.video.pfnCryptoSessionGetHandle(driver.device.handle, session.handle,
                                                          &handle) == S_OK);
  };
  driver.Decrypt(session, pair.staging, pair.restricted);
  driver.Decrypt(session, pair.staging, pair.restricted);
  ask();
  ask();
  CHECK(driver.MessagesOf(abi::kMessageQuerySession).size() == 1);
  REQUIRE(driver.kernel.event_reports.size() == 1);
  CHECK(driver.kernel.event_reports[0].driver_events == 0);
  CHECK(driver.kernel.event_reports[0].refusal_count == 3);
  CHECK(driver.kernel.event_reports[0].last_refusal == abi::kStatusPatternMisaligned);
  driver.Decrypt(session, pair.staging, pair.restricted);
  session.Destroy();
  const std::vector<FakeKernel::Message> asked = driver.MessagesOf(abi::kMessageQuerySession);
  REQUIRE(asked.size() == 2);
  CHECK(asked[1].payload ==
        std::vector<uint8_t>{SessionDriver::kFirstSession, 0, 0, 0, 0, 0, 0, 0});
  CHECK(driver.kernel.messages.back().number == abi::kMessageDestroySession);
}

}  // namespace
}  // namespace ward::umd
