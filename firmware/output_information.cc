#include "firmware/output_information.h"

#include <cstring>

#include "base/bytes.h"
#include "base/rule.h"
#include "firmware/opm_messages.h"
#include "firmware/protected_output.h"
#include "firmware/self_test.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kConnectorHdmi = 5;     // OPM_CONNECTOR_TYPE
constexpr uint32_t kBusPciExpress = 3;     // OPM_BUS_TYPE
constexpr uint32_t kProgressiveFrame = 2;  // DXVA2_SampleFormat
constexpr uint32_t kFormatX8R8G8B8 = 22;   // D3DFORMAT
constexpr uint32_t kFramesPerSecond = 60;  // of the virtual display
constexpr uint32_t kNoRevocationList = 0;  // the SRM's version
// The virtual display's key selection vector: twenty ones, as in each, then reserved bytes.
constexpr uint32_t kSelectionVector[2] = {0x55555555, 0x55};

// What a request is answered from.
struct Question {
  const ProtectedOutput& output;
  OutputState state;
  uint32_t parameter;  // the first of abParameters; 0 when the request takes none
};

// Puts the values of an information; a status when it can't be told.
using Teller = uint32_t (*)(const Question& question, uint32_t* values);

uint32_t TellConnector(const Question&, uint32_t* values) {
  values[0] = kConnectorHdmi;
  return abi::kStatusOk;
}

uint32_t TellProtectionTypes(const Question&, uint32_t* values) {
  values[0] = kOpmProtectionHdcp;
  return abi::kStatusOk;
}

// The level that this protected output asked for.
uint32_t TellVirtualLevel(const Question& question, uint32_t* values) {
  const bool other = question.parameter != kOpmProtectionHdcp;
  if (WARD_RULE("opm.level_query_type", other)) return abi::kStatusOutputMessageUnsupported;
  values[0] = question.output.level;
  return abi::kStatusOk;
}

// The level that the link has, whoever asked for it.
uint32_t TellActualLevel(const Question& question, uint32_t* values) {
  const bool other = question.parameter != kOpmProtectionHdcp;
  if (WARD_RULE("opm.level_query_type", other)) return abi::kStatusOutputMessageUnsupported;
  const bool is_on = question.state.link == kLinkOn || WARD_BROKEN("opm.actual_level_is_the_links");
  values[0] = is_on ? kOpmHdcpOn : kOpmHdcpOff;
  return abi::kStatusOk;
}

uint32_t TellBusType(const Question&, uint32_t* values) {
  values[0] = kBusPciExpress;
  return abi::kStatusOk;
}

// OPM_OUTPUT_ID_DATA, packed. As OUTPUT_ID of authenticated channels: the output's number plus one.
uint32_t TellOutputId(const Question& question, uint32_t* values) {
  values[0] = question.output.output + (WARD_BROKEN("opm.output_id") ? 0 : 1);
  values[1] = 0;
  return abi::kStatusOk;
}

uint32_t TellSrmVersion(const Question&, uint32_t* values) {
  values[0] = kNoRevocationList;
  return abi::kStatusOk;
}

// Flags (no repeater), then the vector, while there is a link to read it over.
uint32_t TellConnectedDevice(const Question& question, uint32_t* values) {
  if (question.state.link != kLinkOn) return abi::kStatusOk;
  values[1] = kSelectionVector[0];
  values[2] = kSelectionVector[1];
  return abi::kStatusOk;
}

uint32_t TellOutputFormat(const Question& question, uint32_t* values) {
  const uint32_t told[] = {question.state.width, question.state.height, kProgressiveFrame,
                           kFormatX8R8G8B8,      kFramesPerSecond,      1};
  std::memcpy(values, told, sizeof(told));
  return abi::kStatusOk;
}

struct Information {
  const Guid* type;
  uint32_t parameters_bytes;
  uint32_t information_bytes;  // random number and status flags included
  Teller tell;
};

constexpr uint32_t kStandardBytes = kOpmInformationHeadBytes + 12;
constexpr Information kInformation[] = {
    {&kOpmGetConnectorType, 0, kStandardBytes, TellConnector},
    {&kOpmGetProtectionTypes, 0, kStandardBytes, TellProtectionTypes},
    {&kOpmGetVirtualLevel, 4, kStandardBytes, TellVirtualLevel},
    {&kOpmGetActualLevel, 4, kStandardBytes, TellActualLevel},
    {&kOpmGetBusType, 0, kStandardBytes, TellBusType},
    {&kOpmGetOutputId, 0, kOpmInformationHeadBytes + 8, TellOutputId},
    {&kOpmGetSrmVersion, 0, kStandardBytes, TellSrmVersion},
    {&kOpmGetConnectedDevice, 0, kOpmInformationHeadBytes + 52, TellConnectedDevice},
    {&kOpmGetOutputFormat, 0, kOpmInformationHeadBytes + 24, TellOutputFormat},
};

