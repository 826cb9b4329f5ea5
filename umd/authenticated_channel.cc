#include "umd/authenticated_channel.h"

#include <algorithm>

#include "abi/generated/messages.h"
#include "abi/generated/registers.h"
#include "base/rule.h"
#include "umd/ddi/status_codes.h"
#include "umd/device.h"

namespace ward::umd {

namespace {

// More than the longest message; the device ignores what lies behind a message's structure (R13).
constexpr size_t kForwardedBytes = 256;
static_assert(kForwardedBytes <= MessageChannel::kMaximumRequestData);
static_assert(sizeof(D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION) <= kForwardedBytes);
static_assert(sizeof(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT) <= kForwardedBytes);
constexpr size_t kLongestOutput = sizeof(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT);

ConstByteSpan ForwardedPart(ConstByteSpan input) {
  return input.first(std::min(input.size(), kForwardedBytes));
}

}  // namespace

HRESULT AuthenticatedChannel::Open(D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE type) {
  if (!device().adapter().Has(abi::kFeaturesAuthenticatedChannelMask)) {
    device().events().Count("CreateAuthenticatedChannel on a device without channels");
    return D3DDDIERR_NOTAVAILABLE;
  }
  const abi::CreateChannelRequest request = {
      static_cast<uint32_t>(type), WARD_BROKEN("R18.layout") ? 4u : uint32_t{sizeof(HANDLE)}};
  abi::CreateChannelResponse response = {};
  const HRESULT result = device().messages().Ask(abi::kMessageCreateChannel, request, &response);
  channel_ = response.channel;
  handle_ = response.handle;
  return result;
}

HRESULT AuthenticatedChannel::Close() {
  const abi::DestroyChannelRequest request = {channel_, {}};
  abi::ResponseHeader response = {};
  return device().messages().Ask(abi::kMessageDestroyChannel, request, &response);
}

HRESULT AuthenticatedChannel::NegotiateKey(ConstByteSpan blob) {
  const abi::NegotiateChannelKeyRequest request = {channel_, static_cast<uint32_t>(blob.size())};
  abi::ResponseHeader response = {};
  return device().messages().Ask(abi::kMessageNegotiateChannelKey, request, &response, blob);
}

HRESULT AuthenticatedChannel::Query(ConstByteSpan input, ByteSpan output) {
  const ConstByteSpan forwarded = ForwardedPart(input);
  const abi::QueryChannelRequest request = {
      channel_, static_cast<uint32_t>(forwarded.size()), static_cast<uint32_t>(output.size()), {}};
  abi::QueryChannelResponse response = {};
  uint8_t answer[kLongestOutput];
  const HRESULT result = device().messages().AskEvenFailing(abi::kMessageQueryChannel, request,
                                                            &response, forwarded, answer);
  return CopyOutput(result, response.output_bytes, answer, output);
}

HRESULT AuthenticatedChannel::Configure(ConstByteSpan input, ByteSpan output) {
  const ConstByteSpan forwarded = ForwardedPart(input);
  const abi::ConfigureChannelRequest request = {
      channel_, static_cast<uint32_t>(forwarded.size()), {}};
  abi::ConfigureChannelResponse response = {};
  uint8_t answer[sizeof(D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT)];
  const HRESULT result = device().messages().AskEvenFailing(abi::kMessageConfigureChannel, request,
                                                            &response, forwarded, answer);
  return CopyOutput(result, response.output_bytes, answer, output);
}

HRESULT AuthenticatedChannel::CopyOutput(HRESULT result, uint32_t answered_bytes,
                                         ConstByteSpan answer, ByteSpan output) {
  if (answered_bytes > answer.size() || answered_bytes > output.size()) {
    device().kernel().MarkRemoved("a channel message's answer is too long");
    return D3DDDIERR_DEVICEREMOVED;
  }
  std::copy_n(answer.begin(), answered_bytes, output.begin());
  return result;
}

}  // namespace ward::umd
