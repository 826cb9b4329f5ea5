// A point in time until which something is waited for.
#ifndef WARD_KMD_PORTS_VFIO_USER_DEADLINE_H_
#define WARD_KMD_PORTS_VFIO_USER_DEADLINE_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace ward::kmd {

class Deadline {
 public:
  explicit Deadline(uint32_t timeout_ms)
      : end_(std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms)) {}

  std::chrono::steady_clock::time_point end() const { return end_; }
  // For poll: rounded up, so that 0 is really the end.
  int MillisecondsLeft() const {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX));
  }

 private:
  std::chrono::steady_clock::time_point end_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_DEADLINE_H_
