// F4, F15 and F17 of docs/security-model.md: memory that goes away under a transfer, resets at
// every step, and interrupts that nobody acknowledges.
#include <functional>
#include <string>
#include <vector>

#include "tests/unit/device/fault_rig.h"

namespace ward::fakes {
namespace {

constexpr uint32_t kVictim = 1, kOther = 2;
constexpr uint64_t kPage = abi::kPageSize;
constexpr uint64_t kJobBytes = 32 * kPage;
constexpr uint64_t kMoving = 0x40000000;  // on the bus, apart from everything else
constexpr uint64_t kJobSource = 0x20000, kJobDestination = 0x80000;  // of context 1
constexpr uint32_t kFaulted = 4;

// A copy of 128 KiB within context 1, whose destination is a region of its own on the bus.
class CopyRig : public FaultRig {
 public:
  CopyRig() {
    Open(kVictim);
    Open(kOther);
  }
  void Begin(Dice* dice) {
    ports.bus.Map(kMoving, kJobBytes);
    for (uint64_t at = 0; at < kJobBytes; at += kPage) {
      MapSystem(kVictim, kJobSource + at, kData + 0x300000 + at);
      MapSystem(kVictim, kJobDestination + at, kMoving + at);
    }
    StartQueue(kVictim, kVictim);
    auto copy = MakeCommand<abi::CopyCommand>();
    copy.destination = kJobDestination;
    copy.source = kJobSource;
    copy.row_bytes = kJobBytes;
    copy.row_count = 1;
    Push(kVictim, copy);
    PushFence(kVictim, 1);
    Doorbell(kVictim);
    const uint32_t steps = dice->Between(1, 6);
    for (uint32_t i = 0; i < steps; ++i) gpu->Process(dice->Between(1, 16 << 10));
    REQUIRE(State(kVictim) == 2);
  }
  // Accesses to the copy's destination, allowed or not.
  size_t AccessesOfDestination() {
    size_t count = 0;
    for (const FakeBus::AccessRecord& access : ports.bus.log()) {
      count += access.address >= kMoving && access.address < kMoving + kJobBytes ? 1 : 0;
    }
    return count;
  }
};

TEST_CASE("F4_ P13_ memory that is unmapped under a transfer ends it with the address") {
  CopyRig rig;
  uint64_t other_fence = 0;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Begin(&dice);
    rig.ports.bus.Unmap(kMoving);
    rig.ports.bus.ClearLog();
    rig.Run(dice.Between(256, 64 << 10));
    CHECK(rig.FaultStatus(kVictim) == abi::kStatusBusError);
    const uint64_t address = rig.ReadQueue(kVictim, abi::kRegFaultAddressLo);
    CHECK(address >= kMoving);
    CHECK(address < kMoving + kJobBytes);
    CHECK(rig.AccessesOfDestination() == 1);  // the one that was refused
    CHECK(rig.Fence(kVictim) == 0);
    rig.PushFence(kOther, ++other_fence);
    rig.RingAndRun(kOther);
    CHECK(rig.Fence(kOther) == other_fence);
  }
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F4_ P13_ memory that is mapped elsewhere under a transfer is not written any more") {
  CopyRig rig;
  constexpr uint64_t kElsewhere = 0x48000000;
  rig.ports.bus.Map(kElsewhere, kJobBytes);
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Begin(&dice);
    // The driver's way: change the tables, INVALIDATE, wait for its fence, then free the memory.
    rig.StartQueue(0);
    for (uint64_t at = 0; at < kJobBytes; at += kPage) {
      rig.MapSystem(kVictim, kJobDestination + at, kElsewhere + at);
    }
    auto invalidate = MakeCommand<abi::InvalidateCommand>();
    invalidate.context = kVictim;
    rig.Push(0, invalidate);
    rig.PushFence(0, 1);
    rig.Doorbell(0);
    for (int slice = 0; slice < 10000 && rig.Fence(0) != 1; ++slice) {
      rig.gpu->Process(dice.Between(256, 16 << 10));
    }
    REQUIRE(rig.Fence(0) == 1);
    rig.ports.bus.Unmap(kMoving);
    rig.ports.bus.ClearLog();
    rig.Run();
    CHECK(rig.AccessesOfDestination() == 0);
    CHECK(rig.FaultStatus(kVictim) == 0);
    CHECK(rig.Fence(kVictim) == 1);
    rig.ports.bus.Store<uint64_t>(GpuRig::FenceAddress(0), 0);
    rig.ports.bus.Store<uint64_t>(GpuRig::FenceAddress(kVictim), 0);
  }
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F4_ memory that is unmapped while a transfer is queued fails it at its beginning") {
  CopyRig rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.StartQueue(kVictim, kVictim);
    rig.StartQueue(0);
    auto wait = MakeCommand<abi::WaitCommand>();
    wait.address = FaultRig::kOutput;
    wait.value = 1;
    rig.ports.bus.Store<uint64_t>(FaultRig::Bus(kVictim, FaultRig::kOutput), 0);
    rig.Push(kVictim, wait);
    auto fill = MakeCommand<abi::FillCommand>();
    fill.destination = kJobDestination;
    fill.row_bytes = 64;
    fill.row_count = dice.Between(1, 64);
    fill.destination_pitch = kPage;
    rig.Push(kVictim, fill);
    rig.RingAndRun(kVictim);
    // A page of the fill goes; the queue is still waiting, so the INVALIDATE is done at once.
    const uint64_t gone = kJobDestination + kPage * dice.Below(fill.row_count);
    for (uint64_t at = 0; at < 64 * kPage; at += kPage) {
      rig.MapSystem(kVictim, kJobDestination + at, GpuRig::kData + 0x100000 + at);
    }
    rig.MapPage(kVictim, gone, 0);
    auto invalidate = MakeCommand<abi::InvalidateCommand>();
    invalidate.context = kVictim;
    rig.Push(0, invalidate);
    rig.RingAndRun(0);
    rig.ports.bus.Store<uint64_t>(FaultRig::Bus(kVictim, FaultRig::kOutput), 1);
    rig.ports.bus.ClearLog();
    rig.Run();
    CHECK(rig.FaultStatus(kVictim) == abi::kStatusPageNotMapped);
    CHECK(rig.ReadQueue(kVictim, abi::kRegFaultAddressLo) == gone);
    // Checked whole before its first byte moved.
    for (const FakeBus::AccessRecord& access : rig.ports.bus.log()) {
      CHECK(access.kind == FakeBus::Kind::kRead);
    }
  }
  CHECK(rig.FreshSessionDecrypts());
}

