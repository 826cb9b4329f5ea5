// Hardware DRM through the WDDM 2.4 table: what reaches the device, and what comes back.
#include <vector>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/bytes.h"
#include "tests/unit/umd/session_fixture.h"
#include "umd/ddi/video_functions_wddm2.h"

namespace ward::umd {
namespace {

constexpr uint32_t kFunction = 3;
constexpr uint64_t kToken = 0x1122334455667788;

// A device whose runtime took the WDDM 2.4 table, with a session of HW_PROTECTION.
struct HardwareDriver : SessionDriver {
  HardwareDriver() : table(Retrieve(&device)), session(&device, table, kExchange) {
    REQUIRE(session.result == S_OK);
    const auto other = kernel.answer;
    kernel.answer = [this, other](const FakeKernel::Message& message, uint32_t* answer_status) {
      std::vector<uint8_t> body = other(message, answer_status);
      if (*answer_status != 0) return body;
      if (message.number == abi::kMessageCallTrusted) return answer;
      if (message.number == abi::kMessageQuerySession) {
        body.assign(32, 0);
        StoreLe(body.data(), state);
      }
      if (message.number == abi::kMessageGetNewKeyData) {
        body.assign(16, 0);
        StoreLe(body.data(), kToken);
      }
      return body;
    };
    SetAnswer(0, {0xA1, 0xA2, 0xA3});
  }

  static D3DWDDM2_4DDI_VIDEODEVICEFUNCS Retrieve(OpenedDevice* device) {
    D3DWDDM2_4DDI_VIDEODEVICEFUNCS table = {};
    D3DWDDM2_4DDI_VIDEO_INPUT input = {FALSE, &table};
    REQUIRE(device->retrieve_sub_object(device->handle, 7, sizeof(input), &input, 0, nullptr) ==
            S_OK);
    return table;
  }
  void SetAnswer(uint32_t drm_result, const std::vector<uint8_t>& output) {
    answer.assign(16, 0);
    StoreLe(answer.data(), drm_result);
    StoreLe(answer.data() + 4, static_cast<uint32_t>(output.size()));
    StoreLe<uint64_t>(answer.data() + 8, 123456);
    answer.insert(answer.end(), output.begin(), output.end());
  }
  D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS Status(D3D11_1DDI_HCRYPTOSESSION of) {
    auto result = static_cast<D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS>(7);
    table.pfnCheckCryptoSessionStatus(device.handle, of, &result);
    return result;
  }

  static constexpr const GUID& kExchange = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION;
  D3DWDDM2_4DDI_VIDEODEVICEFUNCS table;
  CreatedSession session;
  std::vector<uint8_t> answer;
  uint32_t state = 0;
};

// HW_PROTECTION_DATA, filled with what a caller may leave there.
struct Packet {
  explicit Packet(const std::vector<uint8_t>& bytes, UINT room = 16)
      : input_words(bytes.size() / 8 + 2), output_words(room / 8 + 5, 0xEEEEEEEEEEEEEEEE) {
    data = {kFunction, reinterpret_cast<InputData*>(input_words.data()),
            reinterpret_cast<OutputData*>(output_words.data()), 0x1234};
    data.pInputData->HWProtectionDataSize = static_cast<UINT>(bytes.size());
    if (!bytes.empty()) std::memcpy(data.pInputData->pbInput, bytes.data(), bytes.size());
    data.pOutputData->PrivateDataSize = 0;
    data.pOutputData->MaxHWProtectionDataSize = room;
  }
  HRESULT Send(HardwareDriver* driver, UINT size = sizeof(ExchangeData)) {
    return driver->table.pfnNegotiateCryptoSessionKeyExchange(
        driver->device.handle, driver->session.handle, size, reinterpret_cast<BYTE*>(&data));
  }
  uint8_t OutputByte(size_t index) const {
    return reinterpret_cast<const uint8_t*>(output_words.data())[32 + index];
  }

