#include "umd/trusted_application.h"

#include <algorithm>
#include <chrono>

#include "base/assert.h"

namespace ward::umd {

namespace {

constexpr uint64_t kNsPerTick = 100;

uint64_t NowTicks() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::nanoseconds(now).count()) / kNsPerTick;
}

}  // namespace

// What the way there and back takes is the time of the call without the function's own; a device
// whose time is virtual may have run longer than the call took.
HRESULT TrustedApplication::Call(uint32_t function, ConstByteSpan input, ByteSpan output,
                                 TrustedAnswer* answer) {
  WARD_ASSERT(output.size() <= kLargestDataBytes);
  const abi::CallTrustedRequest request = {session_.number(), function,
                                           static_cast<uint32_t>(input.size()),
                                           static_cast<uint32_t>(output.size())};
  abi::CallTrustedResponse response = {};
  *answer = {};
  const uint64_t begin = NowTicks();
  const HRESULT result =
      device_->messages().Ask(abi::kMessageCallTrusted, request, &response, input, output);
  if (FAILED(result)) return result;
  if (response.output_bytes != response.length_bytes - sizeof(response) ||
      response.output_bytes > output.size()) {
    std::fill(output.begin(), output.end(), uint8_t{0});
    return device_->events().Refuse("the device answered more than it was asked for");
  }
  const uint64_t elapsed = NowTicks() - begin;
  answer->drm_result = static_cast<HRESULT>(response.drm_result);
  answer->output_bytes = response.output_bytes;
  answer->execution_time = response.execution_ns / kNsPerTick;
  answer->transport_time = elapsed - std::min(elapsed, answer->execution_time);
  return result;
}

HRESULT TrustedApplication::GetNewKeyData(ConstByteSpan key_id, uint64_t* token) {
  abi::GetNewKeyDataRequest request = {session_.number(), {}, {}};
  WARD_ASSERT(key_id.size() == sizeof(request.key_id));
  std::copy(key_id.begin(), key_id.end(), request.key_id);
  abi::GetNewKeyDataResponse response = {};
  const HRESULT result = device_->messages().Ask(abi::kMessageGetNewKeyData, request, &response);
  *token = response.token;
  return result;
}

}  // namespace ward::umd
