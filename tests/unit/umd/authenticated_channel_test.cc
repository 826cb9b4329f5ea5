// Authenticated channels: the driver carries bytes and sizes, the device judges (R18).
#include <algorithm>
#include <cstring>
#include <vector>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/bytes.h"
#include "tests/unit/umd/driver_fixture.h"

namespace ward::umd {
namespace {

constexpr uint64_t kChannelHandle = 0xC8C7C6C5C4C3C2C1;
constexpr uint8_t kChannel = 5;

class ChannelDriver : public Driver {
 public:
  ChannelDriver() : memory(Size()) {
    channel.pDrvPrivate = memory.get();
    kernel.answer = [this](const FakeKernel::Message& message, uint32_t* answer_status) {
      *answer_status = status;
      return Body(message);
    };
  }

  SIZE_T Size() {
    return device.video.pfnCalcPrivateAuthenticatedChannelSize(device.handle, nullptr);
  }
  HRESULT Create(INT type = D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE) {
    create = {static_cast<D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE>(type), &create};
    return device.video.pfnCreateAuthenticatedChannel(device.handle, &create, channel, {});
  }
  void CreateWell() {
    REQUIRE(Create() == S_OK);
    kernel.messages.clear();
  }
  HRESULT Query(const std::vector<uint8_t>& input, std::vector<uint8_t>* output) {
    return device.video.pfnQueryAuthenticatedChannel(
        device.handle, channel, static_cast<UINT>(input.size()), input.data(),
        static_cast<UINT>(output->size()), output->data());
  }
  HRESULT Configure(const std::vector<uint8_t>& input,
                    D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT* out) {
    return device.video.pfnConfigureAuthenticatedChannel(
        device.handle, channel, static_cast<UINT>(input.size()), input.data(), out);
  }

  PrivateMemory memory;
  D3D11_1DDI_HAUTHCHANNEL channel = {};
  D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL create = {};
  uint32_t status = 0;               // of every answer
  std::vector<uint8_t> answered;     // to channel messages
  uint32_t said_bytes = UINT32_MAX;  // of it; by default as many as there are
  bool only_header = false;

