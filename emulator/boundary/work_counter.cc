#include "emulator/boundary/work_counter.h"

#include <string_view>

namespace ward::emulator {

void WorkCounter::OnBoundary(const BoundaryEvent& event, uint64_t) {
  if (event.kind == BoundaryEventKind::kInterrupt) ++counts_.interrupts;
}

void WorkCounter::OnTrace(const TraceEvent& event, uint64_t) {
  const std::string_view name = event.name;
  // The first argument of all of these is the queue.
  WorkCounts::Queue& queue = counts_.queues[event.arguments[0] % counts_.queues.size()];
  if (name == "done") {
    ++queue.commands;
  } else if (name == "refusal") {
    ++queue.refused;
  } else if (name == "fault") {
    ++queue.faults;
  } else if (name == "fence") {
    ++queue.fences;
  } else if (name == "message") {
    ++counts_.messages;
  }
}

}  // namespace ward::emulator
