// The crypto session that a call of the DDI names. What is refused while this lives is counted for
// it, or for the device when there is no such session (R7).
#ifndef WARD_UMD_NAMED_SESSION_H_
#define WARD_UMD_NAMED_SESSION_H_

#include <cstddef>

#include "base/rule.h"
#include "umd/crypto_session.h"
#include "umd/device.h"

namespace ward::umd {

class NamedSession {
 public:
  // Counts an event when `handle` is no session of `device`, which may be null.
  NamedSession(Device* device, D3D11_1DDI_HCRYPTOSESSION handle)
      : session_(DriverObject::Find<CryptoSession>(device, handle.pDrvPrivate)),
        scope_(device != nullptr ? &device->events() : nullptr,
               session_ != nullptr ? session_->events() : nullptr) {
    if (session_ == nullptr && device != nullptr) {
      device->events().Count("not a crypto session's handle");
    }
  }

  CryptoSession* get() const { return session_; }
  CryptoSession* operator->() const { return session_; }
  bool operator==(std::nullptr_t) const { return session_ == nullptr; }

 private:
  CryptoSession* session_;
  EventScope scope_;
};

// For the functions that are not to be called on a session of HW_PROTECTION (DDI 9): such a session
// counts the call and is none.
class NamedOaepSession {
 public:
  NamedOaepSession(Device* device, D3D11_1DDI_HCRYPTOSESSION handle) : named_(device, handle) {
    if (named_ == nullptr) return;
    if (WARD_RULE("hw.not_called", named_->is_hardware())) {
      device->events().Count("function not for a session of HW_PROTECTION");
    } else {
      session_ = named_.get();
    }
  }

  CryptoSession* operator->() const { return session_; }
  bool operator==(std::nullptr_t) const { return session_ == nullptr; }

 private:
  NamedSession named_;
  CryptoSession* session_ = nullptr;
};

}  // namespace ward::umd

#endif  // WARD_UMD_NAMED_SESSION_H_
