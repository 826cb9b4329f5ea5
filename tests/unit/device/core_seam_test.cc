// What holds only because two blocks of the chip work together: contexts and sessions, fences and
// interrupts, refusals and sessions, firmware and everything that moves data.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"
#include "tests/unit/device/chip_memory.h"
#include "tests/unit/device/security_bench.h"

namespace ward::fakes {
namespace {

using device::Block;
using device::kSessionKey;
using device::Reply;
using device::SecurityBench;
using test::Bytes;

constexpr uint64_t kPage = abi::kPageSize;
constexpr uint32_t kFirmwareReady = 1;
constexpr uint32_t kFirmwareFailed = 2;
constexpr uint32_t kQueueRunning = 2;
// Initial counter block of every decrypt blt here.
constexpr Block kIv = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0, 0, 0, 0, 0, 0, 0, 1};

bool Holds(const Bytes& bytes, uint8_t value) {
  return std::all_of(bytes.begin(), bytes.end(), [&](uint8_t byte) { return byte == value; });
}

// Context and queue of the same number, each with a response page, a source page, a destination
// page and the first protected page in its address space.
class SeamRig : public GpuRig {
 public:
  static constexpr uint64_t kResponse = 0x3000;
  static constexpr uint64_t kSource = 0x4000;
  static constexpr uint64_t kOutput = 0x5000;
  static constexpr uint64_t kProtected = 0x8000;

  // Where the three unprotected pages of a context are on the bus.
  static uint64_t Bus(uint32_t context, uint64_t address) {
    return kData + context * 0x10000 + address;
  }

  void Open(uint32_t context) {
    CreateContext(context);
    for (uint64_t address : {kResponse, kSource, kOutput}) {
      MapSystem(context, address, Bus(context, address));
    }
    MapPage(context, kProtected,
            abi::kProtectedVramLocalBase | abi::kPteValid | abi::kPteWritable | abi::kPteLocal);
    StartQueue(context, context);
  }
  // Takes the queue away from its context and ends the context.
  void Close(uint32_t context) {
    WriteQueue(context, abi::kRegQueueControl, 0);
    auto destroy = MakeCommand<abi::ContextDestroyCommand>();
    destroy.context = context;
    Push(0, destroy);
    RingAndRun(0);
    REQUIRE(FaultStatus(0) == 0);
  }

  Reply Send(uint32_t context, uint32_t message, const Bytes& payload) {
    PushMessage(context, message, payload, kResponse, 64);
    RingAndRun(context);
    REQUIRE(FaultStatus(context) == 0);
    const uint8_t* bytes = ports.bus.At(Bus(context, kResponse), 64);
    return {LoadLe<uint32_t>(bytes), Bytes(bytes, bytes + 64)};
  }
  uint32_t OpenSession(uint32_t context) {
    const Reply created = Send(context, abi::kMessageCreateSession, SecurityBench::CreatePayload());
    REQUIRE(created.status == abi::kStatusOk);
    const uint32_t session = created.Word(16);
    const device::PublishedIdentity identity;
    const Bytes blob = identity.Wrap(kSessionKey);
    REQUIRE(Send(context, abi::kMessageNegotiateSessionKey,
                 SecurityBench::NegotiatePayload(session, blob))
                .status == abi::kStatusOk);
    return session;
  }
  Reply Query(uint32_t context, uint32_t session) {
    return Send(context, abi::kMessageQuerySession, SecurityBench::Words({session, 0}));
  }
  Block OpenReadback(uint32_t context, uint32_t session) {
    const Reply reply =
        Send(context, abi::kMessageGetReadbackKey, SecurityBench::Words({session, 0}));
    REQUIRE(reply.status == abi::kStatusOk);
    return device::Ecb(kSessionKey, reply.BlockAt(16), /*encrypt=*/false);
  }

