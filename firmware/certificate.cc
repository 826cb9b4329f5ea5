#include "firmware/certificate.h"

#include "base/rule.h"
#include "firmware/authenticated_channel.h"
#include "firmware/guid.h"

namespace ward::firmware {
namespace {

// D3D11_1DDI_CERTIFICATE_TYPE.
constexpr uint32_t kTypeChannel = 1;
constexpr uint32_t kTypeCryptoSession = 2;

// One chain serves sessions and channels.
bool HasCertificate(const abi::GetCertificateRequest& request) {
  if (request.certificate_type == kTypeChannel) {
    return WARD_BROKEN("4.3.channel_type") ||
           (!WARD_BROKEN("4.3.channel") && IsChannelType(request.channel_type) &&
            IsGuid(request.crypto_type, kNullGuid));
  }
  return request.certificate_type == kTypeCryptoSession && request.channel_type == 0 &&
         (WARD_BROKEN("4.3.crypto_type") || IsGuid(request.crypto_type, kAes128Ctr));
}

}  // namespace

Answer HandleGetCertificate(const Call& call) {
  const auto request = ReadRequest<abi::GetCertificateRequest>(call);
  if (!HasCertificate(request)) return Refuse(abi::kStatusCertificateUnavailable);
  const uint32_t total = call.platform->CertificateBytes();
  if (request.offset_bytes > total) return Refuse(abi::kStatusOperandInvalid);

  abi::GetCertificateResponse response = {};
  const uint32_t rest = total - request.offset_bytes;
  response.total_bytes = total;
  response.chunk_bytes = request.capacity_bytes < rest ? request.capacity_bytes : rest;
  const uint32_t room = call.message.response_capacity - static_cast<uint32_t>(sizeof(response));
  if (response.chunk_bytes > room) return Refuse(abi::kStatusResponseTooSmall);
  const bool copied =
      call.platform->CopyCertificate(request.offset_bytes, sizeof(response), response.chunk_bytes);
  WARD_ASSERT(copied);
  return SucceedWith(call, response, response.chunk_bytes);
}

}  // namespace ward::firmware
