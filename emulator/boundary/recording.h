// Everything needed to run the chip again without its host: what the host called, and what the
// ports answered. In memory only: it holds the chip's entropy, which is a secret. As a file:
// emulator/recording.
#ifndef WARD_EMULATOR_BOUNDARY_RECORDING_H_
#define WARD_EMULATOR_BOUNDARY_RECORDING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "device/gpu.h"
#include "emulator/boundary/boundary.h"
#include "emulator/boundary/event_source.h"

namespace ward::emulator {

class Recording final : public BoundaryListener {
 public:
  using Event = RecordedEvent;

  ~Recording();  // wipes
  void OnEvent(const BoundaryEvent& event) override;
  const std::vector<Event>& events() const { return events_; }
  std::vector<Event>& events() { return events_; }

 private:
  std::vector<Event> events_;
};

struct ReplayOutcome {
  bool matches = false;     // the chip asked for the same things in the same order
  uint64_t event = 0;       // index of the first event that differs
  std::string difference;   // one line for people
  uint64_t state_hash = 0;  // after the last event
};

// Runs a fresh chip with the same options through the recording.
Result<ReplayOutcome> Replay(const Recording& recording, const device::GpuOptions& options);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_RECORDING_H_
