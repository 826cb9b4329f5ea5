#include "tests/bench/rivals/driver_subject.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "kmd/command.h"
#include "tests/bench/attachments/sampler.h"

namespace ward::bench {
namespace {

constexpr uint32_t kCommandsOfASubmission = 64;
constexpr uint32_t kSubmissions = 200;  // of a sample

void Require(const Result<void>& result) {
  if (!result.ok()) throw std::runtime_error(result.fault().reason);
}

// 63 NOOPs: the fence that the queue puts behind them is the last command.
std::vector<uint8_t> Batch() {
  const auto noop = kmd::MakeCommand<abi::NoopCommand>();
  std::vector<uint8_t> bytes((kCommandsOfASubmission - 1) * sizeof(noop));
  for (size_t at = 0; at < bytes.size(); at += sizeof(noop)) {
    std::memcpy(bytes.data() + at, &noop, sizeof(noop));
  }
  return bytes;
}

// From here to the end of the thread nothing but read, write and exit: the kernel ends it.
bool ForbidSystemCalls() { return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0; }

}  // namespace

DriverSubject::DriverSubject(abi::PciFunction* function, uint32_t index, uint32_t context)
    : registers_(function), interrupts_(&registers_), index_(index) {
  auto made = kmd::Queue::Create(&registers_, &interrupts_, index);
  if (!made.ok()) throw std::runtime_error(made.fault().reason);
  queue_ = std::move(made.value());
  Require(queue_->Restart(context));
  registers_.Write(abi::kRegInterruptVector + 4 * index, 0);
  registers_.Write(abi::kRegInterruptEnable,
                   registers_.Read(abi::kRegInterruptEnable) | 1u << index);
}

double DriverSubject::Measure(const std::string& figure, uint32_t count) {
  if (figure == "wait") return MeasureWait(count, true);
  if (figure == "sleep") return MeasureWait(count, false);
  if (figure == "strict") return MeasureStrict(count);
  throw std::invalid_argument(figure);
}

double DriverSubject::MeasureWait(uint32_t count, bool looks_first) {
  const auto noop = kmd::MakeCommand<abi::NoopCommand>();
  Sampler samples(count);
  DrainInterrupts(registers_.function());
  while (samples.WantsMore()) {
    const auto start = Clock::now();
    const auto fence = queue_->Submit(kmd::BytesOf(noop));
    if (!fence.ok()) throw std::runtime_error(fence.fault().reason);
    if (!looks_first) {
      TakeInterrupt(registers_.function());
      interrupts_.Acknowledge(1u << index_);
    }
    Require(queue_->Wait(fence.value()));
    samples.Add(NanosecondsSince(start));
  }
  return samples.Median();
}

double DriverSubject::MeasureStrict(uint32_t count) {
  const std::vector<uint8_t> batch = Batch();
  Sampler samples(count);
  while (samples.WantsMore()) {
    std::atomic<bool> has_begun = false;
    std::atomic<bool> is_done = false;
    Clock::time_point start;
    std::thread driver([&] {
      SubmitAndLook(batch);  // a thread's first memory is the kernel's to give
      start = Clock::now();
      has_begun = ForbidSystemCalls();
      if (has_begun) SubmitAndLook(batch);
      is_done = true;
      syscall(SYS_exit, 0);  // of the thread, the one call that is left to it
    });
    driver.join();
    const double nanoseconds = NanosecondsSince(start);
    if (!has_begun) throw std::runtime_error("this kernel has no strict mode of seccomp");
    if (!is_done) throw std::runtime_error("a submission made a system call");
    samples.Add(kCommandsOfASubmission * kSubmissions / (nanoseconds * 1e-9));
  }
  return samples.Median();
}

// It does not wait: sleeping is the one thing that needs the kernel.
void DriverSubject::SubmitAndLook(ConstByteSpan batch) {
  for (uint32_t i = 0; i < kSubmissions; ++i) {
    const auto fence = queue_->Submit(batch);
    while (fence.ok() && queue_->CompletedFence() < fence.value()) {
    }
  }
}

}  // namespace ward::bench
