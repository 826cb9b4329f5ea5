// OPM Protocol: certificate, key blob, signatures, sequence numbers, and what is refused (reference
// 7.2, 10.3; DxgkDdiOPM*). The signed information itself is at the end.
#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/opm_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr uint32_t kHdcp = DXGKMDT_OPM_PROTECTION_TYPE_HDCP;
const GUID& kConnector = DXGKMDT_OPM_GET_CONNECTOR_TYPE;
const GUID& kSetLevel = DXGKMDT_OPM_SET_PROTECTION_LEVEL;

// A protected output that was told its random number, and one with its key.
struct StartedOutput : Stage {
  StartedOutput() : party(this) { party.Start(); }
  // Nothing that failed stands in the way of the right blob.
  void CheckStillOpens() {
    CHECK(party.Finish(party.Parameters().Bytes()) == S_OK);
    CHECK(party.Get(kConnector).result == S_OK);
  }
  kmd::ProtectedOutputs& driver() { return kernel->adapter().protected_outputs(); }

  OpmParty party;
};
struct OpenOutput : StartedOutput {
  OpenOutput() { REQUIRE(party.Finish(party.Parameters().Bytes()) == S_OK); }

  void CheckRefused(const InformationRequest& request, HRESULT expected = E_INVALIDARG) {
    const OpmReply reply = party.Ask(request);
    CHECK(reply.result == expected);
    CHECK(reply.IsUntouched());
  }
  Setting OffCommand() { return party.Command(kSetLevel, {kHdcp, DXGKMDT_OPM_HDCP_OFF, 0, 0}); }
  Setting OnCommand() { return party.Command(kSetLevel, {kHdcp, DXGKMDT_OPM_HDCP_ON, 0, 0}); }
};

template <typename Structure>
uint8_t* BytesOf(Structure* structure) {
  return reinterpret_cast<uint8_t*>(structure);
}

uint32_t StatusOf(const Result<void>& result) {
  return result.ok() ? abi::kStatusOk : result.fault().status;
}

TEST_CASE("OPMProtocol.Certificate: the chain is the device's, the same that sessions get (7.10)") {
  StartedOutput stage;  // verified it to the machine's root
  const SessionPointer session = stage.process.MakeSession();
  uint32_t size_bytes = 0;
  REQUIRE(session->GetCertificateSize(&size_bytes) == S_OK);
  std::vector<uint8_t> of_session(size_bytes);
  REQUIRE(session->GetCertificate(of_session) == S_OK);
  DXGKMDT_OPM_RANDOM_NUMBER random;
  std::vector<uint8_t> of_output;
  REQUIRE(stage.party.output->StartInitialization(&random, &of_output) == S_OK);
  CHECK(of_output == of_session);
}

TEST_CASE("OPMProtocol.CertificateSize: a buffer of another size gets nothing (4.3)",
          "[negative]") {
  StartedOutput stage;
  const uint32_t size_bytes = stage.driver().GetCertificateSize().value();
  for (const uint32_t wrong : {0u, size_bytes - 1, size_bytes + 1}) {
    std::vector<uint8_t> buffer(wrong, kUntouchedByte);
    CHECK(StatusOf(stage.driver().GetCertificate(buffer)) == abi::kStatusInvalidArgument);
    CHECK(buffer == std::vector<uint8_t>(wrong, kUntouchedByte));
  }
}

TEST_CASE("OPMProtocol.RandomNumber: one for each protected output, the same each time (10.3)") {
  StartedOutput stage;
  const Key first = stage.party.random;
  stage.party.Start();
  CHECK(stage.party.random == first);
  OpmParty other(&stage);
  other.Start();
  CHECK(other.random != first);
  CHECK_FALSE(IsZero(first));
}

TEST_CASE("OPMProtocol.Semantics: COPP and indirect displays are not supported", "[negative]") {
  Stage stage;
  std::unique_ptr<runtime::VideoOutput> output;
  for (const int semantics : {0, 2, 3, -1}) {
    CHECK(runtime::VideoOutput::Create(stage.kernel.get(), 0,
                                       static_cast<DXGKMDT_OPM_VIDEO_OUTPUT_SEMANTICS>(semantics),
                                       &output) == E_NOTIMPL);
  }
  CHECK(output == nullptr);
}

