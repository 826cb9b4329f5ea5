// What one context maps no other reaches: random commands of the one, and every access that the
// chip makes meanwhile. And pages of both sizes, writable and not, seen through a queue.
#include <algorithm>
#include <array>
#include <vector>

#include "tests/unit/device/fault_rig.h"

namespace ward::fakes {
namespace {

constexpr uint32_t kAttacker = 1, kOwner = 2;
constexpr uint64_t kPage = abi::kPageSize;
constexpr uint64_t kPages = 16;
// Of the owner alone: system memory, and visible VRAM behind all page tables.
constexpr uint64_t kOwnedBus = 0x30000000;
constexpr uint64_t kOwnedVram = 0x280000;
constexpr uint64_t kOwnedAddress = 0x100000;  // system memory, then VRAM, in the owner's context

class IsolationRig : public FaultRig {
 public:
  IsolationRig() {
    ports.bus.Map(kOwnedBus, kPages * kPage);
    Open(kAttacker);
    Open(kOwner);
    for (uint64_t page = 0; page < kPages; ++page) {
      MapSystem(kOwner, kOwnedAddress + page * kPage, kOwnedBus + page * kPage);
      MapPage(kOwner, kOwnedAddress + (kPages + page) * kPage,
              (kOwnedVram + page * kPage) | abi::kPteValid | abi::kPteWritable | abi::kPteLocal);
    }
    std::fill_n(ports.bus.At(kOwnedBus, kPages * kPage), kPages * kPage, uint8_t{0x5c});
    std::fill_n(ports.vram.bytes().begin() + kOwnedVram, kPages * kPage, uint8_t{0x5c});
  }
  // Whether nothing of the owner's was read or written since the log was cleared.
  bool IsUntouched() {
    const bool bus = std::none_of(ports.bus.log().begin(), ports.bus.log().end(),
                                  [](const FakeBus::AccessRecord& access) {
                                    return access.address < kOwnedBus + kPages * kPage &&
                                           access.address + access.size_bytes > kOwnedBus;
                                  });
    bool vram = true;
    for (uint64_t at = kOwnedVram; at < kOwnedVram + kPages * kPage; at += 16) {
      vram = vram && ports.vram.ReadsOf(at) == 0 && ports.vram.bytes()[at] == 0x5c;
    }
    return bus && vram;
  }
};

// A command with addresses of all kinds, the owner's among them.
std::vector<uint8_t> RandomCommand(Dice* dice, uint32_t session) {
  const abi::CommandInfo& info = abi::kCommands[dice->Below(std::size(abi::kCommands))];
  std::vector<uint8_t> bytes(info.size_bytes);
  StoreLe<uint16_t>(bytes.data(), info.opcode);
  StoreLe<uint32_t>(bytes.data() + 4, info.size_bytes);
  for (uint32_t i = 3; i < info.field_count; ++i) {
    const abi::FieldInfo& field = info.fields[i];
    uint8_t* at = bytes.data() + field.offset;
    if (field.kind == abi::FieldKind::kAddress) {
      StoreLe<uint64_t>(
          at, dice->OneOf<uint64_t>({FaultRig::kSource, FaultRig::kOutput, FaultRig::kResponse,
                                     FaultRig::kProtected, kOwnedAddress,
                                     kOwnedAddress + kPages * kPage, kOwnedBus, kOwnedVram,
                                     abi::kPhysicalLocal | kOwnedVram}) +
                  dice->OneOf<uint64_t>({0, 0, 0, 16, 0x800}));
    } else if (std::string(field.name) == "session") {
      StoreLe<uint32_t>(at, session);
    } else if (field.kind == abi::FieldKind::kNumber && field.size_bytes == 4) {
      StoreLe<uint32_t>(at, dice->OneOf<uint32_t>({0, 1, 2, 16, 64, 4096, 65536}));
    }
  }
  return bytes;
}

TEST_CASE("random commands of one context touch nothing that another one maps") {
  IsolationRig rig;
  const uint32_t session = rig.OpenSession(kAttacker);
  uint32_t ran = 0;
  for (uint32_t seed = 0; seed < 1000; ++seed) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.ports.bus.ClearLog();
    rig.ports.vram.ClearLog();
    rig.ports.trace.events.clear();
    rig.StartQueue(kAttacker, kAttacker);
    rig.PushBytes(kAttacker, RandomCommand(&dice, session));
    rig.RingAndRun(kAttacker);
    ran += rig.FaultStatus(kAttacker) == 0 ? 1 : 0;
    if (!rig.IsUntouched()) FAIL("an access of the owner's memory");
  }
  CHECK(ran > 50);  // it was not all refused at the door
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("the same address is another page in each context, and nothing in a third") {
  IsolationRig rig;
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = FaultRig::kOutput;
  fill.row_bytes = kPage;
  fill.row_count = 1;
  for (const uint32_t context : {kAttacker, kOwner}) {
    fill.value = 0x01010101 * context;
    rig.Push(context, fill);
    rig.RingAndRun(context);
  }
  CHECK(*rig.ports.bus.At(FaultRig::Bus(kAttacker, FaultRig::kOutput)) == kAttacker);
  CHECK(*rig.ports.bus.At(FaultRig::Bus(kOwner, FaultRig::kOutput)) == kOwner);
  fill.destination = kOwnedAddress;
  rig.Push(kAttacker, fill);
  rig.RingAndRun(kAttacker);
  CHECK(rig.FaultStatus(kAttacker) == abi::kStatusPageNotMapped);
  CHECK(rig.ReadQueue(kAttacker, abi::kRegFaultAddressLo) == kOwnedAddress);
}

TEST_CASE("2 MiB and 4 KiB pages, read-only and not, through a queue, with the faulting address") {
  constexpr uint64_t kLarge = 0x200000;  // of the context; 2 MiB of the bus below
  constexpr uint64_t kLargeBus = 0x20000000;
  for (const bool writable : {false, true}) {
    INFO((writable ? "writable" : "read-only"));
    FaultRig rig;
    rig.ports.bus.Map(kLargeBus, 0x200000);
    rig.Open(kAttacker);
    // The second entry of the third level: a leaf.
    rig.ports.vram.Store<uint64_t>(
        GpuRig::TableRoot(kAttacker) + 0x2000 + 8,
        kLargeBus | abi::kPteValid | abi::kPteLarge | (writable ? abi::kPteWritable : 0));
    rig.ports.bus.Store<uint32_t>(kLargeBus + 0x1ffffc, 0xabcdef01);
    auto copy = MakeCommand<abi::CopyCommand>();
    copy.source = kLarge + 0x1ffffc;
    copy.destination = FaultRig::kOutput;
    copy.row_bytes = 4;
    copy.row_count = 1;
    rig.Push(kAttacker, copy);
    rig.RingAndRun(kAttacker);
    CHECK(rig.FaultStatus(kAttacker) == 0);
    CHECK(rig.ports.bus.Load<uint32_t>(FaultRig::Bus(kAttacker, FaultRig::kOutput)) == 0xabcdef01);
    auto fill = MakeCommand<abi::FillCommand>();
    fill.destination = kLarge + 0x12340;
    fill.value = 0x77777777;
    fill.row_bytes = 0x10000;
    fill.row_count = 1;
    rig.Push(kAttacker, fill);
    rig.RingAndRun(kAttacker);
    CHECK(rig.FaultStatus(kAttacker) == (writable ? 0 : abi::kStatusPageNotWritable));
    CHECK(rig.ports.bus.Load<uint32_t>(kLargeBus + 0x12340) == (writable ? 0x77777777 : 0));
    if (!writable) CHECK(rig.ReadQueue(kAttacker, abi::kRegFaultAddressLo) == fill.destination);
    // Across its end: the first byte that nothing maps.
    rig.StartQueue(kAttacker, kAttacker);
    copy.source = kLarge + 0x1ff000;
    copy.row_bytes = 0x2000;
    rig.MapSystem(kAttacker, FaultRig::kOutput + kPage, FaultRig::Bus(kAttacker, 0x9000));
    rig.Push(kAttacker, copy);
    rig.RingAndRun(kAttacker);
    CHECK(rig.FaultStatus(kAttacker) == abi::kStatusPageNotMapped);
    CHECK(rig.ReadQueue(kAttacker, abi::kRegFaultAddressLo) == kLarge + 0x200000);
  }
}

}  // namespace
}  // namespace ward::fakes
