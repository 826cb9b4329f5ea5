// A text trace as a timeline for Perfetto and Chrome (Trace Event Format, JSON): a track for each
// queue, and tracks for firmware messages, interrupts, fences, and what stops or resets the chip.
#ifndef WARD_EMULATOR_BOUNDARY_TRACE_TIMELINE_H_
#define WARD_EMULATOR_BOUNDARY_TRACE_TIMELINE_H_

#include <istream>
#include <ostream>
#include <string>

namespace ward::emulator {

// Reads a trace in either form and writes one JSON object. Every beginning has its end, in time's
// order: what the trace does not end, ends with its queue's next command, a reset or the trace.
// False and one line for people when it is no trace; lines of other programs between are skipped.
bool ConvertTrace(std::istream& trace, std::ostream& timeline, std::string* error);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_TRACE_TIMELINE_H_
