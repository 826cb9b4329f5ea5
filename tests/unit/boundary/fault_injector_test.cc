#include "emulator/boundary/fault_injector.h"

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "emulator/boundary/recording.h"
#include "tests/unit/boundary/observed_chip.h"

namespace ward::test {
namespace {

using emulator::Boundary;
using emulator::BoundaryEventKind;
using emulator::FaultInjector;
using emulator::FaultPlan;
using emulator::ParseFaults;

std::string WhyNot(const std::string& text) {
  std::string error;
  CHECK_FALSE(ParseFaults(text, &error).has_value());
  return error;
}

TEST_CASE("Faults are read from text") {
  std::string error;
  const auto plan = ParseFaults(
      "lost-interrupt:vector=1,every=10 dma-error:nth=5 dma-error:every=7;late-fence:ns=20000000 "
      "slow-firmware:x=10 engine-hang:after=100  hdcp-loss:output=1,at-ns=9 hdcp-loss:at-ns=4",
      &error);
  REQUIRE(plan.has_value());
  REQUIRE(plan->lost_interrupts.size() == 1);
  CHECK(plan->lost_interrupts[0].vector == 1u);
  CHECK(plan->lost_interrupts[0].every == 10);
  REQUIRE(plan->dma_errors.size() == 2);
  CHECK(plan->dma_errors[0].nth == 5);
  CHECK(plan->dma_errors[1].every == 7);
  CHECK(plan->late_fence_ns == 20'000'000);
  CHECK(plan->firmware_slowdown == 10);
  CHECK(plan->engine_hang_after == 100);
  REQUIRE(plan->hdcp_losses.size() == 2);
  CHECK(plan->hdcp_losses[0].at_ns == 4);
  CHECK(plan->hdcp_losses[1].output == 1);
  const auto none = ParseFaults("", &error);
  REQUIRE(none.has_value());
  CHECK(none->firmware_slowdown == 1);
  CHECK(ParseFaults("lost-interrupt", &error)->lost_interrupts[0].vector == std::nullopt);
}

TEST_CASE("Wrong text is refused with the word and what was expected") {
  CHECK(WhyNot("lost-interupt:every=2") ==
        "inject: 'lost-interupt': expected lost-interrupt, late-fence, slow-firmware, dma-error, "
        "engine-hang or hdcp-loss");
  CHECK(WhyNot("dma-error:nth=5 lost-interrupt:irq=2") ==
        "inject: 'irq=2': lost-interrupt takes vector= or every=");
  CHECK(WhyNot("lost-interrupt:every") ==
        "inject: 'every': lost-interrupt takes vector= or every=");
  CHECK(WhyNot("lost-interrupt:vector=32") ==
        "inject: 'vector=32': vector is a number from 0 to 31");
  CHECK(WhyNot("late-fence:ns=5ms") == "inject: 'ns=5ms': ns is a number from 1 to 4294967295");
  CHECK(WhyNot("late-fence") == "inject: 'late-fence': late-fence needs ns=");
  CHECK(WhyNot("dma-error:") == "inject: 'dma-error:': dma-error needs nth= or every=");
  CHECK(WhyNot("slow-firmware:x=0") == "inject: 'x=0': x is a number from 1 to 1000");
  CHECK(WhyNot("engine-hang:after=1,after=2") == "inject: 'after=2': after is there twice");
  CHECK(WhyNot("hdcp-loss:output=2,at-ns=1") ==
        "inject: 'output=2': output is a number from 0 to 1");
  CHECK(WhyNot("hdcp-loss:output=1") == "inject: 'hdcp-loss:output=1': hdcp-loss needs at-ns=");
  CHECK(WhyNot("slow-firmware:x=99999999999999999999") ==
        "inject: 'x=99999999999999999999': x is a number from 1 to 1000");
}

// A chip behind an injector, with queue 0 running.
class FaultyChip {
 public:
  static constexpr uint64_t kFence = ObservedChip::kFence;