TEST_CASE("OPMProtocol.NoSuchOutput: an output that is not there can't be protected",
          "[negative]") {
  Stage stage;
  std::unique_ptr<runtime::VideoOutput> output;
  for (const uint32_t number : {2u, 3u, 0xffffffffu}) {
    CHECK(runtime::VideoOutput::Create(stage.kernel.get(), number, DXGKMDT_OPM_VOS_OPM_SEMANTICS,
                                       &output) == E_INVALIDARG);
  }
  CHECK(output == nullptr);
}

TEST_CASE("OPMProtocol.TooMany: sixteen at once, and room again when one ends", "[negative]") {
  Stage stage;
  std::vector<std::unique_ptr<runtime::VideoOutput>> outputs(17);
  std::set<uint32_t> handles;
  const auto create = [&](size_t at) {
    return runtime::VideoOutput::Create(stage.kernel.get(), 0, DXGKMDT_OPM_VOS_OPM_SEMANTICS,
                                        &outputs[at]);
  };
  for (size_t i = 0; i < 16; ++i) {
    REQUIRE(create(i) == S_OK);
    handles.insert(outputs[i]->handle());
  }
  CHECK(create(16) == E_OUTOFMEMORY);
  handles.insert(0);
  outputs[7].reset();
  REQUIRE(create(16) == S_OK);
  handles.insert(outputs[16]->handle());
  CHECK(handles.size() == 18);  // no handle comes twice, and none is 0
}

TEST_CASE("OPMProtocol.OaepHash: only SHA-512 with MGF1-SHA-512 opens it (7.1, 7.2)",
          "[negative]") {
  StartedOutput stage;
  for (const char* digest : {"SHA1", "SHA256", "SHA384"}) {
    CHECK(stage.party.Finish(stage.party.Parameters().Bytes(), digest) == E_INVALIDARG);
  }
  stage.CheckStillOpens();
}

TEST_CASE("OPMProtocol.TamperedBlob: a flipped bit anywhere fails (7.2)", "[negative]") {
  StartedOutput stage;
  const std::vector<uint8_t> blob =
      WrapOaep(stage.process.device_key(), stage.party.Parameters().Bytes());
  for (const size_t at : {0u, 1u, 100u, 128u, 255u}) {
    std::vector<uint8_t> tampered = blob;
    tampered[at] ^= 1;
    CHECK(stage.party.FinishBlob(tampered) == E_INVALIDARG);
  }
  CHECK(stage.party.FinishBlob(std::vector<uint8_t>(256)) == E_INVALIDARG);
  CHECK(stage.party.FinishBlob(std::vector<uint8_t>(256, 0xff)) == E_INVALIDARG);
  stage.CheckStillOpens();
}

TEST_CASE("OPMProtocol.WrongRandom: the blob repeats the driver's random number (7.2)",
          "[negative]") {
  StartedOutput stage;
  for (const size_t at : {0u, 7u, 15u}) {
    OpmParameters parameters = stage.party.Parameters();
    parameters.random[at] ^= 0x80;
    CHECK(stage.party.Finish(parameters.Bytes()) == E_INVALIDARG);
  }
  OpmParameters zero = stage.party.Parameters();
  zero.random = {};
  CHECK(stage.party.Finish(zero.Bytes()) == E_INVALIDARG);
  stage.CheckStillOpens();
}

TEST_CASE("OPMProtocol.RecordedBlob: one output's blob is no other's (7.2)", "[negative]") {
  StartedOutput stage;
  const std::vector<uint8_t> blob =
      WrapOaep(stage.process.device_key(), stage.party.Parameters().Bytes());
  REQUIRE(stage.party.FinishBlob(blob) == S_OK);
  OpmParty other(&stage);
  other.Start();
  CHECK(other.FinishBlob(blob) == E_INVALIDARG);
}

TEST_CASE("OPMProtocol.ShortParameters: less than 40 bytes are not enough (7.2)", "[negative]") {
  StartedOutput stage;
  std::vector<uint8_t> plain = stage.party.Parameters().Bytes();
  for (const size_t size : {39u, 36u, 32u, 16u, 1u}) {
    plain.resize(size);
    CHECK(stage.party.Finish(plain) == E_INVALIDARG);
  }
  stage.CheckStillOpens();
}

TEST_CASE("OPMProtocol.LongParameters: what follows the first 40 bytes is ignored (7.2)") {
  for (const size_t size : {41u, 64u, 126u}) {
    StartedOutput stage;
    std::vector<uint8_t> plain = stage.party.Parameters().Bytes();
    plain.resize(size, 0xa5);
    REQUIRE(stage.party.Finish(plain) == S_OK);
    CHECK(stage.party.Get(kConnector).result == S_OK);
  }
}

