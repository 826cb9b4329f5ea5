// Who watches the chip from outside and keeps something of it: a trace, a capture, a report. Hears
// both what crosses the boundary and what the chip says of itself, with the virtual time.
#ifndef WARD_EMULATOR_BOUNDARY_OBSERVER_H_
#define WARD_EMULATOR_BOUNDARY_OBSERVER_H_

#include <cstdint>
#include <string>

#include "base/trace.h"
#include "emulator/boundary/boundary.h"

namespace ward::emulator {

// A guest decides how many events there are, so an observer bounds what it keeps. `now_ns` never
// goes back.
class Observer {
 public:
  virtual ~Observer() = default;
  // Not of every access to memory (BoundaryListener::NeedsAccesses).
  virtual void OnBoundary(const BoundaryEvent& event, uint64_t now_ns) = 0;
  virtual void OnTrace(const TraceEvent& event, uint64_t now_ns) = 0;
  virtual void OnPacket(const TracePacket& packet, uint64_t now_ns) = 0;
  // One line that says which file of its own has ended before the chip, and why; empty: none has.
  virtual std::string Trouble() const { return {}; }
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_OBSERVER_H_
