// CryptoSession and CrossProc: the key exchange's failures, how many sessions there are, and what
// becomes of those that a process leaves behind.
#include <map>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"
#include "tests/conformance/content_protection/decoder_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr size_t kSessions = 64;

Key MakeKey(size_t number) {
  Key key = kSessionKey;
  key[3] = static_cast<uint8_t>(number);
  return key;
}

HRESULT TryCreate(Process* process, runtime::PrivateMemory* memory) {
  runtime::Device& device = process->app.device();
  const D3D11_1DDIARG_CREATECRYPTOSESSION arguments = {
      D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, umd::kNullGuid, D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP};
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device.video_functions();
  REQUIRE(
      memory->Allocate(driver.pfnCalcPrivateCryptoSessionSize(device.driver_handle(), &arguments)));
  return driver.pfnCreateCryptoSession(device.driver_handle(), &arguments, {memory->get()}, {});
}

// Blobs that fail, each for another reason; all but the last have the right length.
std::vector<std::vector<uint8_t>> MakeBadBlobs(EVP_PKEY* key) {
  std::vector<uint8_t> tampered = WrapOaep(key, kOtherKey);
  tampered[77] ^= 2;
  return {tampered,
          WrapOaep(key, kOtherKey, "SHA1"),
          WrapOaep(key, std::vector<uint8_t>(15, 1)),
          WrapOaep(key, std::vector<uint8_t>(126, 1)),
          std::vector<uint8_t>(256),
          std::vector<uint8_t>(256, 0xFF),
          std::vector<uint8_t>(255, 1)};
}

TEST_CASE("CryptoSession.NegotiateTampered: a flipped bit is E_INVALIDARG, the old key stays",
          "[negative]") {
  Stage stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  for (const size_t at : {0u, 1u, 128u, 255u}) {
    std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kOtherKey);
    blob[at] ^= 0x01;
    CHECK(stage.process.Negotiate(session.get(), blob) == E_INVALIDARG);
  }
  CHECK(stage.process.HasKey(session.get(), kSessionKey));
}

TEST_CASE("CryptoSession.NegotiateFailsFirst: after a failed exchange there is no key (7.1)",
          "[negative]") {
  Stage stage;
  const SessionPointer session = stage.process.MakeSession();
  for (const std::vector<uint8_t>& blob : MakeBadBlobs(stage.process.device_key())) {
    CHECK(stage.process.Negotiate(session.get(), blob) == E_INVALIDARG);
  }
  Key random = kContentKey;
  CHECK(stage.process.app.video().StartSessionKeyRefresh(session.get(), random) == S_OK);
  CHECK(random == Key{});
}

TEST_CASE("CryptoSession.NegotiateRepeated: one blob may be used again (R17)") {
  Stage stage;
  const SessionPointer session = stage.process.MakeSession();
  const std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kSessionKey);
  for (int i = 0; i < 2; ++i) CHECK(stage.process.Negotiate(session.get(), blob) == S_OK);
  CHECK(stage.process.HasKey(session.get(), kSessionKey));
}

TEST_CASE("CryptoSession.NegotiateNull: no data is E_INVALIDARG, the old key stays (4.4)",
          "[negative]") {
  Stage stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  runtime::Device& device = stage.process.app.device();
  for (const UINT size : {0u, 256u}) {
    CHECK(device.video_functions().pfnNegotiateCryptoSessionKeyExchange(
              device.driver_handle(), session->driver_handle(), size, nullptr) == E_INVALIDARG);
  }
  CHECK(stage.process.HasKey(session.get(), kSessionKey));
}

TEST_CASE("CPAuthChannelAPI.NegotiateNull: no data is E_INVALIDARG (4.7)", "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  runtime::Device& device = stage.process.app.device();
  for (const UINT size : {0u, 256u}) {
    CHECK(device.video_functions().pfnNegotiateAuthenticatedChannelKeyExchange(
              device.driver_handle(), channel.channel->driver_handle(), size, nullptr) ==
          E_INVALIDARG);
  }
  channel.Open();
}

// The chip's clock moves only by what its work is charged, so equal times are equal work.
struct TimedStage {
  TimedStage()
      : machine(MachineOptions{.latency = device::LatencyPreset::kRealistic}),
        kernel(OpenKernel(machine.get())),
        process(kernel.get()) {}
  // Of one call, in virtual nanoseconds and by result.
  template <typename Call>
  void Measure(Call call) {
    const uint64_t before = machine.now_ns();
    const HRESULT result = call();
    ++answers[{result, machine.now_ns() - before}];
  }

  FunctionUnderTest machine;
  std::unique_ptr<runtime::Kernel> kernel;
  Process process;
  std::map<std::pair<HRESULT, uint64_t>, int> answers;
};

