#include "umd/message_channel.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "abi/generated/commands.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/planted_bug.h"
#include "umd/ddi/status_codes.h"

namespace ward::umd {

namespace {
constexpr size_t kLargestFixedRequest = 64;
}

HRESULT MessageChannel::AskBytes(uint32_t message, ConstByteSpan request,
                                 ConstByteSpan request_data, ByteSpan response,
                                 ByteSpan response_data, bool reads_failures) {
  std::fill(response.begin(), response.end(), uint8_t{0});
  std::fill(response_data.begin(), response_data.end(), uint8_t{0});
  HRESULT result = Submit(message, request, request_data);
  abi::ResponseHeader header = {};
  if (SUCCEEDED(result)) {
    result = answers_->Read(AnswerBuffer::kResponseOffset,
                            {reinterpret_cast<uint8_t*>(&header), sizeof(header)});
  }
  if (SUCCEEDED(result)) result = CheckAnswer(message, header, response.size());
  if (FAILED(result)) return result;
  const auto answer = static_cast<HRESULT>(abi::StatusHresult(header.status));
  const bool is_read =
      SUCCEEDED(answer) || (reads_failures && header.length_bytes >= response.size());
  if (!is_read) return answer;
  result = answers_->Read(AnswerBuffer::kResponseOffset, response);
  const size_t sent = header.length_bytes - response.size();
  const size_t wanted = std::min(sent, response_data.size());
  if (SUCCEEDED(result) && wanted != 0) {
    result = answers_->Read(static_cast<uint32_t>(response.size()), response_data.first(wanted));
  }
  return FAILED(result) ? result : answer;
}

HRESULT MessageChannel::Submit(uint32_t message, ConstByteSpan request,
                               ConstByteSpan request_data) {
  WARD_ASSERT(request.size() <= kLargestFixedRequest);
  WARD_ASSERT(request_data.size() <= kMaximumRequestData);
  // An answer of an earlier message must not pass for this one's.
  const HRESULT result =
      answers_->Clear(AnswerBuffer::kResponseOffset, sizeof(abi::ResponseHeader));
  if (FAILED(result)) return result;
  uint8_t payload[kLargestFixedRequest + kMaximumRequestData];
  std::memcpy(payload, request.data(), request.size());
  if (!request_data.empty()) {
    const size_t more = HasPlantedBug(PlantedBug::kRequestReadPastEnd) ? 1 : 0;
    std::memcpy(payload + request.size(), request_data.data(), request_data.size() + more);
  }
  const size_t payload_bytes = request.size() + request_data.size();
  abi::SecurityMessageCommand command = {};
  command.message = message;
  command.payload_bytes = static_cast<uint32_t>(payload_bytes);
  command.response_capacity = AnswerBuffer::kResponseBytes;
  const AddressField address = {offsetof(abi::SecurityMessageCommand, response_address),
                                answers_->allocation(), AnswerBuffer::kResponseOffset, true};
  return writer_->Append(command, {&address, 1}, {payload, payload_bytes});
}

HRESULT MessageChannel::CheckAnswer(uint32_t message, const abi::ResponseHeader& header,
                                    size_t fixed_bytes) {
  const bool is_whole = header.message == message &&
                        header.length_bytes >= sizeof(abi::ResponseHeader) &&
                        header.length_bytes <= AnswerBuffer::kResponseBytes;
  const bool has_fixed_part = header.status != abi::kStatusOk || header.length_bytes >= fixed_bytes;
  if (!is_whole || !has_fixed_part) {
    kernel_->MarkRemoved("a security message was not answered");
    return D3DDDIERR_DEVICEREMOVED;
  }
  if (header.status != abi::kStatusOk) events_->Count(abi::StatusName(header.status));
  return S_OK;
}

}  // namespace ward::umd
