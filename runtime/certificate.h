// GetCertificateSize and GetCertificate of sessions and channels: one driver call for both.
#ifndef WARD_RUNTIME_CERTIFICATE_H_
#define WARD_RUNTIME_CERTIFICATE_H_

#include <cstdint>

#include "base/bytes.h"
#include "runtime/device.h"
#include "umd/ddi/content_protection.h"

namespace ward::runtime {

class Certificate {
 public:
  Certificate(Device* device, const D3D11_1DDI_CERTIFICATE_INFO& info)
      : device_(device), info_(info) {}

  // 0 when the driver has none.
  HRESULT GetSize(uint32_t* size_bytes) const;
  // PKCS#7 certs-only, DER. E_INVALIDARG for a buffer that is not as long as GetSize says.
  HRESULT Read(ByteSpan certificate) const;

 private:
  Device* device_;
  D3D11_1DDI_CERTIFICATE_INFO info_;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_CERTIFICATE_H_
