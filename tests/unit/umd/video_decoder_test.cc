// A decoder as far as channel messages name one.
#include <vector>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "tests/unit/umd/driver_fixture.h"
#include "umd/ddi/guids.h"

namespace ward::umd {
namespace {

constexpr uint64_t kDecoderHandle = 0xA8A7A6A5A4A3A2A1;
const std::vector<uint8_t> kHandleBytes = {0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8};

class DecoderDriver : public Driver {
 public:
  DecoderDriver() : memory(device.video.pfnCalcPrivateVideoDecoderSize(device.handle, nullptr)) {
    decoder.pDrvPrivate = memory.get();
    kernel.answer = [this](const FakeKernel::Message& message, uint32_t* answer_status) {
      *answer_status = status;
      if (status != 0 || message.number != abi::kMessageCreateDecoder) {
        return std::vector<uint8_t>{};
      }
      std::vector<uint8_t> body = kHandleBytes;
      body.resize(16);
      return body;
    };
  }
  HRESULT Create(const D3D11_1DDIARG_CREATEVIDEODECODER& arguments = {}) {
    return device.video.pfnCreateVideoDecoder(device.handle, &arguments, decoder, {});
  }

  PrivateMemory memory;
  D3D11_1DDI_HDECODE decoder = {};
  uint32_t status = 0;
};

TEST_CASE("a decoder has the device's handle until it is destroyed") {
  DecoderDriver driver;
  const D3D11_1DDI_VIDEODEVICEFUNCS& video = driver.device.video;
  REQUIRE(driver.Create() == S_OK);
  HANDLE handle = nullptr;
  CHECK(video.pfnVideoDecoderGetHandle(driver.device.handle, driver.decoder, &handle) == S_OK);
  CHECK(reinterpret_cast<UINT_PTR>(handle) == kDecoderHandle);
  CHECK(video.pfnVideoDecoderGetHandle(driver.device.handle, driver.decoder, nullptr) ==
        E_INVALIDARG);
  video.pfnDestroyVideoDecoder(driver.device.handle, driver.decoder);
  REQUIRE(driver.kernel.messages.size() == 2);
  CHECK(driver.kernel.messages[1].number == abi::kMessageDestroyDecoder);
  CHECK(driver.kernel.messages[1].payload == kHandleBytes);
  CHECK(video.pfnVideoDecoderGetHandle(driver.device.handle, driver.decoder, &handle) ==
        E_INVALIDARG);
  CHECK(handle == nullptr);
  video.pfnDestroyVideoDecoder(driver.device.handle, driver.decoder);
  CHECK(driver.kernel.messages.size() == 2);
  driver.RequireClean();
}

TEST_CASE("CreateVideoDecoder gives the device's refusal and leaves no decoder") {
  DecoderDriver driver;
  driver.status = abi::kStatusHandlesExhausted;
  CHECK(driver.Create() == E_OUTOFMEMORY);
  HANDLE handle = &driver;
  CHECK(driver.device.video.pfnVideoDecoderGetHandle(driver.device.handle, driver.decoder,
                                                     &handle) == E_INVALIDARG);
  CHECK(handle == nullptr);
}

TEST_CASE("CreateVideoDecoder refuses nulls and an encryption in the config") {
  DecoderDriver driver;
  const auto create = driver.device.video.pfnCreateVideoDecoder;
  D3D11_1DDIARG_CREATEVIDEODECODER arguments = {};
  CHECK(create(driver.device.handle, nullptr, driver.decoder, {}) == E_INVALIDARG);
  CHECK(create(driver.device.handle, &arguments, {nullptr}, {}) == E_INVALIDARG);
  CHECK(create({nullptr}, &arguments, driver.decoder, {}) == E_INVALIDARG);
  arguments.Config.guidConfigBitstreamEncryption = D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC;
  CHECK(driver.Create(arguments) == E_INVALIDARG);
  arguments = {};
  arguments.Config.guidConfigMBcontrolEncryption = D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC;
  CHECK(driver.Create(arguments) == E_INVALIDARG);
  arguments = {};
  arguments.Config.guidConfigResidDiffEncryption = D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC;
  CHECK(driver.Create(arguments) == E_INVALIDARG);
  CHECK(driver.kernel.messages.empty());
}

TEST_CASE("a device without channels has no decoder, and asks nothing") {
  FakeKernel kernel;
  kernel.adapter_data.features &= ~abi::kFeaturesAuthenticatedChannelMask;
  const OpenedAdapter adapter(&kernel);
  OpenedDevice device(&kernel, adapter);
  const PrivateMemory memory(device.video.pfnCalcPrivateVideoDecoderSize(device.handle, nullptr));
  const D3D11_1DDIARG_CREATEVIDEODECODER arguments = {};
  CHECK(device.video.pfnCreateVideoDecoder(device.handle, &arguments, {memory.get()}, {}) ==
        E_NOTIMPL);
  CHECK(kernel.messages.empty());
}

TEST_CASE("another device's decoder has no handle here") {
  DecoderDriver driver;
  REQUIRE(driver.Create() == S_OK);
  OpenedDevice other(&driver.kernel, driver.adapter);
  HANDLE handle = &driver;
  CHECK(other.video.pfnVideoDecoderGetHandle(other.handle, driver.decoder, &handle) ==
        E_INVALIDARG);
  CHECK(handle == nullptr);
  other.video.pfnDestroyVideoDecoder(other.handle, driver.decoder);
  CHECK(driver.kernel.messages.size() == 1);
}

}  // namespace
}  // namespace ward::umd
