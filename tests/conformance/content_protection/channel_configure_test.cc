// CPAuthChannelAPI: a channel's life, its key, and ConfigureAuthenticatedChannel.
#include <set>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr HRESULT kUnsupported = static_cast<HRESULT>(0x80004005);   // E_FAIL
constexpr HRESULT kNotAvailable = static_cast<HRESULT>(0x8876086A);  // D3DDDIERR_NOTAVAILABLE
const GUID& kInitialize = D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE_GUID;
const GUID& kProtection = D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID;
const GUID& kCryptoSession = D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_GUID;
const GUID& kSharedResource = D3D11_1DDI_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_GUID;
const GUID& kEncryption = D3D11_1DDI_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE_GUID;

HRESULT Create(Stage* stage, uint32_t type) {
  ChannelPointer channel;
  return stage->process.video_device().CreateAuthenticatedChannel(type, &channel);
}

struct OpenChannel : Stage {
  explicit OpenChannel(uint32_t type = kHardwareChannel) : channel(&process, type) {
    channel.Open();
  }
  // The channel still takes what is right.
  ~OpenChannel() { CHECK(channel.Configure(kProtection, Words({0})).result == S_OK); }

  ChannelParty channel;
};

void CheckRefused(OpenChannel* stage, const Message& message, HRESULT result) {
  const Reply reply = stage->channel.Send(message);
  CHECK(reply.result == result);
  stage->channel.CheckAnswered(reply, message, false);
}

TEST_CASE("CPAuthChannelAPI.CreateWritesHandle: hardware and software channels exist") {
  Stage stage;
  const ChannelParty hardware(&stage.process, kHardwareChannel);
  const ChannelParty software(&stage.process, kSoftwareChannel);
  CHECK(hardware.handle() != 0);
  CHECK(software.handle() != 0);
  CHECK(hardware.handle() != software.handle());
}

TEST_CASE("CPAuthChannelAPI.CreateType: no other channel type is available", "[negative]") {
  Stage stage;
  for (const uint32_t type : {0u, 4u, 0x10003u, 0xFFFFFFFFu}) {
    CHECK(Create(&stage, type) == kNotAvailable);
  }
}

TEST_CASE("CPAuthChannelAPI.CreateRuntimeType: the runtime's own channel is none of the driver's",
          "[negative]") {
  Stage stage;
  CHECK(Create(&stage, 1) == E_NOTIMPL);
  runtime::Device& device = stage.process.app.device();
  D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL create = {
      static_cast<D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE>(1), &create};
  runtime::PrivateMemory memory;
  REQUIRE(memory.Allocate(device.video_functions().pfnCalcPrivateAuthenticatedChannelSize(
      device.driver_handle(), &create)));
  CHECK(device.video_functions().pfnCreateAuthenticatedChannel(
            device.driver_handle(), &create, {memory.get()}, {}) == kNotAvailable);
  CHECK(create.hChannel == nullptr);
}

TEST_CASE("CPAuthChannelAPI.HandleUnrepeatable: no handle comes twice, nor its low half (R32)") {
  Stage stage;
  std::set<uint64_t> handles;
  std::set<uint32_t> halves;
  for (int i = 0; i < 100; ++i) {
    const ChannelParty channel(&stage.process);
    handles.insert(channel.handle());
    halves.insert(static_cast<uint32_t>(channel.handle()));
  }
  CHECK(handles.size() == 100);
  CHECK(halves.size() == 100);
}