 private:
  std::vector<uint8_t> Body(const FakeKernel::Message& message) const {
    if (only_header) return {};
    switch (message.number) {
      case abi::kMessageCreateChannel:
        if (status != 0) return {};
        return {kChannel, 0, 0, 0, 0, 0, 0, 0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8};
      case abi::kMessageQueryChannel:
      case abi::kMessageConfigureChannel: {
        std::vector<uint8_t> body(16);
        StoreLe(body.data(),
                said_bytes != UINT32_MAX ? said_bytes : static_cast<uint32_t>(answered.size()));
        body.insert(body.end(), answered.begin(), answered.end());
        return body;
      }
      default:
        return {};
    }
  }
};

std::vector<uint8_t> Counting(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i + 1);
  return bytes;
}

TEST_CASE("CreateAuthenticatedChannel sends type and HANDLE width and writes hChannel") {
  ChannelDriver driver;
  REQUIRE(driver.Create() == S_OK);
  CHECK(reinterpret_cast<UINT_PTR>(driver.create.hChannel) == kChannelHandle);
  REQUIRE(driver.kernel.messages.size() == 1);
  CHECK(driver.kernel.messages[0].number == abi::kMessageCreateChannel);
  CHECK(driver.kernel.messages[0].payload ==
        std::vector<uint8_t>{3, 0, 0, 0, sizeof(void*), 0, 0, 0});
  driver.RequireClean();
}

TEST_CASE("CreateAuthenticatedChannel gives the device's refusal and no handle") {
  const std::pair<uint32_t, uint32_t> cases[] = {{abi::kStatusChannelTypeUnsupported, 0x8876086A},
                                                 {abi::kStatusHandlesExhausted, 0x8007000E}};
  for (const auto& [status, hresult] : cases) {
    ChannelDriver driver;
    driver.status = status;
    CHECK(driver.Create(1) == static_cast<HRESULT>(hresult));
    CHECK(driver.create.hChannel == nullptr);
    std::vector<uint8_t> output(48, 0xEE);
    CHECK(driver.Query(Counting(32), &output) == E_INVALIDARG);
    CHECK(driver.kernel.messages.size() == 1);
  }
}

TEST_CASE("CreateAuthenticatedChannel refuses nulls without asking the device") {
  ChannelDriver driver;
  const auto create = driver.device.video.pfnCreateAuthenticatedChannel;
  CHECK(create(driver.device.handle, nullptr, driver.channel, {}) == E_INVALIDARG);
  CHECK(create(driver.device.handle, &driver.create, {nullptr}, {}) == E_INVALIDARG);
  CHECK(create({nullptr}, &driver.create, driver.channel, {}) == E_INVALIDARG);
  CHECK(driver.kernel.messages.empty());
}

TEST_CASE("a device without channels answers D3DDDIERR_NOTAVAILABLE") {
  FakeKernel kernel;
  kernel.adapter_data.features &= ~abi::kFeaturesAuthenticatedChannelMask;
  const OpenedAdapter adapter(&kernel);
  OpenedDevice device(&kernel, adapter);
  const PrivateMemory memory(256);
  D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL create = {
      D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, &kernel};
  CHECK(device.video.pfnCreateAuthenticatedChannel(device.handle, &create, {memory.get()}, {}) ==
        static_cast<HRESULT>(0x8876086Au));
  CHECK(create.hChannel == nullptr);
  CHECK(kernel.messages.empty());
}

TEST_CASE("DestroyAuthenticatedChannel ends the device's channel and the handle") {
  ChannelDriver driver;
  driver.CreateWell();
  const auto destroy = driver.device.video.pfnDestroyAuthenticatedChannel;
  destroy(driver.device.handle, driver.channel);
  REQUIRE(driver.kernel.messages.size() == 1);
  CHECK(driver.kernel.messages[0].number == abi::kMessageDestroyChannel);
  CHECK(driver.kernel.messages[0].payload == std::vector<uint8_t>{kChannel, 0, 0, 0, 0, 0, 0, 0});
  destroy(driver.device.handle, driver.channel);
  uint8_t blob[256] = {};
  CHECK(driver.device.video.pfnNegotiateAuthenticatedChannelKeyExchange(
            driver.device.handle, driver.channel, 256, blob) == E_INVALIDARG);
  CHECK(driver.kernel.messages.size() == 1);
}

TEST_CASE("the channel's key exchange forwards any size up to 4096 and the device's answer") {
  ChannelDriver driver;
  driver.CreateWell();
  const auto negotiate = [&](UINT size, void* data) {
    return driver.device.video.pfnNegotiateAuthenticatedChannelKeyExchange(
        driver.device.handle, driver.channel, size, data);
  };
  std::vector<uint8_t> blob = Counting(5000);
  for (const UINT size : {0u, 255u, 256u, 4096u}) {
    driver.kernel.messages.clear();
    CHECK(negotiate(size, blob.data()) == S_OK);
    REQUIRE(driver.kernel.messages.size() == 1);
    const std::vector<uint8_t>& payload = driver.kernel.messages[0].payload;
    REQUIRE(payload.size() == 8 + size);
    CHECK(payload[0] == kChannel);
    CHECK(LoadLe<uint32_t>(payload.data() + 4) == size);
    CHECK(std::equal(payload.begin() + 8, payload.end(), blob.begin()));
  }
  driver.kernel.messages.clear();
  driver.status = abi::kStatusKeyExchangeFailed;
  CHECK(negotiate(256, blob.data()) == E_INVALIDARG);
  // What can't be sent is asked for all the same, empty: it fails like the others, and as late.
  driver.kernel.messages.clear();
  CHECK(negotiate(4097, blob.data()) == E_INVALIDARG);
  CHECK(negotiate(256, nullptr) == E_INVALIDARG);
  REQUIRE(driver.kernel.messages.size() == 2);
  for (const FakeKernel::Message& message : driver.kernel.messages) {
    REQUIRE(message.payload.size() == 8);
    CHECK(LoadLe<uint32_t>(message.payload.data() + 4) == 0);
  }
  driver.RequireClean();
}

TEST_CASE("a query carries input, sizes and the answer unchanged") {
  ChannelDriver driver;
  driver.CreateWell();
  driver.answered = Counting(56);
  std::vector<uint8_t> output(60, 0xEE);
  CHECK(driver.Query(Counting(40), &output) == S_OK);
  REQUIRE(driver.kernel.messages.size() == 1);
  CHECK(driver.kernel.messages[0].number == abi::kMessageQueryChannel);
  std::vector<uint8_t> expected = {kChannel, 0, 0, 0, 40, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0};
  const std::vector<uint8_t> input = Counting(40);
  expected.insert(expected.end(), input.begin(), input.end());
  CHECK(driver.kernel.messages[0].payload == expected);
  std::vector<uint8_t> whole = Counting(56);
  whole.resize(60, 0xEE);
  CHECK(output == whole);
  driver.RequireClean();
}

TEST_CASE("a command carries input and the answer unchanged") {
  ChannelDriver driver;
  driver.CreateWell();
  driver.answered = Counting(48);
  D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT output = {};
  CHECK(driver.Configure(Counting(72), &output) == S_OK);
  REQUIRE(driver.kernel.messages.size() == 1);
  CHECK(driver.kernel.messages[0].number == abi::kMessageConfigureChannel);
  std::vector<uint8_t> expected = {kChannel, 0, 0, 0, 72, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const std::vector<uint8_t> input = Counting(72);
  expected.insert(expected.end(), input.begin(), input.end());
  CHECK(driver.kernel.messages[0].payload == expected);
  CHECK(std::memcmp(&output, Counting(48).data(), 48) == 0);
}

TEST_CASE("a failed query's output comes back too, when the device answers one") {
  ChannelDriver driver;
  driver.CreateWell();
  driver.status = abi::kStatusChannelCommandUnsupported;
  driver.answered = Counting(48);
  std::vector<uint8_t> output(48, 0xEE);
  CHECK(driver.Query(Counting(32), &output) == static_cast<HRESULT>(0x80004005u));
  CHECK(output == Counting(48));
}

TEST_CASE("an output that the device does not answer stays as it was") {
  ChannelDriver driver;
  driver.CreateWell();
  driver.status = abi::kStatusChannelMessageInvalid;
  for (const bool only_header : {false, true}) {
    driver.only_header = only_header;
    std::vector<uint8_t> output(48, 0xEE);
    CHECK(driver.Query(Counting(32), &output) == E_INVALIDARG);
    CHECK(output == std::vector<uint8_t>(48, 0xEE));
  }
}

TEST_CASE("an answer longer than the caller's output removes the device") {
  for (const uint32_t said : {49u, 57u, 0xFFFFFFFFu - 1}) {
    ChannelDriver driver;
    driver.CreateWell();
    driver.answered = Counting(48);
    driver.said_bytes = said;
    std::vector<uint8_t> output(48, 0xEE);
    CHECK(driver.Query(Counting(32), &output) == D3DDDIERR_DEVICEREMOVED);
    CHECK(output == std::vector<uint8_t>(48, 0xEE));
    CHECK(driver.device.driver().kernel().removed());
  }
}

TEST_CASE("channel messages without room for a header are E_INVALIDARG and stay here") {
  ChannelDriver driver;
  driver.CreateWell();
  const D3D11_1DDI_VIDEODEVICEFUNCS& video = driver.device.video;
  const std::vector<uint8_t> input = Counting(72);
  std::vector<uint8_t> output(80, 0xEE);
  D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT answer;
  std::memset(&answer, 0xEE, sizeof(answer));
  const auto query = [&](UINT in, const void* from, UINT out, void* to) {
    return video.pfnQueryAuthenticatedChannel(driver.device.handle, driver.channel, in, from, out,
                                              to);
  };
  CHECK(query(31, input.data(), 80, output.data()) == E_INVALIDARG);
  CHECK(query(32, nullptr, 80, output.data()) == E_INVALIDARG);
  CHECK(query(32, input.data(), 47, output.data()) == E_INVALIDARG);
  CHECK(query(32, input.data(), 80, nullptr) == E_INVALIDARG);
  const auto configure = [&](UINT in, const void* from,
                             D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT* to) {
    return video.pfnConfigureAuthenticatedChannel(driver.device.handle, driver.channel, in, from,
                                                  to);
  };
  CHECK(configure(47, input.data(), &answer) == E_INVALIDARG);
  CHECK(configure(56, nullptr, &answer) == E_INVALIDARG);
  CHECK(configure(56, input.data(), nullptr) == E_INVALIDARG);
  CHECK(driver.kernel.messages.empty());
  CHECK(output == std::vector<uint8_t>(80, 0xEE));
  CHECK(answer.ReturnCode == static_cast<HRESULT>(0xEEEEEEEE));
}

TEST_CASE("of an input of any size only what a message can have is forwarded") {
  ChannelDriver driver;
  driver.CreateWell();
  std::vector<uint8_t> output(48);
  CHECK(driver.Query(std::vector<uint8_t>(70000, 0x11), &output) == S_OK);
  REQUIRE(driver.kernel.messages.size() == 1);
  CHECK(driver.kernel.messages[0].payload.size() == 16 + 256);
  CHECK(LoadLe<uint32_t>(driver.kernel.messages[0].payload.data() + 4) == 256);
}

TEST_CASE("another device's calls on a channel fail or do nothing") {
  ChannelDriver driver;
  driver.CreateWell();
  OpenedDevice other(&driver.kernel, driver.adapter);
  std::vector<uint8_t> input = Counting(72);
  std::vector<uint8_t> output(56, 0xEE);
  D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT answer = {};
  CHECK(other.video.pfnNegotiateAuthenticatedChannelKeyExchange(other.handle, driver.channel, 72,
                                                                input.data()) == E_INVALIDARG);
  CHECK(other.video.pfnQueryAuthenticatedChannel(other.handle, driver.channel, 32, input.data(), 56,
                                                 output.data()) == E_INVALIDARG);
  CHECK(other.video.pfnConfigureAuthenticatedChannel(other.handle, driver.channel, 56, input.data(),
                                                     &answer) == E_INVALIDARG);
  other.video.pfnDestroyAuthenticatedChannel(other.handle, driver.channel);
  CHECK(driver.kernel.messages.empty());
  CHECK(output == std::vector<uint8_t>(56, 0xEE));
  CHECK(other.events() == 4);
}

}  // namespace
}  // namespace ward::umd