// Every kind of reset that the chip has.
enum class Kind { kRegister, kFlr, kBusReset, kPowerCycle, kPowerOn };
constexpr Kind kKinds[] = {Kind::kRegister, Kind::kFlr, Kind::kBusReset, Kind::kPowerCycle,
                           Kind::kPowerOn};

void Do(Kind kind, FaultRig* rig) {
  switch (kind) {
    case Kind::kRegister:
      return rig->Write(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
    case Kind::kFlr:
      return rig->gpu->WriteConfig(FaultRig::kDeviceControl, 2, 0x8000);
    case Kind::kBusReset:
      return rig->gpu->Reset(device::ResetKind::kFunction);
    case Kind::kPowerCycle:
      rig->gpu->WriteConfig(FaultRig::kPowerControl, 2, FaultRig::kD3Hot);
      CHECK(rig->Read(abi::kRegDeviceMagic) == 0xffffffff);
      rig->ports.bus.ClearLog();
      rig->gpu->Process(1 << 20);
      CHECK(rig->ports.bus.log().empty());
      return rig->gpu->WriteConfig(FaultRig::kPowerControl, 2, FaultRig::kD0);
    case Kind::kPowerOn:
      return rig->gpu->Reset(device::ResetKind::kPowerOn);
  }
}

// A chip in the middle of everything: a keyed session and its protected page, a decrypt blt, a
// copy, a message in the mailbox and one before it, a WAIT with a time-out, an INVALIDATE that
// waits, held and masked interrupts, a screen that shows the page.
class BusyRig : public FaultRig {
 public:
  BusyRig() {
    for (uint32_t context = 1; context <= 5; ++context) Open(context);
    session = OpenSession(1);
    Push(1, Decrypt(session));
    RingAndRun(1);
    REQUIRE(ReadQueue(1, abi::kRegRefusalCount) == 0);
    Show();
    MaskVectors();
    // All but vblanks, which never let the chip come to rest.
    Write(abi::kRegInterruptEnable,
          ~(abi::kInterruptCauseVblank0Mask | abi::kInterruptCauseVblank1Mask));
    Write(abi::kRegInterruptModeration, 100 | 500u << 16);
    WriteQueue(5, abi::kRegQueueControl, 0);
    WriteQueue(5, abi::kRegQueueTimeout, 50);
    WriteQueue(5, abi::kRegQueueControl, abi::kQueueControlEnableMask);
    PushWork();
  }
  void PushWork() {
    for (uint32_t i = 0; i < 4; ++i) Push(1, Decrypt(session));
    PushFence(1, 1, abi::FenceCommand::kFlagInterrupt);
    auto copy = MakeCommand<abi::CopyCommand>();
    copy.destination = kOutput;
    copy.source = kSource;
    copy.row_bytes = kPage;
    copy.row_count = 1;
    for (uint32_t i = 0; i < 8; ++i) Push(2, copy);
    PushFence(2, 1, abi::FenceCommand::kFlagInterrupt);
    const test::Bytes create = device::SecurityBench::CreatePayload();
    PushMessage(3, abi::kMessageCreateSession, create, kResponse, 64);
    PushFence(3, 1, abi::FenceCommand::kFlagInterrupt);
    PushMessage(4, abi::kMessageCreateSession, create, kResponse, 64);
    PushFence(4, 1, abi::FenceCommand::kFlagInterrupt);
    auto wait = MakeCommand<abi::WaitCommand>();
    wait.address = kOutput;
    wait.value = 1;
    Push(5, wait);
    PushFence(5, 1, abi::FenceCommand::kFlagInterrupt);
    auto invalidate = MakeCommand<abi::InvalidateCommand>();
    invalidate.context = 3;
    Push(0, invalidate);
    PushFence(0, 1, abi::FenceCommand::kFlagInterrupt);
    for (const uint32_t queue : {3u, 4u, 1u, 2u, 5u, 0u}) Doorbell(queue);
  }
  // One step of random size; false when nothing is left to do.
  bool Step(Dice* dice) {
    const device::ProcessResult result = gpu->Process(dice->Between(1, 4096));
    if (result.more) return true;
    if (result.wakeup_ns <= ports.clock.now_ns) return false;
    ports.clock.now_ns = result.wakeup_ns;
    return true;
  }
  // As many steps, unless it is at rest before.
  void DoSteps(Dice* dice, uint32_t steps) {
    for (uint32_t i = 0; i < steps && Step(dice); ++i) {
    }
  }
  // The first bytes of protected VRAM as the operator would see them.
  bool ProtectedIsZero() {
    Show();
    std::vector<uint8_t> pixels(2560 * 360);
    REQUIRE(gpu->ReadScanout(0, device::ScanoutView::kOperator, pixels, 2560));
    return std::all_of(pixels.begin(), pixels.end(), [](uint8_t byte) { return byte == 0; });
  }
  uint32_t session = 0;

 private:
  void Show() {
    Write(abi::kRegOutputControl, 1);
    auto flip = MakeCommand<abi::FlipCommand>();
    flip.address = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;
    flip.pitch = 2560;
    flip.width = 640;
    flip.height = 360;
    Push(0, flip);
    RingAndRun(0);
    REQUIRE(FaultStatus(0) == 0);
  }
  // MSI-X on, vector 0 masked: what it is sent waits in the pending bits.
  void MaskVectors() {
    gpu->WriteConfig(0x52, 2, 0x8000);
    for (uint32_t vector = 1; vector < abi::kVectorCount; ++vector) {
      gpu->WriteMsix(16 * vector + 12, 4, 0);
    }
  }
};

// What has to hold after a reset, whenever it came.
void CheckAfterReset(BusyRig* rig, Kind kind) {
  for (uint32_t queue = 0; queue < abi::kQueueBlockCount; ++queue) {
    CHECK(rig->State(queue) == 0);
    CHECK(rig->FaultStatus(queue) == 0);
  }
  CHECK(rig->IsQuiet());
  CHECK((rig->Read(abi::kRegInterruptCause) != 0) == (kind != Kind::kPowerOn));
  CHECK_FALSE(rig->gpu->Scanout(0).active);
  rig->PowerUp();
  // Neither the session nor its pixels are there any more.
  rig->Open(1);
  CHECK(rig->Send(1, abi::kMessageQuerySession, device::SecurityBench::Words({rig->session, 0}))
            .status == abi::kStatusSessionInvalid);
  rig->Push(1, FaultRig::Decrypt(rig->session));
  rig->RingAndRun(1);
  CHECK(rig->ReadQueue(1, abi::kRegRefusalStatus) == abi::kStatusSessionInvalid);
  CHECK(rig->ProtectedIsZero());
  rig->Close(1);
  CHECK(rig->FreshSessionDecrypts());
}

TEST_CASE(
    "F15_ P17_ each kind of reset at every step leaves nothing running, no line up and no key") {
  // Each seed cuts the same work into other steps, and resets after another number of them.
  uint32_t repeats = 0;
  for (const uint32_t seed : FaultSeeds()) {
    const Kind kind = kKinds[repeats % std::size(kKinds)];
    INFO("seed " << seed << " kind " << static_cast<int>(kind));
    Dice dice(seed);
    BusyRig rig;
    rig.DoSteps(&dice, repeats / std::size(kKinds) * 2 + dice.Below(2));
    const uint32_t epoch = rig.Read(abi::kRegKeyEpoch);
    Do(kind, &rig);
    CHECK(rig.Read(abi::kRegKeyEpoch) == epoch + 1);
    CheckAfterReset(&rig, kind);
    ++repeats;
  }
  CHECK(repeats >= kFaultRepeats);
}

TEST_CASE("F15_ a reset of one queue at every step is noticed by no other queue") {
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    BusyRig rig;
    rig.DoSteps(&dice, dice.Below(40));
    const uint32_t victim = dice.Between(1, 5);
    const bool was_done = rig.Fence(victim) == 1;
    rig.WriteQueue(victim, abi::kRegQueueControl, abi::kQueueControlResetMask);
    rig.Run();
    CHECK(rig.State(victim) == 0);
    CHECK((rig.Fence(victim) == 1) == was_done);
    for (uint32_t queue = 0; queue <= 4; ++queue) {
      if (queue != victim) CHECK(rig.Fence(queue) == 1);
    }
    if (victim != 5) CHECK((rig.State(5) & abi::kQueueStatusHungMask) != 0);
    CHECK(rig.FreshSessionDecrypts());
  }
}

