#include "umd/content_protection_ddi.h"

#include <cstring>
#include <new>

#include "base/rule.h"
#include "umd/certificate_chain.h"
#include "umd/content_protection_caps.h"
#include "umd/crypto_session.h"
#include "umd/ddi/guids.h"
#include "umd/ddi/status_codes.h"
#include "umd/device.h"
#include "umd/hardware_protection_ddi.h"
#include "umd/named_session.h"
#include "umd/resource.h"

namespace ward::umd {

namespace {

Resource* FindResource(Device* device, D3D10DDI_HRESOURCE handle) {
  auto* resource = DriverObject::Find<Resource>(device, handle.pDrvPrivate);
  if (resource == nullptr && device != nullptr) device->events().Count("not a resource's handle");
  return resource;
}

void Clear(void* output, UINT size_bytes) {
  if (WARD_RULE("R7.outputs_zeroed", output != nullptr)) std::memset(output, 0, size_bytes);
}

// The entries that answer by the table that they stand in.
template <VideoTable kTable>
HRESULT APIENTRY GetContentProtectionCaps(D3D10DDI_HDEVICE hDevice, const GUID* crypto_type,
                                          const GUID* profile,
                                          D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS* caps) {
  Device* device = Device::From(hDevice);
  if (caps != nullptr) *caps = {};
  if (device == nullptr || caps == nullptr) return E_INVALIDARG;
  const HRESULT result = CheckCryptoType(device->adapter(), crypto_type, profile);
  if (SUCCEEDED(result)) *caps = MakeContentProtectionCaps(device->adapter(), kTable, profile);
  return result;
}

template <VideoTable kTable>
HRESULT APIENTRY GetCryptoKeyExchangeType(D3D10DDI_HDEVICE hDevice, const GUID* crypto_type,
                                          const GUID* profile, UINT index, GUID* type) {
  Device* device = Device::From(hDevice);
  if (type != nullptr) *type = kNullGuid;
  if (device == nullptr || type == nullptr) return E_INVALIDARG;
  const HRESULT result = CheckCryptoType(device->adapter(), crypto_type, profile);
  if (FAILED(result)) return result;
  const GUID* exchange = FindKeyExchange(device->adapter(), kTable, index);
  if (WARD_RULE("4.1.index", exchange == nullptr)) return E_INVALIDARG;
  *type = WARD_BROKEN("R30.guids") || exchange == nullptr ? D3D11_1DDI_CRYPTO_TYPE_PROPRIETARY
                                                          : *exchange;
  return S_OK;
}

SIZE_T APIENTRY CalcPrivateCryptoSessionSize(D3D10DDI_HDEVICE,
                                             const D3D11_1DDIARG_CREATECRYPTOSESSION*) {
  return sizeof(CryptoSession);
}

bool IsReported(const Device& device, VideoTable table, const GUID& exchange) {
  if (!(exchange == D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION)) return true;  // the device judges
  return FindKeyExchange(device.adapter(), table, 1) != nullptr;
}

template <VideoTable kTable>
HRESULT APIENTRY CreateCryptoSession(D3D10DDI_HDEVICE hDevice,
                                     const D3D11_1DDIARG_CREATECRYPTOSESSION* arguments,
                                     D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                     D3D11_1DDI_HRTCRYPTOSESSION) {
  Device* device = Device::From(hDevice);
  if (device == nullptr || arguments == nullptr || hCryptoSession.pDrvPrivate == nullptr) {
    return E_INVALIDARG;
  }
  if (!IsReported(*device, kTable, arguments->KeyExchangeType)) return D3DDDIERR_UNSUPPORTEDCRYPTO;
  // Its list entry would be made anew, and the list a ring.
  if (WARD_RULE("4.2.own_memory", device->sessions().Contains(hCryptoSession.pDrvPrivate))) {
    return device->events().Refuse("CreateCryptoSession in the memory of another session");
  }
  auto* session = new (hCryptoSession.pDrvPrivate) CryptoSession(device);
  const HRESULT result = session->Open(*arguments);
  if (FAILED(result)) session->~CryptoSession();
  return result;
}

void APIENTRY DestroyCryptoSession(D3D10DDI_HDEVICE hDevice,
                                   D3D11_1DDI_HCRYPTOSESSION hCryptoSession) {
  Device* device = Device::From(hDevice);
  const NamedSession session(device, hCryptoSession);
  if (session == nullptr) return;
  if (!WARD_BROKEN("4.2.destroy")) device->Report(session->Close());
  session.get()->~CryptoSession();
}

HRESULT APIENTRY CryptoSessionGetHandle(D3D10DDI_HDEVICE hDevice,
                                        D3D11_1DDI_HCRYPTOSESSION hCryptoSession, HANDLE* handle) {
  if (handle == nullptr) return E_INVALIDARG;
  *handle = nullptr;
  const NamedSession session(Device::From(hDevice), hCryptoSession);
  if (session == nullptr) return E_INVALIDARG;
  session->FetchRefusals();
  *handle = WARD_BROKEN("R4.no_pointer")
                ? hCryptoSession.pDrvPrivate
                : reinterpret_cast<HANDLE>(static_cast<UINT_PTR>(session->handle()));
  return S_OK;
}

void APIENTRY GetCertificateSize(D3D10DDI_HDEVICE hDevice, const D3D11_1DDI_CERTIFICATE_INFO* info,
                                 UINT* size) {
  Device* device = Device::From(hDevice);
  if (size != nullptr) *size = 0;
  if (device == nullptr) return;
  if (info == nullptr || size == nullptr) {
    device->events().Count("GetCertificateSize without a description or a place for the size");
    return;
  }
  device->Report(CertificateChain(device, *info).GetSize(size));
}

void APIENTRY GetCertificate(D3D10DDI_HDEVICE hDevice, const D3D11_1DDI_CERTIFICATE_INFO* info,
                             UINT size, BYTE* certificate) {
  Device* device = Device::From(hDevice);
  if (device == nullptr) return;
  if (info == nullptr || certificate == nullptr) {
    device->events().Count("GetCertificate without a description or a buffer");
    return;
  }
  device->Report(CertificateChain(device, *info).Read({certificate, size}));
}

HRESULT APIENTRY NegotiateCryptoSessionKeyExchange(D3D10DDI_HDEVICE hDevice,
                                                   D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                                   UINT size, BYTE* data) {
  Device* device = Device::From(hDevice);
  const NamedSession session(device, hCryptoSession);
  if (session == nullptr) return E_INVALIDARG;
  if (session->is_hardware()) return CallTrustedApplication(device, session.get(), size, data);
  // The device refuses an empty blob as it does a wrong one, and takes as long.
  const bool has_blob = data != nullptr && size <= MessageChannel::kMaximumRequestData;
  if (!has_blob && WARD_BROKEN("4.4.data")) return S_OK;
  ConstByteSpan blob;
  if (has_blob) blob = {data, size};
  return session->NegotiateKey(blob);
}

HRESULT APIENTRY NegotiateCryptoSessionKeyExchangeMT(
    D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
    D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS flags, UINT size, BYTE* data) {
  Device* device = Device::From(hDevice);
  if (device == nullptr) return E_INVALIDARG;
  if (WARD_RULE("hw.exchange_flags",
                flags != D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAG_NONE)) {
    return device->events().Refuse("key exchange with a flag that does not exist");
  }
  return NegotiateCryptoSessionKeyExchange(hDevice, hCryptoSession, size, data);
}

void APIENTRY EncryptionBlt(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                            D3D10DDI_HRESOURCE hSource, D3D10DDI_HRESOURCE hDestination,
                            UINT iv_size, const void* iv) {
  // Const in the DDI, and an output all the same (R19).
  auto* output = static_cast<uint8_t*>(const_cast<void*>(iv));
  Clear(output, iv_size);
  Device* device = Device::From(hDevice);
  const NamedOaepSession session(device, hCryptoSession);
  Resource* source = FindResource(device, hSource);
  Resource* destination = FindResource(device, hDestination);
  if (session == nullptr || source == nullptr || destination == nullptr) return;
  if (output == nullptr || WARD_RULE("R19.iv_size", iv_size < kKeyBytes)) {
    device->events().Count("EncryptionBlt without room for the IV");
    return;
  }
  device->Report(session->Encrypt(*source, *destination, {output, kKeyBytes}));
}

void APIENTRY DecryptionBlt(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                            D3D10DDI_HRESOURCE hSource, D3D10DDI_HRESOURCE hDestination,
                            const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern, UINT content_key_size,
                            const void* content_key, UINT iv_size, const void* iv) {
  Device* device = Device::From(hDevice);
  const NamedOaepSession session(device, hCryptoSession);
  Resource* source = FindResource(device, hSource);
  Resource* destination = FindResource(device, hDestination);
  if (session == nullptr || source == nullptr || destination == nullptr) return;
  if (WARD_BROKEN("R20.null_iv") && iv == nullptr) iv = &kNullGuid, iv_size = kKeyBytes;
  if (iv == nullptr || WARD_RULE("R20.iv_size", iv_size != kKeyBytes)) {
    device->events().Count("DecryptionBlt without an IV of 16 bytes");
    return;
  }
  if (WARD_RULE("7.5.key_size", content_key != nullptr && content_key_size != kKeyBytes)) {
    device->events().Count("DecryptionBlt with a content key that is not 16 bytes");
    return;
  }
  ConstByteSpan key;
  if (content_key != nullptr) key = {static_cast<const uint8_t*>(content_key), kKeyBytes};
  device->Report(session->Decrypt(*source, *destination, pattern, key,
                                  {static_cast<const uint8_t*>(iv), kKeyBytes}));
}

void APIENTRY StartSessionKeyRefresh(D3D10DDI_HDEVICE hDevice,
                                     D3D11_1DDI_HCRYPTOSESSION hCryptoSession, UINT size,
                                     void* random_number) {
  Clear(random_number, size);
  Device* device = Device::From(hDevice);
  const NamedOaepSession session(device, hCryptoSession);
  if (session == nullptr) return;
  if (random_number == nullptr || WARD_RULE("7.7.size", size != kKeyBytes)) {
    uint8_t dropped[kKeyBytes];
    if (WARD_BROKEN("7.7.size_keeps")) (void)session->StartKeyRefresh(dropped);
    device->events().Count("StartSessionKeyRefresh for a number that is not 16 bytes");
    return;
  }
  device->Report(session->StartKeyRefresh({static_cast<uint8_t*>(random_number), kKeyBytes}));
}

void APIENTRY FinishSessionKeyRefresh(D3D10DDI_HDEVICE hDevice,
                                      D3D11_1DDI_HCRYPTOSESSION hCryptoSession) {
  Device* device = Device::From(hDevice);
  const NamedOaepSession session(device, hCryptoSession);
  if (WARD_BROKEN("7.7.order")) return;
  if (session != nullptr) device->Report(session->FinishKeyRefresh());
}

void APIENTRY GetEncryptionBltKey(D3D10DDI_HDEVICE hDevice,
                                  D3D11_1DDI_HCRYPTOSESSION hCryptoSession, UINT size, void* key) {
  Clear(key, size);
  Device* device = Device::From(hDevice);
  const NamedOaepSession session(device, hCryptoSession);
  if (session == nullptr) return;
  if (key == nullptr || WARD_RULE("7.6.size", size != kKeyBytes)) {
    device->events().Count("GetEncryptionBltKey for a key that is not 16 bytes");
    return;
  }
  device->Report(session->GetReadbackKey({static_cast<uint8_t*>(key), kKeyBytes}));
}

}  // namespace

void FillContentProtectionFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions) {
  functions->pfnGetContentProtectionCaps = GetContentProtectionCaps<VideoTable::kD3d11_1>;
  functions->pfnGetCryptoKeyExchangeType = GetCryptoKeyExchangeType<VideoTable::kD3d11_1>;
  functions->pfnCalcPrivateCryptoSessionSize = CalcPrivateCryptoSessionSize;
  functions->pfnCreateCryptoSession = CreateCryptoSession<VideoTable::kD3d11_1>;
  functions->pfnDestroyCryptoSession = DestroyCryptoSession;
  functions->pfnGetCertificateSize = GetCertificateSize;
  functions->pfnGetCertificate = GetCertificate;
  functions->pfnNegotiateCryptoSessionKeyExchange = NegotiateCryptoSessionKeyExchange;
  functions->pfnEncryptionBlt = EncryptionBlt;
  functions->pfnDecryptionBlt = DecryptionBlt;
  functions->pfnStartSessionKeyRefresh = StartSessionKeyRefresh;
  functions->pfnGetEncryptionBltKey = GetEncryptionBltKey;
  functions->pfnFinishSessionKeyRefresh = FinishSessionKeyRefresh;
  functions->pfnCryptoSessionGetHandle = CryptoSessionGetHandle;
}

void FillWddm2ContentProtectionFunctions(D3DWDDM2_0DDI_VIDEODEVICEFUNCS* functions) {
  FillContentProtectionFunctions(functions);
  functions->pfnGetContentProtectionCaps = GetContentProtectionCaps<VideoTable::kWddm2>;
  functions->pfnGetCryptoKeyExchangeType = GetCryptoKeyExchangeType<VideoTable::kWddm2>;
  functions->pfnCreateCryptoSession = CreateCryptoSession<VideoTable::kWddm2>;
}

void FillMultiThreadedKeyExchange(D3DWDDM2_4DDI_VIDEODEVICEFUNCS* functions) {
  functions->pfnNegotiateCryptoSessionKeyExchangeMT = NegotiateCryptoSessionKeyExchangeMT;
}

}  // namespace ward::umd