const Information* FindInformation(const GuidBytes& type) {
  for (const Information& information : kInformation) {
    if (IsGuid(type, information.type->bytes)) return &information;
  }
  if (WARD_BROKEN("opm.unknown_information")) return &kInformation[0];
  return nullptr;
}

// What is left of a request or a setting once it is known to be the application's and next in line.
struct Admitted {
  GuidBytes type;
  uint8_t random[kOpmRandomBytes];
  uint32_t parameters_bytes;
  OpmProtectionLevel parameters;  // the first bytes of abParameters
};

// Equality, then one more (DDI 7.2); no wrap, as with channels (R14).
bool TakeSequence(uint64_t* next, uint32_t sequence) {
  if (sequence != *next) return false;
  ++*next;
  return true;
}

template <typename Structure>
bool HasRightOmac(const Call& call, const ProtectedOutput& output, const Structure& structure) {
  return call.platform->VerifyMac(output.key_slot, KeyOwner(output),
                                  reinterpret_cast<const uint8_t*>(&structure) + kOpmOmacBytes,
                                  static_cast<uint32_t>(sizeof(structure)) - kOpmOmacBytes,
                                  structure.omac);
}

template <typename Structure>
void ReadStructure(const Call& call, uint32_t offset, uint32_t size_bytes, Structure* structure) {
  constexpr auto kSize = static_cast<uint32_t>(sizeof(Structure));
  const bool read =
      call.platform->ReadPayload(offset, structure, size_bytes < kSize ? size_bytes : kSize);
  WARD_ASSERT(read);
}

template <typename Structure>
void KeepParts(const Structure& structure, Admitted* admitted) {
  std::memcpy(admitted->type, structure.type, sizeof(admitted->type));
  admitted->parameters_bytes = structure.parameters_bytes;
  std::memcpy(&admitted->parameters, structure.parameters, sizeof(admitted->parameters));
}

// Size, OMAC and sequence number, in this order: a number is used up only by who holds the key.
bool AdmitRequest(const Call& call, const abi::GetOutputInformationRequest& message,
                  ProtectedOutput* output, Admitted* admitted) {
  OpmInformationRequest request = {};
  const bool other_size = message.input_bytes != sizeof(request);
  if (WARD_RULE("opm.information_size", other_size)) return false;
  ReadStructure(call, sizeof(message), message.input_bytes, &request);
  const bool is_signed = HasRightOmac(call, *output, request);
  if (WARD_RULE("opm.information_omac", !is_signed)) return false;
  const bool is_next = TakeSequence(&output->next_information, request.sequence);
  if (WARD_RULE("opm.information_sequence", !is_next)) return false;
  std::memcpy(admitted->random, request.random, sizeof(admitted->random));
  KeepParts(request, admitted);
  return true;
}

bool AdmitSetting(const Call& call, const abi::ConfigureOutputRequest& message,
                  ProtectedOutput* output, Admitted* admitted) {
  OpmSetting setting = {};
  const bool other_size = message.input_bytes != sizeof(setting);
  if (WARD_RULE("opm.configure_size", other_size)) return false;
  ReadStructure(call, sizeof(message), message.input_bytes, &setting);
  const bool is_signed = HasRightOmac(call, *output, setting);
  if (WARD_RULE("opm.configure_omac", !is_signed)) return false;
  const bool is_next = TakeSequence(&output->next_configure, setting.sequence);
  if (WARD_RULE("opm.configure_sequence", !is_next)) return false;
  KeepParts(setting, admitted);
  return true;
}

uint32_t StatusFlags(const OutputState& state) {
  const bool lost = state.link == kLinkLost;
  return WARD_RULE("opm.status_flags", lost) ? kOpmStatusLinkLost | kOpmStatusRenegotiationRequired
                                             : kOpmStatusNormal;
}

// A key that turned out to be damaged costs this protected output, a block that does not work
// everything.
Answer FailSigning(const Call& call, const ProtectedOutput& output) {
  if (IsLost(call.platform, output)) return Refuse(abi::kStatusKeyDamaged);
  EnterFailure(call.platform, call.state, SelfTest::kAesCmac);
  return Refuse(abi::kStatusSelfTestFailed);
}