TEST_CASE("OPMProtocol.BlobSize: a blob has the modulus's size (7.2)", "[negative]") {
  StartedOutput stage;
  const std::vector<uint8_t> blob =
      WrapOaep(stage.process.device_key(), stage.party.Parameters().Bytes());
  for (const size_t size : {0u, 16u, 255u, 257u, 512u, 4096u}) {
    std::vector<uint8_t> resized = blob;
    resized.resize(size);
    CHECK(StatusOf(stage.driver().SetSigningKeyAndSequenceNumbers(
              stage.party.output->handle(), resized)) == abi::kStatusKeyExchangeFailed);
  }
  stage.CheckStillOpens();
}

TEST_CASE("OPMProtocol.FailuresAlike: every failed exchange has one status and one time",
          "[negative][needs-time]") {
  StartedOutput stage;
  const std::vector<uint8_t> plain = stage.party.Parameters().Bytes();
  std::vector<uint8_t> other_random = plain;
  other_random[3] ^= 1;
  std::vector<std::vector<uint8_t>> blobs = {
      WrapOaep(stage.process.device_key(), plain, "SHA1"),
      WrapOaep(stage.process.device_key(), other_random),
      WrapOaep(stage.process.device_key(), ConstByteSpan(plain).first(39)),
      std::vector<uint8_t>(256, 1), std::vector<uint8_t>(100)};
  std::set<uint32_t> statuses;
  std::set<uint64_t> times;
  for (const std::vector<uint8_t>& blob : blobs) {
    const uint64_t before = stage.function.now_ns();
    statuses.insert(StatusOf(
        stage.driver().SetSigningKeyAndSequenceNumbers(stage.party.output->handle(), blob)));
    times.insert(stage.function.now_ns() - before);
  }
  CHECK(statuses == std::set<uint32_t>{abi::kStatusKeyExchangeFailed});
  CHECK(times.size() == 1);
}

TEST_CASE("OPMProtocol.SecondKey: a protected output is keyed once (7.2)", "[negative]") {
  OpenOutput stage;
  OpmParameters second = stage.party.Parameters();
  second.signing_key = kOtherKey;
  CHECK(stage.party.Finish(second.Bytes()) == E_INVALIDARG);
  CHECK(stage.party.Finish(stage.party.Parameters().Bytes()) == E_INVALIDARG);
  CHECK(stage.party.Get(kConnector).result == S_OK);  // under the first key
}

TEST_CASE("OPMProtocol.InformationBeforeKey: nothing is told before the key (10.3)", "[negative]") {
  StartedOutput stage;
  const OpmReply reply = stage.party.Ask(stage.party.Request(kConnector));
  CHECK(reply.result == E_INVALIDARG);
  CHECK(reply.IsUntouched());
}

TEST_CASE("OPMProtocol.ConfigureBeforeKey: nothing is set before the key (10.3)", "[negative]") {
  StartedOutput stage;
  CHECK(stage.party.SetLevel(DXGKMDT_OPM_HDCP_ON) == E_INVALIDARG);
  CHECK(LinkState(&stage) == kHdcpOff);
}

TEST_CASE("OPMProtocol.InformationOmac: a flipped bit of a request anywhere (7.2)", "[negative]") {
  OpenOutput stage;
  const InformationRequest good = stage.party.Request(kConnector);
  for (const size_t at : {0u, 15u, 16u, 31u, 32u, 47u, 48u, 52u, 56u, 2000u, 4111u}) {
    InformationRequest bad = good;
    BytesOf(&bad)[at] ^= 0x10;
    INFO(at);
    stage.CheckRefused(bad);
  }
  CHECK(stage.party.Ask(good).result == S_OK);  // its number was not used up
}

TEST_CASE("OPMProtocol.ConfigureOmac: a flipped bit of a setting anywhere (7.2)", "[negative]") {
  OpenOutput stage;
  const Setting good = stage.OnCommand();
  for (const size_t at : {0u, 15u, 16u, 31u, 32u, 36u, 40u, 44u, 2000u, 4095u}) {
    Setting bad = good;
    BytesOf(&bad)[at] ^= 0x10;
    INFO(at);
    CHECK(stage.party.Send(bad) == E_INVALIDARG);
  }
  CHECK(LinkState(&stage) == kHdcpOff);
  CHECK(stage.party.Send(good) == S_OK);
}

