// CPAuthChannelAPI: the checks of 8.2 and 8.3 come in their order. Each case fails one check and
// those behind it, as far as their answers differ: E_INVALIDARG or E_FAIL, signed, not signed or
// untouched, a number used up or not. rules/check_order.toml has each pair of neighbours.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr HRESULT kUnsupported = static_cast<HRESULT>(0x80004005);  // E_FAIL
const GUID& kUnknown = umd::kNullGuid;
const GUID& kInitialize = D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE_GUID;
const GUID& kProtection = D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID;
// For software channels only; the stage's is a hardware channel.
const GUID& kSharedResource = D3D11_1DDI_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_GUID;
const GUID& kProcess = D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS;
const GUID& kChannelType = D3D11_1DDI_AUTHENTICATED_QUERY_CHANNEL_TYPE;
constexpr size_t kProcessOutputBytes = 64;
const Message kBadProcess = Longs({9, 0, 1});  // no such process type

enum ChannelAge { kCreated, kKeyed, kOpen };

struct HardwareChannel : Stage {
  explicit HardwareChannel(ChannelAge age) : channel(&process) {
    if (age == kKeyed) REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
    if (age == kOpen) channel.Open();
  }

  Message SharedResource(uint32_t sequence = kConfigureStart) {
    return channel.CommandAt(sequence, kSharedResource, kBadProcess);
  }
  Message Process(uint32_t sequence = kQueryStart) {
    return channel.Question(sequence, kProcess, Longs({77}));
  }
  void CheckSigned(const Message& message, HRESULT result) {
    const Reply reply = channel.Send(message);
    CHECK(reply.result == result);
    channel.CheckAnswered(reply, message, false);
  }
  void CheckSignedQuery(const Message& question, HRESULT result) {
    const Reply reply = channel.Ask(question, kProcessOutputBytes);
    CHECK(reply.result == result);
    channel.CheckAnswered(reply, question, true);
  }
  // Nothing before used up a number.
  void CheckFirstNumbers() {
    CHECK(channel.Send(channel.CommandAt(kConfigureStart, kProtection, Words({0}))).result == S_OK);
    CHECK(channel.Ask(channel.Question(kQueryStart, kChannelType), 56).result == S_OK);
  }

  ChannelParty channel;
};

TEST_CASE("CPAuthChannelAPI.OrderDevice: another device before the type (8.2)", "[negative]") {
  HardwareChannel stage(kOpen);
  ward::test::Process other(stage.kernel.get());
  const Reply reply =
      stage.channel.SendFrom(&other, stage.channel.CommandAt(kConfigureStart, kUnknown, {}));
  CHECK(reply.result == E_INVALIDARG);
  CHECK(reply.bytes == Message(48, kUntouched));
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.OrderHeader: 48 bytes before the type (8.2)", "[negative]") {
  HardwareChannel stage(kOpen);
  Message message = stage.channel.CommandAt(kConfigureStart, kUnknown, {});
  message.resize(47);
  const Reply reply = stage.channel.Send(message);
  CHECK(reply.result == E_INVALIDARG);
  CHECK(reply.bytes == Message(48, kUntouched));
}

TEST_CASE("CPAuthChannelAPI.OrderHeaderKey: 48 bytes before the key (8.2)", "[negative]") {
  HardwareChannel stage(kCreated);
  Message message = stage.channel.CommandAt(kConfigureStart, kProtection, Words({0}));
  message.resize(47);
  const Reply reply = stage.channel.Send(message);
  CHECK(reply.result == E_INVALIDARG);
  CHECK(reply.bytes == Message(48, kUntouched));
}

TEST_CASE("CPAuthChannelAPI.OrderKey: no key before the type (8.2)", "[negative]") {
  HardwareChannel stage(kCreated);
  const Reply reply = stage.channel.Send(stage.channel.CommandAt(kConfigureStart, kUnknown, {}));
  CHECK(reply.result == E_INVALIDARG);
  CHECK_FALSE(reply.HasOmac());
}

TEST_CASE("CPAuthChannelAPI.OrderType: an unknown type before MAC, handle and INITIALIZE (8.2)",
          "[negative]") {
  HardwareChannel stage(kKeyed);
  Message message = stage.channel.CommandAt(kConfigureStart, kUnknown, {});
  message[0] ^= 1;
  message[32] ^= 1;
  const Reply reply = stage.channel.Send(message);
  CHECK(reply.result == kUnsupported);
  CHECK_FALSE(reply.HasOmac());
}

