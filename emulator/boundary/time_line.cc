#include "emulator/boundary/time_line.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ward::emulator {

TimeLine::TimeLine(Replayer* replayer, uint64_t spacing) : replayer_(replayer), spacing_(spacing) {
  checkpoints_.push_back(replayer_->TakeCheckpoint());
}

bool TimeLine::Step() {
  if (!replayer_->Step()) return false;
  KeepCheckpoint();
  return true;
}

bool TimeLine::GoTo(uint64_t call) {
  if (call < replayer_->call()) {
    const auto after = std::upper_bound(
        checkpoints_.begin(), checkpoints_.end(), call,
        [](uint64_t wanted, const auto& checkpoint) { return wanted < checkpoint.call; });
    replayer_->GoBack(*std::prev(after));
  }
  while (replayer_->call() < call) {
    if (!Step()) return false;
  }
  return true;
}

void TimeLine::KeepCheckpoint() {
  // Nothing to come back to where the chip did something else.
  if (!replayer_->matches() || replayer_->call() < checkpoints_.back().call + spacing_) return;
  if (checkpoints_.size() == kMostCheckpoints) {
    for (size_t i = 1; i < kMostCheckpoints / 2; ++i) {
      checkpoints_[i] = std::move(checkpoints_[2 * i]);
    }
    checkpoints_.resize(kMostCheckpoints / 2);
    spacing_ *= 2;
    if (replayer_->call() < checkpoints_.back().call + spacing_) return;
  }
  checkpoints_.push_back(replayer_->TakeCheckpoint());
}

}  // namespace ward::emulator