TEST_CASE("OPMProtocol.OmacOfWhole: the OMAC is over the whole structure, not its used part (7.2)",
          "[negative]") {
  OpenOutput stage;
  InformationRequest request = stage.party.Request(kConnector);
  const Key over_used = Cmac(stage.party.key, ConstByteSpan(BytesOf(&request) + 16, 40));
  std::copy(over_used.begin(), over_used.end(), BytesOf(&request));
  stage.CheckRefused(request);
  Setting setting = stage.OnCommand();
  const Key over_set = Cmac(stage.party.key, ConstByteSpan(BytesOf(&setting) + 16, 40));
  std::copy(over_set.begin(), over_set.end(), BytesOf(&setting));
  CHECK(stage.party.Send(setting) == E_INVALIDARG);
}

TEST_CASE("OPMProtocol.OtherKey: what another key signed is refused (7.2)", "[negative]") {
  OpenOutput stage;
  OpmParty other(&stage);
  other.key = kOtherKey;
  other.Open();
  stage.CheckRefused(other.Request(kConnector));
  CHECK(stage.party.Send(other.Command(kSetLevel, {kHdcp, 1, 0, 0})) == E_INVALIDARG);
  CHECK(LinkState(&stage) == kHdcpOff);
  CHECK(stage.party.Get(kConnector).result == S_OK);
}

TEST_CASE("OPMProtocol.InformationReplay: a request is answered once (7.2)", "[negative]") {
  OpenOutput stage;
  const InformationRequest request = stage.party.Request(kConnector);
  REQUIRE(stage.party.Ask(request).result == S_OK);
  stage.CheckRefused(request);
  stage.CheckRefused(request);
}

TEST_CASE("OPMProtocol.InformationSkip: the number is the next one exactly (7.2)", "[negative]") {
  OpenOutput stage;
  const uint32_t next = stage.party.next_information;
  for (const uint32_t wrong : {next + 1, next + 2, next - 1, next ^ 0x80000000, 0u, 0xffffffffu}) {
    stage.party.next_information = wrong;
    INFO(wrong);
    stage.CheckRefused(stage.party.Request(kConnector));
  }
  stage.party.next_information = next;
  CHECK(stage.party.Get(kConnector).result == S_OK);
}

TEST_CASE("OPMProtocol.ConfigureReplay: a setting works once (7.2)", "[negative]") {
  OpenOutput stage;
  const Setting on = stage.OnCommand();
  REQUIRE(stage.party.Send(on) == S_OK);
  REQUIRE(stage.party.Send(stage.OffCommand()) == S_OK);
  CHECK(stage.party.Send(on) == E_INVALIDARG);
  CHECK(LinkState(&stage) == kHdcpOff);
}

TEST_CASE("OPMProtocol.ConfigureSkip: the number is the next one exactly (7.2)", "[negative]") {
  OpenOutput stage;
  const uint32_t next = stage.party.next_configure;
  for (const uint32_t wrong : {next + 1, next + 7, next - 1, 0u}) {
    stage.party.next_configure = wrong;
    CHECK(stage.party.Send(stage.OnCommand()) == E_INVALIDARG);
  }
  CHECK(LinkState(&stage) == kHdcpOff);
  stage.party.next_configure = next;
  CHECK(stage.party.Send(stage.OnCommand()) == S_OK);
}

TEST_CASE("OPMProtocol.SequencesApart: requests and settings count apart (7.2)") {
  OpenOutput stage;
  for (int i = 0; i < 3; ++i) {
    CHECK(stage.party.Get(kConnector).result == S_OK);
    CHECK(stage.party.Get(kConnector).result == S_OK);
    CHECK(stage.party.Send(stage.OffCommand()) == S_OK);
  }
}

TEST_CASE("OPMProtocol.SequenceEnd: the last number does not wrap (as R14)", "[negative]") {
  StartedOutput stage;
  OpmParameters parameters = stage.party.Parameters();
  parameters.information_sequence = parameters.configure_sequence = 0xffffffff;
  REQUIRE(stage.party.Finish(parameters.Bytes()) == S_OK);
  stage.party.next_information = stage.party.next_configure = 0xffffffff;
  CHECK(stage.party.Get(kConnector).result == S_OK);
  CHECK(stage.party.SetLevel(DXGKMDT_OPM_HDCP_OFF) == S_OK);
  CHECK(stage.party.next_information == 0);
  CHECK(stage.party.Get(kConnector).result == E_INVALIDARG);
  CHECK(stage.party.SetLevel(DXGKMDT_OPM_HDCP_OFF) == E_INVALIDARG);
}

