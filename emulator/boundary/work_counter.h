// Counts what a chip got done, for people who look at a server. Numbers only, of fixed size.
#ifndef WARD_EMULATOR_BOUNDARY_WORK_COUNTER_H_
#define WARD_EMULATOR_BOUNDARY_WORK_COUNTER_H_

#include <array>
#include <cstdint>

#include "abi/generated/registers.h"
#include "emulator/boundary/observer.h"

namespace ward::emulator {

// Since the chip was made, over all its resets and clients.
struct WorkCounts {
  struct Queue {
    uint64_t commands = 0;  // that are over, refused ones too
    uint64_t refused = 0;
    uint64_t faults = 0;
    uint64_t fences = 0;
  };
  std::array<Queue, abi::kQueueBlockCount> queues = {};
  uint64_t messages = 0;    // to the firmware
  uint64_t interrupts = 0;  // vectors that the chip sent
};

class WorkCounter final : public Observer {
 public:
  void OnBoundary(const BoundaryEvent& event, uint64_t now_ns) override;
  void OnTrace(const TraceEvent& event, uint64_t now_ns) override;
  void OnPacket(const TracePacket&, uint64_t) override {}

  const WorkCounts& counts() const { return counts_; }

 private:
  WorkCounts counts_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_WORK_COUNTER_H_
