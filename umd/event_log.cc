#include "umd/event_log.h"

#include "base/rule.h"

namespace ward::umd {

namespace {

void Increment(uint32_t* count) {
  if (*count != UINT32_MAX) ++*count;
}

}  // namespace

void EventLog::Count(const char* reason) {
  if (WARD_BROKEN("R7.count")) return;
  Increment(&count_);
  last_reason_ = reason;
  EventCount* events = session_ != nullptr ? session_ : &device_;
  if (WARD_BROKEN("R7.session")) events = &device_;
  Increment(&events->count);
  events->last_reason = reason;
  if (listener_ != nullptr) listener_->OnEvent(*events);
}

HRESULT EventLog::Refuse(const char* reason) {
  Count(reason);
  return E_INVALIDARG;
}

void EventLog::NoteDeviceEvents(EventCount* session, const DeviceEvents& seen) {
  if (WARD_BROKEN("R7.device_refusals") || seen == session->by_device) return;
  session->by_device = seen;
  if (listener_ != nullptr) listener_->OnEvent(*session);
}

}  // namespace ward::umd
