// Samples of one figure, taken by the monotonic clock, in a guest too.
#ifndef WARD_TESTS_BENCH_ATTACHMENTS_SAMPLER_H_
#define WARD_TESTS_BENCH_ATTACHMENTS_SAMPLER_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ward::bench {

using Clock = std::chrono::steady_clock;

inline double NanosecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

class Sampler {
 public:
  // Wants `count` samples, or as many as fit into half a second, so that nobody's turn is long. At
  // least one.
  explicit Sampler(uint32_t count) : count_(count) {}

  bool WantsMore() const {
    return samples_.empty() ||
           (samples_.size() < count_ && Clock::now() - start_ < std::chrono::milliseconds(500));
  }
  void Add(double sample) { samples_.push_back(sample); }
  // Of at least one sample; the upper one of an even number.
  double Median() {
    const auto middle = samples_.begin() + static_cast<std::ptrdiff_t>(samples_.size() / 2);
    std::nth_element(samples_.begin(), middle, samples_.end());
    return *middle;
  }

 private:
  const size_t count_;
  const Clock::time_point start_ = Clock::now();
  std::vector<double> samples_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_ATTACHMENTS_SAMPLER_H_
