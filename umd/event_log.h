// What the driver did not do, for people who debug: a function of the DDI that returns nothing has
// no other way to say so (R7). Counted for the session that a call names, or for the device.
#ifndef WARD_UMD_EVENT_LOG_H_
#define WARD_UMD_EVENT_LOG_H_

#include <cstdint>

#include "umd/ddi/status_codes.h"

namespace ward::umd {

// QUERY_SESSION's counts: what the device refused of a session later, and what it took although the
// counters repeat (R21).
struct DeviceEvents {
  uint32_t refusal_count = 0;
  uint32_t last_refusal = 0;  // a status
  uint32_t iv_repeats = 0;

  friend bool operator==(const DeviceEvents&, const DeviceEvents&) = default;
};

// What was refused for one session, or for the device where a call named no session of it.
struct EventCount {
  uint32_t session = 0;  // the device's number for it; 0: the device
  uint32_t count = 0;    // calls that the driver refused; stays at its greatest value
  const char* last_reason = "";
  DeviceEvents by_device;  // as last seen
};

// Who is told of each change: the kernel.
class EventListener {
 public:
  virtual void OnEvent(const EventCount& events) = 0;

 protected:
  ~EventListener() = default;
};

class EventLog {
 public:
  void set_listener(EventListener* listener) { listener_ = listener; }

  // Counts for the session that is named now. `reason` is a string literal.
  void Count(const char* reason);
  // Counts and gives the HRESULT for those callers that can return one.
  HRESULT Refuse(const char* reason);
  // What the device says of a session.
  void NoteDeviceEvents(EventCount* session, const DeviceEvents& seen);

  // Of the device and all its sessions.
  uint32_t count() const { return count_; }
  const char* last_reason() const { return last_reason_; }

 private:
  friend class EventScope;

  EventListener* listener_ = nullptr;
  EventCount device_;
  EventCount* session_ = nullptr;  // of the call that runs; null: it named none
  uint32_t count_ = 0;             // stays at its greatest value
  const char* last_reason_ = "";
};

// While it lives, events are the session's.
class EventScope {
 public:
  // `log` may be null: then it does nothing. `session` may be null: events are the device's. It
  // outlives all but the destructor.
  EventScope(EventLog* log, EventCount* session) : log_(log) { Name(session); }
  ~EventScope() { Name(nullptr); }
  EventScope(const EventScope&) = delete;
  EventScope& operator=(const EventScope&) = delete;

 private:
  void Name(EventCount* session) {
    if (log_ != nullptr) log_->session_ = session;
  }

  EventLog* log_;
};

}  // namespace ward::umd

#endif  // WARD_UMD_EVENT_LOG_H_
