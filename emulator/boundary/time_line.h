// A replayed chip that can go backwards: to the last checkpoint before, and forward again from
// there.
#ifndef WARD_EMULATOR_BOUNDARY_TIME_LINE_H_
#define WARD_EMULATOR_BOUNDARY_TIME_LINE_H_

#include <cstdint>
#include <vector>

#include "emulator/boundary/replayer.h"

namespace ward::emulator {

class TimeLine {
 public:
  // `replayer` outlives the line and is stepped by nobody else. A checkpoint is taken at least
  // every `spacing` calls at first; when there are kMostCheckpoints every other one goes, and the
  // spacing doubles.
  explicit TimeLine(Replayer* replayer, uint64_t spacing = 256);

  // As Replayer::Step.
  bool Step();
  // Forwards or backwards, to where `call` calls were made; false when the recording does not reach
  // so far, and the chip stands at its end then.
  bool GoTo(uint64_t call);

 private:
  static constexpr size_t kMostCheckpoints = 16;

  void KeepCheckpoint();

  Replayer* replayer_;
  uint64_t spacing_;
  std::vector<Replayer::Checkpoint> checkpoints_;  // by call; the first is of the start
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_TIME_LINE_H_
