// Where blocks say what happened. Names come from the ABI's generated tables; an event never
// carries fetched data or key material, only numbers that the spec calls public.
#ifndef WARD_BASE_TRACE_H_
#define WARD_BASE_TRACE_H_

#include <cstdint>

#include "base/bytes.h"

namespace ward {

struct TraceEvent {
  const char* name;       // a string literal, for example "command" or "fault"
  const char* detail;     // a string literal or a generated name, "" when there is none
  uint64_t arguments[3];  // meaning by name, see docs/spec/trace.md
};

// The number of a command or message that the contract may not have. What a lost driver takes for a
// command may be anything, so only numbers of the size that the contract gives out are told; 0xffff
// stands for the others.
constexpr uint32_t PublicNumber(uint32_t number) { return number <= 0xff ? number : 0xffff; }

// What the driver and the firmware said to each other, as bytes. Not public as it stands: handles
// are not to be guessed, and an answer may carry random numbers. Who keeps a packet filters it
// first by the contract's table (abi/generated/capture.h).
struct TracePacket {
  enum class Kind : uint8_t { kCommand, kMessage, kAnswer };
  Kind kind;
  uint32_t queue;
  uint32_t position;         // kCommand: in the ring
  uint32_t indirect_offset;  // kCommand: in the innermost indirect buffer
  uint32_t number;           // opcode, or number of the message
  ConstByteSpan bytes;       // checked command, payload, response; good during the call only
};

class TraceSink {
 public:
  virtual void OnEvent(const TraceEvent& event) = 0;
  virtual void OnPacket(const TracePacket& /*packet*/) {}

 protected:
  ~TraceSink() = default;
};

}  // namespace ward

#endif  // WARD_BASE_TRACE_H_