TEST_CASE("OPMProtocol.NumberOfRefused: a number is used up by a request that is not supported",
          "[negative]") {
  OpenOutput stage;
  const InformationRequest unknown = stage.party.Request(DXGKMDT_OPM_GET_DVI_CHARACTERISTICS);
  stage.CheckRefused(unknown, E_NOTIMPL);
  stage.CheckRefused(unknown);  // a replay by now
  CHECK(stage.party.Get(kConnector).result == S_OK);
}

TEST_CASE("OPMProtocol.InformationSize: a request has its structure's size", "[negative]") {
  OpenOutput stage;
  const InformationRequest request = stage.party.Request(kConnector);
  const auto* first = reinterpret_cast<const uint8_t*>(&request);
  for (const size_t size : {0u, 1u, 16u, 56u, 4096u, 4111u, 4113u, 4128u, 6000u}) {
    INFO(size);
    std::vector<uint8_t> resized(first, first + sizeof(request));
    resized.resize(size);
    std::vector<uint8_t> information(4096, kUntouchedByte);
    CHECK(StatusOf(stage.driver().GetInformation(stage.party.output->handle(), resized,
                                                 information)) == abi::kStatusOutputMessageInvalid);
    CHECK(information == std::vector<uint8_t>(4096, kUntouchedByte));
  }
  CHECK(stage.party.Ask(request).result == S_OK);
}

TEST_CASE("OPMProtocol.ConfigureSize: a setting has its structure's size", "[negative]") {
  OpenOutput stage;
  const Setting setting = stage.OnCommand();
  const auto* first = reinterpret_cast<const uint8_t*>(&setting);
  for (const size_t size : {0u, 16u, 40u, 56u, 4095u, 4097u, 4112u, 6000u}) {
    INFO(size);
    std::vector<uint8_t> resized(first, first + sizeof(setting));
    resized.resize(size);
    CHECK(StatusOf(stage.driver().ConfigureProtectedOutput(
              stage.party.output->handle(), resized)) == abi::kStatusOutputMessageInvalid);
  }
  CHECK(LinkState(&stage) == kHdcpOff);
  CHECK(stage.party.Send(setting) == S_OK);
}

TEST_CASE("OPMProtocol.ParametersSize: a request says what it takes", "[negative]") {
  OpenOutput stage;
  const auto refuse = [&](const GUID& type, ULONG size) {
    InformationRequest request = stage.party.Request(type, {kHdcp});
    request.cbParametersSize = size;
    stage.party.Sign(&request);
    INFO(size);
    stage.CheckRefused(request);
  };
  for (const ULONG size : {1u, 4u, 4056u, 0xffffffffu}) refuse(kConnector, size);
  for (const ULONG size : {0u, 3u, 5u, 8u, 4056u, 4057u, 0x80000000u}) {
    refuse(DXGKMDT_OPM_GET_VIRTUAL_PROTECTION_LEVEL, size);
    refuse(DXGKMDT_OPM_GET_ACTUAL_PROTECTION_LEVEL, size);
  }
}

TEST_CASE("OPMProtocol.UnknownInformation: no signed answer to an unknown type (as R31)",
          "[negative]") {
  OpenOutput stage;
  for (const GUID& type :
       {umd::kNullGuid, DXGKMDT_OPM_GET_DVI_CHARACTERISTICS,
        DXGKMDT_OPM_GET_ACP_AND_CGMSA_SIGNALING, DXGKMDT_OPM_SET_PROTECTION_LEVEL,
        DXGKMDT_OPM_SET_HDCP_SRM, D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID}) {
    stage.CheckRefused(stage.party.Request(type), E_NOTIMPL);
  }
  GUID near = kConnector;
  near.Data4[7] ^= 1;
  stage.CheckRefused(stage.party.Request(near), E_NOTIMPL);
}

