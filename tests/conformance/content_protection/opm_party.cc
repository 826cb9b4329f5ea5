#include "tests/conformance/content_protection/opm_party.h"

#include <algorithm>
#include <cstring>

#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"

namespace ward::test {
namespace {

constexpr size_t kOmacBytes = 16;

template <typename Structure>
Key OmacOf(const Key& key, const Structure& structure) {
  return Cmac(key, ConstByteSpan(reinterpret_cast<const uint8_t*>(&structure), sizeof(structure))
                       .subspan(kOmacBytes));
}

template <typename Structure>
void SignStructure(const Key& key, Structure* structure) {
  const Key omac = OmacOf(key, *structure);
  std::memcpy(structure, omac.data(), omac.size());
}

template <typename Structure>
void PutParameters(const std::vector<uint32_t>& parameters, Structure* structure) {
  structure->cbParametersSize = static_cast<ULONG>(4 * parameters.size());
  if (!parameters.empty()) {
    std::memcpy(structure->abParameters, parameters.data(), 4 * parameters.size());
  }
}

}  // namespace

std::vector<uint8_t> OpmParameters::Bytes() const {
  std::vector<uint8_t> bytes(40);
  std::copy(random.begin(), random.end(), bytes.begin());
  std::copy(signing_key.begin(), signing_key.end(), bytes.begin() + 16);
  StoreLe(bytes.data() + 32, information_sequence);
  StoreLe(bytes.data() + 36, configure_sequence);
  return bytes;
}

bool OpmReply::IsUntouched() const {
  const auto* first = reinterpret_cast<const uint8_t*>(&bytes);
  return std::all_of(first, first + sizeof(bytes),
                     [](uint8_t byte) { return byte == kUntouchedByte; });
}

uint32_t OpmReply::StatusFlags() const {
  return LoadLe<uint32_t>(bytes.abRequestedInformation + 16);
}

uint32_t OpmReply::Value(size_t index) const {
  return LoadLe<uint32_t>(bytes.abRequestedInformation + 20 + 4 * index);
}

OpmParty::OpmParty(Stage* stage) : stage_(stage) {
  REQUIRE(runtime::VideoOutput::Create(stage->kernel.get(), 0, DXGKMDT_OPM_VOS_OPM_SEMANTICS,
                                       &output) == S_OK);
}

void OpmParty::Start() {
  DXGKMDT_OPM_RANDOM_NUMBER number;
  std::vector<uint8_t> chain;
  REQUIRE(output->StartInitialization(&number, &chain) == S_OK);
  std::copy(std::begin(number.abRandomNumber), std::end(number.abRandomNumber), random.begin());
  REQUIRE(examples::VerifyChain(chain, SharedRoot()).key != nullptr);
}

OpmParameters OpmParty::Parameters() const {
  return {random, key, kInformationStart, kConfigureStart};
}

HRESULT OpmParty::Finish(const std::vector<uint8_t>& plain, const std::string& digest) {
  return FinishBlob(WrapOaep(stage_->process.device_key(), plain, digest));
}

HRESULT OpmParty::FinishBlob(const std::vector<uint8_t>& blob) {
  DXGKMDT_OPM_ENCRYPTED_PARAMETERS parameters;
  REQUIRE(blob.size() == sizeof(parameters));
  std::memcpy(&parameters, blob.data(), blob.size());
  return output->FinishInitialization(parameters);
}

void OpmParty::Open() {
  Start();
  REQUIRE(Finish(Parameters().Bytes()) == S_OK);
}

InformationRequest OpmParty::Request(const GUID& type, const std::vector<uint32_t>& parameters) {
  InformationRequest request = {};
  ++nonce_[0];
  nonce_[15] = 0x5a;
  std::memcpy(&request.rnRandomNumber, nonce_.data(), nonce_.size());
  request.guidInformation = type;
  request.ulSequenceNumber = next_information++;
  PutParameters(parameters, &request);
  Sign(&request);
  return request;
}

void OpmParty::Sign(InformationRequest* request) const { SignStructure(key, request); }

OpmReply OpmParty::Ask(const InformationRequest& request) {
  OpmReply reply;
  std::memset(&reply.bytes, kUntouchedByte, sizeof(reply.bytes));
  reply.result = output->GetInformation(request, &reply.bytes);
  return reply;
}

OpmReply OpmParty::Get(const GUID& type, const std::vector<uint32_t>& parameters) {
  const InformationRequest request = Request(type, parameters);
  const OpmReply reply = Ask(request);
  if (SUCCEEDED(reply.result)) CheckAnswered(request, reply);
  return reply;
}

void OpmParty::CheckAnswered(const InformationRequest& request, const OpmReply& reply) const {
  const Key omac = OmacOf(key, reply.bytes);
  CHECK(std::memcmp(&reply.bytes.omac, omac.data(), omac.size()) == 0);
  CHECK(std::memcmp(reply.bytes.abRequestedInformation, &request.rnRandomNumber, 16) == 0);
  const uint32_t size = reply.bytes.cbRequestedInformationSize;
  REQUIRE((size >= 20 && size <= sizeof(reply.bytes.abRequestedInformation)));
  CHECK(IsZero(ConstByteSpan(reply.bytes.abRequestedInformation).subspan(size)));
}

uint32_t OpmParty::StatusFlags() {
  const OpmReply reply = Get(DXGKMDT_OPM_GET_CONNECTOR_TYPE);
  REQUIRE(reply.result == S_OK);
  return reply.StatusFlags();
}

uint32_t OpmParty::VirtualLevel() {
  const OpmReply reply =
      Get(DXGKMDT_OPM_GET_VIRTUAL_PROTECTION_LEVEL, {DXGKMDT_OPM_PROTECTION_TYPE_HDCP});
  REQUIRE(reply.result == S_OK);
  return reply.Value(0);
}

uint32_t OpmParty::ActualLevel() {
  const OpmReply reply =
      Get(DXGKMDT_OPM_GET_ACTUAL_PROTECTION_LEVEL, {DXGKMDT_OPM_PROTECTION_TYPE_HDCP});
  REQUIRE(reply.result == S_OK);
  return reply.Value(0);
}

Setting OpmParty::Command(const GUID& type, const std::vector<uint32_t>& parameters) {
  Setting setting = {};
  setting.guidSetting = type;
  setting.ulSequenceNumber = next_configure++;
  PutParameters(parameters, &setting);
  Sign(&setting);
  return setting;
}

void OpmParty::Sign(Setting* setting) const { SignStructure(key, setting); }

HRESULT OpmParty::SetLevel(uint32_t level) {
  return Send(
      Command(DXGKMDT_OPM_SET_PROTECTION_LEVEL, {DXGKMDT_OPM_PROTECTION_TYPE_HDCP, level, 0, 0}));
}

void OpmParty::SwitchOn() {
  REQUIRE(SetLevel(DXGKMDT_OPM_HDCP_ON) == S_OK);
  LetTimePass(stage_);
}

uint32_t LinkState(Stage* stage) {
  return stage->function.get()->BarRead32(0, abi::kRegOutputLink) & abi::kOutputLinkHdcpStateMask;
}

uint32_t LinkChanges(Stage* stage) {
  return stage->function.get()->BarRead32(0, abi::kRegOutputLink) >> abi::kOutputLinkChangesShift;
}

void LetTimePass(Stage* stage) {
  constexpr uint32_t kVector = 0;
  constexpr uint32_t kSecondMs = 1000;
  constexpr uint32_t kPollMs = 10;
  constexpr int kMostPolls = 1000;
  if (Offers(Need::kTime)) {
    while (stage->function->WaitInterrupt(kVector, kSecondMs) == abi::PciError::kNone) {
    }
    return;
  }
  // Its time passes by itself, and an interrupt may have been taken by somebody else.
  for (int i = 0; i < kMostPolls && LinkState(stage) == kHdcpNegotiating; ++i) {
    (void)stage->function->WaitInterrupt(kVector, kPollMs);
  }
}

}  // namespace ward::test
