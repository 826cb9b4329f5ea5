// A message on its way through a handler. Private to the firmware.
#ifndef WARD_FIRMWARE_MESSAGE_H_
#define WARD_FIRMWARE_MESSAGE_H_

#include <cstdint>

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "firmware/firmware.h"
#include "firmware/platform.h"

namespace ward::firmware {

struct Call {
  Platform* platform;
  State* state;
  const MessageInfo& message;
};

using Handler = Answer (*)(const Call& call);

inline Answer Refuse(uint32_t status) { return {status, sizeof(abi::ResponseHeader)}; }
inline Answer Succeed() { return {abi::kStatusOk, sizeof(abi::ResponseHeader)}; }

// The fixed part of the payload. Its length was checked before the handler was entered.
template <typename Request>
Request ReadRequest(const Call& call) {
  Request request;
  const bool read = call.platform->ReadPayload(0, &request, sizeof(request));
  WARD_ASSERT(read);
  return request;
}

// Writes what follows the header; `extra_bytes` more were written behind the fixed part.
template <typename Response>
Answer SucceedWith(const Call& call, const Response& response, uint32_t extra_bytes = 0) {
  constexpr uint32_t kHeader = sizeof(abi::ResponseHeader);
  const bool written =
      call.platform->WriteResponse(kHeader, reinterpret_cast<const uint8_t*>(&response) + kHeader,
                                   static_cast<uint32_t>(sizeof(response)) - kHeader);
  WARD_ASSERT(written);
  return {abi::kStatusOk, static_cast<uint32_t>(sizeof(response)) + extra_bytes};
}

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_MESSAGE_H_
