// The way to the security processor: one message at a time, each waited for.
#ifndef WARD_UMD_MESSAGE_CHANNEL_H_
#define WARD_UMD_MESSAGE_CHANNEL_H_

#include <cstdint>

#include "abi/generated/messages.h"
#include "base/bytes.h"
#include "umd/answer_buffer.h"
#include "umd/command_writer.h"
#include "umd/event_log.h"
#include "umd/kernel_device.h"

namespace ward::umd {

class MessageChannel {
 public:
  MessageChannel(KernelDevice* kernel, CommandWriter* writer, AnswerBuffer* answers,
                 EventLog* events)
      : kernel_(kernel), writer_(writer), answers_(answers), events_(events) {}

  // Sends `request` and the variable part of its payload in the order of the command stream, waits
  // for the answer and copies its first bytes to `response`: a fixed part, then what fits of the
  // rest into `response_data`. Gives the HRESULT of the answer's status; both outputs are zero
  // unless it succeeded. An answer that breaks the contract removes the device.
  template <typename Request, typename Response>
  HRESULT Ask(uint32_t message, const Request& request, Response* response,
              ConstByteSpan request_data = {}, ByteSpan response_data = {}) {
    static_assert(sizeof(Response) >= sizeof(abi::ResponseHeader));
    return AskBytes(message, {reinterpret_cast<const uint8_t*>(&request), sizeof(request)},
                    request_data, {reinterpret_cast<uint8_t*>(response), sizeof(*response)},
                    response_data, false);
  }
  // The same for messages that may answer more than a header when they fail too: then the outputs
  // hold that.
  template <typename Request, typename Response>
  HRESULT AskEvenFailing(uint32_t message, const Request& request, Response* response,
                         ConstByteSpan request_data, ByteSpan response_data) {
    return AskBytes(message, {reinterpret_cast<const uint8_t*>(&request), sizeof(request)},
                    request_data, {reinterpret_cast<uint8_t*>(response), sizeof(*response)},
                    response_data, true);
  }

  // Most bytes of request_data and of response_data.
  static constexpr uint32_t kMaximumRequestData = 4096;
  static constexpr uint32_t kMaximumResponseData =
      AnswerBuffer::kResponseBytes - sizeof(abi::GetCertificateResponse);

 private:
  HRESULT AskBytes(uint32_t message, ConstByteSpan request, ConstByteSpan request_data,
                   ByteSpan response, ByteSpan response_data, bool reads_failures);
  HRESULT Submit(uint32_t message, ConstByteSpan request, ConstByteSpan request_data);
  // S_OK for an answer that keeps the contract, whatever its status.
  HRESULT CheckAnswer(uint32_t message, const abi::ResponseHeader& header, size_t fixed_bytes);

  KernelDevice* kernel_;
  CommandWriter* writer_;
  AnswerBuffer* answers_;
  EventLog* events_;
};

}  // namespace ward::umd

#endif  // WARD_UMD_MESSAGE_CHANNEL_H_