TEST_CASE(
    "F15_ P13_ bus mastering that goes off in the middle of the work stops all DMA, and no more") {
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    BusyRig rig;
    rig.DoSteps(&dice, dice.Below(40));
    rig.gpu->WriteConfig(FaultRig::kCommandRegister, 2, 0x2);
    rig.ports.bus.is_master = false;
    rig.ports.bus.ClearLog();
    const size_t vectors = rig.ports.interrupts.vectors.size();
    rig.Run();
    for (const FakeBus::AccessRecord& access : rig.ports.bus.log()) CHECK_FALSE(access.allowed);
    // No line either, whatever became pending.
    CHECK(rig.ports.interrupts.vectors.size() == vectors);
    for (uint32_t queue = 0; queue <= 5; ++queue) {
      const uint32_t status = rig.FaultStatus(queue);
      CHECK((status == 0 || status == abi::kStatusBusError));
    }
    rig.ports.bus.is_master = true;
    rig.gpu->WriteConfig(FaultRig::kCommandRegister, 2, FaultRig::kMemoryAndMaster);
    CHECK(rig.FreshSessionDecrypts());
    // And a reset with it off is as any other.
    rig.gpu->WriteConfig(FaultRig::kCommandRegister, 2, 0x2);
    Do(Kind::kFlr, &rig);
    CHECK(rig.IsQuiet());
  }
}

