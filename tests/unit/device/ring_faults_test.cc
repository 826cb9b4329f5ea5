// F1, F2, F3 and F5 of docs/security-model.md: bad entries, bad positions, bad places, and entries
// that change behind the chip's back.
#include <array>
#include <functional>
#include <vector>

#include "tests/unit/device/fault_rig.h"

namespace ward::fakes {
namespace {

constexpr uint32_t kVictim = 1, kOther = 2;
constexpr uint64_t kPage = abi::kPageSize;
// Slices that the worst input here may take; a run that needs more is not bounded by its ring.
constexpr int kMaximumSlices = 4096;

bool IsOneOf(uint32_t status, std::initializer_list<uint32_t> statuses) {
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

// Runs in slices of random size; false when it does not come to rest.
bool RunBounded(FaultRig* rig, Dice* dice) {
  for (int slice = 0; slice < kMaximumSlices; ++slice) {
    if (!rig->gpu->Process(dice->Between(1, 64 << 10)).more) return true;
  }
  return false;
}

struct TwoQueues : FaultRig {
  TwoQueues() {
    Open(kVictim);
    Open(kOther);
  }
  void Restart(uint32_t queue) {
    StartQueue(queue, queue);
    ports.bus.Store<uint64_t>(FenceAddress(queue), 0);
  }
  // The other queue still does what it is told.
  bool OtherGoesOn() {
    PushFence(kOther, ++other_fence_);
    RingAndRun(kOther);
    return FaultStatus(kOther) == 0 && Fence(kOther) == other_fence_;
  }

 private:
  uint64_t other_fence_ = 0;
};

// One way to write an entry wrongly: the bytes, and what may come of it.
struct BadEntry {
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> statuses;
};

template <typename T>
std::vector<uint8_t> BytesOf(const T& command) {
  const auto* first = reinterpret_cast<const uint8_t*>(&command);
  return {first, first + sizeof(command)};
}

abi::CopyCommand SmallCopy() {
  auto copy = MakeCommand<abi::CopyCommand>();
  copy.destination = FaultRig::kOutput;
  copy.source = FaultRig::kSource;
  copy.row_bytes = 64;
  copy.row_count = 1;
  return copy;
}

BadEntry BadOpcode(Dice* dice) {
  auto copy = SmallCopy();
  do {
    copy.opcode = static_cast<uint16_t>(dice->Word());
  } while (abi::FindCommand(copy.opcode) != nullptr);
  return {BytesOf(copy), {abi::kStatusOpcodeUnknown}};
}

BadEntry ReservedBits(Dice* dice) {
  auto copy = SmallCopy();
  copy.reserved_40[dice->Below(sizeof(copy.reserved_40))] =
      static_cast<uint8_t>(1u << dice->Below(8));
  return {BytesOf(copy), {abi::kStatusReservedNotZero}};
}

BadEntry UnknownFlag(Dice* dice) {
  auto copy = SmallCopy();
  copy.flags = static_cast<uint16_t>(1u << dice->Below(16));
  return {BytesOf(copy), {abi::kStatusCommandFlagsInvalid}};
}

BadEntry BadLength(Dice* dice) {
  auto copy = SmallCopy();
  do {
    copy.length = dice->OneOf<uint32_t>({0, 1, 8, 15, 47, 49, 0x7fffffff, 0x80000000, 0xfffffff0,
                                         0xffffffff, static_cast<uint32_t>(dice->Word())});
  } while (copy.length == sizeof(copy));
  return {BytesOf(copy), {abi::kStatusCommandLengthInvalid}};
}

BadEntry LongNoop(Dice* dice) {
  auto noop = MakeCommand<abi::NoopCommand>();
  noop.length = GpuRig::kRingBytes + 16 * dice->Below(1 << 24);
  return {BytesOf(noop), {abi::kStatusCommandStraddlesEnd}};
}

BadEntry Unaligned(Dice* dice) {
  auto wait = MakeCommand<abi::WaitCommand>();
  wait.address = FaultRig::kSource + dice->Between(1, 7);
  return {BytesOf(wait), {abi::kStatusAddressMisaligned}};
}

BadEntry AddressWraps(Dice* dice) {
  auto copy = SmallCopy();
  const uint64_t far =
      dice->OneOf<uint64_t>({0 - uint64_t{16}, (uint64_t{1} << 48) - 16, uint64_t{1} << 48,
                             uint64_t{1} << 63, dice->Word() | uint64_t{1} << 50});
  (dice->Below(2) == 0 ? copy.destination : copy.source) = far;
  return {BytesOf(copy), {abi::kStatusAddressOutOfRange}};
}

BadEntry SizeWraps(Dice* dice) {
  auto copy = SmallCopy();
  copy.row_bytes = 0xffffff00 + dice->Below(256);
  copy.row_count = dice->Between(1, 0xffffffff);
  copy.destination_pitch = copy.source_pitch = 0xffffffff;
  return {BytesOf(copy), {abi::kStatusOperandInvalid}};
}

BadEntry Overlap(Dice* dice) {
  auto copy = SmallCopy();
  // Two rows at two pitches; at one pitch an overlap has a meaning.
  copy.row_count = 2;
  copy.destination_pitch = copy.row_bytes;
  copy.source_pitch = copy.row_bytes + 16;
  copy.source = copy.destination + dice->Below(copy.row_bytes);
  return {BytesOf(copy), {abi::kStatusOperandInvalid}};
}

BadEntry NotMapped(Dice* dice) {
  auto copy = SmallCopy();
  copy.destination = 0x100000 + dice->Below(0x100000);
  return {BytesOf(copy), {abi::kStatusPageNotMapped}};
}

BadEntry Privileged(Dice* dice) {
  const auto opcode =
      dice->OneOf<uint16_t>({abi::FlipCommand::kOpcode, abi::ContextCreateCommand::kOpcode,
                             abi::ContextDestroyCommand::kOpcode, abi::InvalidateCommand::kOpcode});
  std::vector<uint8_t> bytes(abi::FindCommand(opcode)->size_bytes);
  StoreLe<uint16_t>(bytes.data(), opcode);
  StoreLe<uint32_t>(bytes.data() + 4, static_cast<uint32_t>(bytes.size()));
  return {bytes, {abi::kStatusCommandNotPermitted}};
}

TEST_CASE(
    "F1_ a bad entry stops its queue with a record, does nothing, and leaves the rest alone") {
  TwoQueues rig;
  const std::vector<std::function<BadEntry(Dice*)>> kinds = {
      BadOpcode,    ReservedBits, UnknownFlag, BadLength, LongNoop,  Unaligned,
      AddressWraps, SizeWraps,    Overlap,     NotMapped, Privileged};
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    for (const uint32_t seed : FaultSeeds()) {
      INFO("kind " << kind << " seed " << seed);
      Dice dice(kind << 32 | seed);
      rig.Restart(kVictim);
      const uint32_t padding = dice.Below(4);
      for (uint32_t i = 0; i < padding; ++i) rig.Push(kVictim, MakeCommand<abi::NoopCommand>());
      rig.PushFence(kVictim, 1);
      const BadEntry bad = kinds[kind](&dice);
      rig.PushBytes(kVictim, bad.bytes);
      rig.PushFence(kVictim, 2);
      const test::Bytes before(
          rig.ports.bus.At(FaultRig::Bus(kVictim, FaultRig::kOutput), kPage),
          rig.ports.bus.At(FaultRig::Bus(kVictim, FaultRig::kOutput), kPage) + kPage);
      rig.Doorbell(kVictim);
      REQUIRE(RunBounded(&rig, &dice));
      CHECK(std::count(bad.statuses.begin(), bad.statuses.end(), rig.FaultStatus(kVictim)) == 1);
      CHECK(rig.ReadQueue(kVictim, abi::kRegFaultPosition) == 16 * (padding + 1));
      CHECK(rig.Fence(kVictim) == 1);
      CHECK(rig.OtherGoesOn());
      CHECK(std::equal(before.begin(), before.end(),
                       rig.ports.bus.At(FaultRig::Bus(kVictim, FaultRig::kOutput), kPage)));
      rig.ports.trace.events.clear();
      rig.ports.bus.ClearLog();
      rig.ports.vram.ClearLog();
    }
    CHECK(rig.FreshSessionDecrypts());
  }
}

TEST_CASE("F1_ an entry that refers to itself ends") {
  TwoQueues rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Restart(kVictim);
    // The ring itself, or a buffer, is the indirect buffer that it enters.
    const bool is_ring = dice.Below(2) == 0;
    const uint64_t place =
        is_ring ? GpuRig::RingAddress(kVictim) : FaultRig::Bus(kVictim, FaultRig::kSource);
    rig.MapSystem(kVictim, 0x9000, place);
    auto indirect = MakeCommand<abi::IndirectBufferCommand>();
    indirect.address = 0x9000;
    indirect.length_bytes = 32 * dice.Between(1, 4);
    std::memcpy(rig.ports.bus.At(place, sizeof(indirect)), &indirect, sizeof(indirect));
    rig.Push(kVictim, indirect);
    rig.PushFence(kVictim, 1);
    rig.Doorbell(kVictim);
    REQUIRE(RunBounded(&rig, &dice));
    CHECK(rig.FaultStatus(kVictim) == abi::kStatusCommandNotPermitted);
    CHECK((rig.ReadQueue(kVictim, abi::kRegFaultCommand) & abi::kFaultCommandNestedMask) != 0);
    CHECK(rig.Fence(kVictim) == 0);
  }
  CHECK(rig.FreshSessionDecrypts());
}

// A ring full of fences 1, 2, 3, ...: one that is done twice, or skipped, is seen by its value.
class FenceRing {
 public:
  static constexpr uint32_t kEntries = GpuRig::kRingBytes / 16;

