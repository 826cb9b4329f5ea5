// CrossProc: what one process can do to another's objects. Several processes are several runtime
// instances over one kernel, each with its own device and context; the handles of one are passed to
// the other's functions, as a broken or hostile caller would.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/decoder_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

const GUID& kSetProtection = D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID;
const GUID& kGetProtection = D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION;
const GUID& kDeviceHandle = D3D11_1DDI_AUTHENTICATED_QUERY_DEVICE_HANDLE;
const GUID& kSetCryptoSession = D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_GUID;
const GUID& kGetCryptoSession = D3D11_1DDI_AUTHENTICATED_QUERY_CRYPTO_SESSION;

struct TwoProcesses : Stage {
  TwoProcesses() : other(kernel.get()) {}
  Process other;
};

uint64_t HandleOf(runtime::CryptoSession* session) {
  HANDLE handle = nullptr;
  REQUIRE(session->GetCryptoSessionHandle(&handle) == S_OK);
  return reinterpret_cast<uintptr_t>(handle);
}

uint64_t HandleOf(runtime::VideoDecoder* decoder) {
  HANDLE handle = nullptr;
  REQUIRE(decoder->GetDriverHandle(&handle) == S_OK);
  return reinterpret_cast<uintptr_t>(handle);
}

TEST_CASE("CrossProc.SessionNegotiate: another device's session is E_INVALIDARG", "[negative]") {
  TwoProcesses stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kOtherKey);
  CHECK(stage.other.Negotiate(session.get(), blob) == E_INVALIDARG);
  CHECK(stage.process.HasKey(session.get(), kSessionKey));
}

TEST_CASE("CrossProc.SessionDecrypt: a blt with another device's session does nothing",
          "[negative]") {
  TwoProcesses stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  const SessionPointer own = stage.other.MakeKeyedSession(kOtherKey);
  const ResourcePointer frame = stage.other.MakeDefault(64, true);
  CHECK(stage.other.Decrypt(session.get(), MakeText(64), kIv, frame.get()) == S_OK);
  CHECK(stage.other.ReadProtected(own.get(), kOtherKey, frame.get()) == std::vector<uint8_t>(64));
  CHECK(stage.other.app.device().GetDeviceRemovedReason() == S_OK);
  CHECK(stage.process.HasKey(session.get(), kSessionKey));
}

TEST_CASE("CrossProc.SessionReadback: another device's session gives no read-back key",
          "[negative]") {
  TwoProcesses stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  Key wrapped = kContentKey;
  CHECK(stage.other.app.video().GetEncryptionBltKey(session.get(), wrapped) == S_OK);
  CHECK(wrapped == Key{});
}

TEST_CASE("CrossProc.SessionRefresh: another device refreshes nothing", "[negative]") {
  TwoProcesses stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  Key random = kContentKey;
  CHECK(stage.other.app.video().StartSessionKeyRefresh(session.get(), random) == S_OK);
  CHECK(random == Key{});
  REQUIRE(stage.process.app.video().StartSessionKeyRefresh(session.get(), random) == S_OK);
  CHECK(stage.other.app.video().FinishSessionKeyRefresh(session.get()) == S_OK);
  CHECK(stage.process.HasKey(session.get(), kSessionKey));
}

TEST_CASE("CrossProc.SessionHandle: another device is not told a session's handle", "[negative]") {
  TwoProcesses stage;
  const SessionPointer session = stage.process.MakeSession();
  runtime::Device& device = stage.other.app.device();
  HANDLE handle = &handle;
  CHECK(device.video_functions().pfnCryptoSessionGetHandle(
            device.driver_handle(), session->driver_handle(), &handle) == E_INVALIDARG);
  CHECK(handle == nullptr);
}

TEST_CASE("CrossProc.SessionDestroy: another device destroys no session", "[negative]") {
  TwoProcesses stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  runtime::Device& device = stage.other.app.device();
  device.video_functions().pfnDestroyCryptoSession(device.driver_handle(),
                                                   session->driver_handle());
  CHECK(stage.process.HasKey(session.get(), kSessionKey));
}

TEST_CASE("CrossProc.SessionPixels: one process's frame is not read by another's session",
          "[negative]") {
  TwoProcesses stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  const ResourcePointer frame = stage.process.MakeDefault(64, true);
  const std::vector<uint8_t> text = MakeText(64);
  REQUIRE(stage.process.Decrypt(session.get(), RunCtr(kSessionKey, kIv, text), kIv, frame.get()) ==
          S_OK);
  const SessionPointer other = stage.process.MakeKeyedSession(kOtherKey);
  CHECK(stage.process.ReadProtected(other.get(), kOtherKey, frame.get()).empty());
  const SessionPointer foreign = stage.other.MakeKeyedSession(kOtherKey);
  CHECK(stage.other.ReadProtected(foreign.get(), kOtherKey, frame.get()).empty());
  CHECK(stage.process.ReadProtected(session.get(), kSessionKey, frame.get()) == text);
}

TEST_CASE("CrossProc.ChannelNegotiate: another device's channel is E_INVALIDARG (8.2)",
          "[negative]") {
  TwoProcesses stage;
  ChannelParty channel(&stage.process);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kOtherKey);
  CHECK(stage.other.app.video().NegotiateAuthenticatedChannelKeyExchange(channel.channel.get(),
                                                                         blob) == E_INVALIDARG);
  CHECK(channel.Initialize().result == S_OK);
}

