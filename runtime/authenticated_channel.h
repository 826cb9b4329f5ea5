// ID3D11AuthenticatedChannel. Made by VideoDevice::CreateAuthenticatedChannel; ends before its
// device.
#ifndef WARD_RUNTIME_AUTHENTICATED_CHANNEL_H_
#define WARD_RUNTIME_AUTHENTICATED_CHANNEL_H_

#include <cstdint>

#include "base/bytes.h"
#include "runtime/certificate.h"
#include "runtime/device.h"
#include "runtime/private_memory.h"
#include "umd/ddi/content_protection.h"

namespace ward::runtime {

class AuthenticatedChannel {
 public:
  ~AuthenticatedChannel();
  AuthenticatedChannel(const AuthenticatedChannel&) = delete;
  AuthenticatedChannel& operator=(const AuthenticatedChannel&) = delete;

  // Bytes of the certificate chain; 0 when the driver has none for this channel type.
  HRESULT GetCertificateSize(uint32_t* size_bytes) {
    return CertificateOfType().GetSize(size_bytes);
  }
  // PKCS#7 certs-only, DER. E_INVALIDARG for a buffer that is not as long as GetCertificateSize
  // says.
  HRESULT GetCertificate(ByteSpan certificate) { return CertificateOfType().Read(certificate); }
  // What the driver wrote into hChannel at creation.
  HANDLE GetChannelHandle() const { return description_.hChannel; }

  D3D11_1DDI_HAUTHCHANNEL driver_handle() const { return {memory_.get()}; }
  Device& device() { return *device_; }

 private:
  friend class VideoDevice;
  AuthenticatedChannel(Device* device, D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE type)
      : device_(device), description_{type, nullptr} {}
  HRESULT CreateInDriver();
  Certificate CertificateOfType() const;

  Device* device_;
  D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL description_;
  PrivateMemory memory_;
  bool exists_ = false;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_AUTHENTICATED_CHANNEL_H_