TEST_CASE("CryptoSession.NegotiateFailuresAlike: one result, one virtual time (8.7)",
          "[negative][needs-latency][needs-time]") {
  TimedStage stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  for (const std::vector<uint8_t>& blob : MakeBadBlobs(stage.process.device_key())) {
    stage.Measure([&] { return stage.process.Negotiate(session.get(), blob); });
  }
  const runtime::Device& device = stage.process.app.device();
  std::vector<uint8_t> long_blob(4097, 1);
  for (uint8_t* data : {static_cast<uint8_t*>(nullptr), long_blob.data()}) {
    for (const UINT size : {0u, 256u, 4097u}) {
      stage.Measure([&] {
        return device.video_functions().pfnNegotiateCryptoSessionKeyExchange(
            device.driver_handle(), session->driver_handle(), size, data);
      });
    }
  }
  REQUIRE(stage.answers.size() == 1);
  CHECK(stage.answers.begin()->first.first == E_INVALIDARG);
  CHECK(stage.answers.begin()->first.second > 0);
}

TEST_CASE("CPAuthChannelAPI.NegotiateFailuresAlike: one result, one virtual time (8.7)",
          "[negative][needs-latency][needs-time]") {
  TimedStage stage;
  ChannelParty channel(&stage.process);
  for (const std::vector<uint8_t>& blob : MakeBadBlobs(stage.process.device_key())) {
    stage.Measure([&] { return channel.NegotiateBlob(blob); });
  }
  const runtime::Device& device = stage.process.app.device();
  std::vector<uint8_t> long_blob(4097, 1);
  for (uint8_t* data : {static_cast<uint8_t*>(nullptr), long_blob.data()}) {
    for (const UINT size : {0u, 256u, 4097u}) {
      stage.Measure([&] {
        return device.video_functions().pfnNegotiateAuthenticatedChannelKeyExchange(
            device.driver_handle(), channel.channel->driver_handle(), size, data);
      });
    }
  }
  REQUIRE(stage.answers.size() == 1);
  CHECK(stage.answers.begin()->first.first == E_INVALIDARG);
  CHECK(stage.answers.begin()->first.second > 0);
}

TEST_CASE("CryptoSession.SixtyFour: as many sessions at once, each with its own key (4.2)") {
  Stage stage;
  std::vector<SessionPointer> sessions;
  for (size_t i = 0; i < kSessions; ++i) {
    sessions.push_back(stage.process.MakeKeyedSession(MakeKey(i)));
  }
  for (const size_t i : {size_t{0}, size_t{1}, kSessions / 2, kSessions - 1}) {
    CHECK(stage.process.HasKey(sessions[i].get(), MakeKey(i)));
    CHECK_FALSE(stage.process.HasKey(sessions[i].get(), MakeKey(i + 1)));
  }
}

TEST_CASE("CryptoSession.DestroyFreesKeys: a destroyed session holds no key's place (4.2)") {
  Stage stage;
  const std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kSessionKey);
  const size_t many = 600;  // more than the device keeps keys
  size_t keyed = 0;
  for (size_t i = 0; i < many; ++i) {
    const SessionPointer session = stage.process.MakeSession();
    keyed += stage.process.Negotiate(session.get(), blob) == S_OK;
  }
  CHECK(keyed == many);
}

TEST_CASE("CrossProc.SessionsShared: the 65th session of all processes is E_OUTOFMEMORY (4.2)",
          "[negative]") {
  Stage stage;
  Process other(stage.kernel.get());
  std::vector<SessionPointer> sessions;
  for (size_t i = 0; i < kSessions; ++i) {
    sessions.push_back((i % 2 == 0 ? stage.process : other).MakeSession());
  }
  for (Process* process : {&stage.process, &other}) {
    runtime::PrivateMemory memory;
    CHECK(TryCreate(process, &memory) == E_OUTOFMEMORY);
    CHECK(process->app.device().GetDeviceRemovedReason() == S_OK);
  }
  sessions.pop_back();
  CHECK(stage.process.MakeSession() != nullptr);
}

TEST_CASE("CrossProc.ProcessEndsSessions: sessions that it left behind are free for others") {
  Stage stage;
  // Through the table: the runtime's own objects would destroy their sessions.
  std::vector<runtime::PrivateMemory> memory(kSessions);
  {
    Process gone(stage.kernel.get());
    for (runtime::PrivateMemory& session : memory) REQUIRE(TryCreate(&gone, &session) == S_OK);
    runtime::PrivateMemory none;
    CHECK(TryCreate(&stage.process, &none) == E_OUTOFMEMORY);
  }
  runtime::PrivateMemory one;
  CHECK(TryCreate(&stage.process, &one) == S_OK);
}

TEST_CASE("CrossProc.DecoderHandle: another device is not told a decoder's handle (4)",
          "[negative]") {
  Stage stage;
  Process other(stage.kernel.get());
  const DecoderPointer decoder = MakeDecoder(&stage.process);
  runtime::Device& device = other.app.device();
  HANDLE handle = &handle;
  CHECK(device.video_functions().pfnVideoDecoderGetHandle(
            device.driver_handle(), decoder->driver_handle(), &handle) == E_INVALIDARG);
  CHECK(handle == nullptr);
}

}  // namespace
}  // namespace ward::test
