// The same work on one thread and on two.
#ifndef WARD_TESTS_BENCH_CHIP_TWO_THREADS_H_
#define WARD_TESTS_BENCH_CHIP_TWO_THREADS_H_

#include <algorithm>
#include <barrier>
#include <exception>
#include <thread>

#include "tests/bench/attachments/sampler.h"

namespace ward::bench {

// Nanoseconds from the beginning of the first until the end of the last.
template <typename First, typename Second>
double NanosecondsOfBoth(const First& first, const Second& second) {
  std::barrier start(2);
  Clock::time_point begun[2], ended[2];
  std::exception_ptr failure;
  const auto run = [&](int which, const auto& work) {
    start.arrive_and_wait();
    begun[which] = Clock::now();
    work();
    ended[which] = Clock::now();
  };
  std::thread thread([&] {
    try {
      run(1, second);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  run(0, first);
  thread.join();
  if (failure) std::rethrow_exception(failure);
  return std::chrono::duration<double, std::nano>(std::max(ended[0], ended[1]) -
                                                  std::min(begun[0], begun[1]))
      .count();
}

// Medians of `count` samples, by the wall's clock: two threads that have to share a core are not
// twice as quick.
template <typename Work>
double MedianOfOne(uint32_t count, const Work& work) {
  Sampler samples(count);
  while (samples.WantsMore()) {
    const auto start = Clock::now();
    work();
    samples.Add(NanosecondsSince(start));
  }
  return samples.Median();
}
template <typename First, typename Second>
double MedianOfBoth(uint32_t count, const First& first, const Second& second) {
  Sampler samples(count);
  while (samples.WantsMore()) samples.Add(NanosecondsOfBoth(first, second));
  return samples.Median();
}

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_TWO_THREADS_H_
