// A chip that goes back to where it came from puts back what changed since, and that is all of it.
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <vector>

#include "abi/generated/messages.h"
#include "firmware/guid.h"
#include "tests/fakes/gpu_rig.h"

namespace ward {
namespace {

using fakes::GpuRig;
using fakes::MakeCommand;

constexpr uint64_t kHidden = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;

void Fill(GpuRig* rig, uint64_t place, uint32_t value, uint64_t budget_bytes = 1 << 20) {
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = place;
  fill.value = value;
  fill.row_bytes = 3 * abi::kPageSize;
  fill.row_count = 1;
  rig->Push(0, fill);
  rig->Doorbell(0);
  rig->Run(budget_bytes);
}

void CreateSession(GpuRig* rig) {
  std::vector<uint8_t> request(sizeof(abi::CreateSessionRequest));
  std::copy(std::begin(firmware::kAes128Ctr), std::end(firmware::kAes128Ctr), request.begin());
  std::copy(std::begin(firmware::kRsaesOaep), std::end(firmware::kRsaesOaep), request.begin() + 32);
  rig->PushMessage(0, abi::kMessageCreateSession, request, rig->data(), 64);
  rig->Doorbell(0);
  rig->Run();
}

struct Change {
  const char* name;
  std::function<void(GpuRig*)> make;
};

const std::vector<Change> kChanges = {
    {"nothing", [](GpuRig*) {}},
    {"a register", [](GpuRig* rig) { rig->Write(abi::kRegOutputControl, 1); }},
    {"configuration space", [](GpuRig* rig) { rig->WriteConfig(4, 2, 6); }},
    {"content", [](GpuRig* rig) { Fill(rig, kHidden + 0x5000, 0x01020304); }},
    {"content that was there, as zeros", [](GpuRig* rig) { Fill(rig, kHidden + 0x2000, 0); }},
    {"half a job",
     [](GpuRig* rig) {
       auto fill = MakeCommand<abi::FillCommand>();
       fill.destination = kHidden;
       fill.value = 7;
       fill.row_bytes = 64 * abi::kPageSize;
       fill.row_count = 1;
       rig->Push(0, fill);
       rig->Doorbell(0);
       rig->gpu->Process(4096);
     }},
    {"a session", CreateSession},
    {"a context", [](GpuRig* rig) { rig->CreateContext(3); }},
    {"a context's end",
     [](GpuRig* rig) {
       auto destroy = MakeCommand<abi::ContextDestroyCommand>();
       destroy.context = 2;
       rig->Push(0, destroy);
       rig->Doorbell(0);
       rig->Run();
     }},
    {"a message in the mailbox",
     [](GpuRig* rig) {
       const std::vector<uint8_t> request(sizeof(abi::CreateSessionRequest));
       rig->PushMessage(0, abi::kMessageCreateSession, request, rig->data(), 64);
       rig->Doorbell(0);
       rig->gpu->Process(4096);
     }},
    {"another queue", [](GpuRig* rig) { rig->StartQueue(5, 0); }},
    {"a reset", [](GpuRig* rig) { rig->ResetFunction(); }},
    {"power", [](GpuRig* rig) { rig->gpu->Reset(device::ResetKind::kPowerOn); }},
    {"a tear-down", [](GpuRig* rig) { rig->gpu->TearDown(); }},
    {"a state that was loaded",
     [](GpuRig* rig) {
       const auto state = rig->gpu->SaveState({nullptr, false});
       CHECK(rig->gpu->LoadState(state.value(), nullptr).ok());
     }},
    {"a state of another moment",
     [](GpuRig* rig) {
       Fill(rig, kHidden + 0x9000, 5);
       const device::GpuSnapshot other = rig->gpu->TakeSnapshot(false);
       rig->ResetFunction();
       rig->gpu->Restore(other);
     }},
};

TEST_CASE("whatever changed, a chip goes back to the snapshot that it came from") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.CreateContext(2);
  Fill(&rig, kHidden + 0x1000, 0xabcdef01);
  CreateSession(&rig);
  const device::GpuSnapshot snapshot = rig.gpu->TakeSnapshot(false);
  const uint64_t hash = rig.gpu->StateHash();
  const auto now_ns = rig.ports.clock.now_ns;
  rig.gpu->Restore(snapshot);
  for (const Change& first : kChanges) {
    for (const Change& second : kChanges) {
      CAPTURE(first.name, second.name);
      first.make(&rig);
      second.make(&rig);
      rig.gpu->Restore(snapshot);
      rig.ports.clock.now_ns = now_ns;
      REQUIRE(rig.gpu->StateHash() == hash);
    }
  }
  // Content too is the same, which a hash of pages says as long as pages are what is hashed.
  const auto open = rig.gpu->SaveState({nullptr, false});
  rig.ResetFunction();
  rig.gpu->Restore(snapshot);
  CHECK(rig.gpu->SaveState({nullptr, false}).value() == open.value());
}

TEST_CASE("what a queue had before it at the snapshot it does each time the chip goes back") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.StartQueue(4, 0);
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = kHidden;
  fill.value = 3;
  fill.row_bytes = abi::kPageSize;
  fill.row_count = 1;
  rig.Push(0, fill);
  rig.Doorbell(0);
  const device::GpuSnapshot busy = rig.gpu->TakeSnapshot(false);
  rig.Run();
  const device::GpuSnapshot idle = rig.gpu->TakeSnapshot(false);
  const uint64_t done = rig.gpu->StateHash();
  for (int round = 0; round < 3; ++round) {
    rig.gpu->Restore(busy);
    rig.Run();
    CHECK(rig.gpu->StateHash() == done);
    rig.gpu->Restore(busy);
    rig.Run();
    CHECK(rig.gpu->StateHash() == done);
    // At rest it sleeps, until somebody rings.
    rig.gpu->Restore(idle);
    rig.gpu->Restore(idle);
    CHECK_FALSE(rig.gpu->Process(1 << 20).more);
    CHECK(rig.gpu->StateHash() == done);
    rig.Push(0, fill);
    rig.Doorbell(0);
    rig.Run();
    CHECK(rig.gpu->StateHash() != done);
  }
}

