#include "umd/certificate_chain.h"

#include <algorithm>
#include <cstring>

#include "base/planted_bug.h"
#include "base/rule.h"
#include "umd/ddi/status_codes.h"

namespace ward::umd {
namespace {

// Some hundred certificates; an application makes room for as much as the device says.
constexpr uint32_t kMaximumBytes = 128 << 10;

}  // namespace

CertificateChain::CertificateChain(Device* device, const D3D11_1DDI_CERTIFICATE_INFO& info)
    : device_(device) {
  request_.certificate_type = static_cast<uint32_t>(info.CertificateType);
  if (info.CertificateType == D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL) {
    request_.channel_type = static_cast<uint32_t>(info.ChannelType);
  } else if (info.CertificateType == D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION) {
    std::memcpy(request_.crypto_type, &info.CryptoSessionType, sizeof(request_.crypto_type));
  }
}

HRESULT CertificateChain::GetSize(UINT* size_bytes) {
  abi::GetCertificateResponse response = {};
  const HRESULT result = Ask(0, {}, &response);
  *size_bytes = 0;
  if (FAILED(result)) return result;
  if (response.total_bytes > kMaximumBytes && !HasPlantedBug(PlantedBug::kChainSizeBelieved)) {
    return device_->events().Refuse("the device's certificate chain is too long to be one");
  }
  *size_bytes = response.total_bytes;
  return S_OK;
}

HRESULT CertificateChain::Read(ByteSpan certificate) {
  UINT total = 0;
  const HRESULT size_result = GetSize(&total);
  if (FAILED(size_result)) return size_result;
  if (WARD_RULE("4.3.whole_or_nothing", certificate.size() < total)) {
    return device_->events().Refuse("GetCertificate with a buffer that is too small");
  }
  uint32_t offset = 0;
  while (offset < total) {
    const uint32_t wanted = std::min(total - offset, MessageChannel::kMaximumResponseData);
    abi::GetCertificateResponse response = {};
    HRESULT result = Ask(offset, certificate.subspan(offset, wanted), &response);
    if (SUCCEEDED(result) && response.chunk_bytes != wanted) {
      result = device_->events().Refuse("the device gave another part of its certificate");
    }
    if (FAILED(result)) {
      std::fill_n(certificate.begin(), total, uint8_t{0});
      return result;
    }
    offset += wanted;
  }
  return S_OK;
}

HRESULT CertificateChain::Ask(uint32_t offset, ByteSpan chunk,
                              abi::GetCertificateResponse* response) {
  request_.offset_bytes = offset;
  request_.capacity_bytes = static_cast<uint32_t>(chunk.size());
  return device_->messages().Ask(abi::kMessageGetCertificate, request_, response, {}, chunk);
}

}  // namespace ward::umd
