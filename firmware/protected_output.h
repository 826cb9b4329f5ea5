// Protected outputs: what DxgkDdiOPMCreateProtectedOutput makes of a display output for one
// application. Birth, key, death; their messages are the kernel's alone. Private to the firmware.
#ifndef WARD_FIRMWARE_PROTECTED_OUTPUT_H_
#define WARD_FIRMWARE_PROTECTED_OUTPUT_H_

#include <cstdint>

#include "base/state_table.h"
#include "firmware/message.h"

namespace ward::firmware {

enum class ProtectedOutputEvent : uint32_t {
  kCreate,
  kGetRandom,
  kSetKey,
  kGetInformation,
  kConfigure,
  kDestroy,
  kLast = kDestroy
};

// Once per protected output a key (DDI 7.2); until then no message can carry a right OMAC.
inline constexpr auto kProtectedOutputTable =
    MakeStateTable<ProtectedOutputPhase, ProtectedOutputEvent>(
        {
            {ProtectedOutputPhase::kNone, ProtectedOutputEvent::kCreate,
             ProtectedOutputPhase::kCreated},
            {ProtectedOutputPhase::kCreated, ProtectedOutputEvent::kSetKey,
             ProtectedOutputPhase::kKeyed},
            {ProtectedOutputPhase::kCreated, ProtectedOutputEvent::kGetInformation,
             ProtectedOutputPhase::kCreated, abi::kStatusOutputMessageInvalid},
            {ProtectedOutputPhase::kCreated, ProtectedOutputEvent::kConfigure,
             ProtectedOutputPhase::kCreated, abi::kStatusOutputMessageInvalid},
            {ProtectedOutputPhase::kCreated, ProtectedOutputEvent::kDestroy,
             ProtectedOutputPhase::kNone},
            {ProtectedOutputPhase::kKeyed, ProtectedOutputEvent::kSetKey,
             ProtectedOutputPhase::kKeyed, abi::kStatusKeyExchangeFailed},
            {ProtectedOutputPhase::kKeyed, ProtectedOutputEvent::kDestroy,
             ProtectedOutputPhase::kNone},
        },
        {{ProtectedOutputPhase::kNone, abi::kStatusProtectedOutputInvalid},
         {ProtectedOutputPhase::kCreated, abi::kStatusOk},
         {ProtectedOutputPhase::kKeyed, abi::kStatusOk}});

// Its name at the key vault: bit 14 is set in no session's and no channel's number.
constexpr uint32_t KeyOwner(const ProtectedOutput& output) { return output.number | 0x4000; }

// The protected output that a message is for. Null, with the status of a refusal, when there is
// none of that number, its key is damaged, or its state does not take the event.
struct FoundOutput {
  ProtectedOutput* output;
  uint32_t status;
  ProtectedOutputPhase next;  // once the event's work succeeded
};
FoundOutput FindProtectedOutput(const Call& call, uint32_t number, ProtectedOutputEvent event);

// True when its key failed its check word: it answers KEY_DAMAGED until it is destroyed.
bool IsLost(Platform* platform, const ProtectedOutput& output);

// What this protected output asks of the link. Off switches the link off only when no other one of
// the same display output holds it; on asks anew for a link that was lost.
void SetProtectionLevel(Platform* platform, State* state, ProtectedOutput* output, uint32_t level);
// Wipes its key; the protection that it asked for ends with it.
void EndProtectedOutput(Platform* platform, State* state, ProtectedOutput* output);

// All of them end, with their keys and what they asked of the links: tear-down, failure.
void EndProtectedOutputs(Platform* platform, State* state);

Answer HandleCreateProtectedOutput(const Call& call);
Answer HandleDestroyProtectedOutput(const Call& call);
Answer HandleGetOutputRandom(const Call& call);
Answer HandleSetOutputKey(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_PROTECTED_OUTPUT_H_
