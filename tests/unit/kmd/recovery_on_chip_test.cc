// Hangs and resets on the real chip model: who loses what, and that the rest goes on.
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/forwarding_function.h"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kPowerControl = 0x44, kD0 = 0, kD3Hot = 3;

// The function, with resets of queues and engines that do not reach it as often as the test says.
class StubbornFunction final : public fakes::ForwardingFunction {
 public:
  using ForwardingFunction::ForwardingFunction;
  int lost_queue_resets = 0;
  int lost_engine_resets = 0;

  void BarWrite32(int bar, uint64_t offset, uint32_t value) override {
    const bool is_queue_control = offset > abi::kRegQueueControl &&
                                  offset < abi::kRegOutputControl &&
                                  offset % abi::kQueueBlockStride == 0;
    if (is_queue_control && value == abi::kQueueControlResetMask && TakeOne(&lost_queue_resets)) {
      return;
    }
    const bool resets_engines =
        offset == abi::kRegDeviceControl && value == abi::kDeviceControlResetEnginesMask;
    if (resets_engines && TakeOne(&lost_engine_resets)) return;
    ForwardingFunction::BarWrite32(bar, offset, value);
  }

 private:
  static bool TakeOne(int* count) { return *count > 0 && (*count)-- > 0; }
};

class StubbornMachine : public ChipMachine {
 public:
  StubbornMachine() : function(host.get()) {
    adapter.reset();
    auto opened = Adapter::Open(&function);
    REQUIRE(opened.ok());
    adapter = std::move(opened.value());
  }
  ~StubbornMachine() { adapter.reset(); }
  StubbornFunction function;
};

// A client with a page that it fills, to see that it works.
class Worker : public Client {
 public:
  explicit Worker(ChipMachine* machine)
      : Client(machine), page(Allocate(Segment::kVisible, 4096)) {}
  uint32_t Fill(uint32_t value) {
    CommandBuffer commands;
    commands.AddFill(page, 0, 4096, value);
    return Run(commands);
  }
  bool Holds(uint32_t value) { return LoadLe<uint32_t>(Read(page).data() + 4092) == value; }
  // Submits a WAIT that nobody ends. The page is zero until Fill.
  void Hang() {
    CommandBuffer commands;
    commands.AddWait(page);
    commands.AddFill(page, 0, 4096, 0xdddddddd);
    auto fence = Submit(commands);
    REQUIRE(fence.ok());
    fence_ = fence.value();
  }
  uint32_t WaitForHang() {
    const auto waited = adapter->WaitFence(device, context, fence_);
    return waited.ok() ? abi::kStatusOk : waited.fault().status;
  }
  AllocationHandle page;

 private:
  uint64_t fence_ = 0;
};

// Every door of a device that is lost answers why.
void CheckLost(Worker* worker, uint32_t reason) {
  CHECK(worker->Fill(1) == reason);
  CHECK(worker->adapter->CreateContext(worker->device).fault().status == reason);
  CHECK(worker->adapter->Allocate(worker->device, Client::Plain(Segment::kVisible, 4096))
            .fault()
            .status == reason);
  CHECK(worker->adapter->Report(worker->device, worker->context).value().fault_status == reason);
}

void CheckNewDeviceWorks(ChipMachine* machine) {
  Worker fresh(machine);
  CHECK(fresh.Fill(0x12345678) == abi::kStatusOk);
  CHECK(fresh.Holds(0x12345678));
  machine->adapter->DestroyDevice(fresh.device);
}

TEST_CASE("the kernel's queue has high priority, and users' queues a time-out") {
  ChipMachine machine;
  Worker worker(&machine);
  REQUIRE(worker.Fill(1) == abi::kStatusOk);
  const auto read = [&](uint32_t queue, uint32_t offset) {
    return machine.host->BarRead32(0, offset + queue * abi::kQueueBlockStride);
  };
  CHECK(read(0, abi::kRegQueuePriority) == 2);
  CHECK(read(0, abi::kRegQueueTimeout) == 0);
  CHECK(read(1, abi::kRegQueuePriority) == 1);
  CHECK(read(1, abi::kRegQueueTimeout) == Adapter::kHangTimeoutUs);
}

