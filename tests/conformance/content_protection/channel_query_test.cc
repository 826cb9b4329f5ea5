// CPAuthChannelAPI: QueryAuthenticatedChannel, its checks and what each query answers.
#include <set>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/decoder_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr HRESULT kUnsupported = static_cast<HRESULT>(0x80004005);  // E_FAIL
const GUID& kChannelType = D3D11_1DDI_AUTHENTICATED_QUERY_CHANNEL_TYPE;
const GUID& kProtection = D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION;
const GUID& kDeviceHandle = D3D11_1DDI_AUTHENTICATED_QUERY_DEVICE_HANDLE;
const GUID& kCryptoSession = D3D11_1DDI_AUTHENTICATED_QUERY_CRYPTO_SESSION;
const GUID& kProcessCount = D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT;
const GUID& kProcess = D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS;
const GUID& kUnrestrictedCount =
    D3D11_1DDI_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT;
const GUID& kOutputIdCount = D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT;
const GUID& kOutputId = D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID;
const GUID& kAccessibility = D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES;
const GUID& kGuidCount = D3D11_1DDI_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT;
const GUID& kGuid = D3D11_1DDI_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID;
const GUID& kCurrent = D3D11_1DDI_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE;

struct OpenChannel : Stage {
  explicit OpenChannel(uint32_t type = kHardwareChannel) : channel(&process, type) {
    channel.Open();
  }
  // The channel still answers what is right.
  ~OpenChannel() { CHECK(channel.Query(kChannelType, {}, 56).result == S_OK); }

  uint64_t DeviceHandle() { return channel.Query(kDeviceHandle, {}, 56).Long(48); }

  ChannelParty channel;
};

// A refusal that the DDI says is answered: signed, payload zero.
void CheckRefused(OpenChannel* stage, const Message& question, size_t output_bytes,
                  HRESULT result) {
  const Reply reply = stage->channel.Ask(question, output_bytes);
  CHECK(reply.result == result);
  stage->channel.CheckAnswered(reply, question, true);
  CHECK(IsZero(ConstByteSpan(reply.bytes).subspan(48)));
}

struct QueryShape {
  const GUID& type;
  size_t input_bytes;
  size_t output_bytes;
};

void CheckShapes(const QueryShape& shape) {
  OpenChannel stage(kSoftwareChannel);
  Message question = stage.channel.Question(kQueryStart, shape.type);
  // One byte too few to ask: below the header nothing is answered, else what was refused.
  question.resize(shape.input_bytes - 1);
  const Reply short_input = stage.channel.Ask(question, shape.output_bytes);
  CHECK(short_input.result == E_INVALIDARG);
  question.resize(shape.input_bytes);
  if (shape.input_bytes > 32) stage.channel.CheckAnswered(short_input, question, true);
  // One byte too few to answer: the output stays untouched, and the number is still good.
  const Reply short_output = stage.channel.Ask(question, shape.output_bytes - 1);
  CHECK(short_output.result == E_INVALIDARG);
  CHECK(short_output.bytes == Message(shape.output_bytes - 1, kUntouched));
}