  static abi::DecryptBltCommand Decrypt(uint32_t session, uint64_t destination = kProtected) {
    auto blt = MakeCommand<abi::DecryptBltCommand>();
    blt.session = session;
    blt.length_bytes = kPage;
    blt.destination = destination;
    blt.source = kSource;
    std::copy(kIv.begin(), kIv.end(), blt.iv);
    return blt;
  }
  // One block of the protected page; the counter block goes behind it.
  static abi::EncryptBltCommand Encrypt(uint32_t session) {
    auto blt = MakeCommand<abi::EncryptBltCommand>();
    blt.session = session;
    blt.length_bytes = 16;
    blt.destination = kOutput;
    blt.source = kProtected;
    blt.iv_address = kOutput + 16;
    return blt;
  }
  // Status of the refusal; 0 when it was done.
  template <typename T>
  uint32_t Do(uint32_t queue, const T& command) {
    const uint32_t before = ReadQueue(queue, abi::kRegRefusalCount);
    Push(queue, command);
    RingAndRun(queue);
    REQUIRE(FaultStatus(queue) == 0);
    const bool refused = ReadQueue(queue, abi::kRegRefusalCount) != before;
    return refused ? ReadQueue(queue, abi::kRegRefusalStatus) : 0;
  }
  Block OutputBlock(uint32_t context, uint64_t offset) {
    Block block;
    std::copy_n(ports.bus.At(Bus(context, kOutput) + offset, 16), 16, block.begin());
    return block;
  }

  // The kernel shows local memory from `local_address` on at the first output.
  void Show(uint64_t local_address) {
    Write(abi::kRegOutputControl, 1);
    auto flip = MakeCommand<abi::FlipCommand>();
    flip.address = abi::kPhysicalLocal | local_address;
    flip.pitch = 2560;
    flip.width = 640;
    flip.height = 360;
    REQUIRE(Do(0, flip) == 0);
  }
  bool ReadScanout(device::ScanoutView view, Bytes* pixels) {
    return gpu->ReadScanout(0, view, *pixels, 2560);
  }
  // The operator sees what is in protected memory; its first page is the picture's first bytes.
  Bytes ProtectedPage() {
    Show(abi::kProtectedVramLocalBase);
    Bytes pixels(2560 * 360, 0x5a);
    REQUIRE(ReadScanout(device::ScanoutView::kOperator, &pixels));
    pixels.resize(kPage);
    return pixels;
  }

