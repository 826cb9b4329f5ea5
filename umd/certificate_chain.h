// The device's certificate chain (PKCS#7 certs-only, DER), read piece by piece.
#ifndef WARD_UMD_CERTIFICATE_CHAIN_H_
#define WARD_UMD_CERTIFICATE_CHAIN_H_

#include "abi/generated/messages.h"
#include "base/bytes.h"
#include "umd/ddi/content_protection.h"
#include "umd/device.h"

namespace ward::umd {

class CertificateChain {
 public:
  CertificateChain(Device* device, const D3D11_1DDI_CERTIFICATE_INFO& info);

  // 0 when there is none of this type.
  HRESULT GetSize(UINT* size_bytes);
  // The whole chain, or nothing when it does not fit; what is beyond it stays as it was. A chain
  // that can't be read to its end leaves zeros.
  HRESULT Read(ByteSpan certificate);

 private:
  HRESULT Ask(uint32_t offset, ByteSpan chunk, abi::GetCertificateResponse* response);

  Device* device_;
  abi::GetCertificateRequest request_ = {};
};

}  // namespace ward::umd

#endif  // WARD_UMD_CERTIFICATE_CHAIN_H_