TEST_CASE("OPMProtocol.UnknownSetting: settings of other protections are refused", "[negative]") {
  OpenOutput stage;
  for (const GUID& type :
       {umd::kNullGuid, DXGKMDT_OPM_SET_ACP_AND_CGMSA_SIGNALING, DXGKMDT_OPM_SET_HDCP_SRM,
        DXGKMDT_OPM_SET_PROTECTION_LEVEL_ACCORDING_TO_CSS_DVD, kConnector,
        D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID}) {
    CHECK(stage.party.Send(stage.party.Command(type, {kHdcp, 1, 0, 0})) == E_NOTIMPL);
  }
  CHECK(LinkState(&stage) == kHdcpOff);
}

TEST_CASE("OPMProtocol.ReplyIsNoSetting: a signed answer is not taken for a setting",
          "[negative]") {
  OpenOutput stage;
  const OpmReply reply = stage.party.Get(kConnector);
  REQUIRE(reply.result == S_OK);
  Setting setting;
  static_assert(sizeof(setting) == sizeof(reply.bytes));
  std::memcpy(&setting, &reply.bytes, sizeof(setting));
  CHECK(FAILED(stage.party.Send(setting)));
  CHECK(stage.party.Send(stage.OffCommand()) == S_OK);
}

TEST_CASE("OPMProtocol.NoSuchNumber: numbers that are no protected output's", "[negative]") {
  OpenOutput stage;
  const uint32_t own = stage.party.output->handle();
  const InformationRequest request = stage.party.Request(kConnector);
  const ConstByteSpan bytes(reinterpret_cast<const uint8_t*>(&request), sizeof(request));
  std::vector<uint8_t> information(4096);
  std::vector<uint8_t> random(16);
  for (const uint32_t number : {0u, own + 1, own + 0x10000, own | 0x4000, 0xffffffffu, 0x1000fu}) {
    CHECK(StatusOf(stage.driver().GetInformation(number, bytes, information)) ==
          abi::kStatusProtectedOutputInvalid);
    CHECK(StatusOf(stage.driver().GetRandomNumber(number, random)) ==
          abi::kStatusProtectedOutputInvalid);
    CHECK(StatusOf(stage.driver().DestroyProtectedOutput(number)) ==
          abi::kStatusProtectedOutputInvalid);
  }
  CHECK(stage.party.Ask(request).result == S_OK);
}

TEST_CASE("OPMProtocol.Destroyed: a protected output's number ends with it", "[negative]") {
  OpenOutput stage;
  const uint32_t number = stage.party.output->handle();
  REQUIRE(stage.driver().DestroyProtectedOutput(number).ok());
  CHECK(StatusOf(stage.driver().DestroyProtectedOutput(number)) ==
        abi::kStatusProtectedOutputInvalid);
  stage.CheckRefused(stage.party.Request(kConnector));
  OpmParty next(&stage);
  CHECK(next.output->handle() != number);
  stage.CheckRefused(stage.party.Request(kConnector));
}

// SECURITY_MESSAGE on a user's queue, with its response in an allocation.
uint32_t SendAsUser(Stage* stage, uint32_t message, size_t payload_bytes) {
  kmd::Adapter& adapter = stage->kernel->adapter();
  const kmd::DeviceHandle device = adapter.CreateDevice().value();
  const kmd::ContextHandle context = adapter.CreateContext(device).value();
  const abi::AllocationData data = {0x10000, 0, 8192, 0, 0, 0, 0, 0, {}};
  const kmd::AllocationHandle answer = adapter.Allocate(device, data).value();
  abi::SecurityMessageCommand command = {};
  command.opcode = abi::SecurityMessageCommand::kOpcode;
  command.length = static_cast<uint32_t>(sizeof(command) + (payload_bytes + 15) / 16 * 16);
  command.message = message;
  command.payload_bytes = static_cast<uint32_t>(payload_bytes);
  command.response_capacity = 8192;
  std::vector<uint8_t> bytes(command.length);
  std::memcpy(bytes.data(), &command, sizeof(command));
  if (payload_bytes > 8) {
    StoreLe(bytes.data() + sizeof(command) + 4, static_cast<uint32_t>(payload_bytes - 8));
  }
  const kmd::Patch patch = {0, 0, offsetof(abi::SecurityMessageCommand, response_address)};
  const auto fence = adapter.Submit(device, context, bytes, {{answer}}, {{patch}});
  REQUIRE(fence.ok());
  REQUIRE(adapter.WaitFence(device, context, fence.value()).ok());
  const uint32_t status = LoadLe<uint32_t>(adapter.Lock(device, answer).value().data());
  adapter.DestroyDevice(device);
  return status;
}

