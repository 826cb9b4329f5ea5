// A crypto session as the driver keeps it: the device's number for it and what was last sent. No
// key is here, only ciphertext of keys.
#ifndef WARD_UMD_CRYPTO_SESSION_H_
#define WARD_UMD_CRYPTO_SESSION_H_

#include <cstdint>

#include "base/bytes.h"
#include "umd/ddi/content_protection.h"
#include "umd/driver_object.h"
#include "umd/event_log.h"

namespace ward::umd {

class Resource;

// QUERY_SESSION.state of a session whose keys can be used.
inline constexpr uint32_t kSessionKeyed = 1;

// Bytes of every key and counter block of AES-128-CTR.
inline constexpr uint32_t kKeyBytes = 16;

class CryptoSession : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kCryptoSession;

  explicit CryptoSession(Device* device) : DriverObject(device, kKind) {}

  // Every result is the HRESULT of the device's answer (abi/status.toml), or of the way to it.
  HRESULT Open(const D3D11_1DDIARG_CREATECRYPTOSESSION& arguments);
  HRESULT Close();
  // Of key exchange HW_PROTECTION.
  bool is_hardware() const { return is_hardware_; }
  // The device's number for it.
  uint32_t number() const { return session_; }
  // OK, lost key, or lost key and content: also when the device that could tell is gone. The
  // HRESULT of asking, for who wants to know.
  HRESULT CheckStatus(D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS* status);
  // Any size up to MessageChannel::kMaximumRequestData goes to the device, which judges it.
  HRESULT NegotiateKey(ConstByteSpan blob);
  // kKeyBytes of random number; zeros unless it succeeds.
  HRESULT StartKeyRefresh(ByteSpan random_number);
  // In the order of the command stream: what was appended before keeps the old key.
  HRESULT FinishKeyRefresh();
  // kKeyBytes of wrapped key; zeros unless it succeeds.
  HRESULT GetReadbackKey(ByteSpan wrapped_key);

  // `content_key` is empty for the session key, `pattern` null when all is encrypted; `iv` has
  // kKeyBytes. Appends commands; what the device refuses later leaves the destination untouched.
  HRESULT Decrypt(const Resource& source, const Resource& destination,
                  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern, ConstByteSpan content_key,
                  ConstByteSpan iv);
  // Waits for the device. `iv` receives kKeyBytes; zeros when the device refused.
  HRESULT Encrypt(const Resource& source, const Resource& destination, ByteSpan iv);

  // Asks the device what it refused of the blts since the last time, if there were any, and
  // notes it. Waits for them.
  void FetchRefusals();

  // Makes the device's content key for this session the one that the session key wraps (kKeyBytes),
  // or the one that was imported under `key_id`.
  HRESULT UseContentKey(ConstByteSpan wrapped_key);
  HRESULT SelectKey(const GUID& key_id);
  // Which keys the device has for this session: another number for each that came.
  struct KeySerials {
    uint32_t content_key = 0;
    uint32_t session_key = 0;
  };
  const KeySerials& serials() const { return serials_; }
  // UseContentKey again when another content key came since `serials`. E_INVALIDARG when the
  // session key is another one by now: what the earlier one wrapped can't be unwrapped any more.
  HRESULT RestoreContentKey(ConstByteSpan wrapped_key, const KeySerials& serials);
  // A blt in the session's name was appended elsewhere: what the device refuses is asked for later.
  void NoteBlt() { has_unseen_blts_ = true; }

  // The value that the application gets (R4).
  uint64_t handle() const { return handle_; }
  EventCount* events() { return &events_; }

 private:
  friend class CryptoSessionList;

  // The session key is another one: what wrapped content keys mean now is another key.
  void NoteNewSessionKey();

  CryptoSession* next_ = nullptr;  // in the device's list
  uint32_t session_ = 0;
  uint64_t handle_ = 0;
  EventCount events_;
  bool has_unseen_blts_ = false;
  bool is_hardware_ = false;
  bool has_content_key_ = false;  // the device has wrapped_content_key_, and it is still wrapped so
  bool is_refresh_pending_ = false;  // StartKeyRefresh, and no new key since
  KeySerials serials_;
  uint8_t wrapped_content_key_[kKeyBytes] = {};
};

// The sessions of a device, which a decoder finds by their numbers.
class CryptoSessionList {
 public:
  void Add(CryptoSession* session);
  void Remove(CryptoSession* session);
  // Whether a session that was not closed lives at that address. Looks at the list, not there.
  bool Contains(const void* address) const;
  // FetchRefusals of each.
  void FetchRefusals() const;
  // Null when the device has no session of that number.
  CryptoSession* Find(uint32_t number) const;

 private:
  CryptoSession* first_ = nullptr;
};

}  // namespace ward::umd

#endif  // WARD_UMD_CRYPTO_SESSION_H_