TEST_CASE("an adapter in good health is left alone") {
  ChipMachine machine;
  Worker worker(&machine);
  CHECK(machine.adapter->CheckHealth() == AdapterHealth::kGood);
  const auto report = machine.adapter->Recover();
  REQUIRE(report.ok());
  CHECK(report.value().action == RecoveryAction::kNone);
  CHECK(report.value().lost_devices == 0);
  CHECK(worker.Fill(7) == abi::kStatusOk);
}

TEST_CASE("a hung context costs its device, and nobody else") {
  ChipMachine machine;
  Worker hung(&machine);
  Worker other(&machine);
  hung.Hang();
  CHECK(hung.WaitForHang() == abi::kStatusDeviceTimeout);
  CHECK(machine.adapter->CheckHealth() == AdapterHealth::kHung);
  CHECK(other.Fill(0x11111111) == abi::kStatusOk);
  const uint32_t epoch = machine.adapter->KeyEpoch();
  const auto report = machine.adapter->Recover();
  REQUIRE(report.ok());
  CHECK(report.value().health == AdapterHealth::kHung);
  CHECK(report.value().action == RecoveryAction::kEngineReset);
  CHECK(report.value().lost_devices == 1);
  CHECK(machine.adapter->CheckHealth() == AdapterHealth::kGood);
  CHECK(machine.adapter->KeyEpoch() == epoch);
  CheckLost(&hung, abi::kStatusDeviceHung);
  CHECK(hung.WaitForHang() == abi::kStatusDeviceHung);
  CHECK(other.Fill(0x22222222) == abi::kStatusOk);
  CHECK(other.Holds(0x22222222));
  // What lay behind the WAIT never ran.
  CHECK(hung.Holds(0));
  CHECK(hung.adapter->Free(hung.device, hung.page).ok());
  CHECK(hung.adapter->DestroyContext(hung.device, hung.context).ok());
  machine.adapter->DestroyDevice(hung.device);
  CheckNewDeviceWorks(&machine);
}

TEST_CASE("a wait ends when the hang is reported, not when its own patience does") {
  ChipMachine machine;
  Worker hung(&machine);
  hung.Hang();
  const uint64_t start = machine.host->now_ns();
  CHECK(hung.WaitForHang() == abi::kStatusDeviceTimeout);
  CHECK(machine.host->now_ns() - start == uint64_t{Adapter::kHangTimeoutUs} * 1000);
}

TEST_CASE("a queue that ignores its reset costs a reset of the engines") {
  StubbornMachine machine;
  Worker hung(&machine);
  Worker busy(&machine);
  Worker idle(&machine);
  CHECK(idle.Fill(5) == abi::kStatusOk);
  hung.Hang();
  CHECK(hung.WaitForHang() == abi::kStatusDeviceTimeout);
  busy.Hang();  // in flight, and not hung yet
  machine.function.lost_queue_resets = 1;
  const auto report = machine.adapter->Recover();
  REQUIRE(report.ok());
  CHECK(report.value().action == RecoveryAction::kEngineReset);
  CHECK(report.value().lost_devices == 1);
  CheckLost(&hung, abi::kStatusDeviceHung);
  // What it had in flight is gone, which its queue's fault record says.
  CHECK(busy.Fill(1) == abi::kStatusQueueFaulted);
  CHECK(busy.adapter->Report(busy.device, busy.context).value().fault_status ==
        abi::kStatusEngineReset);
  CHECK(idle.Fill(6) == abi::kStatusOk);
  CheckNewDeviceWorks(&machine);
}

TEST_CASE("engines that do not come to rest cost a reset of the adapter, after which it works") {
  StubbornMachine machine;
  const MemoryReport before = machine.adapter->Memory();
  Worker hung(&machine);
  Worker other(&machine);
  const AllocationHandle secret = other.Allocate(Segment::kProtected, 4096);
  CHECK(other.Fill(0x33333333) == abi::kStatusOk);
  const uint32_t epoch = machine.adapter->KeyEpoch();
  hung.Hang();
  CHECK(hung.WaitForHang() == abi::kStatusDeviceTimeout);
  machine.function.lost_queue_resets = 2;
  machine.function.lost_engine_resets = 1;
  const auto report = machine.adapter->Recover();
  REQUIRE(report.ok());
  CHECK(report.value().action == RecoveryAction::kAdapterReset);
  CHECK(report.value().lost_devices == 2);
  CHECK(machine.adapter->KeyEpoch() == epoch + 1);
  CheckLost(&hung, abi::kStatusDeviceHung);
  CheckLost(&other, abi::kStatusDeviceReset);
  // Visible VRAM keeps its content, which can be looked at until it is freed.
  CHECK(other.Holds(0x33333333));
  CHECK(other.adapter->Free(other.device, secret).ok());
  CheckNewDeviceWorks(&machine);
  machine.adapter->DestroyDevice(hung.device);
  machine.adapter->DestroyDevice(other.device);
  CHECK(machine.adapter->CheckHealth() == AdapterHealth::kGood);
  CHECK(machine.adapter->Memory().free_visible_bytes == before.free_visible_bytes);
  CHECK(machine.adapter->Memory().free_protected_bytes == before.free_protected_bytes);
}

