// DriverProtections: the way of events to tools, pfnEscapeCb (docs/spec/driver-private-data.md).
#include <cstring>
#include <vector>

#include "abi/generated/private_data.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"

namespace ward::test {
namespace {

constexpr uint32_t kTell = 2;
constexpr uint32_t kAsk = 3;
constexpr uint32_t kSession = 0x00070003;  // generation 7 at index 3

abi::EventReport MakeReport(uint32_t escape, uint32_t session = kSession) {
  abi::EventReport report = {};
  report.escape = escape;
  report.session = session;
  report.driver_events = 5;
  report.refusal_count = 1;
  report.last_refusal = abi::kStatusPatternMisaligned;
  std::memcpy(report.last_reason, "a reason", 8);
  return report;
}

// A device of the kernel alone: nobody but the test speaks for it.
struct Escapes : Stage {
  Escapes() {
    auto made = runtime::KernelDevice::Create(kernel.get());
    REQUIRE(made.ok());
    device = std::move(made.value());
  }
  HRESULT Send(void* data, UINT size) {
    D3DDDICB_ESCAPE escape = {};
    escape.hDevice = device.get();
    escape.pPrivateDriverData = data;
    escape.PrivateDriverDataSize = size;
    return kernel->Escape(&escape);
  }
  HRESULT Send(abi::EventReport report) { return Send(&report, sizeof(report)); }
  void CheckNotKept(const abi::EventReport& report) {
    CHECK(Send(report) == E_INVALIDARG);
    CHECK(kernel->EventReports().empty());
  }