TEST_CASE("CPAuthChannelAPI.CreateExhausted: the 65th channel is E_OUTOFMEMORY until one goes",
          "[negative]") {
  Stage stage;
  std::vector<ChannelPointer> channels(64);
  for (ChannelPointer& channel : channels) {
    REQUIRE(stage.process.video_device().CreateAuthenticatedChannel(kHardwareChannel, &channel) ==
            S_OK);
  }
  CHECK(Create(&stage, kHardwareChannel) == E_OUTOFMEMORY);
  channels.pop_back();
  CHECK(Create(&stage, kHardwareChannel) == S_OK);
  CHECK(stage.process.app.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("CPAuthChannelAPI.Certificate: a channel's chain leads to the device's RSA-2048 key") {
  Stage stage;
  for (const uint32_t type : {kSoftwareChannel, kHardwareChannel}) {
    const ChannelParty channel(&stage.process, type);
    uint32_t size_bytes = 0;
    REQUIRE(channel.channel->GetCertificateSize(&size_bytes) == S_OK);
    std::vector<uint8_t> bundle(size_bytes);
    REQUIRE(channel.channel->GetCertificate(bundle) == S_OK);
    const examples::VerifiedLeaf leaf = examples::VerifyChain(bundle, SharedRoot());
    CHECK(EVP_PKEY_eq(leaf.key.get(), stage.process.device_key()) == 1);
  }
}

TEST_CASE("CPAuthChannelAPI.NegotiateSize: anything but 256 bytes is E_INVALIDARG", "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  const std::vector<uint8_t> good = WrapOaep(stage.process.device_key(), kSessionKey);
  for (const size_t size : {1u, 255u, 257u, 512u}) {
    std::vector<uint8_t> blob = good;
    blob.resize(size);
    CHECK(channel.NegotiateBlob(blob) == E_INVALIDARG);
  }
  channel.Open();
}

TEST_CASE("CPAuthChannelAPI.NegotiateTampered: a flipped bit is E_INVALIDARG", "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  for (const size_t at : {0u, 128u, 255u}) {
    std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kSessionKey);
    blob[at] ^= 0x01;
    CHECK(channel.NegotiateBlob(blob) == E_INVALIDARG);
  }
  channel.Open();
}

TEST_CASE("CPAuthChannelAPI.NegotiateHash: OAEP with SHA-1 or SHA-256 is E_INVALIDARG",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  for (const char* digest : {"SHA1", "SHA256"}) {
    CHECK(channel.NegotiateBlob(WrapOaep(stage.process.device_key(), kSessionKey, digest)) ==
          E_INVALIDARG);
  }
  channel.Open();
}

TEST_CASE("CPAuthChannelAPI.NegotiateKeyLength: a key that is not 16 bytes is E_INVALIDARG (R5)",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  for (const size_t size : {0u, 15u, 17u, 32u, 40u, 126u}) {
    const std::vector<uint8_t> key(size, 0x5A);
    CHECK(channel.NegotiateBlob(WrapOaep(stage.process.device_key(), key)) == E_INVALIDARG);
  }
  channel.Open();
}