TEST_CASE("CPAuthChannelAPI.OrderSize: the command's size before the channel's type (8.2)",
          "[negative]") {
  HardwareChannel stage(kOpen);
  Message message = stage.SharedResource();
  message.resize(71);  // signed when it was whole, and the byte that is gone is zero
  stage.CheckSigned(message, E_INVALIDARG);
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.OrderMac: the MAC before the channel's type, no number is used (8.2)",
          "[negative]") {
  HardwareChannel stage(kOpen);
  Message message = stage.SharedResource();
  message[15] ^= 1;
  stage.CheckSigned(message, E_INVALIDARG);
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.OrderHandle: the handle before number and channel's type (8.2)",
          "[negative]") {
  HardwareChannel stage(kOpen);
  Message message = stage.SharedResource();
  message[32] ^= 1;
  stage.channel.Sign(&message);
  stage.CheckSigned(message, E_INVALIDARG);
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.OrderInitialized: INITIALIZE before the channel's type (8.2)",
          "[negative]") {
  HardwareChannel stage(kKeyed);
  stage.CheckSigned(stage.SharedResource(), E_INVALIDARG);
  REQUIRE(stage.channel.Initialize().result == S_OK);
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.OrderInitializeAgain: a second INITIALIZE uses no number (8.2)",
          "[negative]") {
  HardwareChannel stage(kOpen);
  stage.CheckSigned(stage.channel.CommandAt(0xFFFFFFFF, kInitialize, Words({5, 5})), E_INVALIDARG);
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.OrderSequence: the number before the channel's type (8.2)",
          "[negative]") {
  HardwareChannel stage(kOpen);
  stage.CheckSigned(stage.SharedResource(kConfigureStart - 1), E_INVALIDARG);
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.OrderChannelType: the channel's type before the parameters (8.2)",
          "[negative]") {
  HardwareChannel stage(kOpen);
  stage.CheckSigned(stage.SharedResource(), kUnsupported);
  // It came behind the number's check, so that is used up (R15).
  stage.CheckSigned(stage.channel.CommandAt(kConfigureStart, kProtection, Words({0})),
                    E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.QueryOrderDevice: another device before the type (8.3)", "[negative]") {
  HardwareChannel stage(kOpen);
  ward::test::Process other(stage.kernel.get());
  const Reply reply =
      stage.channel.AskFrom(&other, stage.channel.Question(kQueryStart, kUnknown), 56);
  CHECK(reply.result == E_INVALIDARG);
  CHECK(reply.bytes == Message(56, kUntouched));
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.QueryOrderHeader: 32 bytes before the type (8.3)", "[negative]") {
  HardwareChannel stage(kOpen);
  Message question = stage.channel.Question(kQueryStart, kUnknown);
  question.resize(31);
  const Reply reply = stage.channel.Ask(question, 56);
  CHECK(reply.result == E_INVALIDARG);
  CHECK(reply.bytes == Message(56, kUntouched));
}

TEST_CASE("CPAuthChannelAPI.QueryOrderHeaderKey: 32 bytes before the key (8.3)", "[negative]") {
  HardwareChannel stage(kCreated);
  Message question = stage.channel.Question(kQueryStart, kChannelType);
  question.resize(31);
  const Reply reply = stage.channel.Ask(question, 56);
  CHECK(reply.result == E_INVALIDARG);
  CHECK(reply.bytes == Message(56, kUntouched));
}

TEST_CASE("CPAuthChannelAPI.QueryOrderKey: no key before the type (8.3)", "[negative]") {
  HardwareChannel stage(kCreated);
  CHECK(stage.channel.Ask(stage.channel.Question(kQueryStart, kUnknown), 56).result ==
        E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.QueryOrderType: an unknown type before handle and INITIALIZE (8.3)",
          "[negative]") {
  HardwareChannel stage(kKeyed);
  Message question = stage.channel.Question(kQueryStart, kUnknown);
  question[16] ^= 1;
  const Reply reply = stage.channel.Ask(question, 48);
  CHECK(reply.result == kUnsupported);
  CHECK(reply.bytes == Message(48, kUntouched));
}

TEST_CASE("CPAuthChannelAPI.QueryOrderOutput: the output's size before the number (8.3)",
          "[negative]") {
  HardwareChannel stage(kOpen);
  const Reply reply = stage.channel.Ask(stage.Process(), kProcessOutputBytes - 1);
  CHECK(reply.result == E_INVALIDARG);
  CHECK(reply.bytes == Message(kProcessOutputBytes - 1, kUntouched));
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.QueryOrderInput: the input's size before number and channel's type",
          "[negative]") {
  HardwareChannel stage(kOpen);
  Message question = stage.Process();
  question.resize(39);
  stage.CheckSignedQuery(question, E_INVALIDARG);
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.QueryOrderHandle: the handle before number and channel's type (8.3)",
          "[negative]") {
  HardwareChannel stage(kOpen);
  Message question = stage.Process();
  question[16] ^= 1;
  stage.CheckSignedQuery(question, E_INVALIDARG);
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.QueryOrderInitialized: INITIALIZE before the channel's type (8.3)",
          "[negative]") {
  HardwareChannel stage(kKeyed);
  stage.CheckSignedQuery(stage.Process(), E_INVALIDARG);
  REQUIRE(stage.channel.Initialize().result == S_OK);
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.QueryOrderSequence: the number before the channel's type (8.3)",
          "[negative]") {
  HardwareChannel stage(kOpen);
  stage.CheckSignedQuery(stage.Process(kQueryStart - 1), E_INVALIDARG);
  stage.CheckFirstNumbers();
}

TEST_CASE("CPAuthChannelAPI.QueryOrderChannelType: the channel's type before the parameters (8.3)",
          "[negative]") {
  HardwareChannel stage(kOpen);
  stage.CheckSignedQuery(stage.Process(), kUnsupported);
  // It came behind the number's check, so that is used up (R15).
  CHECK(stage.channel.Ask(stage.channel.Question(kQueryStart, kChannelType), 56).result ==
        E_INVALIDARG);
}

}  // namespace
}  // namespace ward::test
