// A wait looks at the fence in memory first, and sleeps only when that has not helped.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"
#include "emulator/in_process/in_process_host.h"
#include "kmd/command.h"
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

TEST_CASE("four waits in a row that had no need of sleep are enough, until one had") {
  SpinBudget budget;
  for (int round = 0; round < 2; ++round) {
    budget.Hit();
    budget.WasThere();
    budget.WasThere();
    CHECK_FALSE(budget.IsEnough());
    budget.Hit();
    CHECK(budget.IsEnough());
    budget.Miss();
    CHECK_FALSE(budget.IsEnough());
  }
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
      : registers(function),
        interrupts(&registers),
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

// On the chip in this process a doorbell's work is done when its write returns, unless it takes
// virtual time, which passes in waits for interrupts only.
struct ChipRig {
  explicit ChipRig(device::LatencyPreset latency) {
    emulator::InProcessOptions options = ChipMachine::Options();
    options.gpu.latency = latency;
    auto created = emulator::InProcessHost::Create(options);
    REQUIRE(created.ok());
    host = std::move(created.value());
    constexpr uint32_t kCommandRegister = 4;
    host->ConfigWrite(kCommandRegister, 2, 2);  // memory space
    REQUIRE(host->SetBusMaster(true) == abi::PciError::kNone);
    function.emplace(host.get());
    rig.emplace(&*function);
    REQUIRE(rig->interrupts.Enable().ok());
  }
  uint32_t Enabled() { return host->BarRead32(abi::kRegisterBar, abi::kRegInterruptEnable); }

  std::unique_ptr<emulator::InProcessHost> host;
  std::optional<CountingFunction> function;
  std::optional<Rig> rig;
};

TEST_CASE("a submission is one register write, and a wait for what is done is none") {
  ChipRig chip(device::LatencyPreset::kFast);
  const auto submit_and_wait = [&] {
    const auto fence = chip.rig->queue->Submit(kNoop);
    REQUIRE(fence.ok());
    REQUIRE(chip.rig->queue->CompletedFence() == fence.value());
    REQUIRE(chip.rig->queue->Wait(fence.value()).ok());
  };
  // The fourth wait without need of sleep switches the interrupts of the fences off.
  for (int wait = 0; wait < 4; ++wait) {
    CHECK((chip.Enabled() & 1) == 1);
    submit_and_wait();
  }
  CHECK((chip.Enabled() & 1) == 0);
  for (int wait = 0; wait < 8; ++wait) {
    const int before = chip.function->accesses;
    submit_and_wait();
    CHECK(chip.function->accesses == before + 1);
  }
  CHECK(chip.function->sleeps == 0);
}

TEST_CASE("a wait that needs sleep after many that did not is woken by an interrupt") {
  ChipRig chip(device::LatencyPreset::kRealistic);
  Queue& queue = *chip.rig->queue;
  for (int wait = 0; wait < 8; ++wait) {
    const auto fence = queue.Submit(kNoop);
    REQUIRE(fence.ok());
    REQUIRE(queue.Wait(fence.value()).ok());
  }
  REQUIRE((chip.Enabled() & 1) == 0);
  REQUIRE(chip.function->sleeps == 0);
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = abi::kPhysicalLocal;
  fill.row_bytes = fill.destination_pitch = 1 << 20;
  fill.row_count = 1;
  const auto fence = queue.Submit(BytesOf(fill));
  REQUIRE(fence.ok());
  REQUIRE(queue.CompletedFence() < fence.value());  // a MiB takes its time
  REQUIRE(queue.Wait(fence.value()).ok());
  CHECK(queue.CompletedFence() == fence.value());
  CHECK(chip.function->sleeps > 0);
  CHECK((chip.Enabled() & 1) == 1);
}

}  // namespace
}  // namespace ward::kmd