  // Queue 0 asks for a self test that fails, since there is no entropy for it; its answer is due
  // when the clock is moved.
  void BeginFailingSelfTest() {
    ports.entropy.available = false;
    PushMessage(0, abi::kMessageRunSelfTest, Bytes(8), Bus(0, kResponse), 64);
    Doorbell(0);
  }
  uint32_t FirmwareState() {
    return Read(abi::kRegDeviceStatus) & abi::kDeviceStatusFirmwareStateMask;
  }
};

TEST_CASE("P2_ the end of a context ends its sessions: their pages are zero and nobody's") {
  SeamRig rig;
  rig.Open(1);
  rig.Open(2);
  const Bytes cipher = device::Noise(kPage, 1);
  std::copy(cipher.begin(), cipher.end(),
            rig.ports.bus.At(SeamRig::Bus(1, SeamRig::kSource), kPage));
  const uint32_t session = rig.OpenSession(1);
  REQUIRE(rig.Do(1, SeamRig::Decrypt(session)) == 0);
  const Bytes clear = rig.ProtectedPage();
  const Block keystream = device::Ecb(kSessionKey, kIv, /*encrypt=*/true);
  for (size_t i = 0; i < 16; ++i) REQUIRE(clear[i] == (cipher[i] ^ keystream[i]));
  const uint32_t other_session = rig.OpenSession(2);
  const Block readback_key = rig.OpenReadback(2, other_session);
  REQUIRE(rig.Do(2, SeamRig::Encrypt(other_session)) == abi::kStatusProtectedOwnerMismatch);

  rig.Close(1);
  CHECK(Holds(rig.ProtectedPage(), 0));
  // Another session may read it back, and reads zeros: the bare keystream of its read-back key.
  CHECK(rig.Do(2, SeamRig::Encrypt(other_session)) == 0);
  CHECK(rig.OutputBlock(2, 0) ==
        device::Ecb(readback_key, rig.OutputBlock(2, 16), /*encrypt=*/true));

  rig.Open(1);
  CHECK(rig.Query(1, session).status == abi::kStatusSessionInvalid);
  CHECK(rig.Do(1, SeamRig::Decrypt(session)) == abi::kStatusSessionInvalid);
  CHECK(rig.Query(2, other_session).status == abi::kStatusOk);
}

TEST_CASE("an interrupt that tells of a fence finds its value in memory") {
  for (const bool is_local : {false, true}) {
    INFO((is_local ? "in VRAM" : "in system memory"));
    GpuRig rig;
    rig.Write(abi::kRegInterruptEnable, 1);
    constexpr uint64_t kOffset = 0x5008;
    rig.StartQueue(0);
    if (is_local) {
      rig.WriteQueue(0, abi::kRegQueueControl, 0);
      rig.WriteQueue(0, abi::kRegFenceAddressLo, kOffset);
      rig.WriteQueue(0, abi::kRegQueueControl,
                     abi::kQueueControlEnableMask | abi::kQueueControlFenceLocalMask);
    }
    std::vector<uint64_t> values;
    rig.ports.interrupts.on_send = [&](uint32_t) {
      values.push_back(is_local ? rig.ports.vram.Load<uint64_t>(kOffset) : rig.Fence(0));
    };
    rig.PushFence(0, 7, abi::FenceCommand::kFlagInterrupt);
    rig.PushFence(0, 8);
    rig.PushFence(0, 0x100000009, abi::FenceCommand::kFlagInterrupt);
    rig.RingAndRun(0);
    REQUIRE(rig.FaultStatus(0) == 0);
    CHECK(values == std::vector<uint64_t>{7, 0x100000009});
  }
}

TEST_CASE("a fence that can't be stored sends no vector of its queue and is not the last fence") {
  GpuRig rig;
  constexpr uint64_t kReadOnly = 0x70000000;
  rig.ports.bus.Map(kReadOnly, kPage, /*writable=*/false);
  rig.Write(abi::kRegInterruptVector, 5);
  rig.Write(abi::kRegInterruptVector + 4 * 16, 9);
  rig.Write(abi::kRegInterruptEnable, 1 | abi::kInterruptCauseFaultMask);
  rig.StartQueue(0);
  rig.WriteQueue(0, abi::kRegQueueControl, 0);
  rig.WriteQueue(0, abi::kRegFenceAddressLo, kReadOnly);
  rig.WriteQueue(0, abi::kRegQueueControl, abi::kQueueControlEnableMask);
  rig.PushFence(0, 7, abi::FenceCommand::kFlagInterrupt);
  rig.RingAndRun(0);
  CHECK(rig.FaultStatus(0) == abi::kStatusBusError);
  CHECK(rig.ReadQueue(0, abi::kRegFaultAddressLo) == kReadOnly);
  CHECK(rig.ports.interrupts.vectors == std::vector<uint32_t>{9});
  CHECK(rig.Read(abi::kRegInterruptCause) == abi::kInterruptCauseFaultMask);
  CHECK(rig.ReadQueue(0, abi::kRegLastFenceLo) == 0);
}

TEST_CASE("R7 a session counts the commands that were refused to it, and no other context's") {
  SeamRig rig;
  rig.Open(1);
  rig.Open(2);
  const uint32_t session = rig.OpenSession(1);
  const uint32_t other_session = rig.OpenSession(2);
  const auto check = [&](uint32_t context, uint32_t asked, uint32_t count, uint32_t reason) {
    const Reply reply = rig.Query(context, asked);
    REQUIRE(reply.status == abi::kStatusOk);
    CHECK(reply.Word(20) == count);
    CHECK(reply.Word(24) == reason);
  };
  check(1, session, 0, 0);
  REQUIRE(rig.Do(1, SeamRig::Decrypt(session)) == 0);
  check(1, session, 0, 0);
  REQUIRE(rig.Do(1, SeamRig::Decrypt(session, SeamRig::kOutput)) ==
          abi::kStatusDestinationNotProtected);
  check(1, session, 1, abi::kStatusDestinationNotProtected);
  REQUIRE(rig.Do(1, SeamRig::Encrypt(session)) == abi::kStatusSessionNoReadbackKey);
  check(1, session, 2, abi::kStatusSessionNoReadbackKey);

  // The other context can neither use the session nor make it count.
  REQUIRE(rig.Do(2, SeamRig::Decrypt(session)) == abi::kStatusSessionInvalid);
  REQUIRE(rig.Do(2, SeamRig::Encrypt(session)) == abi::kStatusSessionInvalid);
  check(1, session, 2, abi::kStatusSessionNoReadbackKey);
  check(2, other_session, 0, 0);
  REQUIRE(rig.Do(2, SeamRig::Decrypt(other_session, SeamRig::kOutput)) ==
          abi::kStatusDestinationNotProtected);
  check(2, other_session, 1, abi::kStatusDestinationNotProtected);
  check(1, session, 2, abi::kStatusSessionNoReadbackKey);
}

constexpr uint64_t kJobBytes = 64 << 10;
constexpr uint64_t kJobSource = GpuRig::kData + 0x100000;
constexpr uint64_t kJobDestination = GpuRig::kData + 0x200000;

// Context 1 sees 64 KiB of source at 0x20000 and of destination at 0x40000.
void MapJob(SeamRig* rig) {
  for (uint64_t offset = 0; offset < kJobBytes; offset += kPage) {
    rig->MapSystem(1, 0x20000 + offset, kJobSource + offset);
    rig->MapSystem(1, 0x40000 + offset, kJobDestination + offset);
  }
  std::fill_n(rig->ports.bus.At(kJobSource, kJobBytes), kJobBytes, uint8_t{0xc7});
}

// Bytes written into the destination since the answer of the self test went out.
uint64_t BytesMovedAfterAnswer(const FakeBus& bus) {
  const auto& log = bus.log();
  const auto is_answer = [](const FakeBus::AccessRecord& record) {
    return record.kind == FakeBus::Kind::kWrite &&
           record.address == SeamRig::Bus(0, SeamRig::kResponse);
  };
  const auto answer = std::find_if(log.begin(), log.end(), is_answer);
  REQUIRE(answer != log.end());
  uint64_t moved = 0;
  for (auto record = answer; record != log.end(); ++record) {
    const bool hit = record->kind == FakeBus::Kind::kWrite && record->address >= kJobDestination &&
                     record->address < kJobDestination + kJobBytes;
    if (hit) moved += record->size_bytes;
  }
  return moved;
}

template <typename T>
void CheckJobStops(const T& command) {
  SeamRig rig;
  rig.Open(1);
  MapJob(&rig);
  rig.Push(1, command);
  rig.PushFence(1, 5);
  rig.Doorbell(1);
  rig.gpu->Process(4096);
  rig.BeginFailingSelfTest();
  const device::ProcessResult result = rig.gpu->Process(4096);
  REQUIRE(result.wakeup_ns > rig.ports.clock.now_ns);
  REQUIRE(rig.State(1) == kQueueRunning);
  REQUIRE(rig.FirmwareState() == kFirmwareReady);
  REQUIRE(*rig.ports.bus.At(kJobDestination) == 0xc7);
  rig.ports.clock.now_ns = result.wakeup_ns;
  rig.Run(4096);

  CHECK(rig.FirmwareState() == kFirmwareFailed);
  CHECK(rig.ports.bus.Load<uint32_t>(SeamRig::Bus(0, SeamRig::kResponse)) ==
        abi::kStatusSelfTestFailed);
  CHECK(BytesMovedAfterAnswer(rig.ports.bus) == 0);
  CHECK(*rig.ports.bus.At(kJobDestination + kJobBytes - 1) == 0);
  CHECK(rig.ReadQueue(1, abi::kRegRefusalCount) == 1);
  CHECK(rig.ReadQueue(1, abi::kRegRefusalStatus) == abi::kStatusDeviceInErrorState);
  CHECK(rig.Fence(1) == 5);  // what moves no data goes on
}

TEST_CASE("P12_ a copy that runs when the firmware fails moves no more data") {
  auto copy = MakeCommand<abi::CopyCommand>();
  copy.source = 0x20000;
  copy.destination = 0x40000;
  copy.row_bytes = kJobBytes;
  copy.row_count = 1;
  CheckJobStops(copy);
}

TEST_CASE("P12_ a fill that runs when the firmware fails moves no more data") {
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = 0x40000;
  fill.value = 0xc7c7c7c7;
  fill.row_bytes = kJobBytes;
  fill.row_count = 1;
  CheckJobStops(fill);
}

TEST_CASE("P12_ no view of an output is given out once the firmware failed") {
  SeamRig rig;
  rig.Open(1);
  const Bytes surface = device::Noise(2560 * 360, 2);
  rig.ports.vram.StoreBytes(0x200000, surface);
  rig.Show(0x200000);
  constexpr device::ScanoutView kViews[] = {device::ScanoutView::kCapture,
                                            device::ScanoutView::kOperator};
  for (const device::ScanoutView view : kViews) {
    Bytes pixels(surface.size());
    REQUIRE(rig.ReadScanout(view, &pixels));
    REQUIRE(std::equal(pixels.begin(), pixels.end(), surface.begin()));
  }
  rig.BeginFailingSelfTest();
  rig.Run();
  REQUIRE(rig.FirmwareState() == kFirmwareFailed);
  CHECK_FALSE(rig.gpu->Scanout(0).active);
  for (const device::ScanoutView view : kViews) {
    Bytes pixels(surface.size(), 0x5a);
    CHECK_FALSE(rig.ReadScanout(view, &pixels));
    CHECK(Holds(pixels, 0x5a));
  }
}

}  // namespace
}  // namespace ward::fakes