abi::AllocationData Surface(uint32_t width, uint32_t height) {
  abi::AllocationData data = Client::Plain(Segment::kVisible, uint64_t{4} * width * height);
  data.width = width;
  data.height = height;
  data.pitch = 4 * width;
  return data;
}

TEST_CASE("a user's wait for a vblank in months costs its own device alone") {
  ChipMachine machine;
  REQUIRE(machine.adapter->SetMode(0, 640, 360).ok());
  Worker hung(&machine);
  Worker other(&machine);
  CommandBuffer commands;
  abi::WaitVblankCommand wait{};
  wait.count = 0x7fffffff;  // 414 days
  commands.Add(wait, {});
  const auto fence = hung.Submit(commands);
  REQUIRE(fence.ok());
  CHECK(hung.adapter->WaitFence(hung.device, hung.context, fence.value()).fault().status ==
        abi::kStatusDeviceTimeout);
  CHECK(machine.adapter->CheckHealth() == AdapterHealth::kHung);
  const auto report = machine.adapter->Recover();
  REQUIRE(report.ok());
  CHECK(report.value().action == RecoveryAction::kEngineReset);
  CHECK(report.value().lost_devices == 1);
  CheckLost(&hung, abi::kStatusDeviceHung);
  CHECK(other.Fill(5) == abi::kStatusOk);
}

TEST_CASE("the display keeps its mode over a reset of the adapter, and shows the next flip") {
  ChipMachine machine;
  REQUIRE(machine.adapter->SetMode(0, 640, 360).ok());
  Worker old(&machine);
  const AllocationHandle shown = old.Allocate(Surface(640, 360));
  REQUIRE(machine.adapter->Present(old.device, old.context, shown, 640, 360, 2560, {true}).ok());
  REQUIRE(machine.host->gpu().Scanout(0).active);
  REQUIRE(machine.host->ResetFunction() == abi::PciError::kNone);
  REQUIRE(machine.adapter->Recover().ok());
  CHECK_FALSE(machine.host->gpu().Scanout(0).active);
  CHECK(machine.adapter->Present(old.device, old.context, shown, 640, 360, 2560, {true})
            .fault()
            .status == abi::kStatusDeviceReset);
  machine.adapter->DestroyDevice(old.device);
  Worker fresh(&machine);
  const AllocationHandle next = fresh.Allocate(Surface(640, 360));
  CHECK(machine.adapter->Present(fresh.device, fresh.context, next, 640, 360, 2560, {true}).ok());
  const device::ScanoutInfo info = machine.host->gpu().Scanout(0);
  CHECK(info.active);
  CHECK(info.width == 640);
  CHECK(info.height == 360);
}

struct Outside {
  const char* name;
  std::function<void(ChipMachine*)> reset;
  AdapterHealth health;
};