  using ExchangeData = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_DATA;
  using InputData = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA;
  using OutputData = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA;
  std::vector<uint64_t> input_words;
  std::vector<uint64_t> output_words;
  ExchangeData data;
};

TEST_CASE("the two tables report what they know: caps 0 to 10, and hardware DRM") {
  HardwareDriver driver;
  const D3D10DDI_HDEVICE handle = driver.device.handle;
  const GUID* aes = &D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
  REQUIRE(driver.device.video.pfnGetContentProtectionCaps(handle, aes, nullptr, &caps) == S_OK);
  CHECK((caps.Caps & ~0x7ffu) == 0);
  CHECK(caps.KeyExchangeTypeCount == 1);
  REQUIRE(driver.table.pfnGetContentProtectionCaps(handle, aes, nullptr, &caps) == S_OK);
  CHECK((caps.Caps & ~0x7ffu) == (0x800u | 0x4000u | 0x8000u));
  CHECK(caps.KeyExchangeTypeCount == 2);
  GUID type = {};
  CHECK(driver.table.pfnGetCryptoKeyExchangeType(handle, aes, nullptr, 0, &type) == S_OK);
  CHECK(type == D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP);
  CHECK(driver.table.pfnGetCryptoKeyExchangeType(handle, aes, nullptr, 1, &type) == S_OK);
  CHECK(type == HardwareDriver::kExchange);
  CHECK(driver.table.pfnGetCryptoKeyExchangeType(handle, aes, nullptr, 2, &type) == E_INVALIDARG);
  CHECK(driver.device.video.pfnGetCryptoKeyExchangeType(handle, aes, nullptr, 1, &type) ==
        E_INVALIDARG);
}

TEST_CASE("without the device's feature the WDDM 2.x table has no hardware DRM") {
  FakeKernel kernel;
  kernel.adapter_data.features &= ~(abi::kFeaturesHardwareDrmMask | abi::kFeaturesKeyTeardownMask);
  OpenedAdapter adapter(&kernel);
  OpenedDevice device(&kernel, adapter);
  const auto table = HardwareDriver::Retrieve(&device);
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
  REQUIRE(table.pfnGetContentProtectionCaps(device.handle, nullptr, nullptr, &caps) == S_OK);
  CHECK((caps.Caps & ~0x7ffu) == 0x800u);
  CHECK(caps.KeyExchangeTypeCount == 1);
  CreatedSession session(&device, table, HardwareDriver::kExchange);
  CHECK(session.result == D3DDDIERR_UNSUPPORTEDCRYPTO);
  CHECK(kernel.messages.empty());
}

TEST_CASE("a session of HW_PROTECTION is made through the WDDM 2.x tables alone") {
  HardwareDriver driver;
  CreatedSession other(&driver.device, HardwareDriver::kExchange);
  CHECK(other.result == D3DDDIERR_UNSUPPORTEDCRYPTO);
  CHECK(driver.MessagesOf(abi::kMessageCreateSession).size() == 1);
}

TEST_CASE("a call of the trusted application travels in one message and brings back its answer") {
  HardwareDriver driver;
  Packet packet({1, 2, 3, 4, 5});
  REQUIRE(packet.Send(&driver) == S_OK);
  const auto messages = driver.MessagesOf(abi::kMessageCallTrusted);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].payload == std::vector<uint8_t>{SessionDriver::kFirstSession,
                                                    0,
                                                    0,
                                                    0,
                                                    kFunction,
                                                    0,
                                                    0,
                                                    0,
                                                    5,
                                                    0,
                                                    0,
                                                    0,
                                                    16,
                                                    0,
                                                    0,
                                                    0,
                                                    1,
                                                    2,
                                                    3,
                                                    4,
                                                    5});
  CHECK(packet.data.Status == S_OK);
  CHECK(packet.data.pOutputData->HWProtectionDataSize == 3);
  CHECK(packet.data.pOutputData->ExecutionTime == 1234);
  CHECK(packet.data.pOutputData->TransportTime < 10u * 1000 * 1000 * 60);
  CHECK(packet.OutputByte(0) == 0xA1);
  CHECK(packet.OutputByte(2) == 0xA3);
  CHECK(packet.OutputByte(3) == 0);
  CHECK(packet.OutputByte(16) == 0xEE);  // behind the room
}

TEST_CASE("the function's failure is Status, and the call succeeds") {
  HardwareDriver driver;
  driver.SetAnswer(0x80070057, {});
  Packet packet({});
  CHECK(packet.Send(&driver) == S_OK);
  CHECK(packet.data.Status == E_INVALIDARG);
  CHECK(packet.data.pOutputData->HWProtectionDataSize == 0);
}

