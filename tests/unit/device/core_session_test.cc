// Contexts, security messages, resets and snapshots of the whole chip.
#include <algorithm>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

constexpr uint64_t kResponse = GpuRig::kData;

uint32_t ResponseStatus(GpuRig& rig) { return rig.ports.bus.Load<uint32_t>(kResponse); }

uint32_t RunCommand(GpuRig& rig, ConstByteSpan command) {
  rig.StartQueue(0);
  rig.PushBytes(0, command);
  rig.RingAndRun(0);
  return rig.FaultStatus(0);
}
template <typename T>
uint32_t RunCommand(GpuRig& rig, const T& command) {
  return RunCommand(rig, {reinterpret_cast<const uint8_t*>(&command), sizeof(command)});
}

abi::ContextCreateCommand CreateCommand(uint32_t context, uint64_t root) {
  auto create = MakeCommand<abi::ContextCreateCommand>();
  create.context = context;
  create.page_table_root = root;
  return create;
}
abi::ContextDestroyCommand DestroyCommand(uint32_t context) {
  auto destroy = MakeCommand<abi::ContextDestroyCommand>();
  destroy.context = context;
  return destroy;
}

TEST_CASE("contexts are made once, with tables in visible VRAM, and end once") {
  GpuRig rig;
  CHECK(RunCommand(rig, CreateCommand(0, 0)) == abi::kStatusOperandInvalid);
  CHECK(RunCommand(rig, CreateCommand(1024, 0)) == abi::kStatusOperandInvalid);
  CHECK(RunCommand(rig, CreateCommand(1, 0x800)) == abi::kStatusAddressMisaligned);
  CHECK(RunCommand(rig, CreateCommand(1, GpuRig::kVisibleBytes)) == abi::kStatusAddressOutOfRange);
  CHECK(RunCommand(rig, CreateCommand(1, abi::kProtectedVramLocalBase)) ==
        abi::kStatusControlInProtectedMemory);
  CHECK(RunCommand(rig, CreateCommand(1023, 0x1000)) == 0);
  CHECK(RunCommand(rig, CreateCommand(1023, 0x1000)) == abi::kStatusContextExists);
  CHECK(RunCommand(rig, DestroyCommand(0)) == abi::kStatusContextInvalid);
  CHECK(RunCommand(rig, DestroyCommand(1)) == abi::kStatusContextInvalid);
  CHECK(RunCommand(rig, DestroyCommand(1023)) == 0);
  CHECK(RunCommand(rig, DestroyCommand(1023)) == abi::kStatusContextInvalid);
}

TEST_CASE("a context that an enabled queue is bound to can't end") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.StartQueue(4, 1);
  CHECK(RunCommand(rig, DestroyCommand(1)) == abi::kStatusContextBusy);
  rig.WriteQueue(4, abi::kRegQueueControl, 0);
  CHECK(RunCommand(rig, DestroyCommand(1)) == 0);
}

TEST_CASE("an invalidate names a context and whole pages") {
  GpuRig rig;
  rig.CreateContext(1);
  auto invalidate = MakeCommand<abi::InvalidateCommand>();
  CHECK(RunCommand(rig, invalidate) == abi::kStatusContextInvalid);
  invalidate.context = 1;
  CHECK(RunCommand(rig, invalidate) == 0);
  invalidate.address = 0x800;
  CHECK(RunCommand(rig, invalidate) == abi::kStatusAddressMisaligned);
  invalidate.address = 0x1000;
  invalidate.length_bytes = 0x10;
  CHECK(RunCommand(rig, invalidate) == abi::kStatusOperandInvalid);
  invalidate.length_bytes = ~uint64_t{0xfff};
  CHECK(RunCommand(rig, invalidate) == abi::kStatusAddressOutOfRange);
}

std::vector<uint8_t> SelfTestPayload() { return std::vector<uint8_t>(8); }