TEST_CASE("CrossProc.ChannelConfigure: another device's command is E_INVALIDARG, unanswered",
          "[negative]") {
  TwoProcesses stage;
  ChannelParty channel(&stage.process);
  channel.Open();
  const Message message = channel.Command(kSetProtection, Words({3}));
  const Reply reply = channel.SendFrom(&stage.other, message);
  CHECK(reply.result == E_INVALIDARG);
  CHECK(reply.bytes == Message(48, kUntouched));
  // It was not taken: its number is still good.
  CHECK(channel.Query(kGetProtection, {}, 56).Word(48) == 1);
  CHECK(channel.Send(message).result == S_OK);
}

TEST_CASE("CrossProc.ChannelQuery: another device's query is E_INVALIDARG, unanswered",
          "[negative]") {
  TwoProcesses stage;
  ChannelParty channel(&stage.process);
  channel.Open();
  const Message question = channel.Question(kQueryStart, kGetProtection);
  const Reply reply = channel.AskFrom(&stage.other, question, 56);
  CHECK(reply.result == E_INVALIDARG);
  CHECK(reply.bytes == Message(56, kUntouched));
  CHECK(channel.Ask(question, 56).result == S_OK);
}

TEST_CASE("CrossProc.ChannelDestroy: another device destroys no channel", "[negative]") {
  TwoProcesses stage;
  ChannelParty channel(&stage.process);
  channel.Open();
  runtime::Device& device = stage.other.app.device();
  device.video_functions().pfnDestroyAuthenticatedChannel(device.driver_handle(),
                                                          channel.channel->driver_handle());
  CHECK(channel.Query(kGetProtection, {}, 56).result == S_OK);
}

TEST_CASE("CrossProc.DeviceHandle: two devices have two handles") {
  TwoProcesses stage;
  ChannelParty first(&stage.process);
  ChannelParty second(&stage.other);
  first.Open();
  second.Open();
  CHECK(first.Query(kDeviceHandle, {}, 56).Long(48) !=
        second.Query(kDeviceHandle, {}, 56).Long(48));
}

TEST_CASE("CrossProc.Protection: what one device asked for is not the other's protection") {
  TwoProcesses stage;
  ChannelParty first(&stage.process);
  ChannelParty second(&stage.other);
  first.Open();
  second.Open();
  CHECK(first.Configure(kSetProtection, Words({3})).result == S_OK);
  CHECK(second.Query(kGetProtection, {}, 56).Word(48) == 1);
  CHECK(second.Configure(kSetProtection, Words({0})).result == S_OK);
  CHECK(first.Query(kGetProtection, {}, 56).Word(48) == 3);
}

TEST_CASE("CrossProc.CryptoSession: session, decoder and device must all be the channel's (8.5)",
          "[negative]") {
  TwoProcesses stage;
  ChannelParty channel(&stage.process);
  ChannelParty foreign_channel(&stage.other);
  channel.Open();
  foreign_channel.Open();
  const DecoderPointer decoder = MakeDecoder(&stage.process);
  const DecoderPointer foreign_decoder = MakeDecoder(&stage.other);
  const SessionPointer session = stage.process.MakeSession();
  const SessionPointer foreign_session = stage.other.MakeSession();
  const uint64_t own[] = {HandleOf(decoder.get()), HandleOf(session.get()),
                          channel.Query(kDeviceHandle, {}, 56).Long(48)};
  const uint64_t foreign[] = {HandleOf(foreign_decoder.get()), HandleOf(foreign_session.get()),
                              foreign_channel.Query(kDeviceHandle, {}, 56).Long(48)};
  for (size_t at = 0; at < 3; ++at) {
    uint64_t mixed[] = {own[0], own[1], own[2]};
    mixed[at] = foreign[at];
    CHECK(channel.Configure(kSetCryptoSession, Longs({mixed[0], mixed[1], mixed[2]})).result ==
          E_INVALIDARG);
  }
  CHECK(channel.Configure(kSetCryptoSession, Longs({foreign[0], foreign[1], foreign[2]})).result ==
        E_INVALIDARG);
  CHECK(channel.Query(kGetCryptoSession, Longs({own[0]}), 72).Long(56) == 0);
  CHECK(channel.Query(kGetCryptoSession, Longs({foreign[0]}), 72).result == E_INVALIDARG);
  CHECK(channel.Configure(kSetCryptoSession, Longs({own[0], own[1], own[2]})).result == S_OK);
}

TEST_CASE("CrossProc.OutputId: another device's session has no outputs here", "[negative]") {
  TwoProcesses stage;
  ChannelParty channel(&stage.process);
  channel.Open();
  const SessionPointer foreign = stage.other.MakeSession();
  const uint64_t device = channel.Query(kDeviceHandle, {}, 56).Long(48);
  CHECK(channel
            .Query(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT,
                   Longs({device, HandleOf(foreign.get())}), 72)
            .result == E_INVALIDARG);
}

TEST_CASE("CrossProc.ProcessEnds: channels that it left behind are free for others") {
  Stage stage;
  // Through the table: the runtime's own objects would destroy their channels.
  std::vector<runtime::PrivateMemory> memory(64);
  {
    Process gone(stage.kernel.get());
    runtime::Device& device = gone.app.device();
    const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device.video_functions();
    for (runtime::PrivateMemory& channel : memory) {
      D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL create = {
          D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, nullptr};
      REQUIRE(channel.Allocate(
          driver.pfnCalcPrivateAuthenticatedChannelSize(device.driver_handle(), &create)));
      REQUIRE(driver.pfnCreateAuthenticatedChannel(device.driver_handle(), &create, {channel.get()},
                                                   {}) == S_OK);
    }
    ChannelPointer none;
    CHECK(stage.process.video_device().CreateAuthenticatedChannel(kHardwareChannel, &none) ==
          E_OUTOFMEMORY);
  }
  ChannelParty channel(&stage.process);
  channel.Open();
}

}  // namespace
}  // namespace ward::test
