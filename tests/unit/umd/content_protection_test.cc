// Capability queries and certificates.
#include <algorithm>
#include <vector>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/bytes.h"
#include "tests/unit/umd/driver_fixture.h"
#include "umd/ddi/guids.h"

namespace ward::umd {
namespace {

constexpr GUID kSomeProfile = {
    0x1B81BEA3, 0xA0C7, 0x11D3, {0xB9, 0x84, 0, 0xC0, 0x4F, 0x2E, 0x73, 0xC5}};

TEST_CASE("the caps of AES-128-CTR and of none are what the device has") {
  Driver driver;
  for (const GUID* crypto_type :
       {&D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, &kNullGuid, static_cast<const GUID*>(nullptr)}) {
    for (const GUID* profile : {&kNullGuid, static_cast<const GUID*>(nullptr)}) {
      D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
      REQUIRE(driver.device.video.pfnGetContentProtectionCaps(driver.device.handle, crypto_type,
                                                              profile, &caps) == S_OK);
      // HARDWARE, ALWAYS_ON, PARTIAL_DECRYPTION, CONTENT_KEY, FRESHEN_SESSION_KEY, both READ_BACK,
      // DECRYPTION_BLT
      CHECK(caps.Caps == (0x2u | 0x4u | 0x8u | 0x10u | 0x20u | 0x40u | 0x80u | 0x400u));
      CHECK(caps.KeyExchangeTypeCount == 1);
      CHECK(caps.BlockAlignmentSize == 16);
      CHECK(caps.ProtectedMemorySize == 256u << 20);
    }
  }
}

TEST_CASE("caps follow the device's features") {
  FakeKernel kernel;
  kernel.adapter_data.features = abi::kFeaturesDecryptBltMask;
  const OpenedAdapter adapter(&kernel);
  OpenedDevice device(&kernel, adapter);
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
  REQUIRE(device.video.pfnGetContentProtectionCaps(device.handle, nullptr, nullptr, &caps) == S_OK);
  CHECK(caps.Caps == (0x2u | 0x4u | 0x8u | 0x400u));

  kernel.adapter_data.features = 0;
  const OpenedAdapter bare_adapter(&kernel);
  OpenedDevice bare(&kernel, bare_adapter);
  CHECK(bare.video.pfnGetContentProtectionCaps(bare.handle, nullptr, nullptr, &caps) ==
        static_cast<HRESULT>(0x8876087Eu));
  CHECK(caps.Caps == 0);
}

TEST_CASE("other crypto types and decoder profiles are unsupported crypto") {
  Driver driver;
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
  caps.Caps = 0xFFFF;
  const auto get = driver.device.video.pfnGetContentProtectionCaps;
  CHECK(get(driver.device.handle, &D3D11_1DDI_CRYPTO_TYPE_PROPRIETARY, nullptr, &caps) ==
        static_cast<HRESULT>(0x8876087Eu));
  CHECK(caps.Caps == 0);
  CHECK(get(driver.device.handle, &D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, &kSomeProfile, &caps) ==
        static_cast<HRESULT>(0x8876087Eu));
  CHECK(get(driver.device.handle, &D3D11_1DDI_CRYPTO_TYPE_AES128_CTR,
            &D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT, &caps) == S_OK);
  CHECK((caps.Caps & D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY) != 0);
  CHECK(get(driver.device.handle, nullptr, nullptr, nullptr) == E_INVALIDARG);
  CHECK(get({nullptr}, nullptr, nullptr, &caps) == E_INVALIDARG);
}

TEST_CASE("the one key exchange is RSAES-OAEP") {
  Driver driver;
  const auto get = driver.device.video.pfnGetCryptoKeyExchangeType;
  const GUID* aes = &D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
  GUID type = kSomeProfile;
  CHECK(get(driver.device.handle, aes, nullptr, 0, &type) == S_OK);
  CHECK(type == D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP);
  CHECK(get(driver.device.handle, aes, nullptr, 1, &type) == E_INVALIDARG);
  CHECK(type == kNullGuid);
  CHECK(get(driver.device.handle, &kSomeProfile, nullptr, 0, &type) == D3DERR_UNSUPPORTEDCRYPTO);
  CHECK(get(driver.device.handle, aes, nullptr, 0, nullptr) == E_INVALIDARG);
}

// A chain longer than one answer.
class CertificateDriver : public Driver {
 public:
  CertificateDriver() : chain(9000) {
    for (size_t i = 0; i < chain.size(); ++i) chain[i] = static_cast<uint8_t>(i % 251 + 1);
    kernel.answer = [this](const FakeKernel::Message& message, uint32_t* status) {
      *status = kernel.messages.size() > failing_after ? abi::kStatusCertificateUnavailable : 0;
      if (*status != 0 || message.number != abi::kMessageGetCertificate) {
        return std::vector<uint8_t>{};
      }
      return Chunk(message.payload);
    };
  }

  std::vector<uint8_t> Chunk(const std::vector<uint8_t>& request) const {
    const auto offset = LoadLe<uint32_t>(request.data() + 24);
    const auto capacity = LoadLe<uint32_t>(request.data() + 28);
    const uint32_t bytes = std::min(capacity, static_cast<uint32_t>(chain.size()) - offset);
    std::vector<uint8_t> body(16 + bytes);
    StoreLe(body.data(), static_cast<uint32_t>(chain.size()));
    StoreLe(body.data() + 4, bytes - std::min(bytes, missing_bytes));
    std::copy_n(chain.begin() + offset, bytes, body.begin() + 16);
    return body;
  }