TEST_CASE("OPMProtocol.UserQueue: a user's queue has no say in output protection", "[negative]") {
  OpenOutput stage;
  // With the payloads that the kernel sends.
  const std::pair<uint32_t, size_t> variable[] = {{abi::kMessageSetOutputKey, 264},
                                                  {abi::kMessageGetOutputInformation, 4120},
                                                  {abi::kMessageConfigureOutput, 4104}};
  for (const auto& [message, payload_bytes] : variable) {
    INFO(message);
    CHECK(SendAsUser(&stage, message, payload_bytes) == abi::kStatusMessageNotPermitted);
  }
  uint32_t refused = 0;
  for (const abi::MessageInfo& message : abi::kMessages) {
    if (!message.privileged) continue;
    INFO(message.name);
    CHECK(SendAsUser(&stage, message.number, message.request_bytes) ==
          abi::kStatusMessageNotPermitted);
    ++refused;
  }
  CHECK(refused == 7);
  CHECK(stage.party.Get(kConnector).result == S_OK);
}

TEST_CASE("OPMProtocol.ConnectorType: a digital connector, with the request's random number") {
  OpenOutput stage;
  const OpmReply reply = stage.party.Get(kConnector);
  REQUIRE(reply.result == S_OK);
  CHECK(reply.bytes.cbRequestedInformationSize == sizeof(DXGKMDT_OPM_STANDARD_INFORMATION));
  CHECK(reply.StatusFlags() == DXGKMDT_OPM_STATUS_NORMAL);
  CHECK(reply.Value(0) == DXGKMDT_OPM_CONNECTOR_TYPE_HDMI);
  CHECK(reply.Value(1) == 0);
  CHECK(reply.Value(2) == 0);
}

TEST_CASE("OPMProtocol.RandomEcho: each answer repeats its request's random number (7.2)") {
  OpenOutput stage;
  InformationRequest request = stage.party.Request(kConnector);
  for (size_t i = 0; i < 16; ++i) request.rnRandomNumber.abRandomNumber[i] = static_cast<BYTE>(i);
  stage.party.Sign(&request);
  const OpmReply reply = stage.party.Ask(request);
  REQUIRE(reply.result == S_OK);
  CHECK(std::memcmp(reply.bytes.abRequestedInformation, &request.rnRandomNumber, 16) == 0);
}

TEST_CASE("OPMProtocol.BusType: the bus that ACCESSIBILITY_ATTRIBUTES tells too (8.5)") {
  OpenOutput stage;
  const OpmReply reply = stage.party.Get(DXGKMDT_OPM_GET_ADAPTER_BUS_TYPE);
  REQUIRE(reply.result == S_OK);
  CHECK(reply.Value(0) == DXGKMDT_OPM_BUS_TYPE_PCIEXPRESS);
}

TEST_CASE("OPMProtocol.OutputId: 64 bits behind the flags, the number that OUTPUT_ID gives (8.5)") {
  OpenOutput stage;
  const OpmReply reply = stage.party.Get(DXGKMDT_OPM_GET_OUTPUT_ID);
  REQUIRE(reply.result == S_OK);
  CHECK(reply.bytes.cbRequestedInformationSize == sizeof(DXGKMDT_OPM_OUTPUT_ID));
  CHECK(reply.Value(0) == 1);
  CHECK(reply.Value(1) == 0);
}

TEST_CASE("OPMProtocol.OutputFormat: the current mode, progressive XRGB") {
  OpenOutput stage;
  REQUIRE(stage.kernel->SetMode(1280, 720).ok());
  const OpmReply reply = stage.party.Get(DXGKMDT_OPM_GET_ACTUAL_OUTPUT_FORMAT);
  REQUIRE(reply.result == S_OK);
  CHECK(reply.bytes.cbRequestedInformationSize == sizeof(DXGKMDT_OPM_ACTUAL_OUTPUT_FORMAT));
  CHECK(reply.Value(0) == 1280);
  CHECK(reply.Value(1) == 720);
  CHECK(reply.Value(2) == DXGKMDT_OPM_INTERLEAVE_FORMAT_PROGRESSIVE);
  CHECK(reply.Value(3) == 22);  // D3DFMT_X8R8G8B8
  CHECK(reply.Value(4) / reply.Value(5) == 60);
}

}  // namespace
}  // namespace ward::test