  FenceRing(FaultRig* rig, uint32_t queue) : rig_(rig), queue_(queue) {}
  // Writes `count` more fences and rings for them.
  void Add(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      auto fence = MakeCommand<abi::FenceCommand>();
      fence.value = ++last_;
      const uint32_t at = static_cast<uint32_t>((last_ - 1) % kEntries) * 16;
      std::memcpy(rig_->ports.bus.At(GpuRig::RingAddress(queue_) + at, 16), &fence, 16);
    }
    rig_->Doorbell(queue_, tail());
  }
  uint32_t tail() const { return static_cast<uint32_t>(last_ % kEntries) * 16; }
  uint64_t last() const { return last_; }

 private:
  FaultRig* rig_;
  uint32_t queue_;
  uint64_t last_ = 0;
};

TEST_CASE("F2_ a tail outside the ring or misaligned stops the queue, and loses and doubles none") {
  TwoQueues rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Restart(kVictim);
    FenceRing fences(&rig, kVictim);
    fences.Add(dice.Between(1, 200));
    rig.gpu->Process(256 * dice.Below(100));
    const uint64_t done = rig.Fence(kVictim);
    rig.Doorbell(kVictim, dice.OneOf<uint32_t>({GpuRig::kRingBytes, GpuRig::kRingBytes + 16,
                                                0xfffffff0, 0xffffffff, 0x80000000,
                                                16 * dice.Below(256) + dice.Between(1, 15),
                                                static_cast<uint32_t>(dice.Word()) | 0x10000}));
    CHECK(rig.FaultStatus(kVictim) == abi::kStatusRingTailInvalid);
    REQUIRE(RunBounded(&rig, &dice));
    CHECK(rig.Fence(kVictim) == done);
    CHECK(rig.ReadQueue(kVictim, abi::kRegLastFenceLo) == done);
  }
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F2_ a tail that is moved back makes no command run twice unseen") {
  TwoQueues rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Restart(kVictim);
    FenceRing fences(&rig, kVictim);
    fences.Add(dice.Between(2, 200));
    REQUIRE(RunBounded(&rig, &dice));
    REQUIRE(rig.Fence(kVictim) == fences.last());
    if (dice.Below(2) == 0) {
      auto noop = MakeCommand<abi::NoopCommand>();
      noop.length = GpuRig::kRingBytes - fences.tail();
      std::memcpy(rig.ports.bus.At(GpuRig::RingAddress(kVictim) + fences.tail(), 16), &noop, 16);
    }
    // Behind the head: the ring goes around to there, over what stands in it.
    rig.Doorbell(kVictim, fences.tail() - 16 * dice.Between(1, fences.tail() / 16 - 1));
    REQUIRE(RunBounded(&rig, &dice));
    // What was never written is no command, and what was done once is no fence that grows.
    CHECK(IsOneOf(rig.FaultStatus(kVictim),
                  {abi::kStatusOpcodeUnknown, abi::kStatusFenceNotMonotonic}));
    CHECK(rig.Fence(kVictim) == fences.last());
    std::fill_n(rig.ports.bus.At(GpuRig::RingAddress(kVictim), GpuRig::kRingBytes),
                GpuRig::kRingBytes, uint8_t{0});
  }
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F2_ a storm of doorbells, over many turns of the ring, does each command once") {
  TwoQueues rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Restart(kVictim);
    FenceRing fences(&rig, kVictim);
    for (int burst = 0; burst < 20; ++burst) {
      const auto in_flight = static_cast<uint32_t>(fences.last() - rig.Fence(kVictim));
      const uint32_t room = FenceRing::kEntries - 1 - in_flight;
      if (room != 0) fences.Add(dice.Between(1, room));
      // A million a second: each costs nothing but its register write.
      for (int ring = 0; ring < 500; ++ring) rig.Doorbell(kVictim, fences.tail());
      rig.gpu->Process(256 * dice.Below(300));
    }
    REQUIRE(RunBounded(&rig, &dice));
    CHECK(rig.FaultStatus(kVictim) == 0);
    CHECK(rig.Fence(kVictim) == fences.last());
    size_t completions = 0;
    for (const FakeBus::AccessRecord& access : rig.ports.bus.log()) {
      completions += access.kind == FakeBus::Kind::kAtomic ? 1 : 0;
    }
    CHECK(completions == fences.last());
    rig.ports.bus.ClearLog();
    rig.ports.trace.events.clear();
  }
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F2_ a doorbell while the queue stops, and a ring that is resized while live") {
  TwoQueues rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Restart(kVictim);
    FenceRing fences(&rig, kVictim);
    fences.Add(dice.Between(50, 200));
    rig.gpu->Process(256 * dice.Between(1, 40));
    // Ignored: the queue is enabled.
    rig.WriteQueue(kVictim, abi::kRegRingSizeLog2, dice.Below(32));
    rig.WriteQueue(kVictim, abi::kRegRingBaseLo, static_cast<uint32_t>(dice.Word()));
    rig.WriteQueue(kVictim, abi::kRegFenceAddressLo, static_cast<uint32_t>(dice.Word()));
    rig.WriteQueue(kVictim, abi::kRegQueueContext, dice.Below(8));
    rig.gpu->Process(256 * dice.Between(1, 9));
    const uint64_t done = rig.Fence(kVictim);
    REQUIRE(done >= 2);
    rig.WriteQueue(kVictim, abi::kRegQueueControl,
                   dice.Below(2) == 0 ? 0 : abi::kQueueControlResetMask);
    for (int ring = 0; ring < 10; ++ring) rig.Doorbell(kVictim, dice.Below(0x2000));
    REQUIRE(RunBounded(&rig, &dice));
    CHECK(rig.State(kVictim) == 0);
    CHECK(rig.FaultStatus(kVictim) == 0);
    CHECK(rig.Fence(kVictim) == done);
    CHECK(rig.ReadQueue(kVictim, abi::kRegRingSizeLog2) == 12);
  }
  CHECK(rig.FreshSessionDecrypts());
}

