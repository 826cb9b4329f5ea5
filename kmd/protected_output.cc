#include "kmd/protected_output.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "kmd/command.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kHeaderBytes = sizeof(abi::ResponseHeader);
constexpr uint32_t kChunkBytes = 4096;  // of the certificate chain, in one message
// One chain serves all: it is asked for as a hardware channel's.
constexpr uint32_t kCertificateOfChannel = 1;
constexpr uint32_t kHardwareChannel = 3;

template <typename Structure>
ConstByteSpan Payload(const Structure& request) {
  return ConstByteSpan(reinterpret_cast<const uint8_t*>(&request), sizeof(request));
}

template <typename Structure>
ByteSpan AnswerOf(Structure* response) {
  return ByteSpan(reinterpret_cast<uint8_t*>(response), sizeof(*response)).subspan(kHeaderBytes);
}

Fault Invalid(const char* reason) { return {abi::kStatusInvalidArgument, reason}; }

}  // namespace

Result<uint32_t> ProtectedOutputs::GetCertificateSize() {
  uint32_t total_bytes = 0;
  WARD_TRY(GetChunk(0, {}, &total_bytes));
  if (total_bytes > kMaximumCertificateBytes) {
    return Fault{abi::kStatusDeviceGone, "the device's certificate chain is too long to be one"};
  }
  return total_bytes;
}

Result<void> ProtectedOutputs::GetCertificate(ByteSpan certificate) {
  WARD_ASSIGN_OR_RETURN(const uint32_t size_bytes, GetCertificateSize());
  if (certificate.size() != size_bytes) return Invalid("the chain has another size");
  for (uint32_t offset = 0; offset < size_bytes; offset += kChunkBytes) {
    const uint32_t chunk_bytes = std::min(kChunkBytes, size_bytes - offset);
    uint32_t total_bytes = 0;
    WARD_TRY(GetChunk(offset, certificate.subspan(offset, chunk_bytes), &total_bytes));
  }
  return {};
}

Result<void> ProtectedOutputs::GetChunk(uint32_t offset, ByteSpan chunk, uint32_t* total_bytes) {
  abi::GetCertificateRequest request{};
  request.certificate_type = kCertificateOfChannel;
  request.channel_type = kHardwareChannel;
  request.offset_bytes = offset;
  request.capacity_bytes = static_cast<uint32_t>(chunk.size());
  abi::GetCertificateResponse response{};
  const ByteSpan fixed = AnswerOf(&response);
  std::vector<uint8_t> answer(fixed.size() + chunk.size());
  WARD_TRY(kernel_queue_->Send(abi::kMessageGetCertificate, Payload(request), answer));
  std::copy_n(answer.begin(), fixed.size(), fixed.begin());
  *total_bytes = response.total_bytes;
  std::copy(answer.begin() + static_cast<ptrdiff_t>(fixed.size()), answer.end(), chunk.begin());
  return {};
}

Result<ProtectedOutputHandle> ProtectedOutputs::CreateProtectedOutput(uint32_t output,
                                                                      uint32_t semantics) {
  abi::CreateProtectedOutputRequest request{};
  request.output = output;
  request.semantics = semantics;
  abi::CreateProtectedOutputResponse response{};
  WARD_TRY(kernel_queue_->Send(abi::kMessageCreateProtectedOutput, Payload(request),
                               AnswerOf(&response)));
  return response.protected_output;
}

Result<void> ProtectedOutputs::GetRandomNumber(ProtectedOutputHandle handle, ByteSpan random) {
  if (random.size() != kRandomBytes) return Invalid("a random number has 16 bytes");
  abi::GetOutputRandomRequest request{};
  request.protected_output = handle;
  return kernel_queue_->Send(abi::kMessageGetOutputRandom, Payload(request), random);
}

Result<void> ProtectedOutputs::SetSigningKeyAndSequenceNumbers(ProtectedOutputHandle handle,
                                                               ConstByteSpan encrypted_parameters) {
  return SendBytes(abi::kMessageSetOutputKey, handle, encrypted_parameters, {});
}

Result<void> ProtectedOutputs::GetInformation(ProtectedOutputHandle handle,
                                              ConstByteSpan parameters, ByteSpan information) {
  if (information.size() != kInformationBytes) return Invalid("information has 4096 bytes");
  abi::GetOutputInformationResponse response{};
  const ByteSpan fixed = AnswerOf(&response);
  std::vector<uint8_t> answer(fixed.size() + information.size());
  WARD_TRY(SendBytes(abi::kMessageGetOutputInformation, handle, parameters, answer));
  std::copy(answer.begin() + static_cast<ptrdiff_t>(fixed.size()), answer.end(),
            information.begin());
  return {};
}

Result<void> ProtectedOutputs::ConfigureProtectedOutput(ProtectedOutputHandle handle,
                                                        ConstByteSpan parameters) {
  return SendBytes(abi::kMessageConfigureOutput, handle, parameters, {});
}

Result<void> ProtectedOutputs::DestroyProtectedOutput(ProtectedOutputHandle handle) {
  abi::DestroyProtectedOutputRequest request{};
  request.protected_output = handle;
  return kernel_queue_->Send(abi::kMessageDestroyProtectedOutput, Payload(request), {});
}

Result<void> ProtectedOutputs::SendBytes(uint32_t message, ProtectedOutputHandle handle,
                                         ConstByteSpan bytes, ByteSpan answer) {
  std::vector<uint8_t> payload(2 * sizeof(uint32_t));
  StoreLe(payload.data(), handle);
  StoreLe(payload.data() + sizeof(uint32_t), static_cast<uint32_t>(bytes.size()));
  payload.insert(payload.end(), bytes.begin(), bytes.end());
  return kernel_queue_->Send(message, payload, answer);
}

}  // namespace ward::kmd