TEST_CASE(
    "a message's answer comes no earlier than its charge of time, and the queue waits for it") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.PushMessage(0, abi::kMessageRunSelfTest, SelfTestPayload(), kResponse, 64);
  rig.PushFence(0, 1);
  rig.Doorbell(0);
  rig.ports.bus.Store<uint32_t>(kResponse + 4, 0);
  device::ProcessResult result = rig.gpu->Process(1 << 20);
  CHECK_FALSE(result.more);
  CHECK(result.wakeup_ns == rig.ports.clock.now_ns + 50000);
  CHECK(rig.State(0) == 3);
  rig.ports.clock.now_ns = result.wakeup_ns - 1;
  rig.gpu->Process(1 << 20);
  CHECK(rig.ports.bus.Load<uint32_t>(kResponse + 4) == 0);
  rig.ports.clock.now_ns += 1;
  result = rig.gpu->Process(1 << 20);
  CHECK(result.wakeup_ns == 0);
  CHECK(rig.ports.bus.Load<uint32_t>(kResponse) == 0);
  CHECK(rig.ports.bus.Load<uint32_t>(kResponse + 4) == 16);
  CHECK(rig.ports.bus.Load<uint32_t>(kResponse + 8) == abi::kMessageRunSelfTest);
  CHECK(rig.Fence(0) == 1);
}

TEST_CASE("two queues with messages are answered one after the other") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, 0x3000, kResponse + 0x1000);
  rig.StartQueue(1, 1);
  rig.PushMessage(0, abi::kMessageRunSelfTest, SelfTestPayload(), kResponse, 64);
  rig.PushFence(0, 100);
  rig.PushMessage(1, 9999, {}, 0x3000, 16);
  rig.PushFence(1, 100);
  rig.Doorbell(0);
  rig.Doorbell(1);
  rig.Run();
  CHECK(rig.Fence(0) == 100);
  CHECK(rig.Fence(1) == 100);
  CHECK(rig.ports.bus.Load<uint32_t>(kResponse + 0x1000) == abi::kStatusMessageUnknown);
}

TEST_CASE("a message's buffers are checked before the firmware sees it") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapPage(1, 0x3000,
              abi::kProtectedVramLocalBase | abi::kPteValid | abi::kPteWritable | abi::kPteLocal);
  rig.MapSystem(1, 0x4000, kResponse, false);
  const auto status_of = [&](uint64_t address, uint32_t capacity) {
    rig.StartQueue(1, 1);
    rig.PushMessage(1, abi::kMessageRunSelfTest, SelfTestPayload(), address, capacity);
    rig.RingAndRun(1);
    return rig.FaultStatus(1);
  };
  CHECK(status_of(0x3000, 16) == abi::kStatusControlInProtectedMemory);
  CHECK(status_of(0x4000, 16) == abi::kStatusPageNotWritable);
  CHECK(status_of(0x5000, 16) == abi::kStatusPageNotMapped);
  CHECK(rig.ReadQueue(1, abi::kRegFaultAddressLo) == 0x5000);
  CHECK(status_of(0x4008, 16) == abi::kStatusAddressMisaligned);
  CHECK(status_of(0x4000, 15) == abi::kStatusOperandInvalid);
  CHECK(status_of(0x4000, 65537) == abi::kStatusOperandInvalid);
}

TEST_CASE("a message's length and padding have to fit its payload") {
  GpuRig rig;
  std::vector<uint8_t> bytes(48);
  auto command = MakeCommand<abi::SecurityMessageCommand>();
  command.length = 48;
  command.message = abi::kMessageRunSelfTest;
  command.response_address = kResponse;
  command.response_capacity = 64;
  const auto status_of = [&](uint32_t payload_bytes, uint8_t last) {
    command.payload_bytes = payload_bytes;
    std::memcpy(bytes.data(), &command, sizeof(command));
    bytes[47] = last;
    return RunCommand(rig, ConstByteSpan(bytes));
  };
  CHECK(status_of(8, 0) == 0);
  CHECK(status_of(8, 1) == abi::kStatusReservedNotZero);
  CHECK(status_of(0, 0) == abi::kStatusCommandLengthInvalid);
  CHECK(status_of(17, 0) == abi::kStatusCommandLengthInvalid);
  CHECK(status_of(0xffffffff, 0) == abi::kStatusCommandLengthInvalid);
  CHECK(status_of(0xfffffff1, 0) == abi::kStatusCommandLengthInvalid);
}

