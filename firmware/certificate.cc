#include "firmware/certificate.h"

#include "firmware/guid.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kTypeCryptoSession = 2;  // D3D11_1DDI_CERTIFICATE_TYPE

// Authenticated channels (type 1) come with the messages that make them; until then they have none.
bool HasCertificate(const abi::GetCertificateRequest& request) {
  return request.certificate_type == kTypeCryptoSession && request.channel_type == 0 &&
         IsGuid(request.crypto_type, kAes128Ctr);
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