TEST_CASE("CPAuthChannelAPI.QueryShort: PROTECTION", "[negative]") {
  CheckShapes({kProtection, 32, 56});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: CHANNEL_TYPE", "[negative]") {
  CheckShapes({kChannelType, 32, 56});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: DEVICE_HANDLE", "[negative]") {
  CheckShapes({kDeviceHandle, 32, 56});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: CRYPTO_SESSION", "[negative]") {
  CheckShapes({kCryptoSession, 40, 72});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: PROCESS_COUNT", "[negative]") {
  CheckShapes({kProcessCount, 32, 56});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: PROCESS", "[negative]") { CheckShapes({kProcess, 40, 64}); }
TEST_CASE("CPAuthChannelAPI.QueryShort: UNRESTRICTED_COUNT", "[negative]") {
  CheckShapes({kUnrestrictedCount, 32, 56});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: OUTPUT_ID_COUNT", "[negative]") {
  CheckShapes({kOutputIdCount, 48, 72});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: OUTPUT_ID", "[negative]") {
  CheckShapes({kOutputId, 56, 80});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: ACCESSIBILITY", "[negative]") {
  CheckShapes({kAccessibility, 32, 64});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: ENCRYPTION_GUID_COUNT", "[negative]") {
  CheckShapes({kGuidCount, 32, 56});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: ENCRYPTION_GUID", "[negative]") {
  CheckShapes({kGuid, 40, 72});
}
TEST_CASE("CPAuthChannelAPI.QueryShort: CURRENT_ENCRYPTION", "[negative]") {
  CheckShapes({kCurrent, 32, 64});
}

TEST_CASE("CPAuthChannelAPI.QueryLarger: more room than needed stays untouched behind it (R13)") {
  OpenChannel stage;
  Message question = stage.channel.Question(stage.channel.next_query++, kChannelType);
  question.resize(5000, 0x11);
  Reply reply = stage.channel.Ask(question, 90);
  CHECK(reply.result == S_OK);
  CHECK(Message(reply.bytes.begin() + 56, reply.bytes.end()) == Message(34, kUntouched));
  reply.bytes.resize(56);
  stage.channel.CheckAnswered(reply, question, true);
}

TEST_CASE("CPAuthChannelAPI.QueryNull: null data is E_INVALIDARG", "[negative]") {
  OpenChannel stage;
  const Message question = stage.channel.Question(kQueryStart, kChannelType);
  Message output(56, kUntouched);
  runtime::VideoContext& video = stage.process.app.video();
  runtime::AuthenticatedChannel* channel = stage.channel.channel.get();
  CHECK(video.QueryAuthenticatedChannel(channel, 32, nullptr, 56, output.data()) == E_INVALIDARG);
  CHECK(video.QueryAuthenticatedChannel(channel, 32, question.data(), 56, nullptr) == E_INVALIDARG);
  CHECK(output == Message(56, kUntouched));
}

TEST_CASE("CPAuthChannelAPI.QueryBeforeKey: E_INVALIDARG, and nothing is signed", "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  const Reply reply = channel.Ask(channel.Question(0, kChannelType), 56);
  CHECK(reply.result == E_INVALIDARG);
  CHECK_FALSE(reply.HasOmac());
  CHECK(IsZero(ConstByteSpan(reply.bytes).subspan(48)));
}

TEST_CASE("CPAuthChannelAPI.QueryBeforeInitialize: E_INVALIDARG for every query", "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process, kSoftwareChannel);
  REQUIRE(channel.Negotiate(kSessionKey) == S_OK);
  const QueryShape shapes[] = {{kProtection, 32, 56},    {kChannelType, 32, 56},
                               {kDeviceHandle, 32, 56},  {kCryptoSession, 40, 72},
                               {kProcessCount, 32, 56},  {kProcess, 40, 64},
                               {kOutputIdCount, 48, 72}, {kOutputId, 56, 80},
                               {kAccessibility, 32, 64}, {kCurrent, 32, 64}};
  uint32_t sequence = 0;
  for (const QueryShape& shape : shapes) {
    const Message question =
        channel.Question(++sequence, shape.type, Message(shape.input_bytes - 32));
    const Reply reply = channel.Ask(question, shape.output_bytes);
    CHECK(reply.result == E_INVALIDARG);
    channel.CheckAnswered(reply, question, true);
  }
}

TEST_CASE("CPAuthChannelAPI.QueryUnknown: E_FAIL, and the answer is not signed (R31)",
          "[negative]") {
  OpenChannel stage;
  GUID type = kProtection;
  type.Data4[7] ^= 1;
  for (const GUID& unknown : {type, umd::kNullGuid}) {
    const Reply reply = stage.channel.Ask(stage.channel.Question(kQueryStart, unknown), 80);
    CHECK(reply.result == kUnsupported);
    const bool is_unsigned = !reply.HasOmac() || reply.bytes == Message(80, kUntouched);
    CHECK(is_unsigned);
  }
}

TEST_CASE("CPAuthChannelAPI.QueryIsNoCommand: a command's type gets no signature (R31)",
          "[negative]") {
  OpenChannel stage;
  for (const GUID& type : {D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE_GUID,
                           D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID,
                           D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_GUID,
                           D3D11_1DDI_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_GUID}) {
    const Reply reply = stage.channel.Ask(stage.channel.Question(0xFFFFFFF0, type), 56);
    CHECK(reply.result == kUnsupported);
    // What came back is no command that the channel takes.
    CHECK(stage.channel.Send(reply.bytes).result != S_OK);
  }
}

TEST_CASE("CPAuthChannelAPI.QueryReplyIsNoCommand: a signed reply is not taken as a command",
          "[negative]") {
  OpenChannel stage;
  const Reply reply = stage.channel.Query(kProtection, {}, 56);
  REQUIRE(reply.result == S_OK);
  CHECK(stage.channel.Send(reply.bytes).result == kUnsupported);
}

TEST_CASE("CPAuthChannelAPI.QueryHandle: another channel's handle is E_INVALIDARG", "[negative]") {
  OpenChannel stage;
  const ChannelParty other(&stage.process);
  for (const uint64_t handle : {uint64_t{0}, other.handle(), stage.channel.handle() ^ 1}) {
    Message question = stage.channel.Question(kQueryStart, kChannelType);
    StoreLe(question.data() + 16, handle);
    CheckRefused(&stage, question, 56, E_INVALIDARG);
  }
}

TEST_CASE("CPAuthChannelAPI.QuerySequenceReplay: a number at or below the last is E_INVALIDARG",
          "[negative]") {
  OpenChannel stage;
  CHECK(stage.channel.Query(kChannelType, {}, 56).result == S_OK);
  for (const uint32_t sequence : {kQueryStart, kQueryStart - 1, 0u}) {
    CheckRefused(&stage, stage.channel.Question(sequence, kChannelType), 56, E_INVALIDARG);
  }
}

TEST_CASE("CPAuthChannelAPI.QuerySequenceLast: 0xFFFFFFFF is the last number (R14)", "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process);
  channel.Open();
  CHECK(channel.Ask(channel.Question(0xFFFFFFFF, kChannelType), 56).result == S_OK);
  for (const uint32_t sequence : {0u, 1u, 0xFFFFFFFFu}) {
    CHECK(channel.Ask(channel.Question(sequence, kChannelType), 56).result == E_INVALIDARG);
  }
}

TEST_CASE("CPAuthChannelAPI.QuerySequenceRefused: a query that fails uses its number (R15)",
          "[negative]") {
  OpenChannel stage;
  const Message failing =
      stage.channel.Question(stage.channel.next_query++, kCryptoSession, Longs({0x1234}));
  CheckRefused(&stage, failing, 72, E_INVALIDARG);
  CheckRefused(&stage, stage.channel.Question(kQueryStart, kChannelType), 56, E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.QuerySequenceApart: queries and commands count apart (8.4)") {
  OpenChannel stage;
  const GUID& configure = D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID;
  CHECK(stage.channel.Configure(configure, Words({0})).result == S_OK);
  CHECK(stage.channel.Query(kChannelType, {}, 56).result == S_OK);
  CHECK(stage.channel.Configure(configure, Words({0})).result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.ChannelType: the type given at creation") {
  for (const uint32_t type : {kSoftwareChannel, kHardwareChannel}) {
    OpenChannel stage(type);
    CHECK(stage.channel.Query(kChannelType, {}, 56).Word(48) == type);
  }
}

TEST_CASE("CPAuthChannelAPI.DeviceHandle: one device, one value, on every channel") {
  OpenChannel stage;
  const uint64_t device = stage.DeviceHandle();
  CHECK(device != 0);
  CHECK(stage.DeviceHandle() == device);
  ChannelParty other(&stage.process, kSoftwareChannel);
  other.Open();
  CHECK(other.Query(kDeviceHandle, {}, 56).Long(48) == device);
}

TEST_CASE("CPAuthChannelAPI.CryptoSessionRoundTrip: what was configured is what is answered") {
  OpenChannel stage;
  DecoderPointer decoder = MakeDecoder(&stage.process);
  HANDLE raw = nullptr;
  REQUIRE(decoder->GetDriverHandle(&raw) == S_OK);
  const uint64_t decoder_handle = reinterpret_cast<uintptr_t>(raw);
  const SessionPointer session = stage.process.MakeKeyedSession(kOtherKey);
  REQUIRE(session->GetCryptoSessionHandle(&raw) == S_OK);
  const uint64_t session_handle = reinterpret_cast<uintptr_t>(raw);
  const uint64_t device = stage.DeviceHandle();

  const auto ask = [&] { return stage.channel.Query(kCryptoSession, Longs({decoder_handle}), 72); };
  Reply reply = ask();
  REQUIRE(reply.result == S_OK);
  CHECK(reply.Long(48) == decoder_handle);
  CHECK(reply.Long(56) == 0);
  CHECK(reply.Long(64) == device);
  const GUID& configure = D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_GUID;
  // One foreign handle each.
  CHECK(stage.channel.Configure(configure, Longs({decoder_handle + 1, session_handle, device}))
            .result == E_INVALIDARG);
  CHECK(stage.channel.Configure(configure, Longs({decoder_handle, session_handle + 1, device}))
            .result == E_INVALIDARG);
  CHECK(stage.channel.Configure(configure, Longs({decoder_handle, session_handle, device + 1}))
            .result == E_INVALIDARG);
  CHECK(ask().Long(56) == 0);
  CHECK(
      stage.channel.Configure(configure, Longs({decoder_handle, session_handle, device})).result ==
      S_OK);
  reply = ask();
  CHECK(reply.Long(56) == session_handle);
  decoder.reset();
  CHECK(ask().result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.CryptoSessionEnded: a destroyed session is no decoder's session") {
  OpenChannel stage;
  DecoderPointer decoder = MakeDecoder(&stage.process);
  HANDLE raw = nullptr;
  REQUIRE(decoder->GetDriverHandle(&raw) == S_OK);
  const uint64_t decoder_handle = reinterpret_cast<uintptr_t>(raw);
  SessionPointer session = stage.process.MakeSession();
  REQUIRE(session->GetCryptoSessionHandle(&raw) == S_OK);
  const uint64_t session_handle = reinterpret_cast<uintptr_t>(raw);
  CHECK(stage.channel
            .Configure(D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_GUID,
                       Longs({decoder_handle, session_handle, stage.DeviceHandle()}))
            .result == S_OK);
  session.reset();
  const Reply reply = stage.channel.Query(kCryptoSession, Longs({decoder_handle}), 72);
  CHECK(reply.result == S_OK);
  CHECK(reply.Long(56) == 0);
}

TEST_CASE("CPAuthChannelAPI.CryptoSessionUnknown: an unknown decoder is E_INVALIDARG",
          "[negative]") {
  OpenChannel stage;
  for (const uint64_t handle : {uint64_t{0}, stage.channel.handle(), stage.DeviceHandle()}) {
    CheckRefused(
        &stage, stage.channel.Question(stage.channel.next_query++, kCryptoSession, Longs({handle})),
        72, E_INVALIDARG);
  }
}

TEST_CASE("CPAuthChannelAPI.ProcessList: what SHARED_RESOURCE allows is counted and listed") {
  OpenChannel stage(kSoftwareChannel);
  const auto count = [&] { return stage.channel.Query(kProcessCount, {}, 56).Word(48); };
  const GUID& configure = D3D11_1DDI_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_GUID;
  CHECK(count() == 0);
  CHECK(stage.channel.Configure(configure, Longs({2, 0x77, 1})).result == S_OK);
  CHECK(stage.channel.Configure(configure, Longs({1, 0x99, 1})).result == S_OK);
  CHECK(count() == 2);
  const Reply listed = stage.channel.Query(kProcess, Words({0}), 64);
  REQUIRE(listed.result == S_OK);
  CHECK(listed.Word(48) == 0);
  CHECK(listed.Word(52) == 2);
  CHECK(listed.Long(56) == 0x77);
  CHECK(stage.channel.Query(kProcess, Words({1}), 64).Word(52) == 1);
  CHECK(stage.channel.Query(kProcess, Words({2}), 64).result == E_INVALIDARG);
  CHECK(stage.channel.Configure(configure, Longs({2, 0x77, 0})).result == S_OK);
  CHECK(count() == 1);
  CHECK(stage.channel.Query(kProcess, Words({1}), 64).result == E_INVALIDARG);
}

TEST_CASE("CPAuthChannelAPI.Accessibility: PCI Express, and no access to protected memory") {
  OpenChannel stage;
  const Reply reply = stage.channel.Query(kAccessibility, {}, 64);
  REQUIRE(reply.result == S_OK);
  CHECK(reply.Word(48) == 3);
  CHECK(reply.Word(52) == 0);
  CHECK(reply.Word(56) == 0);
}

TEST_CASE("CPAuthChannelAPI.EncryptionGuids: none is offered, none is current, no index is good") {
  OpenChannel stage;
  CHECK(stage.channel.Query(kGuidCount, {}, 56).Word(48) == 0);
  CHECK(stage.channel.Query(kGuid, Words({0}), 72).result == E_INVALIDARG);
  const Reply reply = stage.channel.Query(kCurrent, {}, 64);
  CHECK(reply.result == S_OK);
  CHECK(IsZero(ConstByteSpan(reply.bytes).subspan(48)));
}

TEST_CASE("CPAuthChannelAPI.OutputIdForeign: another device or session is E_INVALIDARG",
          "[negative]") {
  OpenChannel stage;
  const SessionPointer session = stage.process.MakeSession();
  HANDLE raw = nullptr;
  REQUIRE(session->GetCryptoSessionHandle(&raw) == S_OK);
  const uint64_t handle = reinterpret_cast<uintptr_t>(raw);
  const uint64_t device = stage.DeviceHandle();
  CHECK(stage.channel.Query(kOutputIdCount, Longs({device, handle}), 72).Word(64) == 0);
  CHECK(stage.channel.Query(kOutputIdCount, Longs({device + 1, handle}), 72).result ==
        E_INVALIDARG);
  CHECK(stage.channel.Query(kOutputIdCount, Longs({device, handle + 1}), 72).result ==
        E_INVALIDARG);
  CHECK(stage.channel.Query(kOutputId, Longs({device, handle, 0}), 80).result == E_INVALIDARG);
}

}  // namespace
}  // namespace ward::test