Answer AnswerSigned(const Call& call, const ProtectedOutput& output, OpmInformation* reply) {
  if (!call.platform->ComputeMac(output.key_slot, KeyOwner(output),
                                 reinterpret_cast<const uint8_t*>(reply) + kOpmOmacBytes,
                                 sizeof(*reply) - kOpmOmacBytes, reply->omac)) {
    return FailSigning(call, output);
  }
  abi::GetOutputInformationResponse response = {};
  response.output_bytes = sizeof(*reply);
  const bool written = call.platform->WriteResponse(sizeof(response), reply, sizeof(*reply));
  WARD_ASSERT(written);
  return SucceedWith(call, response, sizeof(*reply));
}

// Nothing is written or signed but an answer to a known request (as R31).
Answer AnswerAdmitted(const Call& call, const ProtectedOutput& output, const Admitted& admitted) {
  const Information* information = FindInformation(admitted.type);
  if (information == nullptr) return Refuse(abi::kStatusOutputMessageUnsupported);
  const bool other_size = admitted.parameters_bytes != information->parameters_bytes;
  if (WARD_RULE("opm.information_parameters", other_size)) {
    return Refuse(abi::kStatusOutputMessageInvalid);
  }
  const Question question = {output, call.platform->ReadOutput(output.output),
                             admitted.parameters.type};
  OpmInformation reply = {};
  const uint32_t status = information->tell(question, reply.values);
  if (status != abi::kStatusOk) return Refuse(status);
  reply.information_bytes = information->information_bytes;
  if (!WARD_BROKEN("opm.random_echo")) {
    std::memcpy(reply.random, admitted.random, sizeof(reply.random));
  }
  reply.status_flags = StatusFlags(question.state);
  return AnswerSigned(call, output, &reply);
}

uint32_t RunProtectionLevel(const Call& call, ProtectedOutput* output, const Admitted& admitted) {
  const OpmProtectionLevel& wanted = admitted.parameters;
  const bool other_size = admitted.parameters_bytes != sizeof(wanted);
  if (WARD_RULE("opm.level_size", other_size)) return abi::kStatusOutputMessageInvalid;
  const bool reserved = (wanted.reserved[0] | wanted.reserved[1]) != 0;
  if (WARD_RULE("opm.level_reserved", reserved)) return abi::kStatusOutputMessageInvalid;
  const bool other_type = wanted.type != kOpmProtectionHdcp;
  if (WARD_RULE("opm.level_type", other_type)) return abi::kStatusOutputMessageUnsupported;
  const bool other_level = wanted.level != kOpmHdcpOff && wanted.level != kOpmHdcpOn;
  if (WARD_RULE("opm.level_value", other_level)) return abi::kStatusOutputMessageUnsupported;
  SetProtectionLevel(call.platform, call.state, output,
                     wanted.level == kOpmHdcpOff ? kOpmHdcpOff : kOpmHdcpOn);
  return abi::kStatusOk;
}

}  // namespace

Answer HandleGetOutputInformation(const Call& call) {
  const auto request = ReadRequest<abi::GetOutputInformationRequest>(call);
  const FoundOutput found =
      FindProtectedOutput(call, request.protected_output, ProtectedOutputEvent::kGetInformation);
  if (found.output == nullptr) return Refuse(found.status);
  constexpr uint32_t kNeeded = sizeof(abi::GetOutputInformationResponse) + sizeof(OpmInformation);
  if (call.message.response_capacity < kNeeded) return Refuse(abi::kStatusResponseTooSmall);
  Admitted admitted = {};
  const bool is_admitted = AdmitRequest(call, request, found.output, &admitted);
  if (IsLost(call.platform, *found.output)) return Refuse(abi::kStatusKeyDamaged);
  if (!is_admitted) return Refuse(abi::kStatusOutputMessageInvalid);
  return AnswerAdmitted(call, *found.output, admitted);
}

Answer HandleConfigureOutput(const Call& call) {
  const auto request = ReadRequest<abi::ConfigureOutputRequest>(call);
  const FoundOutput found =
      FindProtectedOutput(call, request.protected_output, ProtectedOutputEvent::kConfigure);
  if (found.output == nullptr) return Refuse(found.status);
  Admitted admitted = {};
  const bool is_admitted = AdmitSetting(call, request, found.output, &admitted);
  if (IsLost(call.platform, *found.output)) return Refuse(abi::kStatusKeyDamaged);
  if (!is_admitted) return Refuse(abi::kStatusOutputMessageInvalid);
  const bool is_known = IsGuid(admitted.type, kOpmSetProtectionLevel.bytes);
  if (WARD_RULE("opm.unknown_setting", !is_known)) {
    return Refuse(abi::kStatusOutputMessageUnsupported);
  }
  const uint32_t status = RunProtectionLevel(call, found.output, admitted);
  return status == abi::kStatusOk ? Succeed() : Refuse(status);
}

}  // namespace ward::firmware