TEST_CASE("a queue that is reset while the firmware works gets no answer") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.PushMessage(0, abi::kMessageRunSelfTest, SelfTestPayload(), kResponse, 64);
  rig.PushFence(0, 1);
  rig.Doorbell(0);
  rig.gpu->Process(1 << 20);
  rig.WriteQueue(0, abi::kRegQueueControl, abi::kQueueControlResetMask);
  rig.Run();
  CHECK(rig.ports.bus.Load<uint32_t>(kResponse + 4) == 0);
  CHECK(rig.Fence(0) == 0);
  rig.StartQueue(0);
  rig.PushMessage(0, abi::kMessageRunSelfTest, SelfTestPayload(), kResponse, 64);
  rig.RingAndRun(0);
  CHECK(rig.ports.bus.Load<uint32_t>(kResponse + 4) == 16);
}

TEST_CASE("P12_a failed self test refuses every command that moves data") {
  device::GpuOptions options = GpuRig::Options();
  options.failing_self_test = 0;
  GpuRig rig(options);
  CHECK(rig.Read(abi::kRegDeviceStatus) == 2);
  rig.StartQueue(0);
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = kResponse;
  fill.value = 0x66666666;
  fill.row_bytes = 16;
  fill.row_count = 1;
  rig.Push(0, fill);
  rig.Push(0, MakeCommand<abi::CopyCommand>());
  rig.Push(0, MakeCommand<abi::DecryptBltCommand>());
  rig.Push(0, MakeCommand<abi::EncryptBltCommand>());
  rig.Push(0, MakeCommand<abi::VideoBltCommand>());
  rig.Push(0, MakeCommand<abi::FlipCommand>());
  rig.PushFence(0, 1);
  rig.RingAndRun(0);
  CHECK(rig.ports.bus.Load<uint32_t>(kResponse) == 0);
  CHECK(rig.ReadQueue(0, abi::kRegRefusalCount) == 6);
  CHECK(rig.ReadQueue(0, abi::kRegRefusalStatus) == abi::kStatusDeviceInErrorState);
  CHECK(rig.Fence(0) == 1);
  CHECK_FALSE(rig.gpu->Scanout(0).active);
}

TEST_CASE("P17_after a function reset nothing runs, nothing is raised, and the epoch grew") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.StartQueue(1, 1);
  rig.Write(abi::kRegInterruptEnable, 0xfffff);
  rig.PushMessage(0, abi::kMessageRunSelfTest, SelfTestPayload(), kResponse, 64);
  rig.PushFence(0, 1, abi::FenceCommand::kFlagInterrupt);
  rig.Doorbell(0);
  rig.gpu->Process(1 << 20);
  const uint32_t epoch = rig.Read(abi::kRegKeyEpoch);
  rig.gpu->WriteConfig(4, 2, 6);
  rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
  rig.ports.bus.ClearLog();
  rig.ports.interrupts.vectors.clear();
  rig.Run();
  CHECK(rig.ports.bus.log().empty());
  CHECK(rig.ports.interrupts.vectors.empty());
  CHECK(rig.Read(abi::kRegInterruptCause) == abi::kInterruptCauseKeysLostMask);
  CHECK(rig.Read(abi::kRegInterruptEnable) == 0);
  CHECK(rig.State(0) == 0);
  CHECK(rig.State(1) == 0);
  CHECK(rig.Read(abi::kRegKeyEpoch) == epoch + 1);
  CHECK(rig.Read(abi::kRegDeviceStatus) == 1);
  CHECK(rig.gpu->ReadConfig(4, 2) == 6);  // configuration space is left alone
  rig.CreateContext(1);                   // the old one is gone
  CHECK(rig.FaultStatus(0) == 0);
}

TEST_CASE("a message about a session that does not exist is answered with that") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, 0x3000, kResponse);
  rig.StartQueue(1, 1);
  rig.PushMessage(1, abi::kMessageQuerySession, SelfTestPayload(), 0x3000, 64);
  rig.RingAndRun(1);
  CHECK(ResponseStatus(rig) == abi::kStatusSessionInvalid);
}

