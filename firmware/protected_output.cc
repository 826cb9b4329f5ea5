#include "firmware/protected_output.h"

#include <cstring>

#include "base/bytes.h"
#include "base/planted_bug.h"
#include "base/rule.h"
#include "firmware/crypto_session.h"
#include "firmware/key_store.h"
#include "firmware/opm_messages.h"
#include "firmware/self_test.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kOpmSemantics = 1;  // OPM_VOS_OPM_SEMANTICS

// Where SET_OUTPUT_KEY's public bytes stand (DDI 7.2 without the key).
constexpr uint32_t kInformationSequenceOffset = 16;
constexpr uint32_t kConfigureSequenceOffset = 20;

uint32_t FindFreeIndex(const State& state) {
  uint32_t index = 0;
  while (index < kProtectedOutputCount && state.protected_outputs[index].number != 0) ++index;
  return index;
}

// In a time that tells nothing of where they differ.
bool AreSame(const uint8_t* a, const uint8_t* b, uint32_t size_bytes) {
  uint32_t difference = 0;
  for (uint32_t i = 0; i < size_bytes; ++i) difference |= static_cast<uint32_t>(a[i] ^ b[i]);
  return difference == 0;
}

bool IsHeldByAnother(const State& state, const ProtectedOutput& output) {
  for (const ProtectedOutput& other : state.protected_outputs) {
    if (&other != &output && other.number != 0 && other.output == output.output &&
        other.level != kOpmHdcpOff) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool IsLost(Platform* platform, const ProtectedOutput& output) {
  return output.key_slot != kNoSlot && platform->IsSlotDamaged(output.key_slot);
}

FoundOutput FindProtectedOutput(const Call& call, uint32_t number, ProtectedOutputEvent event) {
  const uint32_t index = IndexOf(number);
  if (number == 0 || index >= kProtectedOutputCount ||
      call.state->protected_outputs[index].number != number) {
    return {nullptr, abi::kStatusProtectedOutputInvalid, ProtectedOutputPhase::kNone};
  }
  ProtectedOutput* output = &call.state->protected_outputs[index];
  const bool ends = event == ProtectedOutputEvent::kDestroy;
  if (!ends && IsLost(call.platform, *output)) {
    return {nullptr, abi::kStatusKeyDamaged, output->phase};
  }
  const auto step = kProtectedOutputTable.Find(output->phase, event);
  if (WARD_RULE("opm.state", step.status != abi::kStatusOk)) {
    return {nullptr, step.status, output->phase};
  }
  return {output, abi::kStatusOk, step.to};
}

void SetProtectionLevel(Platform* platform, State* state, ProtectedOutput* output, uint32_t level) {
  output->level = level;
  if (level == kOpmHdcpOn) return platform->EnableLink(output->output);
  if (WARD_RULE("opm.level_is_counted", IsHeldByAnother(*state, *output))) return;
  platform->DisableLink(output->output);
}

void EndProtectedOutput(Platform* platform, State* state, ProtectedOutput* output) {
  if (WARD_RULE("opm.destroy_takes_level_back", output->level != kOpmHdcpOff)) {
    SetProtectionLevel(platform, state, output, kOpmHdcpOff);
  }
  if (output->key_slot != kNoSlot) platform->WipeSlot(output->key_slot);
  const uint32_t generation = output->generation;
  *output = ProtectedOutput{};
  output->generation = generation;
}

void EndProtectedOutputs(Platform* platform, State* state) {
  for (ProtectedOutput& output : state->protected_outputs) {
    if (output.number != 0) EndProtectedOutput(platform, state, &output);
  }
}

Answer HandleCreateProtectedOutput(const Call& call) {
  const auto request = ReadRequest<abi::CreateProtectedOutputRequest>(call);
  if (request.output >= call.platform->OutputCount()) {
    return Refuse(abi::kStatusProtectedOutputInvalid);
  }
  if (WARD_RULE("opm.semantics", request.semantics != kOpmSemantics)) {
    return Refuse(abi::kStatusOutputMessageUnsupported);
  }
  const uint32_t index = FindFreeIndex(*call.state);
  if (index == kProtectedOutputCount) return Refuse(abi::kStatusHandlesExhausted);
  ProtectedOutput* output = &call.state->protected_outputs[index];
  ProtectedOutput born = {};
  if (!call.platform->DrawRandom(born.random, sizeof(born.random))) {
    EnterFailure(call.platform, call.state, SelfTest::kRandom);
    return Refuse(abi::kStatusSelfTestFailed);
  }
  const bool repeats = HasPlantedBug(PlantedBug::kOutputNumberReused) && output->generation != 0;
  born.generation = repeats ? output->generation : NextGeneration(output->generation);
  born.number = born.generation << 16 | index;
  born.phase = kProtectedOutputTable.Find(output->phase, ProtectedOutputEvent::kCreate).to;
  born.output = request.output;
  born.key_slot = kNoSlot;
  *output = born;

  abi::CreateProtectedOutputResponse response = {};
  response.protected_output = born.number;
  return SucceedWith(call, response);
}

Answer HandleDestroyProtectedOutput(const Call& call) {
  const auto request = ReadRequest<abi::DestroyProtectedOutputRequest>(call);
  const FoundOutput found =
      FindProtectedOutput(call, request.protected_output, ProtectedOutputEvent::kDestroy);
  if (found.output == nullptr) return Refuse(found.status);
  EndProtectedOutput(call.platform, call.state, found.output);
  return Succeed();
}

Answer HandleGetOutputRandom(const Call& call) {
  const auto request = ReadRequest<abi::GetOutputRandomRequest>(call);
  const FoundOutput found =
      FindProtectedOutput(call, request.protected_output, ProtectedOutputEvent::kGetRandom);
  if (found.output == nullptr) return Refuse(found.status);
  abi::GetOutputRandomResponse response = {};
  static_assert(sizeof(response.random) == sizeof(found.output->random));
  std::memcpy(response.random, found.output->random, sizeof(response.random));
  return SucceedWith(call, response);
}

// All failures look alike, a wrong random number among them; after one the application may try
// again.
Answer HandleSetOutputKey(const Call& call) {
  const auto request = ReadRequest<abi::SetOutputKeyRequest>(call);
  const FoundOutput found =
      FindProtectedOutput(call, request.protected_output, ProtectedOutputEvent::kSetKey);
  if (found.output == nullptr) return Refuse(found.status);
  ProtectedOutput* output = found.output;
  const uint32_t fresh = call.platform->AllocateSlot(KeyOwner(*output), kOutputKeyUsage);
  if (fresh == kNoSlot) return Refuse(abi::kStatusSessionsExhausted);
  uint8_t parameters[kPublicParameterBytes] = {};
  const bool unwrapped = call.platform->UnwrapRsaOaepParameters(
      fresh, KeyOwner(*output), sizeof(request), request.blob_bytes, parameters);
  const bool matches = AreSame(parameters, output->random, sizeof(output->random));
  if (!unwrapped || WARD_RULE("opm.key_random", !matches)) {
    call.platform->WipeSlot(fresh);
    return Refuse(abi::kStatusKeyExchangeFailed);
  }
  if (output->key_slot != kNoSlot) call.platform->WipeSlot(output->key_slot);
  output->key_slot = fresh;
  output->next_information = LoadLe<uint32_t>(parameters + kInformationSequenceOffset);
  output->next_configure = LoadLe<uint32_t>(parameters + kConfigureSequenceOffset);
  output->phase = found.next;
  return Succeed();
}

}  // namespace ward::firmware
