// A channel message on its way: what commands and queries have in common. Private to the firmware.
#ifndef WARD_FIRMWARE_CHANNEL_EXCHANGE_H_
#define WARD_FIRMWARE_CHANNEL_EXCHANGE_H_

#include <cstdint>

#include "firmware/channel_messages.h"
#include "firmware/message.h"

namespace ward::firmware {

struct ChannelOperation;

// What a message is checked and run with.
struct ChannelExchange {
  const Call& call;
  Channel* channel;
  Device* device;                     // the channel's
  const ChannelOperation* operation;  // nullptr: a type that there is not
  uint32_t input_bytes;               // as many as were sent
  uint32_t output_bytes;              // what the caller has room for
  const ChannelStructure& input;
  ChannelStructure* output;
};

// Checks, or runs a command or query; its status becomes the ReturnCode.
using ChannelDuty = uint32_t (*)(const ChannelExchange& exchange);
struct ChannelOperation {
  const ChannelMessage* message;
  ChannelDuty run;
};

// A row of the checks of DDI 8.2 or 8.3. The last row runs what passed them.
struct ChannelStep {
  ChannelDuty run;
  uint32_t rows_late = 0;  // mutants only: how many rows behind its own it comes; one row at most
};
// The rows in their order, up to the first whose status is not OK.
uint32_t RunSteps(const ChannelExchange& exchange, const ChannelStep* steps, uint32_t count);
template <uint32_t kCount>
uint32_t RunSteps(const ChannelExchange& exchange, const ChannelStep (&steps)[kCount]) {
  return RunSteps(exchange, steps, kCount);
}
inline uint32_t RefuseIf(bool is_wrong) {
  return is_wrong ? abi::kStatusChannelMessageInvalid : abi::kStatusOk;
}
inline uint32_t RunOperation(const ChannelExchange& exchange) {
  return exchange.operation->run(exchange);
}

// Places of type, handle and sequence number in the header of an input.
struct HeaderPlaces {
  uint32_t type_offset;  // in bytes
  uint32_t handle;
  uint32_t sequence;
};
inline constexpr HeaderPlaces kConfigurePlaces = {16, 2, 3};
inline constexpr HeaderPlaces kQueryPlaces = {0, 1, 2};

bool IsTakenBy(const ChannelMessage& message, const Channel& channel);
// R14: `*next` and above are accepted, and the one behind it is next. No wrap.
[[nodiscard]] bool TakeSequence(uint64_t* next, uint64_t sequence);
// Copies the caller's structure: as much as there is of `input`.
void ReadInput(const Call& call, uint32_t payload_offset, uint32_t input_bytes,
               ChannelStructure* input);
// Copies type, handle and sequence number (DDI 8.4).
void CopyHeader(const ChannelStructure& input, const HeaderPlaces& places,
                ChannelStructure* output);

bool HasRoomFor(const Call& call, const ChannelStructure& output);
// A refusal that leaves the caller's output as it is.
Answer RefuseUntouched(const Call& call, uint32_t status);
// The output with ReturnCode; OMAC too when `sign`.
Answer AnswerWithOutput(const Call& call, const Channel& channel, uint32_t status, bool sign,
                        ChannelStructure* output);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_CHANNEL_EXCHANGE_H_
