#include "umd/hardware_protection_ddi.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/rule.h"
#include "umd/ddi/guids.h"
#include "umd/ddi/status_codes.h"
#include "umd/named_session.h"
#include "umd/trusted_application.h"

namespace ward::umd {

namespace {

using ExchangeData = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_DATA;
using InputData = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA;
using OutputData = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA;

// What the caller wants to have from the function; private data has size 0 in both directions
// (GetCryptoSessionPrivateDataSize).
const char* FindFlaw(const InputData& input, const OutputData& output, UINT input_bytes) {
  if (WARD_RULE("hw.private_data", input.PrivateDataSize != 0 || output.PrivateDataSize != 0)) {
    return "private data of a size that the driver did not ask for";
  }
  if (input_bytes > MessageChannel::kMaximumRequestData) {
    return "more input than a message carries";
  }
  return nullptr;
}

// The data behind the structures, which end in the first bytes of it.
ConstByteSpan BytesOf(const InputData& input, UINT input_bytes) {
  return {reinterpret_cast<const uint8_t*>(&input) + offsetof(InputData, pbInput), input_bytes};
}
ByteSpan RoomOf(OutputData* output) {
  return {reinterpret_cast<uint8_t*>(output) + offsetof(OutputData, pbOutput),
          std::min(output->MaxHWProtectionDataSize, TrustedApplication::kLargestDataBytes)};
}

HRESULT APIENTRY GetDataForNewHardwareKey(D3D10DDI_HDEVICE hDevice,
                                          D3D11_1DDI_HCRYPTOSESSION hCryptoSession, UINT input_size,
                                          const void* input, UINT64* output) {
  if (output == nullptr) return E_INVALIDARG;
  *output = 0;
  Device* device = Device::From(hDevice);
  const NamedSession session(device, hCryptoSession);
  if (session == nullptr) return E_INVALIDARG;
  if (input == nullptr || WARD_RULE("hw.key_name_size", input_size != sizeof(GUID))) {
    return device->events().Refuse("GetDataForNewHardwareKey without the key's name");
  }
  return TrustedApplication(device, *session.get())
      .GetNewKeyData({static_cast<const uint8_t*>(input), sizeof(GUID)}, output);
}

// Only an answer of the device is a reason to say that a session is well. A device that is gone is
// an answer here and no error.
void APIENTRY CheckCryptoSessionStatus(D3D10DDI_HDEVICE hDevice,
                                       D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                       D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS* status) {
  if (status != nullptr) *status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
  Device* device = Device::From(hDevice);
  const NamedSession session(device, hCryptoSession);
  if (session == nullptr) return;
  if (status == nullptr) {
    device->events().Count("CheckCryptoSessionStatus without room for the status");
    return;
  }
  const HRESULT result = session->CheckStatus(status);
  if (result == E_OUTOFMEMORY || WARD_BROKEN("hw.status_answers")) device->Report(result);
}

// No data of the driver's own in either direction, for whatever is asked about.
void APIENTRY GetCryptoSessionPrivateDataSize(D3D10DDI_HDEVICE hDevice, const GUID* crypto_type,
                                              const GUID*, const GUID* exchange, UINT* input_size,
                                              UINT* output_size) {
  if (input_size != nullptr) *input_size = 0;
  if (output_size != nullptr) *output_size = 0;
  Device* device = Device::From(hDevice);
  if (device == nullptr) return;
  const bool is_known = crypto_type != nullptr && exchange != nullptr && input_size != nullptr &&
                        output_size != nullptr &&
                        *crypto_type == D3D11_1DDI_CRYPTO_TYPE_AES128_CTR &&
                        *exchange == D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION;
  if (!is_known) device->events().Count("private data size of an unknown key exchange");
}

}  // namespace

HRESULT CallTrustedApplication(Device* device, CryptoSession* session, UINT size, BYTE* data) {
  if (data == nullptr || WARD_RULE("hw.data_size", size != sizeof(ExchangeData))) {
    return device->events().Refuse("key exchange without HW_PROTECTION_DATA");
  }
  ExchangeData exchange;
  std::memcpy(&exchange, data, sizeof(exchange));
  OutputData* output = exchange.pOutputData;
  if (exchange.pInputData == nullptr || output == nullptr) {
    return device->events().Refuse("HW_PROTECTION_DATA without input or output");
  }
  const UINT input_bytes = exchange.pInputData->HWProtectionDataSize;  // read once
  TrustedAnswer answer;
  HRESULT result = S_OK;
  if (const char* flaw = FindFlaw(*exchange.pInputData, *output, input_bytes)) {
    result = device->events().Refuse(flaw);
  } else {
    result = TrustedApplication(device, *session)
                 .Call(exchange.HWProtectionFunctionID, BytesOf(*exchange.pInputData, input_bytes),
                       RoomOf(output), &answer);
  }
  output->HWProtectionDataSize = answer.output_bytes;
  output->TransportTime = answer.transport_time;
  output->ExecutionTime = answer.execution_time;
  // Not left at a success that the caller may have put there.
  exchange.Status = FAILED(result) ? result : answer.drm_result;
  std::memcpy(data, &exchange, sizeof(exchange));
  return result;
}

void FillHardwareProtectionFunctions(D3DWDDM2_0DDI_VIDEODEVICEFUNCS* functions) {
  functions->pfnGetDataForNewHardwareKey = GetDataForNewHardwareKey;
  functions->pfnCheckCryptoSessionStatus = CheckCryptoSessionStatus;
  functions->pfnGetCryptoSessionPrivateDataSize = GetCryptoSessionPrivateDataSize;
}

}  // namespace ward::umd
