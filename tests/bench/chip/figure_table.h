// A subject whose figures are functions.
#ifndef WARD_TESTS_BENCH_CHIP_FIGURE_TABLE_H_
#define WARD_TESTS_BENCH_CHIP_FIGURE_TABLE_H_

#include <time.h>

#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "tests/bench/attachments/sampler.h"
#include "tests/bench/attachments/subject.h"

namespace ward::bench {

class FigureTable final : public Subject {
 public:
  using Figure = std::function<double(uint32_t count)>;

  explicit FigureTable(std::string kind) : kind_(std::move(kind)) {}

  void Add(const std::string& name, Figure figure) { figures_[name] = std::move(figure); }
  const char* Kind() const override { return kind_.c_str(); }
  double Measure(const std::string& figure, uint32_t count) override {
    const auto found = figures_.find(figure);
    if (found == figures_.end()) throw std::invalid_argument(figure);
    return found->second(count);
  }

 private:
  std::string kind_;
  std::map<std::string, Figure> figures_;
};

// Processor time of the calling thread.
inline double ThreadNanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// Median nanoseconds of `work`, of `count` samples, in the thread's own time: what runs on one
// thread is as quick as its core, whoever else waits for it. Once before, unmeasured: figures are
// hot.
template <typename Work>
double MedianNanoseconds(uint32_t count, const Work& work) {
  work();
  Sampler samples(count);
  while (samples.WantsMore()) {
    const double start = ThreadNanoseconds();
    work();
    samples.Add(ThreadNanoseconds() - start);
  }
  return samples.Median();
}

inline double PerSecond(double how_many, double nanoseconds) {
  return how_many / (nanoseconds * 1e-9);
}
inline double MibPerSecond(double bytes, double nanoseconds) {
  return PerSecond(bytes / (1 << 20), nanoseconds);
}

// How often a sample does something of so many bytes: 4 MiB of them, at most what a ring holds
// of commands, so that a sample is long beside a look at the clock.
inline uint32_t RepeatsOf(uint64_t bytes) {
  constexpr uint64_t kBytesOfASample = 4 << 20;
  constexpr uint64_t kMost = 1024;
  const uint64_t fitting = kBytesOfASample / bytes;
  return static_cast<uint32_t>(fitting > kMost ? kMost : fitting < 1 ? 1 : fitting);
}

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_FIGURE_TABLE_H_