TEST_CASE("the transport's failure is the call's, and is not left as a success in Status") {
  HardwareDriver driver;
  driver.status = abi::kStatusSessionLost;
  Packet packet({});
  CHECK(packet.Send(&driver) == E_INVALIDARG);
  CHECK(packet.data.Status == E_INVALIDARG);
  CHECK(packet.data.pOutputData->HWProtectionDataSize == 0);
  CHECK(packet.data.pOutputData->ExecutionTime == 0);
  CHECK(packet.OutputByte(0) == 0);
  CHECK(driver.kernel.errors.empty());
}

TEST_CASE("HW_PROTECTION_DATA of another size, without a part, or with private data is refused") {
  HardwareDriver driver;
  const size_t before = driver.kernel.messages.size();
  for (const UINT size : {0u, 31u, 33u, 256u}) {
    Packet packet({});
    CHECK(packet.Send(&driver, size) == E_INVALIDARG);
    CHECK(packet.data.Status == 0x1234);
  }
  const auto refuse = [&driver](auto spoil) {
    Packet packet({1});
    spoil(&packet.data);
    CHECK(packet.Send(&driver) == E_INVALIDARG);
  };
  using Data = Packet::ExchangeData;
  refuse([](Data* data) { data->pInputData = nullptr; });
  refuse([](Data* data) { data->pOutputData = nullptr; });
  refuse([](Data* data) { data->pInputData->PrivateDataSize = 1; });
  refuse([](Data* data) { data->pOutputData->PrivateDataSize = 1; });
  refuse([](Data* data) { data->pInputData->HWProtectionDataSize = 4097; });
  refuse([](Data* data) { data->pInputData->HWProtectionDataSize = 0xffffffff; });
  CHECK(driver.table.pfnNegotiateCryptoSessionKeyExchange(
            driver.device.handle, driver.session.handle, 32, nullptr) == E_INVALIDARG);
  CHECK(driver.kernel.messages.size() == before);
  CHECK(driver.device.events() >= 11);
}

TEST_CASE("a caller with more room than a function ever fills is asked for no more than that") {
  HardwareDriver driver;
  Packet packet({}, 5000);
  REQUIRE(packet.Send(&driver) == S_OK);
  const auto message = driver.MessagesOf(abi::kMessageCallTrusted).back();
  CHECK(LoadLe<uint32_t>(message.payload.data() + 12) == 1024);
}

TEST_CASE("an answer with more output than was asked for is refused whole") {
  HardwareDriver driver;
  driver.SetAnswer(0, std::vector<uint8_t>(17, 0xB7));
  Packet packet({});
  CHECK(packet.Send(&driver) == E_INVALIDARG);
  CHECK(packet.OutputByte(0) == 0);
  driver.SetAnswer(0, {1, 2});
  driver.answer[4] = 1;  // says one byte and sends two
  CHECK(packet.Send(&driver) == E_INVALIDARG);
}

TEST_CASE("the form with flags takes the flag NONE and no other") {
  HardwareDriver driver;
  Packet packet({});
  const auto send = [&](UINT flags) {
    return driver.table.pfnNegotiateCryptoSessionKeyExchangeMT(
        driver.device.handle, driver.session.handle,
        static_cast<D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS>(flags), sizeof(packet.data),
        reinterpret_cast<BYTE*>(&packet.data));
  };
  CHECK(send(1) == E_INVALIDARG);
  CHECK(send(0x80000000) == E_INVALIDARG);
  CHECK(driver.MessagesOf(abi::kMessageCallTrusted).empty());
  CHECK(send(0) == S_OK);
  CHECK(driver.MessagesOf(abi::kMessageCallTrusted).size() == 1);
  CHECK(driver.table.pfnNegotiateCryptoSessionKeyExchangeMT(
            {nullptr}, driver.session.handle, {}, 32, reinterpret_cast<BYTE*>(&packet.data)) ==
        E_INVALIDARG);
}

TEST_CASE("GetDataForNewHardwareKey takes a name of 16 bytes and answers the device's token") {
  HardwareDriver driver;
  const std::vector<uint8_t> name(17, 0x4E);
  UINT64 token = 9;
  const auto ask = [&](UINT size, const void* input) {
    token = 9;
    return driver.table.pfnGetDataForNewHardwareKey(driver.device.handle, driver.session.handle,
                                                    size, input, &token);
  };
  for (const UINT size : {0u, 15u, 17u}) {
    CHECK(ask(size, name.data()) == E_INVALIDARG);
    CHECK(token == 0);
  }
  CHECK(ask(16, nullptr) == E_INVALIDARG);
  CHECK(driver.MessagesOf(abi::kMessageGetNewKeyData).empty());
  CHECK(ask(16, name.data()) == S_OK);
  CHECK(token == kToken);
  driver.status = abi::kStatusSessionTypeInvalid;
  CHECK(ask(16, name.data()) == E_INVALIDARG);
  CHECK(token == 0);
}