// What a host's memory does with a bus address of our own BAR: it comes back into the chip.
class OwnBar {
 public:
  static constexpr uint64_t kBase = 0x50000000;
  OwnBar(FaultRig* rig, Dice* dice) : rig_(rig) {
    rig->ports.bus.Map(kBase, 0x10000);
    rig->ports.bus.after_read = [this, rig, dice](uint64_t address, uint64_t) {
      if (address < kBase || address >= kBase + 0x10000) return;
      ++entries;
      if (rig->Read(dice->Below(0x4000) & ~3u) != 0) ++answered;
      rig->Write(abi::kRegDeviceControl, 3);
      rig->Doorbell(kVictim, 16 * dice->Below(256));
      rig->gpu->Reset(device::ResetKind::kFunction);
      const device::ProcessResult inner = rig->gpu->Process(1 << 20);
      if (inner.more) ++answered;
    };
  }
  ~OwnBar() {
    rig_->ports.bus.after_read = nullptr;
    rig_->ports.bus.Unmap(kBase);
  }
  uint32_t entries = 0;
  uint32_t answered = 0;

 private:
  FaultRig* rig_;
};

TEST_CASE(
    "F3_ a ring in no memory is BUS_ERROR at its first fetch, or refused when it is enabled") {
  TwoQueues rig;
  rig.ports.bus.Map(0x60000000, 0x1000);  // smaller than the ring that begins in it
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    struct Place {
      uint64_t base;
      uint32_t tail;
      uint32_t status;
    };
    const auto place = dice.OneOf<Place>({
        {0x70000000 + (dice.Word() & 0xffff000), 16, abi::kStatusBusError},
        {uint64_t{0xe0000} << 12 | (dice.Word() & 0xf000), 16, abi::kStatusBusError},
        // Across two regions, the second of which is not there.
        {0x60000000, 0x1010, abi::kStatusBusError},
        {(uint64_t{1} << 52) - 0x1000, 16, abi::kStatusRingConfigurationInvalid},
        {(uint64_t{1} << 52) - 0x2000, 16, abi::kStatusBusError},
    });
    rig.WriteQueue(kVictim, abi::kRegQueueControl, abi::kQueueControlResetMask);
    rig.WriteQueue(kVictim, abi::kRegRingBaseLo, static_cast<uint32_t>(place.base));
    rig.WriteQueue(kVictim, abi::kRegRingBaseHi, static_cast<uint32_t>(place.base >> 32));
    rig.WriteQueue(kVictim, abi::kRegRingSizeLog2, 13);
    rig.WriteQueue(kVictim, abi::kRegQueueControl, abi::kQueueControlEnableMask);
    auto noop = MakeCommand<abi::NoopCommand>();
    noop.length = 0x1000;
    std::memcpy(rig.ports.bus.At(0x60000000, 16), &noop, 16);
    rig.Doorbell(kVictim, place.tail);
    REQUIRE(RunBounded(&rig, &dice));
    CHECK(rig.FaultStatus(kVictim) == place.status);
    CHECK(rig.State(kVictim) == 4);
    CHECK(rig.OtherGoesOn());
    rig.WriteQueue(kVictim, abi::kRegQueueControl, abi::kQueueControlResetMask);
    rig.WriteQueue(kVictim, abi::kRegRingBaseHi, 0);
  }
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F3_ a ring on the chip's own registers does not re-enter it") {
  TwoQueues rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    const uint32_t epoch = rig.Read(abi::kRegKeyEpoch);
    OwnBar bar(&rig, &dice);
    rig.WriteQueue(kVictim, abi::kRegQueueControl, abi::kQueueControlResetMask);
    rig.WriteQueue(kVictim, abi::kRegRingSizeLog2, 12);
    rig.WriteQueue(kVictim, abi::kRegRingBaseLo,
                   static_cast<uint32_t>(OwnBar::kBase + (dice.Word() & 0xf000)));
    rig.WriteQueue(kVictim, abi::kRegQueueControl, abi::kQueueControlEnableMask);
    rig.Doorbell(kVictim, 16 * dice.Between(1, 255));
    REQUIRE(RunBounded(&rig, &dice));
    CHECK(bar.entries == 1);
    CHECK(bar.answered == 0);
    CHECK(rig.FaultStatus(kVictim) == abi::kStatusOpcodeUnknown);
    CHECK(rig.Read(abi::kRegKeyEpoch) == epoch);
    CHECK(rig.OtherGoesOn());
  }
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F3_ a fence in read-only memory stops the queue, and is not the last fence") {
  TwoQueues rig;
  rig.ports.bus.Map(0x60000000, 0x1000, /*writable=*/false);
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Restart(kVictim);
    rig.WriteQueue(kVictim, abi::kRegQueueControl, 0);
    rig.WriteQueue(kVictim, abi::kRegFenceAddressLo, 0x60000000 + 8 * dice.Below(512));
    rig.WriteQueue(kVictim, abi::kRegQueueControl, abi::kQueueControlEnableMask);
    rig.PushFence(kVictim, dice.Word() | 1);
    rig.RingAndRun(kVictim);
    CHECK(rig.FaultStatus(kVictim) == abi::kStatusBusError);
    CHECK(rig.ReadQueue(kVictim, abi::kRegLastFenceLo) == 0);
  }
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F5_ an entry that is rewritten around its fetch acts as the bytes that were fetched") {
  TwoQueues rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Restart(kVictim);
    const uint64_t output = FaultRig::Bus(kVictim, FaultRig::kOutput);
    std::fill_n(rig.ports.bus.At(output, kPage), kPage, uint8_t{0});
    // Another processor writes one of many fills over the entry after each of the chip's reads.
    const auto make = [&] {
      auto fill = MakeCommand<abi::FillCommand>();
      fill.destination = FaultRig::kOutput + 64 * dice.Below(32);
      fill.value = static_cast<uint32_t>(dice.Word()) | 1;
      fill.row_bytes = 4 * dice.Between(1, 16);
      fill.row_count = 1;
      return fill;
    };
    const abi::FillCommand first = make();
    rig.Push(kVictim, first);
    rig.PushFence(kVictim, 1);
    const uint64_t entry = GpuRig::RingAddress(kVictim);
    std::vector<uint8_t> fetched(sizeof(first));
    rig.ports.bus.ClearLog();
    rig.ports.bus.after_read = [&](uint64_t address, uint64_t size_bytes) {
      if (address >= entry + sizeof(first) || address < entry) return;
      // The chip may read commands behind it in one go.
      const uint64_t of_entry = std::min(size_bytes, entry + sizeof(first) - address);
      std::copy_n(rig.ports.bus.At(address, of_entry), of_entry,
                  fetched.begin() + static_cast<ptrdiff_t>(address - entry));
      const abi::FillCommand next = make();
      std::memcpy(rig.ports.bus.At(entry, sizeof(next)), &next, sizeof(next));
    };
    rig.RingAndRun(kVictim);
    rig.ports.bus.after_read = nullptr;
    CHECK(rig.Fence(kVictim) == 1);
    for (uint64_t at = 0; at < sizeof(first); ++at) CHECK(rig.ports.bus.ReadsOf(entry + at) == 1);
    // The model: exactly what the fetched bytes say, and nothing else.
    std::vector<uint8_t> expected(kPage);
    abi::FillCommand done;
    std::memcpy(&done, fetched.data(), sizeof(done));
    for (uint32_t at = 0; at < done.row_bytes; at += 4) {
      StoreLe(expected.data() + (done.destination - FaultRig::kOutput) + at, done.value);
    }
    CHECK(std::equal(expected.begin(), expected.end(), rig.ports.bus.At(output, kPage)));
  }
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F5_ operands of a transfer are those of its beginning, whatever becomes of the entry") {
  TwoQueues rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Restart(kVictim);
    const uint64_t output = FaultRig::Bus(kVictim, FaultRig::kOutput);
    const uint64_t source = FaultRig::Bus(kVictim, FaultRig::kSource);
    std::fill_n(rig.ports.bus.At(output, kPage), kPage, uint8_t{0});
    for (uint64_t at = 0; at < kPage; ++at) {
      *rig.ports.bus.At(source + at) = static_cast<uint8_t>(dice.Word());
    }
    auto copy = SmallCopy();
    copy.row_bytes = dice.Between(1, kPage);
    // Entry, tables and all are overwritten as soon as the first byte of the source is read.
    rig.Push(kVictim, copy);
    rig.PushFence(kVictim, 1);
    const std::vector<uint8_t> table(
        rig.ports.vram.bytes().begin() + GpuRig::TableRoot(kVictim) + 0x3000,
        rig.ports.vram.bytes().begin() + GpuRig::TableRoot(kVictim) + 0x4000);
    const test::Bytes expected(rig.ports.bus.At(source, kPage),
                               rig.ports.bus.At(source, kPage) + copy.row_bytes);
    rig.ports.bus.after_read = [&](uint64_t address, uint64_t) {
      if (address < source || address >= source + kPage) return;
      std::fill_n(rig.ports.bus.At(GpuRig::RingAddress(kVictim), 48), 48, uint8_t{0xee});
      std::fill_n(rig.ports.vram.bytes().begin() + GpuRig::TableRoot(kVictim) + 0x3000, 0x1000,
                  uint8_t{0xee});
    };
    rig.RingAndRun(kVictim);
    rig.ports.bus.after_read = nullptr;
    rig.ports.vram.StoreBytes(GpuRig::TableRoot(kVictim) + 0x3000, table);
    CHECK(rig.Fence(kVictim) == 1);
    CHECK(std::equal(expected.begin(), expected.end(), rig.ports.bus.At(output, kPage)));
  }
  CHECK(rig.FreshSessionDecrypts());
}

}  // namespace
}  // namespace ward::fakes
