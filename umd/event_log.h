// What the driver did not do, for people who debug: a function of the DDI that returns nothing has
// no other way to say so (R7).
#ifndef WARD_UMD_EVENT_LOG_H_
#define WARD_UMD_EVENT_LOG_H_

#include <cstdint>

#include "umd/ddi/status_codes.h"

namespace ward::umd {

class EventLog {
 public:
  // `reason` is a string literal.
  void Count(const char* reason) {
    if (count_ != UINT32_MAX) ++count_;
    last_reason_ = reason;
  }

  // Counts and gives the HRESULT for those callers that can return one.
  HRESULT Refuse(const char* reason) {
    Count(reason);
    return E_INVALIDARG;
  }

  uint32_t count() const { return count_; }
  const char* last_reason() const { return last_reason_; }

 private:
  uint32_t count_ = 0;  // stays at its greatest value
  const char* last_reason_ = "";
};

}  // namespace ward::umd

#endif  // WARD_UMD_EVENT_LOG_H_