  explicit FaultyChip(const std::string& faults, emulator::BoundaryListener* listener = nullptr)
      : ports(fakes::GpuRig::kVisibleBytes) {
    std::string error;
    const auto plan = ParseFaults(faults, &error);
    REQUIRE(plan.has_value());
    ports.bus.Map(ObservedChip::kBus, 1 << 20);
    injector = std::make_unique<FaultInjector>(*plan, ports.ports());
    options = fakes::GpuRig::Options();
    injector->Apply(&options);
    auto created = Boundary::Create(options, injector->ports(), listener);
    REQUIRE(created.ok());
    chip = std::move(created.value());
    Write(abi::kRegInterruptEnable, 1);
    Start();
  }
  void Start() {
    tail = 0;
    Write(abi::kRegQueueControl, abi::kQueueControlResetMask);
    Write(abi::kRegRingBaseLo, static_cast<uint32_t>(ObservedChip::kBus));
    Write(abi::kRegFenceAddressLo, static_cast<uint32_t>(kFence));
    Write(abi::kRegQueueControl, abi::kQueueControlEnableMask);
  }
  void Write(uint64_t offset, uint32_t value) { chip->WriteRegister(offset, 4, value); }
  uint32_t Read(uint64_t offset) { return chip->ReadRegister(offset, 4); }
  template <typename T>
  void Push(const T& command) {
    std::memcpy(ports.bus.At(ObservedChip::kBus + tail, sizeof(command)), &command,
                sizeof(command));
    tail += sizeof(command);
  }
  void PushFence(uint64_t value) {
    auto fence = fakes::MakeCommand<abi::FenceCommand>(abi::FenceCommand::kFlagInterrupt);
    fence.value = value;
    Push(fence);
  }
  device::ProcessResult Ring() {
    Write(abi::kRegDoorbell, tail);
    return injector->Process(chip.get(), 1 << 20);
  }
  uint64_t Fence() { return ports.bus.Load<uint64_t>(kFence); }