TEST_CASE("CPAuthChannelAPI.NegotiateAgain: before INITIALIZE the last key is the key (R17)") {
  Stage stage;
  ChannelParty channel(&stage.process);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  REQUIRE(channel.Negotiate(kOtherKey) == S_OK);
  channel.key = kSessionKey;
  CHECK(channel.Initialize().result == E_INVALIDARG);
  channel.key = kOtherKey;
  CHECK(channel.Initialize().result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.NegotiateFails: the earlier key stays", "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kOtherKey);
  blob[9] ^= 4;
  CHECK(channel.NegotiateBlob(blob) == E_INVALIDARG);
  CHECK(channel.Initialize().result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.NegotiateLate: after INITIALIZE it is E_INVALIDARG (R17)",
          "[negative]") {
  OpenChannel stage;
  CHECK(stage.channel.NegotiateBlob(WrapOaep(stage.process.device_key(), kOtherKey)) ==
        E_INVALIDARG);
}

// The channel gets the reference's handle: its high half is random, its low half a serial number
// under random round keys, which are such that the second number becomes it.
TEST_CASE("CPAuthChannelAPI.OmacKnownAnswer: the reference's INITIALIZE and its answer (7.3)",
          "[needs-entropy]") {
  constexpr uint64_t kHandle = 0x1122334455667788;
  Stage stage(MachineOptions{.entropy_seed = 1});
  Message random(4 + 16 + 4);  // half of the device's handle, round keys, half of the channel's
  StoreLe<uint32_t>(random.data() + 12, 0xdd5d547f);
  StoreLe<uint32_t>(random.data() + 16, 0x8660a7d1);
  StoreLe<uint32_t>(random.data() + 20, kHandle >> 32);
  stage.function.SetNextRandom(random);
  ChannelParty channel(&stage.process);
  REQUIRE(channel.handle() == kHandle);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  Message command(56);
  const Message type = BytesOfGuid(kInitialize);
  std::copy(type.begin(), type.end(), command.begin() + 16);
  StoreLe(command.data() + 32, kHandle);
  StoreLe<uint32_t>(command.data() + 48, kQueryStart);
  StoreLe<uint32_t>(command.data() + 52, kConfigureStart);
  const Key omac = ParseKey("c49b60d147fae356506998145030e722");
  CHECK(Cmac(kSessionKey, ConstByteSpan(command).subspan(16)) == omac);
  std::copy(omac.begin(), omac.end(), command.begin());
  const Reply reply = channel.Send(command);
  CHECK(reply.result == S_OK);
  const Key answered = ParseKey("7564a6c6984637d33a702dc00129e439");
  std::copy(answered.begin(), answered.end(), command.begin());
  command.resize(48);  // the answer: the same fields, ReturnCode S_OK
  CHECK(reply.bytes == command);
}

TEST_CASE("CPAuthChannelAPI.InitializeAnswer: type, handle, number and S_OK come back signed") {
  Stage stage;
  ChannelParty channel(&stage.process);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  const Message message = channel.CommandAt(77, kInitialize, Words({kQueryStart, kConfigureStart}));
  const Reply reply = channel.Send(message);
  CHECK(reply.result == S_OK);
  channel.CheckAnswered(reply, message, false);
}

TEST_CASE("CPAuthChannelAPI.ConfigureBeforeKey: E_INVALIDARG, and nothing is signed",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  const Reply reply = channel.Initialize();
  CHECK(reply.result == E_INVALIDARG);
  CHECK_FALSE(reply.HasOmac());
}

TEST_CASE("CPAuthChannelAPI.ConfigureNull: null data is E_INVALIDARG", "[negative]") {
  OpenChannel stage;
  runtime::VideoContext& video = stage.process.app.video();
  runtime::AuthenticatedChannel* channel = stage.channel.channel.get();
  const Message message = stage.channel.CommandAt(kConfigureStart, kProtection, Words({0}));
  D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT output = {};
  CHECK(video.ConfigureAuthenticatedChannel(channel, 56, nullptr, &output) == E_INVALIDARG);
  CHECK(video.ConfigureAuthenticatedChannel(channel, 56, message.data(), nullptr) == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.ConfigureHeaderShort: below 48 bytes the output stays untouched",
          "[negative]") {
  OpenChannel stage;
  Message message = stage.channel.CommandAt(kConfigureStart, kProtection, Words({0}));
  for (const size_t size : {1u, 16u, 47u}) {
    message.resize(size);
    const Reply reply = stage.channel.Send(message);
    CHECK(reply.result == E_INVALIDARG);
    CHECK(reply.bytes == Message(48, kUntouched));
  }
}

void CheckShortCommand(const GUID& type, size_t size) {
  OpenChannel stage(kSoftwareChannel);
  for (const size_t cut : {size_t{48}, size - 1}) {
    Message message = stage.channel.CommandAt(kConfigureStart, type, Message(size - 48));
    message.resize(cut);  // signed as though the rest were there and zero
    CheckRefused(&stage, message, E_INVALIDARG);
  }
}

TEST_CASE("CPAuthChannelAPI.ConfigureShort: INITIALIZE", "[negative]") {
  CheckShortCommand(kInitialize, 56);
}
TEST_CASE("CPAuthChannelAPI.ConfigureShort: PROTECTION", "[negative]") {
  CheckShortCommand(kProtection, 56);
}
TEST_CASE("CPAuthChannelAPI.ConfigureShort: CRYPTO_SESSION", "[negative]") {
  CheckShortCommand(kCryptoSession, 72);
}
TEST_CASE("CPAuthChannelAPI.ConfigureShort: SHARED_RESOURCE", "[negative]") {
  CheckShortCommand(kSharedResource, 72);
}
TEST_CASE("CPAuthChannelAPI.ConfigureShort: ENCRYPTION_WHEN_ACCESSIBLE", "[negative]") {
  CheckShortCommand(kEncryption, 64);
}

// A command whose last bytes are missing, signed as though they were there and zero.
void CheckCutCommand(ChannelParty* channel, const GUID& type, size_t size) {
  Message message = channel->CommandAt(kConfigureStart, type, Message(size - 48));
  message.resize(size - 1);
  CHECK(channel->Send(message).result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.ConfigureCut: bytes that are not there do not count as zeros (8.2)",
          "[negative]") {
  OpenChannel stage;
  CheckCutCommand(&stage.channel, kProtection, 56);
  CheckCutCommand(&stage.channel, kEncryption, 64);
  // Nothing was taken: the number is still good.
  CHECK(stage.channel.Configure(kProtection, Words({0})).result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.InitializeCut: bytes that are not there do not count as zeros (8.2)",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  CheckCutCommand(&channel, kInitialize, 56);
  CHECK(channel.Initialize().result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.ConfigureLarger: more bytes are accepted and not MACed (R13)") {
  OpenChannel stage;
  for (const size_t size : {57u, 64u, 4096u, 70000u}) {
    Message message = stage.channel.Command(kProtection, Words({0}));
    message.resize(size, 0xAB);
    CHECK(stage.channel.Send(message).result == S_OK);
  }
}

TEST_CASE("CPAuthChannelAPI.ConfigureUnknown: E_FAIL, and the answer is not signed (R31)",
          "[negative]") {
  OpenChannel stage;
  GUID type = kProtection;
  type.Data1 ^= 1;
  for (const GUID& unknown :
       {type, umd::kNullGuid, GUID(D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION)}) {
    const Reply reply =
        stage.channel.Send(stage.channel.CommandAt(kConfigureStart, unknown, Words({0})));
    CHECK(reply.result == kUnsupported);
    CHECK_FALSE(reply.HasOmac());
  }
}

TEST_CASE("CPAuthChannelAPI.ConfigureUnknownFirst: the type is judged before size and MAC (8.2)",
          "[negative]") {
  OpenChannel stage;
  Message message = stage.channel.CommandAt(kConfigureStart, umd::kNullGuid, {});
  message[0] ^= 1;
  CHECK(stage.channel.Send(message).result == kUnsupported);
}

TEST_CASE("CPAuthChannelAPI.OmacFlipped: a wrong MAC is E_INVALIDARG, wherever the bit is",
          "[negative]") {
  OpenChannel stage;
  // In the MAC, type's tail, handle, number, the header's padding, payload and tail padding.
  for (const size_t at : {0u, 15u, 32u, 39u, 40u, 44u, 47u, 48u, 55u}) {
    Message message = stage.channel.CommandAt(kConfigureStart, kProtection, Words({1}));
    message[at] ^= 0x80;
    CheckRefused(&stage, message, E_INVALIDARG);
  }
}

TEST_CASE("CPAuthChannelAPI.OmacCoverage: a MAC over the zeroed field or the header fails (R6)",
          "[negative]") {
  OpenChannel stage;
  Message message = stage.channel.CommandAt(kConfigureStart, kProtection, Words({1}));
  stage.channel.Sign(&message, 48);
  CheckRefused(&stage, message, E_INVALIDARG);
  std::fill_n(message.begin(), 16, uint8_t{0});
  const Key omac = Cmac(stage.channel.key, message);
  std::copy(omac.begin(), omac.end(), message.begin());
  CheckRefused(&stage, message, E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.OmacPadding: padding is any value, but under the MAC") {
  OpenChannel stage;
  Message message = stage.channel.Command(kProtection, Words({1}));
  message[44] = 0x99;
  message[55] = 0x77;
  stage.channel.Sign(&message);
  CHECK(stage.channel.Send(message).result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.ConfigureHandle: another channel's handle is E_INVALIDARG",
          "[negative]") {
  OpenChannel stage;
  const ChannelParty other(&stage.process);
  for (const uint64_t handle : {uint64_t{0}, other.handle(), stage.channel.handle() + 1}) {
    Message message = stage.channel.CommandAt(kConfigureStart, kProtection, Words({1}));
    StoreLe(message.data() + 32, handle);
    stage.channel.Sign(&message);
    CheckRefused(&stage, message, E_INVALIDARG);
  }
}

TEST_CASE("CPAuthChannelAPI.ConfigureReplayOnOtherChannel: a recorded exchange is worth nothing",
          "[negative]") {
  Stage stage;
  ChannelParty first(&stage.process);
  const std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kSessionKey);
  REQUIRE(first.NegotiateBlob(blob) == S_OK);
  const Message initialize = first.CommandAt(0, kInitialize, Words({kQueryStart, kConfigureStart}));
  REQUIRE(first.Send(initialize).result == S_OK);
  ChannelParty second(&stage.process);
  REQUIRE(second.NegotiateBlob(blob) == S_OK);
  CHECK(second.Send(initialize).result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.ConfigureBeforeInitialize: E_INVALIDARG for every other command",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process, kSoftwareChannel);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  CHECK(channel.Configure(kProtection, Words({1})).result == E_INVALIDARG);
  CHECK(channel.Configure(kCryptoSession, Longs({1, 2, 3})).result == E_INVALIDARG);
  CHECK(channel.Configure(kSharedResource, Longs({1, 0, 1})).result == E_INVALIDARG);
  CHECK(channel.Configure(kEncryption, Message(16)).result == E_INVALIDARG);
  CHECK(channel.Initialize().result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.InitializeTwice: the second is E_INVALIDARG and changes nothing",
          "[negative]") {
  OpenChannel stage;
  const Message again = stage.channel.CommandAt(5, kInitialize, Words({1, 1}));
  CheckRefused(&stage, again, E_INVALIDARG);
  CheckRefused(&stage, stage.channel.CommandAt(1, kProtection, Words({0})), E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.InitializeForged: INITIALIZE needs its MAC, and may come again then",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  Message forged = channel.CommandAt(0, kInitialize, Words({kQueryStart, kConfigureStart}));
  forged[50] ^= 1;
  CHECK(channel.Send(forged).result == E_INVALIDARG);
  CHECK(channel.Initialize().result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.SequenceReplay: a number at or below the last is E_INVALIDARG",
          "[negative]") {
  OpenChannel stage;
  const Message message = stage.channel.Command(kProtection, Words({0}));
  CHECK(stage.channel.Send(message).result == S_OK);
  CheckRefused(&stage, message, E_INVALIDARG);
  for (const uint32_t sequence : {0u, kConfigureStart - 1, kQueryStart}) {
    CheckRefused(&stage, stage.channel.CommandAt(sequence, kProtection, Words({0})), E_INVALIDARG);
  }
}

TEST_CASE("CPAuthChannelAPI.SequenceFirst: Start and Start + 1 are both a first number (R14)") {
  for (const uint32_t offset : {0u, 1u}) {
    OpenChannel stage;
    stage.channel.next_configure += offset;
    CHECK(stage.channel.Configure(kProtection, Words({0})).result == S_OK);
  }
}

TEST_CASE("CPAuthChannelAPI.SequenceGap: a number may skip, and what it skipped is gone",
          "[negative]") {
  OpenChannel stage;
  stage.channel.next_configure += 1000;
  CHECK(stage.channel.Configure(kProtection, Words({0})).result == S_OK);
  CheckRefused(&stage, stage.channel.CommandAt(kConfigureStart + 999, kProtection, Words({0})),
               E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.SequenceLast: 0xFFFFFFFF is the last number, it does not wrap (R14)",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  channel.Open();
  CHECK(channel.Send(channel.CommandAt(0xFFFFFFFF, kProtection, Words({0}))).result == S_OK);
  for (const uint32_t sequence : {0u, 1u, 0xFFFFFFFFu}) {
    CHECK(channel.Send(channel.CommandAt(sequence, kProtection, Words({0}))).result ==
          E_INVALIDARG);
  }
}

TEST_CASE("CPAuthChannelAPI.SequenceBadOmac: a forged command uses up no number (R15)",
          "[negative]") {
  OpenChannel stage;
  Message forged = stage.channel.CommandAt(0xFFFFFFFF, kProtection, Words({0}));
  forged[3] ^= 1;
  CheckRefused(&stage, forged, E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.SequenceRefused: a signed command that fails uses its number (R15)",
          "[negative]") {
  OpenChannel stage;
  const uint32_t used = stage.channel.next_configure;
  CHECK(stage.channel.Configure(kProtection, Words({0x80})).result == E_INVALIDARG);
  CheckRefused(&stage, stage.channel.CommandAt(used, kProtection, Words({0})), E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.ProtectionReserved: reserved bits are E_INVALIDARG", "[negative]") {
  OpenChannel stage;
  for (const uint32_t flags : {4u, 0x80000000u, 0xFFFFFFFFu}) {
    CheckRefused(&stage, stage.channel.Command(kProtection, Words({flags})), E_INVALIDARG);
  }
  CHECK(stage.channel.Configure(kProtection, Words({3})).result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.SharedResourceHardware: E_FAIL on a hardware channel (8.5)",
          "[negative]") {
  OpenChannel stage;
  CheckRefused(&stage, stage.channel.Command(kSharedResource, Longs({1, 0, 1})), kUnsupported);
}

TEST_CASE("CPAuthChannelAPI.SharedResourceType: an unknown process type is E_INVALIDARG",
          "[negative]") {
  OpenChannel stage(kSoftwareChannel);
  for (const uint64_t type : {0u, 3u}) {
    CheckRefused(&stage, stage.channel.Command(kSharedResource, Longs({type, 5, 1})), E_INVALIDARG);
  }
}

TEST_CASE("CPAuthChannelAPI.EncryptionNotOffered: only GUID_NULL may be chosen", "[negative]") {
  OpenChannel stage;
  CheckRefused(&stage,
               stage.channel.Command(kEncryption, BytesOfGuid(D3D11_1DDI_CRYPTO_TYPE_AES128_CTR)),
               E_INVALIDARG);
  CHECK(stage.channel.Configure(kEncryption, Message(16)).result == S_OK);
}

}  // namespace
}  // namespace ward::test