  std::vector<uint8_t> chain;
  size_t failing_after = SIZE_MAX;  // messages
  uint32_t missing_bytes = 0;       // of each part
};

D3D11_1DDI_CERTIFICATE_INFO SessionCertificate() {
  D3D11_1DDI_CERTIFICATE_INFO info = {};
  info.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION;
  info.CryptoSessionType = D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
  return info;
}

TEST_CASE("a certificate chain of several answers is read whole") {
  CertificateDriver driver;
  const D3D11_1DDI_CERTIFICATE_INFO info = SessionCertificate();
  UINT size = 0;
  driver.device.video.pfnGetCertificateSize(driver.device.handle, &info, &size);
  REQUIRE(size == 9000);
  std::vector<uint8_t> certificate(size + 4, 0xEE);
  driver.device.video.pfnGetCertificate(driver.device.handle, &info, size, certificate.data());
  CHECK(std::equal(driver.chain.begin(), driver.chain.end(), certificate.begin()));
  CHECK(certificate[size] == 0xEE);
  const std::vector<uint8_t>& request = driver.kernel.messages[0].payload;
  CHECK(request[0] == 2);
  CHECK(request[4] == 0);
  CHECK(request[8] == 0x11);
  driver.RequireClean();
}

TEST_CASE("a certificate of a channel names the channel type") {
  CertificateDriver driver;
  D3D11_1DDI_CERTIFICATE_INFO info = SessionCertificate();  // the union's other bytes stay filled
  info.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL;
  info.ChannelType = D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE;
  UINT size = 0;
  driver.device.video.pfnGetCertificateSize(driver.device.handle, &info, &size);
  CHECK(size == 9000);
  const std::vector<uint8_t>& request = driver.kernel.messages[0].payload;
  CHECK(request[0] == 1);
  CHECK(request[4] == 3);
  CHECK(std::all_of(request.begin() + 8, request.end(), [](uint8_t byte) { return byte == 0; }));
}

TEST_CASE("a buffer that is too small for the certificate is left as it was") {
  CertificateDriver driver;
  const D3D11_1DDI_CERTIFICATE_INFO info = SessionCertificate();
  std::vector<uint8_t> certificate(9000, 0xEE);
  const uint32_t before = driver.device.events();
  driver.device.video.pfnGetCertificate(driver.device.handle, &info, 8999, certificate.data());
  CHECK(certificate == std::vector<uint8_t>(9000, 0xEE));
  CHECK(driver.device.events() == before + 1);
}

TEST_CASE("a certificate that breaks off leaves zeros; one that is not there has size 0") {
  CertificateDriver driver;
  const D3D11_1DDI_CERTIFICATE_INFO info = SessionCertificate();
  driver.failing_after = 2;  // the size and the first part
  std::vector<uint8_t> certificate(9000, 0xEE);
  driver.device.video.pfnGetCertificate(driver.device.handle, &info, 9000, certificate.data());
  CHECK(certificate == std::vector<uint8_t>(9000, 0));
  UINT size = 77;
  driver.device.video.pfnGetCertificateSize(driver.device.handle, &info, &size);
  CHECK(size == 0);
  CHECK(driver.kernel.errors.empty());
}

TEST_CASE("a certificate chain that is too long to be one has size 0, and nothing of it is read") {
  CertificateDriver driver;
  const D3D11_1DDI_CERTIFICATE_INFO info = SessionCertificate();
  driver.chain.resize((128 << 10) + 1, 1);
  UINT size = 77;
  driver.device.video.pfnGetCertificateSize(driver.device.handle, &info, &size);
  CHECK(size == 0);
  std::vector<uint8_t> certificate(driver.chain.size(), 0xEE);
  driver.device.video.pfnGetCertificate(driver.device.handle, &info,
                                        static_cast<UINT>(certificate.size()), certificate.data());
  CHECK(certificate == std::vector<uint8_t>(certificate.size(), 0xEE));
  CHECK(driver.kernel.messages.size() == 2);
}

TEST_CASE("a certificate whose parts are shorter than asked for leaves zeros") {
  CertificateDriver driver;
  const D3D11_1DDI_CERTIFICATE_INFO info = SessionCertificate();
  driver.missing_bytes = 1;
  std::vector<uint8_t> certificate(9000, 0xEE);
  driver.device.video.pfnGetCertificate(driver.device.handle, &info, 9000, certificate.data());
  CHECK(certificate == std::vector<uint8_t>(9000, 0));
  CHECK(driver.kernel.messages.size() == 2);
}

TEST_CASE("certificate calls with null pointers ask nothing") {
  CertificateDriver driver;
  const D3D11_1DDI_CERTIFICATE_INFO info = SessionCertificate();
  UINT size = 77;
  driver.device.video.pfnGetCertificateSize(driver.device.handle, nullptr, &size);
  CHECK(size == 0);
  driver.device.video.pfnGetCertificateSize(driver.device.handle, &info, nullptr);
  driver.device.video.pfnGetCertificate(driver.device.handle, &info, 9000, nullptr);
  driver.device.video.pfnGetCertificateSize({nullptr}, &info, &size);
  CHECK(driver.kernel.messages.empty());
}

}  // namespace
}  // namespace ward::umd