  std::unique_ptr<runtime::KernelDevice> device;
};

TEST_CASE("DriverProtections.EscapeTell: what a driver tells is what tools see") {
  Escapes stage;
  REQUIRE(stage.Send(MakeReport(kTell)) == S_OK);
  REQUIRE(stage.kernel->EventReports().size() == 1);
  const runtime::EventReport& report = stage.kernel->EventReports()[0];
  CHECK(report.session == kSession);
  CHECK(report.driver_events == 5);
  CHECK(report.last_reason == "a reason");
  CHECK(report.Text() ==
        "session 0x70003: 5 refused by the driver, last: a reason; 1 refused by the device, last: "
        "PATTERN_MISALIGNED");
}

TEST_CASE("DriverProtections.EscapeTellAgain: a later report stands in for the earlier one") {
  Escapes stage;
  REQUIRE(stage.Send(MakeReport(kTell)) == S_OK);
  abi::EventReport later = MakeReport(kTell);
  later.driver_events = 6;
  REQUIRE(stage.Send(later) == S_OK);
  REQUIRE(stage.kernel->EventReports().size() == 1);
  CHECK(stage.kernel->EventReports()[0].driver_events == 6);
}

TEST_CASE("DriverProtections.EscapeAsk: a tool gets what was told of a session") {
  Escapes stage;
  REQUIRE(stage.Send(MakeReport(kTell)) == S_OK);
  abi::EventReport asked = {};
  asked.escape = kAsk;
  asked.session = kSession;
  REQUIRE(stage.Send(&asked, sizeof(asked)) == S_OK);
  const abi::EventReport expected = MakeReport(kAsk);
  CHECK(std::memcmp(&asked, &expected, sizeof(asked)) == 0);
}

TEST_CASE("DriverProtections.EscapeAskUnknown: a session of which nothing was told", "[negative]") {
  Escapes stage;
  REQUIRE(stage.Send(MakeReport(kTell)) == S_OK);
  abi::EventReport asked = MakeReport(kAsk, kSession + 1);
  const abi::EventReport before = asked;
  CHECK(stage.Send(&asked, sizeof(asked)) == E_INVALIDARG);
  CHECK(std::memcmp(&asked, &before, sizeof(asked)) == 0);
}

TEST_CASE("DriverProtections.EscapeAskOther: another device is told nothing", "[negative]") {
  Escapes stage;
  REQUIRE(stage.Send(MakeReport(kTell)) == S_OK);
  auto other = runtime::KernelDevice::Create(stage.kernel.get());
  REQUIRE(other.ok());
  stage.device = std::move(other.value());
  CHECK(stage.Send(MakeReport(kAsk)) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.EscapeSize: data that is too short is not read", "[negative]") {
  Escapes stage;
  abi::EventReport report = MakeReport(kTell);
  for (const UINT size : {0u, 3u, 4u, 95u}) {
    CHECK(stage.Send(&report, size) == E_INVALIDARG);
  }
  CHECK(stage.Send(nullptr, sizeof(report)) == E_INVALIDARG);
  CHECK(stage.kernel->EventReports().empty());
}

TEST_CASE("DriverProtections.EscapeNumber: there is no other escape", "[negative]") {
  Escapes stage;
  for (const uint32_t number : {0u, 4u, 0xffffffffu}) stage.CheckNotKept(MakeReport(number));
}

TEST_CASE("DriverProtections.EscapeDevice: a device that does not live is none", "[negative]") {
  Escapes stage;
  abi::EventReport report = MakeReport(kTell);
  D3DDDICB_ESCAPE escape = {};
  escape.hDevice = &report;
  escape.pPrivateDriverData = &report;
  escape.PrivateDriverDataSize = sizeof(report);
  CHECK(stage.kernel->Escape(&escape) == E_INVALIDARG);
  CHECK(stage.kernel->EventReports().empty());
}

TEST_CASE("DriverProtections.EscapeReserved: reserved bytes are zero", "[negative]") {
  Escapes stage;
  for (size_t at = 0; at < 4; ++at) {
    abi::EventReport report = MakeReport(kTell);
    report.reserved_20[at] = 1;
    stage.CheckNotKept(report);
  }
}

TEST_CASE("DriverProtections.EscapeSession: a number that no session can have", "[negative]") {
  Escapes stage;
  for (const uint32_t session : {1u, 0x0000ffffu, 0x00010040u, 0xffffffffu}) {
    stage.CheckNotKept(MakeReport(kTell, session));
  }
}

TEST_CASE("DriverProtections.EscapeTextUnended: text without its zero byte", "[negative]") {
  Escapes stage;
  abi::EventReport report = MakeReport(kTell);
  std::memset(report.last_reason, 'a', sizeof(report.last_reason));
  stage.CheckNotKept(report);
}

TEST_CASE("DriverProtections.EscapeTextUnprintable: text that a terminal would obey",
          "[negative]") {
  Escapes stage;
  for (const uint8_t byte : {0x1b, 0x0a, 0x7f, 0x80, 0xff}) {
    abi::EventReport report = MakeReport(kTell);
    report.last_reason[3] = byte;
    stage.CheckNotKept(report);
  }
}

TEST_CASE("DriverProtections.EscapeTextTail: bytes behind the zero are zero", "[negative]") {
  Escapes stage;
  abi::EventReport report = MakeReport(kTell);
  report.last_reason[67] = 0;
  report.last_reason[66] = 'x';
  stage.CheckNotKept(report);
}

TEST_CASE("DriverProtections.EscapeBounded: a device keeps its newest 65 reports", "[negative]") {
  Escapes stage;
  Process other(stage.kernel.get());
  const runtime::Device& device = other.app.device();
  device.video_functions().pfnDestroyCryptoSession(device.driver_handle(), {nullptr});
  for (uint32_t i = 1; i <= 100; ++i) {
    REQUIRE(stage.Send(MakeReport(kTell, i << 16)) == S_OK);
  }
  const std::vector<runtime::EventReport>& reports = stage.kernel->EventReports();
  REQUIRE(reports.size() == 66);
  CHECK(reports[0].session == 0);  // the other device's
  CHECK(reports[1].session == 36u << 16);
  CHECK(reports[65].session == 100u << 16);
}

}  // namespace
}  // namespace ward::test
