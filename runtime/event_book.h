// What user-mode drivers told of calls that were refused, for tools (R7). Drivers are processes'
// code: what they tell is bounded and fit to be printed, or is not kept.
#ifndef WARD_RUNTIME_EVENT_BOOK_H_
#define WARD_RUNTIME_EVENT_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "abi/generated/private_data.h"

namespace ward::runtime {

struct EventReport {
  uint32_t device;         // of one process: kmd::DeviceHandle
  uint32_t session;        // number at the security processor; 0: the device
  uint32_t driver_events;  // calls that the user-mode driver refused
  uint32_t refusal_count;  // commands that the device refused
  uint32_t last_refusal;   // status of the last of those, 0 when there was none
  uint32_t iv_repeats;     // decryptions whose counters were used before (R21)
  std::string last_reason;

  // One line for people.
  std::string Text() const;
};

class EventBook {
 public:
  // A device that tells more than these loses its oldest, and so does the book.
  static constexpr size_t kReportsOfDevice = 65;
  static constexpr size_t kReports = 1024;

  explicit EventBook(uint32_t session_count) : session_count_(session_count) {}

  // Keeps the report in place of an earlier one of the same session. False for one that does not
  // hold: reserved bytes, a session that can't be, text that is not ended or not printable.
  bool Tell(uint32_t device, const abi::EventReport& report);
  // Fills in what the device told of `report->session`; false when it told nothing.
  bool Ask(uint32_t device, abi::EventReport* report) const;

  // In the order of their last change. They outlast their devices.
  const std::vector<EventReport>& reports() const { return reports_; }

 private:
  bool IsSound(const abi::EventReport& report) const;
  void MakeRoom(uint32_t device);

  uint32_t session_count_;
  std::vector<EventReport> reports_;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_EVENT_BOOK_H_
