// For how long a device's thread goes on looking for input after some came, before it sleeps: to
// wake it costs more than most requests do. Whether that pays is learned. Where the client needs
// the very processor that looks for what he sends, or thinks longer than that, looking is in vain:
// after each time it is left out for twice as many inputs as before, until it is rewarded again.
#ifndef WARD_EMULATOR_VFIO_USER_SPIN_WINDOW_H_
#define WARD_EMULATOR_VFIO_USER_SPIN_WINDOW_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace ward::emulator {

class SpinWindow {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // 0: it is never looked.
  explicit SpinWindow(std::chrono::microseconds length) : length_(length) {}

  void OnInput(Time now) {
    if (length_.count() == 0) return;
    if (end_) {
      in_vain_ = 0;
    } else if (left_out_ > 0) {
      --left_out_;
      return;
    }
    end_ = now + length_;
  }

  // Whether to look once more; else the thread sleeps.
  bool IsOpen(Time now) {
    if (!end_) return false;
    if (now < *end_) return true;
    end_.reset();
    in_vain_ = std::min(2 * in_vain_ + 1, kMostLeftOut);
    left_out_ = in_vain_;
    return false;
  }

  static constexpr uint32_t kMostLeftOut = 1023;  // inputs

 private:
  const std::chrono::microseconds length_;
  std::optional<Time> end_;  // while it is looked
  uint32_t in_vain_ = 0;     // inputs to leave out after the last time; 0: it was rewarded
  uint32_t left_out_ = 0;    // of them to come
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_SPIN_WINDOW_H_