TEST_CASE("F15_ an engine reset at every step ends what was in flight, with its status") {
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    BusyRig rig;
    rig.DoSteps(&dice, dice.Below(40));
    rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
    rig.Run();
    for (uint32_t queue = 0; queue <= 5; ++queue) {
      const bool stopped = rig.State(queue) == kFaulted;
      if (queue == 5 && !stopped) continue;  // its WAIT had not begun, and waits now
      CHECK((rig.Fence(queue) == 1) != stopped);
      CHECK(rig.FaultStatus(queue) == (stopped ? abi::kStatusEngineReset : 0));
    }
    CHECK(rig.FreshSessionDecrypts());
    // The session outlives it: a reset of engines is none of keys.
    rig.StartQueue(1, 1);
    rig.Push(1, FaultRig::Decrypt(rig.session));
    rig.RingAndRun(1);
    CHECK(rig.ReadQueue(1, abi::kRegRefusalCount) == 0);
  }
}

TEST_CASE("F17_ interrupts that nobody acknowledges block nothing") {
  FaultRig rig;
  rig.Open(kVictim);
  uint64_t fence = 0;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    const uint32_t count = dice.Below(2) == 0 ? 0 : dice.Between(1, 20);
    rig.Write(abi::kRegInterruptEnable, ~0u);
    rig.Write(abi::kRegInterruptModeration, count | 1000u << 16);
    rig.ports.interrupts.vectors.clear();
    const uint32_t fences = dice.Between(1, 200);
    for (uint32_t i = 0; i < fences; ++i) {
      rig.PushFence(kVictim, ++fence, abi::FenceCommand::kFlagInterrupt);
    }
    rig.RingAndRun(kVictim);
    CHECK(rig.Fence(kVictim) == fence);
    // One for each fence, or one for each COUNT held back and the one behind them; and the last of
    // them when its time is over.
    const size_t expected = (fences + count) / (count + 1);
    CHECK(rig.ports.interrupts.vectors.size() == expected);
    CHECK((rig.Read(abi::kRegInterruptCause) & 1u << kVictim) != 0);
  }
  rig.Write(abi::kRegInterruptModeration, 0);
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F17_ a masked vector waits as one, however often it was sent") {
  FaultRig rig;
  rig.Open(kVictim);
  rig.gpu->WriteConfig(0x52, 2, 0x8000);  // MSI-X on; every vector is masked
  uint64_t fence = 0;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    const uint32_t vector = dice.Below(abi::kVectorCount);
    rig.Write(abi::kRegInterruptVector + 4 * kVictim, vector);
    rig.Write(abi::kRegInterruptEnable, 1u << kVictim);
    rig.ports.interrupts.vectors.clear();
    const uint32_t fences = dice.Between(1, 200);
    for (uint32_t i = 0; i < fences; ++i) {
      rig.PushFence(kVictim, ++fence, abi::FenceCommand::kFlagInterrupt);
    }
    rig.RingAndRun(kVictim);
    CHECK(rig.Fence(kVictim) == fence);
    CHECK(rig.ports.interrupts.vectors.empty());
    CHECK(rig.gpu->ReadMsix(abi::kMsixPbaOffset, 4) == 1u << vector);
    rig.gpu->WriteMsix(16 * vector + 12, 4, 0);
    CHECK(rig.ports.interrupts.vectors == std::vector<uint32_t>{vector});
    CHECK(rig.gpu->ReadMsix(abi::kMsixPbaOffset, 4) == 0);
    rig.gpu->WriteMsix(16 * vector + 12, 4, 1);
    rig.Write(abi::kRegInterruptCause, ~0u);
  }
  CHECK(rig.FreshSessionDecrypts());
}

}  // namespace
}  // namespace ward::fakes
