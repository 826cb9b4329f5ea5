// A machine that loses interrupts, refuses DMA, writes fences late and whose engines hang: the
// driver copes, or says what happened, and works again afterwards.
#include <cstdint>
#include <string>

#include "abi/generated/registers.h"
#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "emulator/boundary/fault_injector.h"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

emulator::InProcessOptions With(const std::string& faults) {
  emulator::InProcessOptions options = ChipMachine::Options();
  std::string error;
  const auto plan = emulator::ParseFaults(faults, &error);
  REQUIRE(plan.has_value());
  options.faults = *plan;
  return options;
}

class Painter : public Client {
 public:
  explicit Painter(ChipMachine* machine)
      : Client(machine), page(Allocate(Segment::kVisible, 4096)) {}
  uint32_t Paint(uint32_t value) {
    CommandBuffer commands;
    commands.AddFill(page, 0, 4096, value);
    return Run(commands);
  }
  bool Holds(uint32_t value) { return LoadLe<uint32_t>(Read(page).data() + 4092) == value; }
  AllocationHandle page;
};

void CheckWorks(ChipMachine* machine) {
  Painter fresh(machine);
  CHECK(fresh.Paint(0x12345678) == abi::kStatusOk);
  CHECK(fresh.Holds(0x12345678));
}

TEST_CASE("no interrupt that gets lost costs more than time") {
  for (const char* faults :
       {"lost-interrupt", "lost-interrupt:every=2", "lost-interrupt:every=3"}) {
    ChipMachine machine(With(faults));
    Painter painter(&machine);
    for (uint32_t i = 1; i <= 20; ++i) {
      CHECK(painter.Paint(i) == abi::kStatusOk);
      CHECK(painter.Holds(i));
    }
    CHECK(machine.adapter->CheckHealth() == AdapterHealth::kGood);
  }
}

TEST_CASE("a fence that is written after its interrupt is waited for") {
  constexpr uint64_t kLateNs = 20'000'000;
  ChipMachine machine(With("late-fence:ns=20000000"));
  Painter painter(&machine);
  const uint64_t start = machine.host->now_ns();
  CHECK(painter.Paint(5) == abi::kStatusOk);
  CHECK(painter.Holds(5));
  CHECK(machine.host->now_ns() - start >= kLateNs);
}

TEST_CASE("an engine that hangs costs its device, and the next one works") {
  ChipMachine machine(With("engine-hang:after=2"));
  Painter hung(&machine);
  Painter other(&machine);
  REQUIRE(hung.Paint(1) == abi::kStatusOk);
  CHECK(hung.Paint(2) == abi::kStatusDeviceTimeout);
  CHECK(machine.adapter->CheckHealth() == AdapterHealth::kHung);
  const auto report = machine.adapter->Recover();
  REQUIRE(report.ok());
  CHECK(report.value().action == RecoveryAction::kEngineReset);
  CHECK(report.value().lost_devices == 1);
  CHECK(hung.Paint(3) == abi::kStatusDeviceHung);
  CHECK(other.Paint(4) == abi::kStatusOk);
  CHECK(other.Holds(4));
  CheckWorks(&machine);
}

// A client of a machine whose DMA may fail at any moment; the first thing that failed, or OK.
// Unlike a Painter it takes nothing for granted.
uint32_t PaintUntilItFails(Adapter* adapter) {
  const DeviceHandle device = adapter->CreateDevice().value();
  const auto paint = [&]() -> Result<void> {
    WARD_ASSIGN_OR_RETURN(const ContextHandle context, adapter->CreateContext(device));
    WARD_ASSIGN_OR_RETURN(const AllocationHandle page,
                          adapter->Allocate(device, Client::Plain(Segment::kVisible, 4096)));
    CommandBuffer commands;
    commands.AddFill(page, 0, 4096, 1);
    for (int i = 0; i < 8; ++i) {
      WARD_ASSIGN_OR_RETURN(
          const uint64_t fence,
          adapter->Submit(device, context, commands.bytes, commands.allocations, commands.patches));
      WARD_TRY(adapter->WaitFence(device, context, fence));
    }
    return {};
  };
  const Result<void> outcome = paint();
  adapter->DestroyDevice(device);
  return outcome.ok() ? abi::kStatusOk : outcome.fault().status;
}

// Wherever the one access that fails falls: it is told, and costs one queue at most.
TEST_CASE("a DMA access that fails is told, and after a recovery the driver works") {
  size_t told = 0;
  for (int nth = 1; nth <= 30; ++nth) {
    INFO("access " << nth);
    // The driver's start takes no access but may come to do so; the clients do.
    ChipMachine machine(With("dma-error:nth=" + std::to_string(nth)));
    const uint32_t outcome = PaintUntilItFails(machine.adapter.get());
    if (outcome != abi::kStatusOk) {
      ++told;
      INFO(abi::StatusName(outcome));
      CHECK((outcome == abi::kStatusQueueFaulted || outcome == abi::kStatusBusError));
    }
    REQUIRE(machine.adapter->Recover().ok());
    CheckWorks(&machine);
  }
  CHECK(told > 10);
}

TEST_CASE("the same faults give the same run") {
  uint64_t hashes[2];
  for (uint64_t& hash : hashes) {
    ChipMachine machine(With("lost-interrupt:every=2 late-fence:ns=777 dma-error:nth=60"));
    Painter painter(&machine);
    for (uint32_t i = 1; i <= 8; ++i) (void)painter.Paint(i);
    hash = machine.host->now_ns();
  }
  CHECK(hashes[0] == hashes[1]);
}

}  // namespace
}  // namespace ward::kmd
