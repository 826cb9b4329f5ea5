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

void EventLog::NoteRefusals(EventCount* session, uint32_t refusal_count, uint32_t last_refusal) {
  if (WARD_BROKEN("R7.device_refusals")) return;
  if (refusal_count == session->refusal_count && last_refusal == session->last_refusal) return;
  session->refusal_count = refusal_count;
  session->last_refusal = last_refusal;
  if (listener_ != nullptr) listener_->OnEvent(*session);
}

}  // namespace ward::umd