std::vector<Outside> ResetsFromOutside() {
  return {
      {"function-level reset",
       [](ChipMachine* m) { REQUIRE(m->host->ResetFunction() == abi::PciError::kNone); },
       AdapterHealth::kReset},
      {"bus reset", [](ChipMachine* m) { m->host->gpu().Reset(device::ResetKind::kFunction); },
       AdapterHealth::kReset},
      {"power lost and back",
       [](ChipMachine* m) { m->host->gpu().Reset(device::ResetKind::kPowerOn); },
       AdapterHealth::kReset},
      {"reset by register",
       [](ChipMachine* m) {
         m->host->BarWrite32(0, abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
       },
       AdapterHealth::kReset},
      {"D3hot and back to D0",
       [](ChipMachine* m) {
         m->host->ConfigWrite(kPowerControl, 2, kD3Hot);
         m->host->ConfigWrite(kPowerControl, 2, kD0);
       },
       AdapterHealth::kReset},
      {"still in D3hot", [](ChipMachine* m) { m->host->ConfigWrite(kPowerControl, 2, kD3Hot); },
       AdapterHealth::kGone},
  };
}

TEST_CASE("a reset from outside is noticed at once, and recovered from") {
  for (const Outside& outside : ResetsFromOutside()) {
    for (const bool in_flight : {false, true}) {
      INFO(outside.name << (in_flight ? ", with work in flight" : ""));
      ChipMachine machine;
      Worker worker(&machine);
      CHECK(worker.Fill(0x44444444) == abi::kStatusOk);
      Worker waiting(&machine);
      if (in_flight) waiting.Hang();
      outside.reset(&machine);
      CHECK(machine.adapter->CheckHealth() == outside.health);
      const uint64_t start = machine.host->now_ns();
      // Before the recovery every call fails, and none waits.
      CHECK(worker.Fill(1) != abi::kStatusOk);
      CHECK_FALSE(machine.adapter->CreateContext(worker.device).ok());
      if (in_flight) CHECK(waiting.WaitForHang() != abi::kStatusOk);
      CHECK(machine.host->now_ns() == start);
      const auto report = machine.adapter->Recover();
      REQUIRE(report.ok());
      CHECK(report.value().action == RecoveryAction::kAdapterReset);
      CHECK(report.value().lost_devices == 2);
      CheckLost(&worker, abi::kStatusDeviceReset);
      CHECK(worker.Holds(0x44444444));
      CHECK(machine.adapter->CheckHealth() == AdapterHealth::kGood);
      CheckNewDeviceWorks(&machine);
    }
  }
}

TEST_CASE("a tear-down of content protection is no reset") {
  ChipMachine machine;
  Worker worker(&machine);
  machine.host->gpu().TearDown();
  CHECK(machine.adapter->CheckHealth() == AdapterHealth::kGood);
  CHECK(machine.adapter->Recover().value().action == RecoveryAction::kNone);
  CHECK(worker.Fill(9) == abi::kStatusOk);
}

TEST_CASE("hangs and resets in any order leave an adapter that works") {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    INFO("seed " << seed);
    std::mt19937 dice(seed);
    StubbornMachine machine;
    const std::vector<Outside> resets = ResetsFromOutside();
    struct Entry {
      std::unique_ptr<Worker> worker;
      bool hangs = false;
      bool lost = false;
    };
    std::vector<Entry> entries;
    for (int step = 0; step < 20; ++step) {
      const uint32_t choice = dice() % 10;
      if (choice < 4 || entries.empty()) {
        entries.push_back({std::make_unique<Worker>(&machine), false, false});
        entries.back().hangs = dice() % 2 == 0;
        if (entries.back().hangs) entries.back().worker->Hang();
      } else if (choice < 6) {
        const size_t which = dice() % entries.size();
        machine.adapter->DestroyDevice(entries[which].worker->device);
        entries.erase(entries.begin() + static_cast<ptrdiff_t>(which));
      } else if (choice < 9) {
        // Time for every hang there is to be reported.
        for (Entry& entry : entries) {
          if (entry.hangs && !entry.lost) {
            CHECK(entry.worker->WaitForHang() == abi::kStatusDeviceTimeout);
          }
        }
        machine.function.lost_queue_resets = dice() % 3 == 0 ? 2 : 0;
        machine.function.lost_engine_resets = machine.function.lost_queue_resets / 2;
        const auto report = machine.adapter->Recover();
        REQUIRE(report.ok());
        const bool all = report.value().action == RecoveryAction::kAdapterReset;
        for (Entry& entry : entries) entry.lost = entry.lost || entry.hangs || all;
        machine.function.lost_queue_resets = machine.function.lost_engine_resets = 0;
      } else {
        resets[dice() % resets.size()].reset(&machine);
        REQUIRE(machine.adapter->Recover().ok());
        for (Entry& entry : entries) entry.lost = true;
      }
      for (Entry& entry : entries) {
        if (entry.lost) CHECK(entry.worker->Fill(1) != abi::kStatusOk);
        if (!entry.lost && !entry.hangs) CHECK(entry.worker->Fill(step + 1) == abi::kStatusOk);
      }
    }
    CheckNewDeviceWorks(&machine);
  }
}

}  // namespace
}  // namespace ward::kmd
