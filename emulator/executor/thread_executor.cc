#include "emulator/executor/thread_executor.h"

#include <system_error>

#include "base/assert.h"

namespace ward::emulator {
namespace {

// Some 50 us.
constexpr int kSpins = 1500;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("isb" : : : "memory");
#endif
}

}  // namespace

ThreadExecutor::ThreadExecutor(uint32_t width) {
  WARD_ASSERT(width >= 1 && width <= kMaximumWidth);
  for (uint32_t i = 1; i < width; ++i) {
    try {
      threads_.emplace_back([this] { Serve(); });
    } catch (const std::system_error&) {
      break;
    }
  }
}

ThreadExecutor::~ThreadExecutor() {
  ends_ = true;
  open_ += kLeftMask + 1;  // another number
  open_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadExecutor::RunAll(uint32_t count, Work* work) {
  WARD_ASSERT(count <= kLeftMask && unfinished_ == 0);
  if (count == 0) return;
  if (threads_.empty() || count == 1) {
    for (uint32_t piece = 0; piece < count; ++piece) work->Run(piece);
    return;
  }
  unfinished_ = count;
  work_ = work;
  const uint64_t number = (open_ >> kLeftBits) + 1;
  open_ = number << kLeftBits | count;
  if (sleepers_ != 0) open_.notify_all();
  TakePieces(number, work);
  for (int spins = 0; unfinished_ != 0; ++spins) {
    if (spins < kSpins) {
      Pause();
    } else {
      std::this_thread::yield();  // a thread lost its processor amid a piece
    }
  }
}

// A thread reads which work it is after it has seen the number, and takes a piece only of that
// number: a piece of it is left then, so RunAll has not returned and the work is there.
void ThreadExecutor::TakePieces(uint64_t number, Work* work) {
  uint64_t open = open_;
  while (open >> kLeftBits == number && (open & kLeftMask) != 0) {
    if (!open_.compare_exchange_weak(open, open - 1)) continue;
    work->Run(static_cast<uint32_t>(open & kLeftMask) - 1);
    --unfinished_;
    open = open_;
  }
}

void ThreadExecutor::Serve() {
  uint64_t seen = 0;
  for (int spins = 0;;) {
    // In this order: who has not seen the end waits for a value that the end has changed.
    const uint64_t open = open_;
    if (ends_) return;
    if (open >> kLeftBits != seen && (open & kLeftMask) != 0) {
      Work* const work = work_;
      TakePieces(open >> kLeftBits, work);
      seen = open >> kLeftBits;
      spins = 0;
    } else if (++spins < kSpins) {
      Pause();
    } else {
      ++sleepers_;
      open_.wait(open);  // back at once if there is another since
      --sleepers_;
      spins = 0;
    }
  }
}

}  // namespace ward::emulator
