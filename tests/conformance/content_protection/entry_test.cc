// CryptoSession: how the driver is found and asked: versions, the video table, capabilities and
// certificates.
#include <algorithm>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"
#include "umd/ddi/d3d11_1_ddi.h"
#include "umd/ddi/guids.h"
#include "umd/device_ddi.h"
#include "umd/entry.h"

namespace ward::test {
namespace {

constexpr HRESULT kUnsupportedCrypto = static_cast<HRESULT>(0x8876087E);
constexpr HRESULT kBufferTooSmall = static_cast<HRESULT>(0x8007007A);
const GUID& kAes = D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
const GUID kProfile = {0x1B81BEA3, 0xA0C7, 0x11D3, {0xB9, 0x84, 0, 0xC0, 0x4F, 0x2E, 0x73, 0xC5}};

struct Driver : Stage {
  const D3D11_1DDI_VIDEODEVICEFUNCS& functions() { return process.app.device().video_functions(); }
  D3D10DDI_HDEVICE handle() { return process.app.device().driver_handle(); }

  HRESULT Caps(const GUID* type, const GUID* profile) {
    return functions().pfnGetContentProtectionCaps(handle(), type, profile, &caps);
  }
  UINT CertificateSize(const D3D11_1DDI_CERTIFICATE_INFO& info) {
    UINT size = 77;
    functions().pfnGetCertificateSize(handle(), &info, &size);
    return size;
  }
  HRESULT Retrieve(UINT32 id, SIZE_T size, D3D11_1DDI_VIDEODEVICEFUNCS* table, SIZE_T output) {
    D3D11_1DDI_VIDEO_INPUT input = {FALSE, table};
    std::vector<uint8_t> room(output);
    return umd::RetrieveSubObject(handle(), id, size, &input, output,
                                  output == 0 ? nullptr : room.data());
  }

  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
};

D3D11_1DDI_CERTIFICATE_INFO SessionCertificate(const GUID& type) {
  D3D11_1DDI_CERTIFICATE_INFO info = {};
  info.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION;
  info.CryptoSessionType = type;
  return info;
}

D3D11_1DDI_CERTIFICATE_INFO ChannelCertificate(uint32_t type) {
  D3D11_1DDI_CERTIFICATE_INFO info = {};
  info.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL;
  info.ChannelType = static_cast<D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE>(type);
  return info;
}

TEST_CASE("CryptoSession.Versions: D3D11.1 is offered as 11.15, build 0 (R1)") {
  Stage stage;
  std::unique_ptr<runtime::Adapter> adapter;
  REQUIRE(runtime::Adapter::Open(stage.kernel.get(), OpenAdapter10_2, &adapter) == S_OK);
  const auto ask = adapter->functions().pfnGetSupportedVersions;
  UINT32 count = 0;
  REQUIRE(ask(adapter->driver_handle(), &count, nullptr) == S_OK);
  std::vector<UINT64> versions(count);
  REQUIRE(ask(adapter->driver_handle(), &count, versions.data()) == S_OK);
  CHECK(std::count(versions.begin(), versions.end(), 0x000B000F00000000u) == 1);
}

TEST_CASE("CryptoSession.VersionsNoRoom: a list that is too short is not written (1.2)",
          "[negative]") {
  Stage stage;
  std::unique_ptr<runtime::Adapter> adapter;
  REQUIRE(runtime::Adapter::Open(stage.kernel.get(), OpenAdapter10_2, &adapter) == S_OK);
  UINT32 count = 0;
  UINT64 version = 5;
  CHECK(adapter->functions().pfnGetSupportedVersions(adapter->driver_handle(), &count, &version) ==
        kBufferTooSmall);
  CHECK(version == 5);
}

TEST_CASE("CryptoSession.SubObject: the table comes through the input, for any output size (R2)") {
  Driver stage;
  for (const SIZE_T output : {0u, 4u, 8u, 64u}) {
    D3D11_1DDI_VIDEODEVICEFUNCS table = {};
    CHECK(stage.Retrieve(2, sizeof(D3D11_1DDI_VIDEO_INPUT), &table, output) == S_OK);
    CHECK(table.pfnCreateCryptoSession == stage.functions().pfnCreateCryptoSession);
  }
}

TEST_CASE("CryptoSession.SubObjectUnknown: other sub-objects are E_INVALIDARG (R2)", "[negative]") {
  Driver stage;
  for (const UINT32 id : {0u, 1u, 99u, 0xFFFFFFFFu}) {
    D3D11_1DDI_VIDEODEVICEFUNCS table = {};
    CHECK(stage.Retrieve(id, sizeof(D3D11_1DDI_VIDEO_INPUT), &table, 8) == E_INVALIDARG);
    CHECK(table.pfnCreateCryptoSession == nullptr);
  }
}

TEST_CASE("CryptoSession.SubObjectShort: an input below 16 bytes is E_INVALIDARG (R2)",
          "[negative]") {
  Driver stage;
  for (const SIZE_T size : {0u, 8u, 15u}) {
    D3D11_1DDI_VIDEODEVICEFUNCS table = {};
    CHECK(stage.Retrieve(2, size, &table, 8) == E_INVALIDARG);
    CHECK(table.pfnCreateCryptoSession == nullptr);
  }
}

TEST_CASE("CryptoSession.CapsNone: none may be NULL or GUID_NULL (R23)") {
  Driver stage;
  for (const GUID* type : {static_cast<const GUID*>(nullptr), &umd::kNullGuid, &kAes}) {
    for (const GUID* profile : {static_cast<const GUID*>(nullptr), &umd::kNullGuid}) {
      CHECK(stage.Caps(type, profile) == S_OK);
      CHECK(stage.caps.Caps != 0);
    }
  }
}

TEST_CASE("CryptoSession.CapsMemory: protected memory is what the device has of it (R25)") {
  Driver stage;
  REQUIRE(stage.Caps(&kAes, nullptr) == S_OK);
  CHECK(stage.caps.ProtectedMemorySize == stage.kernel->adapter().Info().protected_vram_bytes);
  CHECK(stage.caps.ProtectedMemorySize != 0);
}

TEST_CASE("CryptoSession.CapsProfile: with a decoder profile it is unsupported crypto (4.1)",
          "[negative]") {
  Driver stage;
  CHECK(stage.Caps(&kAes, &kProfile) == kUnsupportedCrypto);
  CHECK(stage.caps.Caps == 0);
  GUID type = kProfile;
  CHECK(stage.functions().pfnGetCryptoKeyExchangeType(stage.handle(), &kAes, &kProfile, 0, &type) ==
        kUnsupportedCrypto);
  CHECK(type == umd::kNullGuid);
}

TEST_CASE("CryptoSession.CertificateType: a crypto type without certificate has size 0 (4.3)",
          "[negative]") {
  Driver stage;
  CHECK(stage.CertificateSize(SessionCertificate(D3D11_1DDI_CRYPTO_TYPE_PROPRIETARY)) == 0);
  CHECK(stage.CertificateSize(SessionCertificate(umd::kNullGuid)) == 0);
  CHECK(stage.CertificateSize(SessionCertificate(kAes)) != 0);
  CHECK(stage.process.app.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("CPAuthChannelAPI.CertificateType: the driver's channels alone have a certificate (4.3)",
          "[negative]") {
  Driver stage;
  for (const uint32_t type : {0u, 1u, 4u, 0xFFFFFFFFu}) {
    CHECK(stage.CertificateSize(ChannelCertificate(type)) == 0);
  }
  CHECK(stage.CertificateSize(ChannelCertificate(3)) != 0);
}

TEST_CASE("CryptoSession.CertificateNoRoom: into too small a buffer nothing is written (4.3)",
          "[negative]") {
  Driver stage;
  const D3D11_1DDI_CERTIFICATE_INFO info = SessionCertificate(kAes);
  const UINT size = stage.CertificateSize(info);
  std::vector<uint8_t> certificate(size, 0xEE);
  for (const UINT room : {0u, 1u, size - 1}) {
    stage.functions().pfnGetCertificate(stage.handle(), &info, room, certificate.data());
    CHECK(certificate == std::vector<uint8_t>(size, 0xEE));
  }
}

}  // namespace
}  // namespace ward::test
