#include "umd/authenticated_channel_ddi.h"

#include <new>

#include "base/rule.h"
#include "umd/authenticated_channel.h"
#include "umd/ddi/status_codes.h"
#include "umd/device.h"

namespace ward::umd {

namespace {

AuthenticatedChannel* FindChannel(Device* device, D3D11_1DDI_HAUTHCHANNEL handle) {
  auto* channel = DriverObject::Find<AuthenticatedChannel>(device, handle.pDrvPrivate);
  if (channel == nullptr && device != nullptr) {
    device->events().Count("not an authenticated channel's handle");
  }
  return channel;
}

SIZE_T APIENTRY CalcPrivateAuthenticatedChannelSize(
    D3D10DDI_HDEVICE, const D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL*) {
  return sizeof(AuthenticatedChannel);
}

HRESULT APIENTRY CreateAuthenticatedChannel(D3D10DDI_HDEVICE hDevice,
                                            D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL* arguments,
                                            D3D11_1DDI_HAUTHCHANNEL hAuthChannel,
                                            D3D11_1DDI_HRTAUTHCHANNEL) {
  Device* device = Device::From(hDevice);
  if (arguments != nullptr) arguments->hChannel = nullptr;
  if (device == nullptr || arguments == nullptr || hAuthChannel.pDrvPrivate == nullptr) {
    return E_INVALIDARG;
  }
  auto* channel = new (hAuthChannel.pDrvPrivate) AuthenticatedChannel(device);
  const HRESULT result = channel->Open(arguments->ChannelType);
  if (FAILED(result)) {
    channel->~AuthenticatedChannel();
    return result;
  }
  if (WARD_BROKEN("4.7.writes_handle")) return result;
  arguments->hChannel = reinterpret_cast<HANDLE>(static_cast<UINT_PTR>(channel->handle()));
  return result;
}

void APIENTRY DestroyAuthenticatedChannel(D3D10DDI_HDEVICE hDevice,
                                          D3D11_1DDI_HAUTHCHANNEL hAuthChannel) {
  Device* device = Device::From(hDevice);
  AuthenticatedChannel* channel = FindChannel(device, hAuthChannel);
  if (channel == nullptr) return;
  if (!WARD_BROKEN("4.7.destroy")) device->Report(channel->Close());
  channel->~AuthenticatedChannel();
}

HRESULT APIENTRY NegotiateAuthenticatedChannelKeyExchange(D3D10DDI_HDEVICE hDevice,
                                                          D3D11_1DDI_HAUTHCHANNEL hAuthChannel,
                                                          UINT size, void* data) {
  Device* device = Device::From(hDevice);
  AuthenticatedChannel* channel = FindChannel(device, hAuthChannel);
  if (channel == nullptr) return E_INVALIDARG;
  // The device refuses an empty blob as it does a wrong one, and takes as long.
  const bool has_blob = data != nullptr && size <= MessageChannel::kMaximumRequestData;
  if (!has_blob && WARD_BROKEN("4.7.data")) return S_OK;
  ConstByteSpan blob;
  if (has_blob) blob = {static_cast<const uint8_t*>(data), size};
  return channel->NegotiateKey(blob);
}

HRESULT APIENTRY QueryAuthenticatedChannel(D3D10DDI_HDEVICE hDevice,
                                           D3D11_1DDI_HAUTHCHANNEL hAuthChannel, UINT input_size,
                                           const void* input, UINT output_size, void* output) {
  Device* device = Device::From(hDevice);
  AuthenticatedChannel* channel = FindChannel(device, hAuthChannel);
  if (channel == nullptr) return E_INVALIDARG;
  if (input == nullptr ||
      WARD_RULE("8.3.order.header_key",
                input_size < sizeof(D3D11_1DDI_AUTHENTICATED_QUERY_INPUT)) ||
      output == nullptr || output_size < sizeof(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT)) {
    if (WARD_BROKEN("8.3.header")) return S_OK;
    return device->events().Refuse("QueryAuthenticatedChannel without room for a header");
  }
  return channel->Query({static_cast<const uint8_t*>(input), input_size},
                        {static_cast<uint8_t*>(output), output_size});
}

HRESULT APIENTRY ConfigureAuthenticatedChannel(D3D10DDI_HDEVICE hDevice,
                                               D3D11_1DDI_HAUTHCHANNEL hAuthChannel,
                                               UINT input_size, const void* input,
                                               D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT* output) {
  Device* device = Device::From(hDevice);
  AuthenticatedChannel* channel = FindChannel(device, hAuthChannel);
  if (channel == nullptr) return E_INVALIDARG;
  if (input == nullptr ||
      WARD_RULE("8.2.order.header_key",
                input_size < sizeof(D3D11_1DDI_AUTHENTICATED_CONFIGURE_INPUT)) ||
      output == nullptr) {
    if (WARD_BROKEN("8.2.header")) return S_OK;
    return device->events().Refuse("ConfigureAuthenticatedChannel without room for a header");
  }
  return channel->Configure({static_cast<const uint8_t*>(input), input_size},
                            {reinterpret_cast<uint8_t*>(output), sizeof(*output)});
}

}  // namespace

void FillAuthenticatedChannelFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions) {
  functions->pfnCalcPrivateAuthenticatedChannelSize = CalcPrivateAuthenticatedChannelSize;
  functions->pfnCreateAuthenticatedChannel = CreateAuthenticatedChannel;
  functions->pfnDestroyAuthenticatedChannel = DestroyAuthenticatedChannel;
  functions->pfnNegotiateAuthenticatedChannelKeyExchange = NegotiateAuthenticatedChannelKeyExchange;
  functions->pfnQueryAuthenticatedChannel = QueryAuthenticatedChannel;
  functions->pfnConfigureAuthenticatedChannel = ConfigureAuthenticatedChannel;
}

}  // namespace ward::umd
