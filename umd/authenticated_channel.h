// An authenticated channel as the driver keeps it: the device's number for it. Keys, MACs and
// sequence numbers are the device's (R18); the driver carries bytes.
#ifndef WARD_UMD_AUTHENTICATED_CHANNEL_H_
#define WARD_UMD_AUTHENTICATED_CHANNEL_H_

#include <cstdint>

#include "base/bytes.h"
#include "umd/ddi/content_protection.h"
#include "umd/driver_object.h"

namespace ward::umd {

class AuthenticatedChannel : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kAuthenticatedChannel;

  explicit AuthenticatedChannel(Device* device) : DriverObject(device, kKind) {}

  // Every result is the HRESULT of the device's answer (abi/status.toml), or of the way to it.
  // D3DDDIERR_NOTAVAILABLE for a device without channels or of another type.
  HRESULT Open(D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE type);
  HRESULT Close();
  // Any size up to MessageChannel::kMaximumRequestData goes to the device, which judges it.
  HRESULT NegotiateKey(ConstByteSpan blob);
  // `output` receives what the device answers, on failure too; else it stays as it was.
  HRESULT Query(ConstByteSpan input, ByteSpan output);
  HRESULT Configure(ConstByteSpan input, ByteSpan output);

  // hChannel: what every message of the channel carries (R4, R32).
  uint64_t handle() const { return handle_; }

 private:
  HRESULT CopyOutput(HRESULT result, uint32_t answered_bytes, ConstByteSpan answer,
                     ByteSpan output);

  uint32_t channel_ = 0;
  uint64_t handle_ = 0;
};

}  // namespace ward::umd

#endif  // WARD_UMD_AUTHENTICATED_CHANNEL_H_
