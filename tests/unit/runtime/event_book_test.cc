#include "runtime/event_book.h"

#include <cstring>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"

namespace ward::runtime {
namespace {

constexpr uint32_t kSessionCount = 64;

abi::EventReport MakeReport(uint32_t session, uint32_t driver_events = 1) {
  abi::EventReport report = {};
  report.escape = 2;
  report.session = session;
  report.driver_events = driver_events;
  std::memcpy(report.last_reason, "why", 3);
  return report;
}

TEST_CASE("a report says who refused what, and why the last time") {
  CHECK(EventReport{1, 0, 2, 0, 0, 0, "why"}.Text() ==
        "no session: 2 refused by the driver, last: why");
  CHECK(EventReport{1, 0x10002, 0, 1, abi::kStatusSessionNoKey, 0, ""}.Text() ==
        "session 0x10002: 1 refused by the device, last: SESSION_NO_KEY");
  CHECK(EventReport{1, 0x10002, 0, 1, 0xABCD, 0, ""}.Text() ==
        "session 0x10002: 1 refused by the device, last: status 0xabcd");
  CHECK(
      EventReport{1, 0x10002, 1, 0, 0, 4, "why"}.Text() ==
      "session 0x10002: 1 refused by the driver, last: why; 4 decryptions with counters of earlier "
      "ones");
}

TEST_CASE("one session of two devices is two sessions") {
  EventBook book(kSessionCount);
  REQUIRE(book.Tell(1, MakeReport(0x10000, 3)));
  REQUIRE(book.Tell(2, MakeReport(0x10000, 4)));
  abi::EventReport asked = MakeReport(0x10000, 0);
  REQUIRE(book.Ask(1, &asked));
  CHECK(asked.driver_events == 3);
  REQUIRE(book.Ask(2, &asked));
  CHECK(asked.driver_events == 4);
  CHECK_FALSE(book.Ask(3, &asked));
}

TEST_CASE("the index of a session is below the count of sessions") {
  EventBook book(kSessionCount);
  CHECK(book.Tell(1, MakeReport(0x10000 | (kSessionCount - 1))));
  CHECK_FALSE(book.Tell(1, MakeReport(0x10000 | kSessionCount)));
}

TEST_CASE("a full book loses its oldest report") {
  EventBook book(kSessionCount);
  for (uint32_t device = 1; device <= EventBook::kReports + 1; ++device) {
    REQUIRE(book.Tell(device, MakeReport(0)));
  }
  CHECK(book.reports().size() == EventBook::kReports);
  CHECK(book.reports().front().device == 2);
  CHECK(book.reports().back().device == EventBook::kReports + 1);
}

}  // namespace
}  // namespace ward::runtime
