// A wait looks at the fence in memory first, and sleeps only when that has not helped.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"
#include "kmd/interrupt_line.h"
#include "kmd/queue.h"
#include "kmd/register_window.h"
#include "kmd/spin_budget.h"
#include "tests/fakes/forwarding_function.h"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr std::array<uint8_t, 16> kNoop = {1, 0, 0, 0, 16};

TEST_CASE("a wait that looked in vain is followed by shorter ones, and by a trial now and then") {
  SpinBudget budget;
  CHECK(budget.Next() == SpinBudget::kMostReads);
  uint32_t expected = SpinBudget::kMostReads;
  for (uint32_t wait = 1; wait < 2 * SpinBudget::kTrial; ++wait) {
    budget.Miss();
    expected = expected / 2 < SpinBudget::kFewestReads ? SpinBudget::kFewestReads : expected / 2;
    CHECK(budget.Next() == (wait == SpinBudget::kTrial ? SpinBudget::kMostReads : expected));
  }
  budget.Hit();
  CHECK(budget.Next() == SpinBudget::kMostReads);
}

// A queue of which this program is the device: a doorbell is answered by another thread, which
// writes the fence into the ring's memory. With `stale_vectors` each second interrupt is one of
// before, and tells of nothing.
class ThreadFunction final : public abi::PciFunction {
 public:
  explicit ThreadFunction(bool stale_vectors) : stale_vectors_(stale_vectors) {}
  ~ThreadFunction() override {
    if (thread_.joinable()) thread_.join();
  }

  uint32_t ConfigRead(uint32_t, uint32_t) override { return 0; }
  void ConfigWrite(uint32_t, uint32_t, uint32_t) override {}
  uint32_t BarRead32(int, uint64_t) override { return kIdle; }
  void BarWrite32(int, uint64_t offset, uint32_t) override {
    if (offset != abi::kRegDoorbell) return;
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([this] { Answer(); });
  }
  uint64_t BarSize(int) override { return abi::kRegisterBarSize; }
  uint8_t* MapBar(int) override { return nullptr; }
  abi::PciError AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) override {
    memory_ = std::make_unique<std::array<uint64_t, kWords>>();
    memory_->fill(0);
    CHECK(size_bytes <= sizeof(*memory_));
    *buffer = {reinterpret_cast<uint8_t*>(memory_->data()), abi::kPageSize, size_bytes};
    return abi::PciError::kNone;
  }
  void FreeDma(const abi::DmaBuffer&) override {}
  abi::PciError SetBusMaster(bool) override { return abi::PciError::kNone; }
  abi::PciError EnableInterrupts(uint32_t) override { return abi::PciError::kNone; }
  // Until the fence is there; or at once.
  abi::PciError WaitInterrupt(uint32_t, uint32_t) override {
    is_stale_ = stale_vectors_ && !is_stale_;
    if (!is_stale_ && thread_.joinable()) thread_.join();
    return abi::PciError::kNone;
  }
  abi::PciError ResetFunction() override { return abi::PciError::kNone; }
  const char* LastErrorText() const override { return ""; }

 private:
  static constexpr uint32_t kIdle = 1;
  static constexpr size_t kRingBytes = 1 << 14;  // as kmd/queue.cc has it
  static constexpr size_t kWords = (kRingBytes + abi::kPageSize) / sizeof(uint64_t);

  void Answer() {
    std::atomic_ref<uint64_t>((*memory_)[kRingBytes / sizeof(uint64_t)])
        .store(++fence_, std::memory_order_release);
  }

  const bool stale_vectors_;
  bool is_stale_ = false;
  std::unique_ptr<std::array<uint64_t, kWords>> memory_;
  std::thread thread_;
  uint64_t fence_ = 0;
};

struct Rig {
  explicit Rig(abi::PciFunction* function)
      : registers(function), interrupts(&registers),
        queue(std::move(Queue::Create(&registers, &interrupts, 0).value())) {
    REQUIRE(queue->Restart().ok());
  }

  RegisterWindow registers;
  InterruptLine interrupts;
  std::unique_ptr<Queue> queue;
};

TEST_CASE("a fence that another thread writes ends a wait, whether it was looked at or slept for") {
  ThreadFunction function(false);
  Rig rig(&function);
  for (uint64_t fence = 1; fence <= 200; ++fence) {
    REQUIRE(rig.queue->Submit(kNoop).value() == fence);
    REQUIRE(rig.queue->Wait(fence).ok());
    REQUIRE(rig.queue->CompletedFence() == fence);
  }
}

TEST_CASE("vectors that are left of waits that looked end no later wait too early") {
  ThreadFunction function(true);
  Rig rig(&function);
  for (uint64_t fence = 1; fence <= 200; ++fence) {
    REQUIRE(rig.queue->Submit(kNoop).value() == fence);
    REQUIRE(rig.queue->Wait(fence).ok());
    REQUIRE(rig.queue->CompletedFence() == fence);
  }
}

// Counts what a driver does to the function.
class CountingFunction final : public fakes::ForwardingFunction {
 public:
  using ForwardingFunction::ForwardingFunction;
  uint32_t BarRead32(int bar, uint64_t offset) override {
    ++accesses;
    return ForwardingFunction::BarRead32(bar, offset);
  }
  void BarWrite32(int bar, uint64_t offset, uint32_t value) override {
    ++accesses;
    ForwardingFunction::BarWrite32(bar, offset, value);
  }
  abi::PciError WaitInterrupt(uint32_t vector, uint32_t timeout_ms) override {
    ++sleeps;
    return ForwardingFunction::WaitInterrupt(vector, timeout_ms);
  }
  int accesses = 0;
  int sleeps = 0;
};

TEST_CASE("a submission is one register write, and a wait for what is done is none") {
  ThreadFunction device(false);
  CountingFunction function(&device);
  Rig rig(&function);
  const int before = function.accesses;
  REQUIRE(rig.queue->Submit(kNoop).value() == 1);
  CHECK(function.accesses == before + 1);
  while (rig.queue->CompletedFence() != 1) std::this_thread::yield();
  REQUIRE(rig.queue->Wait(1).ok());
  CHECK(function.accesses == before + 1);
  CHECK(function.sleeps == 0);
}

}  // namespace
}  // namespace ward::kmd
