#include "emulator/boundary/patient_poll.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace ward::emulator {

int PollPatiently(std::span<pollfd> watched, int patience_ms) {
  using Milliseconds = std::chrono::milliseconds;
  using Clock = std::chrono::steady_clock;
  const auto limit = Clock::now() + Milliseconds(patience_ms);
  for (int left_ms = patience_ms;;) {
    const int ready = poll(watched.data(), watched.size(), left_ms);
    if (ready >= 0 || errno != EINTR) return ready;
    const auto left = std::chrono::ceil<Milliseconds>(limit - Clock::now()).count();
    left_ms = static_cast<int>(std::clamp<Milliseconds::rep>(left, 0, patience_ms));
  }
}

}  // namespace ward::emulator
