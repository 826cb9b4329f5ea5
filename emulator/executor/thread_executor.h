// Threads for the bulk work of one chip or of several that one thread calls. They spin for a moment
// after each piece of work, since work seldom comes alone and waking a thread takes longer than
// most pieces do, and sleep then. The caller does pieces too: with threads that are slow to wake,
// or not at all, all is done by it.
#ifndef WARD_EMULATOR_EXECUTOR_THREAD_EXECUTOR_H_
#define WARD_EMULATOR_EXECUTOR_THREAD_EXECUTOR_H_

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "device/ports.h"

namespace ward::emulator {

class ThreadExecutor final : public device::ExecutorPort {
 public:
  static constexpr uint32_t kMaximumWidth = 16;

  // `width` 1 to kMaximumWidth: the calling thread and width - 1 others, which are started here;
  // fewer when the system has no more threads.
  explicit ThreadExecutor(uint32_t width);
  ~ThreadExecutor();
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  // How many pieces run at a time.
  uint32_t Width() const { return static_cast<uint32_t>(threads_.size()) + 1; }
  // For one thread at a time.
  void RunAll(uint32_t count, Work* work) override;

 private:
  // What there is to do, in one word, so that a thread that comes late takes nothing of the next
  // work: number of the work, pieces that nobody has taken yet.
  static constexpr uint32_t kLeftBits = 16;
  static constexpr uint64_t kLeftMask = (uint64_t{1} << kLeftBits) - 1;

  void Serve();
  // Does pieces of the work of this number until all are taken.
  void TakePieces(uint64_t number, Work* work);

  std::atomic<uint64_t> open_{0};
  std::atomic<Work*> work_{nullptr};
  std::atomic<uint32_t> unfinished_{0};  // pieces
  std::atomic<uint32_t> sleepers_{0};
  std::atomic<bool> ends_{false};
  std::vector<std::thread> threads_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_EXECUTOR_THREAD_EXECUTOR_H_
