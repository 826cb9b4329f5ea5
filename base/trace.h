// Where blocks say what happened. Names come from the ABI's generated tables; an event never
// carries fetched data or key material, only numbers that the spec calls public.
#ifndef WARD_BASE_TRACE_H_
#define WARD_BASE_TRACE_H_

#include <cstdint>

namespace ward {

struct TraceEvent {
  const char* name;       // a string literal, for example "command" or "fault"
  const char* detail;     // a string literal or a generated name, "" when there is none
  uint64_t arguments[3];  // meaning by name, see docs/spec/trace.md
};

class TraceSink {
 public:
  virtual void OnEvent(const TraceEvent& event) = 0;

 protected:
  ~TraceSink() = default;
};

}  // namespace ward

#endif  // WARD_BASE_TRACE_H_
