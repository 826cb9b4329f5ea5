// CPAuthChannelAPI: which check of 8.2 and 8.3 comes first, and the process list.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr HRESULT kUnsupported = static_cast<HRESULT>(0x80004005);  // E_FAIL
const GUID& kInitialize = D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE_GUID;
const GUID& kSetProtection = D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID;
const GUID& kSharedResource = D3D11_1DDI_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_GUID;
const GUID& kEncryption = D3D11_1DDI_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE_GUID;
const GUID& kChannelType = D3D11_1DDI_AUTHENTICATED_QUERY_CHANNEL_TYPE;
const GUID& kProcessCount = D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT;
const GUID& kProcess = D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS;
const GUID& kUnrestrictedCount =
    D3D11_1DDI_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT;

struct OpenChannel : Stage {
  explicit OpenChannel(uint32_t type = kHardwareChannel) : channel(&process, type) {
    channel.Open();
  }
  // What only software channels take, so that the channel's type is the last thing to be wrong.
  Message SoftwareCommand() { return channel.CommandAt(kConfigureStart, kSharedResource, kAllow); }

  const Message kAllow = Longs({2, 0x77, 1});
  ChannelParty channel;
};

struct SoftwareChannel : OpenChannel {
  SoftwareChannel() : OpenChannel(kSoftwareChannel) {}
  HRESULT Share(uint64_t type, uint64_t handle, uint64_t allow) {
    return channel.Configure(kSharedResource, Longs({type, handle, allow})).result;
  }
  uint32_t Count() { return channel.Query(kProcessCount, {}, 56).Word(48); }
};

TEST_CASE("CPAuthChannelAPI.ConfigureKeyBeforeType: without a key no type is looked at (8.2)",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  const Reply reply = channel.Send(channel.CommandAt(0, umd::kNullGuid, Words({0})));
  CHECK(reply.result == E_INVALIDARG);
  CHECK_FALSE(reply.HasOmac());
}

TEST_CASE("CPAuthChannelAPI.ConfigureOmacBeforeChannelType: a forged command is E_INVALIDARG (8.2)",
          "[negative]") {
  OpenChannel stage;
  Message message = stage.SoftwareCommand();
  message[7] ^= 0x10;
  CHECK(stage.channel.Send(message).result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.ConfigureHandleBeforeChannelType: a wrong handle is E_INVALIDARG (8.2)",
          "[negative]") {
  OpenChannel stage;
  Message message = stage.SoftwareCommand();
  StoreLe(message.data() + 32, stage.channel.handle() + 1);
  stage.channel.Sign(&message);
  CHECK(stage.channel.Send(message).result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.ConfigureInitializeBeforeChannelType: it comes first (8.2)",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  CHECK(channel.Configure(kSharedResource, Longs({2, 0x77, 1})).result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.ConfigureSequenceBeforeChannelType: an old number is E_INVALIDARG",
          "[negative]") {
  OpenChannel stage;
  CHECK(stage.channel.Configure(kSetProtection, Words({0})).result == S_OK);
  CHECK(stage.channel.Send(stage.SoftwareCommand()).result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.ConfigureChannelTypeUsesNumber: E_FAIL for it is a signed refusal too",
          "[negative]") {
  OpenChannel stage;
  CHECK(stage.channel.Send(stage.SoftwareCommand()).result == kUnsupported);
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

TEST_CASE("CPAuthChannelAPI.QueryKeyBeforeType: without a key no type is looked at (8.3)",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  CHECK(channel.Ask(channel.Question(0, umd::kNullGuid), 56).result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.QueryHandleBeforeChannelType: a wrong handle is E_INVALIDARG (8.3)",
          "[negative]") {
  OpenChannel stage;
  Message question = stage.channel.Question(kQueryStart, kProcessCount);
  StoreLe(question.data() + 16, stage.channel.handle() + 1);
  CHECK(stage.channel.Ask(question, 56).result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.QueryInitializeBeforeChannelType: it comes first (8.3)", "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  CHECK(channel.Ask(channel.Question(5, kProcessCount), 56).result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.QuerySequenceBeforeChannelType: an old number is E_INVALIDARG (8.3)",
          "[negative]") {
  OpenChannel stage;
  CHECK(stage.channel.Query(kChannelType, {}, 56).result == S_OK);
  CHECK(stage.channel.Ask(stage.channel.Question(kQueryStart, kProcessCount), 56).result ==
        E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.QuerySoftwareOnly: a hardware channel has no process list (8.5)",
          "[negative]") {
  OpenChannel stage;
  ChannelParty& channel = stage.channel;
  CHECK(channel.Query(kProcessCount, {}, 56).result == kUnsupported);
  CHECK(channel.Query(kProcess, Words({0}), 64).result == kUnsupported);
  CHECK(channel.Query(kUnrestrictedCount, {}, 56).result == kUnsupported);
  CHECK(channel.Query(kChannelType, {}, 56).result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.UnrestrictedCount: no protected resource is open to any process") {
  SoftwareChannel stage;
  const Reply reply = stage.channel.Query(kUnrestrictedCount, {}, 56);
  CHECK(reply.result == S_OK);
  CHECK(reply.Word(48) == 0);
}

TEST_CASE("CPAuthChannelAPI.SharedResourceDwm: the DWM is one process, whatever its handle (8.5)") {
  SoftwareChannel stage;
  CHECK(stage.Share(1, 0x11, 1) == S_OK);
  CHECK(stage.Share(1, 0x22, 1) == S_OK);
  CHECK(stage.Count() == 1);
  CHECK(stage.channel.Query(kProcess, Words({0}), 64).Long(56) == 0);
  CHECK(stage.Share(1, 0x33, 0) == S_OK);
  CHECK(stage.Count() == 0);
}

TEST_CASE("CPAuthChannelAPI.SharedResourceTwice: a process is on the list once (8.5)") {
  SoftwareChannel stage;
  CHECK(stage.Share(2, 0x77, 1) == S_OK);
  CHECK(stage.Share(2, 0x77, 1) == S_OK);
  CHECK(stage.Count() == 1);
}

TEST_CASE("CPAuthChannelAPI.SharedResourceNull: a process without a handle is E_INVALIDARG (8.5)",
          "[negative]") {
  SoftwareChannel stage;
  CHECK(stage.Share(2, 0, 1) == E_INVALIDARG);
  CHECK(stage.Count() == 0);
}

TEST_CASE("CPAuthChannelAPI.SharedResourceFull: the 17th process is E_OUTOFMEMORY until one goes",
          "[negative]") {
  SoftwareChannel stage;
  for (uint64_t handle = 1; handle <= 16; ++handle) CHECK(stage.Share(2, handle, 1) == S_OK);
  CHECK(stage.Share(2, 17, 1) == E_OUTOFMEMORY);
  CHECK(stage.Count() == 16);
  CHECK(stage.Share(2, 5, 0) == S_OK);
  CHECK(stage.Share(2, 17, 1) == S_OK);
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
  CheckCutCommand(&stage.channel, kSetProtection, 56);
  CheckCutCommand(&stage.channel, kEncryption, 64);
  // Nothing was taken: the number is still good.
  CHECK(stage.channel.Configure(kSetProtection, Words({0})).result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.InitializeCut: bytes that are not there do not count as zeros (8.2)",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  CheckCutCommand(&channel, kInitialize, 56);
  CHECK(channel.Initialize().result == S_OK);
}

}  // namespace
}  // namespace ward::test
