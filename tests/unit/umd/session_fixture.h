// A driver whose fake device answers the session messages.
#ifndef WARD_TESTS_UNIT_UMD_SESSION_FIXTURE_H_
#define WARD_TESTS_UNIT_UMD_SESSION_FIXTURE_H_

#include <vector>

#include "base/bytes.h"
#include "tests/unit/umd/driver_fixture.h"
#include "umd/ddi/guids.h"

namespace ward::umd {

class CreatedSession {
 public:
  explicit CreatedSession(OpenedDevice* device,
                          const GUID& exchange = D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP)
      : CreatedSession(device, device->video, exchange) {}
  // Through another table of the same device.
  CreatedSession(OpenedDevice* device, const D3D11_1DDI_VIDEODEVICEFUNCS& table,
                 const GUID& exchange)
      : device_(device), memory_(Size(device)) {
    const D3D11_1DDIARG_CREATECRYPTOSESSION create = {D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, kNullGuid,
                                                      exchange};
    handle.pDrvPrivate = memory_.get();
    result = table.pfnCreateCryptoSession(device->handle, &create, handle, {this});
  }
  ~CreatedSession() {
    if (SUCCEEDED(result)) Destroy();
  }
  CreatedSession(const CreatedSession&) = delete;
  CreatedSession& operator=(const CreatedSession&) = delete;

  void Destroy() {
    device_->video.pfnDestroyCryptoSession(device_->handle, handle);
    result = E_FAIL;
  }

  HRESULT result = E_FAIL;
  D3D11_1DDI_HCRYPTOSESSION handle = {};

 private:
  static SIZE_T Size(OpenedDevice* device) {
    return device->video.pfnCalcPrivateCryptoSessionSize(device->handle, nullptr);
  }

  OpenedDevice* device_;
  PrivateMemory memory_;
};

class SessionDriver : public Driver {
 public:
  static constexpr uint8_t kFirstSession = 9;
  static constexpr uint8_t kWrappedKeyByte = 0x3C;
  static constexpr uint64_t kSessionHandle = 0xD8D7D6D5D4D3D2D1;
  static constexpr uint8_t kRandomByte = 0x7B;
  static constexpr uint8_t kIv[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                      0,    0,    0,    0,    0,    0,    0,    1};

  SessionDriver() {
    kernel.answer = [this](const FakeKernel::Message& message, uint32_t* answer_status) {
      *answer_status = status;
      if (status != 0) return std::vector<uint8_t>{};
      return Body(message);
    };
  }

  std::vector<FakeKernel::Message> MessagesOf(uint32_t number) const {
    std::vector<FakeKernel::Message> found;
    for (const FakeKernel::Message& message : kernel.messages) {
      if (message.number == number) found.push_back(message);
    }
    return found;
  }

  void Decrypt(const CreatedSession& session, const CreatedResource& source,
               const CreatedResource& destination,
               const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern = nullptr,
               const std::vector<uint8_t>& content_key = {}) {
    device.video.pfnDecryptionBlt(device.handle, session.handle, source.handle, destination.handle,
                                  pattern, static_cast<UINT>(content_key.size()),
                                  content_key.empty() ? nullptr : content_key.data(), 16, kIv);
  }

  uint32_t status = 0;         // of every answer
  uint32_t refusal_count = 0;  // of QUERY_SESSION
  uint32_t last_refusal = 0;

 private:
  std::vector<uint8_t> Body(const FakeKernel::Message& message) const {
    switch (message.number) {
      case abi::kMessageCreateSession:
        return {kFirstSession, 0, 0, 0, 1, 0, 0, 0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8};
      case abi::kMessageStartKeyRefresh:
        return std::vector<uint8_t>(16, kRandomByte);
      case abi::kMessageGetReadbackKey:
        return std::vector<uint8_t>(16, kWrappedKeyByte);
      case abi::kMessageQuerySession: {
        std::vector<uint8_t> body(32);
        StoreLe(body.data() + 4, refusal_count);
        StoreLe(body.data() + 8, last_refusal);
        return body;
      }
      default:
        return {};
    }
  }
};

// Buffers of one description: CPU-written and protected.
struct BltPair {
  explicit BltPair(Driver* driver)
      : staging(&driver->device, DescribeBuffer(kMip, D3D10_DDI_USAGE_STAGING)),
        restricted(&driver->device, DescribeBuffer(kMip, D3D10_DDI_USAGE_DEFAULT,
                                                   D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT)) {}
  static constexpr UINT kBytes = 1000;
  static constexpr D3D10DDI_MIPINFO kMip = Extent(kBytes);
  CreatedResource staging;
  CreatedResource restricted;
};

}  // namespace ward::umd

#endif  // WARD_TESTS_UNIT_UMD_SESSION_FIXTURE_H_