// Work of several kinds, in flight at once.
void StartMixedWork(GpuRig& rig) {
  rig.CreateContext(1);
  rig.MapSystem(1, 0x3000, GpuRig::kFences);
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;
  fill.value = 0x77777777;
  fill.row_bytes = 1 << 20;
  fill.row_count = 1;
  rig.Push(0, fill);
  rig.PushMessage(0, abi::kMessageRunSelfTest, SelfTestPayload(), kResponse, 64);
  rig.PushFence(0, 40);
  rig.Doorbell(0);
  rig.StartQueue(1, 1);
  auto wait = MakeCommand<abi::WaitCommand>();
  wait.address = 0x3000;
  wait.value = 40;
  rig.Push(1, wait);
  rig.PushFence(1, 50);
  rig.Doorbell(1);
}

TEST_CASE("the same calls give the same state hash") {
  GpuRig first, second;
  StartMixedWork(first);
  StartMixedWork(second);
  for (int i = 0; i < 10; ++i) {
    first.gpu->Process(10000);
    second.gpu->Process(10000);
    CHECK(first.gpu->StateHash() == second.gpu->StateHash());
  }
}

TEST_CASE("P15_going on from a snapshot equals never having taken it, at every slice") {
  GpuRig reference;
  StartMixedWork(reference);
  std::vector<uint64_t> hashes;
  const auto step = [](GpuRig& rig) {
    const device::ProcessResult result = rig.gpu->Process(100000);
    if (!result.more && result.wakeup_ns > rig.ports.clock.now_ns) {
      rig.ports.clock.now_ns = result.wakeup_ns;
    }
    return rig.gpu->StateHash();
  };
  constexpr int kSteps = 20;
  for (int i = 0; i < kSteps; ++i) hashes.push_back(step(reference));
  REQUIRE(reference.Fence(1) == 50);
  for (int cut = 0; cut < kSteps; ++cut) {
    GpuRig rig;
    StartMixedWork(rig);
    for (int i = 0; i < cut; ++i) step(rig);
    const uint64_t clock = rig.ports.clock.now_ns;
    const uint64_t entropy = rig.ports.entropy.state;
    const uint64_t hash = rig.gpu->StateHash();
    const device::GpuSnapshot snapshot = rig.gpu->TakeSnapshot();
    rig.Run();
    rig.gpu->Reset(device::ResetKind::kPowerOn);
    rig.ports.clock.now_ns = clock;
    rig.ports.entropy.state = entropy;
    std::memset(rig.ports.bus.At(GpuRig::kFences, 16), 0, 16);
    rig.gpu->Restore(snapshot);
    CHECK(rig.gpu->StateHash() == hash);
    for (int i = cut; i < kSteps; ++i) CHECK(step(rig) == hashes[static_cast<size_t>(i)]);
  }
}

TEST_CASE("a snapshot holds visible VRAM too") {
  GpuRig rig;
  rig.ports.vram.Store<uint64_t>(0x3000, 0x1122334455667788);
  const device::GpuSnapshot snapshot = rig.gpu->TakeSnapshot();
  rig.ports.vram.Store<uint64_t>(0x3000, 0);
  rig.gpu->Restore(snapshot);
  CHECK(rig.ports.vram.Load<uint64_t>(0x3000) == 0x1122334455667788);
}

TEST_CASE("the state hash sees a change in any part of the chip") {
  GpuRig rig;
  std::vector<uint64_t> hashes = {rig.gpu->StateHash()};
  const auto record = [&] { hashes.push_back(rig.gpu->StateHash()); };
  rig.Write(abi::kRegScratch, 1), record();
  rig.gpu->WriteConfig(0x3c, 1, 1), record();
  rig.gpu->WriteMsix(0, 4, 0x1000), record();
  rig.Write(abi::kRegOutputControl, 1), record();
  rig.StartQueue(0), record();
  rig.CreateContext(1), record();
  rig.StartQueue(1, 1), record();
  std::sort(hashes.begin(), hashes.end());
  CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
}

}  // namespace
}  // namespace ward::fakes