TEST_CASE("GetCryptoSessionPrivateDataSize is 0 and 0, and counts what it does not know") {
  HardwareDriver driver;
  const auto ask = [&](const GUID* crypto, const GUID* exchange) {
    UINT input = 7;
    UINT output = 7;
    driver.table.pfnGetCryptoSessionPrivateDataSize(driver.device.handle, crypto, nullptr, exchange,
                                                    &input, &output);
    CHECK(input == 0);
    CHECK(output == 0);
  };
  const uint32_t before = driver.device.events();
  ask(&D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, &HardwareDriver::kExchange);
  CHECK(driver.device.events() == before);
  ask(&D3D11_1DDI_CRYPTO_TYPE_PROPRIETARY, &HardwareDriver::kExchange);
  ask(nullptr, &HardwareDriver::kExchange);
  ask(&D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr);
  driver.table.pfnGetCryptoSessionPrivateDataSize(driver.device.handle, nullptr, nullptr, nullptr,
                                                  nullptr, nullptr);
  CHECK(driver.device.events() == before + 4);
}

TEST_CASE("CheckCryptoSessionStatus tells each state, and a device that is gone is an answer") {
  HardwareDriver driver;
  for (const uint32_t state : {0u, 1u, 2u, 3u, 4u}) {
    driver.state = state;
    const auto expected = state < 2    ? D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK
                          : state == 2 ? D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST
                                       : D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
    CHECK(driver.Status(driver.session.handle) == expected);
  }
  constexpr auto kLost = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
  CHECK(driver.Status({nullptr}) == kLost);
  driver.state = 1;
  driver.status = abi::kStatusSessionInvalid;
  CHECK(driver.Status(driver.session.handle) == kLost);
  driver.status = 0;
  driver.kernel.render_result = E_OUTOFMEMORY;
  CHECK(driver.Status(driver.session.handle) == kLost);
  CHECK(driver.kernel.errors == std::vector<HRESULT>{E_OUTOFMEMORY});
  driver.kernel.render_result = D3DDDIERR_DEVICEREMOVED;
  CHECK(driver.Status(driver.session.handle) == kLost);
  CHECK(driver.kernel.errors.size() == 1);
  const uint32_t before = driver.device.events();
  driver.table.pfnCheckCryptoSessionStatus(driver.device.handle, driver.session.handle, nullptr);
  CHECK(driver.device.events() == before + 1);
}

TEST_CASE("functions that are not for HW_PROTECTION do nothing, zero their outputs and count") {
  HardwareDriver driver;
  BltPair pair(&driver);
  const D3D11_1DDI_VIDEODEVICEFUNCS& video = driver.table;
  const D3D10DDI_HDEVICE handle = driver.device.handle;
  const size_t commands = driver.kernel.commands.size();
  const uint32_t before = driver.device.events();
  std::vector<uint8_t> bytes(16, 0x77);
  driver.Decrypt(driver.session, pair.staging, pair.restricted);
  video.pfnEncryptionBlt(handle, driver.session.handle, pair.restricted.handle, pair.staging.handle,
                         16, bytes.data());
  CHECK(bytes == std::vector<uint8_t>(16));
  bytes.assign(16, 0x77);
  video.pfnStartSessionKeyRefresh(handle, driver.session.handle, 16, bytes.data());
  CHECK(bytes == std::vector<uint8_t>(16));
  bytes.assign(16, 0x77);
  video.pfnGetEncryptionBltKey(handle, driver.session.handle, 16, bytes.data());
  CHECK(bytes == std::vector<uint8_t>(16));
  video.pfnFinishSessionKeyRefresh(handle, driver.session.handle);
  CHECK(driver.device.events() == before + 5);
  driver.device.functions.pfnFlush(handle, 0);
  CHECK(driver.kernel.commands.size() == commands);
}

}  // namespace
}  // namespace ward::umd
