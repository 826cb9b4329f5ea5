#include "runtime/certificate.h"

namespace ward::runtime {

HRESULT Certificate::GetSize(uint32_t* size_bytes) const {
  UINT size = 0;
  device_->errors().Begin();
  device_->video_functions().pfnGetCertificateSize(device_->driver_handle(), &info_, &size);
  *size_bytes = size;
  return device_->errors().Take();
}

HRESULT Certificate::Read(ByteSpan certificate) const {
  uint32_t size_bytes = 0;
  const HRESULT result = GetSize(&size_bytes);
  if (FAILED(result)) return result;
  if (size_bytes == 0 || certificate.size() != size_bytes) return E_INVALIDARG;
  device_->errors().Begin();
  device_->video_functions().pfnGetCertificate(device_->driver_handle(), &info_, size_bytes,
                                               certificate.data());
  return device_->errors().Take();
}

}  // namespace ward::runtime