  fakes::FakePorts ports;
  std::unique_ptr<FaultInjector> injector;
  device::GpuOptions options;
  std::unique_ptr<Boundary> chip;
  uint32_t tail = 0;
};

TEST_CASE("Each third interrupt of the vector is lost, and the cause stays") {
  FaultyChip bench("lost-interrupt:vector=0,every=3");
  for (uint64_t i = 1; i <= 9; ++i) {
    bench.PushFence(i);
    bench.Ring();
    CHECK(bench.Fence() == i);
    CHECK(bench.Read(abi::kRegInterruptCause) == 1);
    bench.Write(abi::kRegInterruptCause, 1);
    CHECK(bench.ports.interrupts.vectors.size() == i - i / 3);
  }
  FaultyChip other("lost-interrupt:vector=4");
  other.PushFence(1);
  other.Ring();
  CHECK(other.ports.interrupts.vectors.size() == 1);
}

TEST_CASE("The n-th DMA access fails, as one that the machine refuses") {
  // What stands in the ring, the first fence's store: the second.
  FaultyChip bench("dma-error:nth=2");
  bench.PushFence(1);
  bench.PushFence(2);
  bench.Ring();
  CHECK(bench.Read(abi::kRegFaultStatus) == abi::kStatusBusError);
  CHECK(bench.Fence() == 0);
  bench.Start();
  bench.PushFence(1);
  bench.Ring();
  CHECK(bench.Fence() == 1);
  // Accesses 2 and 6 fail: the stores of the first fence and of the third.
  FaultyChip often("dma-error:nth=2,every=4");
  for (const uint32_t status : {abi::kStatusBusError, abi::kStatusOk, abi::kStatusBusError}) {
    often.Start();
    often.PushFence(1);
    often.Ring();
    CHECK(often.Read(abi::kRegFaultStatus) == status);
  }
}

TEST_CASE("A ring that can't be read ahead is read command by command") {
  FaultyChip bench("dma-error:nth=1");
  bench.PushFence(1);
  bench.PushFence(2);
  bench.Ring();
  CHECK(bench.Read(abi::kRegFaultStatus) == abi::kStatusOk);
  CHECK(bench.Fence() == 2);
  FaultyChip twice("dma-error:nth=1,every=1");
  twice.PushFence(1);
  twice.Ring();
  CHECK(twice.Read(abi::kRegFaultStatus) == abi::kStatusBusError);
  CHECK(twice.Fence() == 0);
}

TEST_CASE("A fence stands in memory late, and the interrupt comes in time") {
  FaultyChip bench("late-fence:ns=5000");
  bench.PushFence(1);
  const uint64_t start = bench.ports.clock.now_ns;
  const device::ProcessResult result = bench.Ring();
  CHECK(bench.ports.interrupts.vectors.size() == 1);
  CHECK(bench.Read(abi::kRegLastFenceLo) == 1);
  CHECK(bench.Fence() == 0);
  CHECK(result.wakeup_ns == start + 5000);
  bench.ports.clock.now_ns = start + 4999;
  bench.injector->Process(bench.chip.get(), 1 << 20);
  CHECK(bench.Fence() == 0);
  bench.ports.clock.now_ns = start + 5000;
  CHECK(bench.injector->Process(bench.chip.get(), 1 << 20).wakeup_ns == 0);
  CHECK(bench.Fence() == 1);
}

TEST_CASE("Firmware is as slow as was asked for") {
  for (const auto& [text, factor] : {std::pair{"", 1}, {"slow-firmware:x=10", 10}}) {
    FaultyChip bench(text);
    auto message = fakes::MakeCommand<abi::SecurityMessageCommand>();
    message.message = 200;
    message.response_address = ObservedChip::kData;
    message.response_capacity = 64;
    bench.Push(message);
    const uint64_t start = bench.ports.clock.now_ns;
    CHECK(bench.Ring().wakeup_ns - start == 1000 * static_cast<uint64_t>(factor));
  }
}

abi::FillCommand SmallFill() {
  auto fill = fakes::MakeCommand<abi::FillCommand>();
  fill.destination = ObservedChip::kData;
  fill.row_bytes = 64;
  fill.row_count = 1;
  return fill;
}

TEST_CASE("The engine command of that number hangs until its queue or the engines are reset") {
  for (const bool by_engines : {false, true}) {
    FaultyChip bench("engine-hang:after=2");
    bench.Write(abi::kRegQueueControl, abi::kQueueControlResetMask);
    bench.Write(abi::kRegQueueTimeout, 1000);
    bench.Start();
    bench.Push(SmallFill());
    bench.PushFence(1);
    bench.Push(SmallFill());
    bench.PushFence(2);
    const device::ProcessResult result = bench.Ring();
    CHECK(bench.Fence() == 1);
    CHECK_FALSE(result.more);
    CHECK(result.wakeup_ns == bench.ports.clock.now_ns + 1'000'000);
    CHECK(bench.Read(abi::kRegQueueStatus) == 2);  // running
    bench.ports.clock.now_ns = result.wakeup_ns;
    bench.injector->Process(bench.chip.get(), 1 << 20);
    CHECK(bench.Read(abi::kRegQueueStatus) == (2 | abi::kQueueStatusHungMask));
    CHECK((bench.Read(abi::kRegInterruptCause) & abi::kInterruptCauseHangMask) != 0);
    if (by_engines) {
      bench.Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
      CHECK(bench.Read(abi::kRegFaultStatus) == abi::kStatusEngineReset);
    }
    bench.Start();
    bench.Push(SmallFill());
    bench.PushFence(7);
    bench.Ring();
    CHECK(bench.Fence() == 7);
  }
}

TEST_CASE("The link is lost at its time, and a recording replays it without the injector") {
  emulator::Recording recording;
  FaultyChip bench("hdcp-loss:output=0,at-ns=500000 dma-error:nth=4 lost-interrupt", &recording);
  bench.PushFence(1);
  CHECK(bench.Ring().wakeup_ns == 500'000);
  bench.PushFence(2);
  bench.Ring();
  CHECK(bench.Read(abi::kRegFaultStatus) == abi::kStatusBusError);
  CHECK(bench.ports.interrupts.vectors.empty());
  const auto losses = [&] {
    size_t count = 0;
    for (const auto& event : recording.events()) {
      count += event.kind == BoundaryEventKind::kLinkFault ? 1 : 0;
    }
    return count;
  };
  CHECK(losses() == 0);
  bench.ports.clock.now_ns = 500'000;
  CHECK(bench.injector->Process(bench.chip.get(), 1 << 20).wakeup_ns == 0);
  CHECK(losses() == 1);
  const auto outcome = emulator::Replay(recording, bench.options);
  REQUIRE(outcome.ok());
  INFO(outcome.value().difference);
  CHECK(outcome.value().matches);
  CHECK(outcome.value().state_hash == bench.chip->gpu().StateHash());
}

}  // namespace
}  // namespace ward::test