TEST_CASE("a chip that goes back to one snapshot and then to another has nothing of the first") {
  GpuRig rig;
  rig.StartQueue(0);
  Fill(&rig, kHidden, 1);
  const device::GpuSnapshot one = rig.gpu->TakeSnapshot(false);
  const uint64_t one_hash = rig.gpu->StateHash();
  Fill(&rig, kHidden + 0x8000, 2);
  CreateSession(&rig);
  const device::GpuSnapshot other = rig.gpu->TakeSnapshot(false);
  const uint64_t other_hash = rig.gpu->StateHash();
  for (int round = 0; round < 3; ++round) {
    rig.gpu->Restore(one);
    CHECK(rig.gpu->StateHash() == one_hash);
    rig.gpu->Restore(one);
    CHECK(rig.gpu->StateHash() == one_hash);
    rig.gpu->Restore(other);
    CHECK(rig.gpu->StateHash() == other_hash);
  }
}

TEST_CASE(
    "a queue that waited at the snapshot waits again, also when its time-out found it served") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, 0x1000, GpuRig::kData);
  rig.WriteQueue(1, abi::kRegQueueControl, abi::kQueueControlResetMask);
  rig.WriteQueue(1, abi::kRegQueueTimeout, 100);
  rig.StartQueue(1, 1);
  auto wait = MakeCommand<abi::WaitCommand>();
  wait.address = 0x1000;
  wait.value = 5;
  rig.Push(1, wait);
  rig.Doorbell(1);
  rig.gpu->Process(1 << 20);
  rig.gpu->Process(1 << 20);
  const auto now_ns = rig.ports.clock.now_ns;
  const device::GpuSnapshot snapshot = rig.gpu->TakeSnapshot(false);
  const uint64_t hash = rig.gpu->StateHash();
  rig.gpu->Restore(snapshot);
  rig.ports.bus.Store<uint64_t>(GpuRig::kData, 5);
  rig.ports.clock.now_ns += 1000000;
  rig.gpu->Process(1 << 20);
  CHECK(rig.gpu->StateHash() != hash);
  rig.gpu->Restore(snapshot);
  rig.ports.clock.now_ns = now_ns;
  CHECK(rig.gpu->StateHash() == hash);
}

}  // namespace
}  // namespace ward
