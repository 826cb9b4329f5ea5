// ID3D11CryptoSession. Made by VideoDevice::CreateCryptoSession; ends before its device.
#ifndef WARD_RUNTIME_CRYPTO_SESSION_H_
#define WARD_RUNTIME_CRYPTO_SESSION_H_

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "runtime/certificate.h"
#include "runtime/device.h"
#include "runtime/private_memory.h"
#include "umd/ddi/content_protection.h"
#include "umd/ddi/guids.h"  // IWYU pragma: export

namespace ward::runtime {

class CryptoSession {
 public:
  ~CryptoSession();
  CryptoSession(const CryptoSession&) = delete;
  CryptoSession& operator=(const CryptoSession&) = delete;

  GUID GetCryptoType() const { return description_.CryptoType; }
  GUID GetDecoderProfile() const { return description_.DecodeProfile; }
  // Bytes of the certificate chain; 0 when the driver has none for this crypto type.
  HRESULT GetCertificateSize(uint32_t* size_bytes) {
    return CertificateOfType().GetSize(size_bytes);
  }
  // PKCS#7 certs-only, DER. E_INVALIDARG for a buffer that is not as long as GetCertificateSize
  // says.
  HRESULT GetCertificate(ByteSpan certificate) { return CertificateOfType().Read(certificate); }
  // An opaque value for authenticated-channel messages.
  HRESULT GetCryptoSessionHandle(HANDLE* handle);
  // ID3D11VideoContext1's questions about a session; they need a device with a WDDM 2.x table, and
  // answer E_NOTIMPL without. OK, or what was lost: also when the device is.
  HRESULT CheckStatus(D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS* status);
  // GetDataForNewHardwareKey: what the import of the key of this name has to carry.
  HRESULT GetDataForNewHardwareKey(ConstByteSpan private_input, uint64_t* private_output);

  D3D11_1DDI_HCRYPTOSESSION driver_handle() const { return {memory_.get()}; }
  Device& device() { return *device_; }

 private:
  friend class VideoDevice;
  CryptoSession(Device* device, const D3D11_1DDIARG_CREATECRYPTOSESSION& description)
      : device_(device), description_(description) {}
  HRESULT CreateInDriver();
  Certificate CertificateOfType() const;

  Device* device_;
  D3D11_1DDIARG_CREATECRYPTOSESSION description_;
  PrivateMemory memory_;
  bool exists_ = false;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_CRYPTO_SESSION_H_
