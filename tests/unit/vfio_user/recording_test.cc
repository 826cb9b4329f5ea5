// A recording of a served device whose client gives its memory by messages: what it read while the
// chip waited is played again amid the same slice. The oracle is the chip that was recorded: its
// own state, hashed where it lives.
#include <algorithm>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"
#include "emulator/boundary/recording.h"
#include "emulator/boundary/replayer.h"
#include "emulator/recording/recording_file.h"
#include "emulator/recording/recording_reader.h"
#include "tests/fakes/fake_ports.h"
#include "tests/unit/vfio_user/session_maker.h"
#include "tests/unit/vfio_user/waiting_chip.h"

namespace ward::test {
namespace {

using emulator::RecordedEvent;
using emulator::RecordingReader;
using Kind = emulator::BoundaryEventKind;

// A file that the chip of a ServedDevice is recorded into.
class Recorder {
 public:
  Recorder() {
    emulator::RecordingOptions options;
    options.path = folder_ / "run.rec";
    options.is_test_identity = true;
    std::string error;
    file_ = emulator::RecordingFile::Open(options, fakes::GpuRig::Options(), &error);
    INFO(error);
    REQUIRE(file_ != nullptr);
  }
  emulator::BoundaryListener* listener() { return file_.get(); }

  // The recording up to now, which ends here. The state that a replay has to come to is `hash()`.
  std::unique_ptr<RecordingReader> End(ServedDevice* device) {
    device->OnDevice([&](emulator::ServedGpu* gpu) {
      file_->Close();
      hash_ = gpu->boundary().gpu().StateHash();
    });
    return Read(false);
  }
  std::unique_ptr<RecordingReader> Read(bool accept_unfinished) {
    RecordingReader::Options options;
    options.path = folder_ / "run.rec";
    options.accept_unfinished = accept_unfinished;
    std::string error;
    auto reader = RecordingReader::Open(options, &error);
    INFO(error);
    REQUIRE(reader != nullptr);
    return reader;
  }
  uint64_t hash() const { return hash_; }

 private:
  TempFolder folder_;
  std::unique_ptr<emulator::RecordingFile> file_;
  uint64_t hash_ = 0;
};

std::unique_ptr<emulator::Replayer> Play(RecordingReader* reader) {
  auto made = emulator::Replayer::Create(reader->device().options(), reader, nullptr);
  REQUIRE(made.ok());
  made.value()->SetWholeEvents(reader->whole_events());
  while (made.value()->Step()) {
  }
  return std::move(made.value());
}

std::vector<RecordedEvent> EventsOf(RecordingReader* reader) {
  std::vector<RecordedEvent> events;
  for (; reader->Peek() != nullptr; reader->Skip()) events.push_back(*reader->Peek());
  reader->SeekStart();
  return events;
}

size_t CountNested(const std::vector<RecordedEvent>& events, Kind kind) {
  return static_cast<size_t>(std::ranges::count_if(
      events, [&](const RecordedEvent& event) { return event.is_nested && event.kind == kind; }));
}

uint64_t CountReads(const std::vector<RecordedEvent>& events) {
  return static_cast<uint64_t>(std::ranges::count(events, Kind::kDmaRead, &RecordedEvent::kind));
}

// Whether the chip read each byte of [address, + size_bytes).
bool WereRead(const std::vector<RecordedEvent>& events, uint64_t address, uint64_t size_bytes) {
  std::vector<bool> read(size_bytes);
  for (const RecordedEvent& event : events) {
    if (event.kind != Kind::kDmaRead || !event.ok) continue;
    for (uint64_t at = 0; at < event.data.size(); ++at) {
      const uint64_t offset = event.address + at - address;
      if (event.address + at >= address && offset < size_bytes) read[offset] = true;
    }
  }
  return size_bytes != 0 && std::ranges::all_of(read, [](bool was) { return was; });
}

void CheckReplays(RecordingReader* reader, uint64_t hash) {
  const auto replayer = Play(reader);
  INFO(replayer->difference());
  CHECK(replayer->matches());
  CHECK(replayer->event() == reader->event_count());
  CHECK(replayer->gpu().StateHash() == hash);
}

// A recorded chip that waits amid a slice.
struct RecordedWait {
  explicit RecordedWait(bool tcp = false)
      : chip({.listener = recorder.listener(), .tcp = tcp}, {.interrupts = true}) {}

  Recorder recorder;
  WaitingChip chip;
};

TEST_CASE("what is read amid a slice is recorded, and played again there") {
  RecordedWait recorded;
  WaitingChip& chip = recorded.chip;
  const std::initializer_list<uint32_t> offsets = {abi::kRegScratch, abi::kRegOutputVblankCount,
                                                   abi::kRegQueueStatus, abi::kRegInterruptCause};
  for (const uint32_t offset : offsets) {
    chip.client.Register(offset);
  }
  CHECK(chip.client.Config(0, 2) == abi::kVendorId);
  CHECK(chip.client.ReadRegion(abi::kMsixBar, 0, 16).error() == 0);
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(7));
  const auto reader = recorded.recorder.End(&chip.device);
  const std::vector<RecordedEvent> events = EventsOf(reader.get());
  for (const uint32_t offset : offsets) {
    CAPTURE(offset);
    CHECK(std::ranges::any_of(events, [&](const RecordedEvent& event) {
      return event.is_nested && event.kind == Kind::kRegisterLook && event.address == offset;
    }));
  }
  CHECK(CountNested(events, Kind::kConfigRead) == 1);
  CHECK(CountNested(events, Kind::kMsixRead) == 4);
  CHECK(std::ranges::count_if(events, [](const RecordedEvent& event) {
          return IsHostCall(event.kind) && !event.is_nested;
        }) == static_cast<int64_t>(reader->call_count()));
  CheckReplays(reader.get(), recorded.recorder.hash());
}

TEST_CASE("a read of the time amid a slice latches its upper half, here and in the replay") {
  RecordedWait recorded;
  WaitingChip& chip = recorded.chip;
  uint64_t latched = 0;
  const auto read_latched = [&](emulator::ServedGpu* gpu) {
    latched = gpu->boundary().gpu().HeldRegister(abi::kRegTimestampLo);
  };
  const uint32_t low = chip.client.Register(abi::kRegTimestampLo);
  chip.client.Register(abi::kRegTimestampHi);
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(7));
  chip.device.OnDevice(read_latched);
  CHECK(latched == low);
  const auto reader = recorded.recorder.End(&chip.device);
  CheckReplays(reader.get(), recorded.recorder.hash());
  reader->SeekStart();
  CHECK(Play(reader.get())->gpu().HeldRegister(abi::kRegTimestampLo) == low);
}

TEST_CASE("writes that were acknowledged amid a slice are played behind it") {
  RecordedWait recorded;
  WaitingChip& chip = recorded.chip;
  chip.client.SetRegister(abi::kRegScratch, 41);
  CHECK(chip.client.Register(abi::kRegScratch) == 41);
  chip.client.SetRegister(abi::kRegInterruptCause, 1);
  chip.client.SetConfig(0x3c, 1, 5);
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(7));
  CHECK(chip.client.Config(0x3c, 1) == 5);
  const auto reader = recorded.recorder.End(&chip.device);
  const std::vector<RecordedEvent> events = EventsOf(reader.get());
  CHECK(CountNested(events, Kind::kRegisterWrite) == 0);
  CHECK(CountNested(events, Kind::kConfigWrite) == 0);
  CheckReplays(reader.get(), recorded.recorder.hash());
}

TEST_CASE("a reset amid a slice ends it, and the recording replays") {
  RecordedWait recorded;
  WaitingChip& chip = recorded.chip;
  chip.client.Register(abi::kRegTimestampLo);
  CHECK(chip.client.CallError(abi::vfio_user::Command::kReset, {}) == 0);
  const auto reader = recorded.recorder.End(&chip.device);
  CheckReplays(reader.get(), recorded.recorder.hash());
}

TEST_CASE("a crypto session by messages, of a client that answers DMA after its own access only") {
  for (const bool tcp : {false, true}) {
    CAPTURE(tcp);
    Recorder recorder;
    ServedDevice device({.listener = recorder.listener(), .tcp = tcp});
    WireClient client = device.ConnectReady();
    ClientRam ram(1 << 20);
    ram.ServeTo(&client);
    REQUIRE(client.Map(ram.bus(), ram.size(), -1) == 0);
    client.policy = DmaPolicy::kAfterReply;
    TestDriver kernel(&client, &ram);
    kernel.StartQueue();
    SessionMaker maker(&client, &ram, &kernel);
    REQUIRE(maker.Make() != 0);
    const auto reader = recorder.End(&device);
    const std::vector<RecordedEvent> events = EventsOf(reader.get());
    // How many reads there are is the slices' affair: what one has read, the next reads again.
    CHECK(client.dma_reads == CountReads(events));
    CHECK(WereRead(events, ram.bus(), kernel.tail()));
    CHECK(WereRead(events, maker.ring(), maker.tail()));
    CHECK(CountNested(events, Kind::kRegisterLook) > 0);
    CheckReplays(reader.get(), recorder.hash());
  }
}

TEST_CASE("a recording that ends behind a read amid a slice is told to end there") {
  RecordedWait recorded;
  WaitingChip& chip = recorded.chip;
  chip.client.Register(abi::kRegTimestampLo);
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(7));
  const auto whole = recorded.recorder.End(&chip.device);
  const std::vector<RecordedEvent> events = EventsOf(whole.get());
  emulator::Recording memory;
  const auto look =
      std::ranges::find_if(events, [](const RecordedEvent& e) { return e.is_nested; });
  REQUIRE(look != events.end());
  // Behind the answer, before the access that the chip waited for.
  memory.events().assign(events.begin(), look + 3);
  REQUIRE(memory.events().back().kind == Kind::kAnswer);
  const auto outcome = emulator::Replay(memory, fakes::GpuRig::Options());
  REQUIRE(outcome.ok());
  CHECK_FALSE(outcome.value().matches);
  CHECK(outcome.value().event == memory.events().size());
  CHECK(outcome.value().difference.find("the recording ends") != std::string::npos);
}

TEST_CASE("what is asked of a busy chip by its own DMA is refused, in the replay too") {
  constexpr uint64_t kRing = 0x10000000;
  const device::GpuOptions options = fakes::GpuRig::Options();
  fakes::FakePorts ports(options.visible_vram_bytes);
  ports.bus.Map(kRing, 0x10000);
  auto fence = fakes::MakeCommand<abi::FenceCommand>();
  fence.value = 5;
  ports.bus.Write(kRing, BytesOf(fence));
  emulator::Recording recording;
  const auto made = emulator::Boundary::Create(options, ports.ports(), &recording);
  REQUIRE(made.ok());
  emulator::Boundary& chip = *made.value();
  chip.WriteConfig(4, 2, 6);
  for (const auto& [offset, value] : std::initializer_list<std::pair<uint32_t, uint32_t>>{
           {abi::kRegRingBaseLo, kRing},
           {abi::kRegFenceAddressLo, kRing + 0x1000},
           {abi::kRegRingSizeLog2, 12},
           {abi::kRegQueueControl, abi::kQueueControlEnableMask},
           {abi::kRegDoorbell, sizeof(fence)}}) {
    chip.WriteRegister(offset, 4, value);
  }
  uint32_t entries = 0, answered = 0;
  ports.bus.after_read = [&](uint64_t, uint64_t) {
    ++entries;
    answered += chip.ReadRegister(abi::kRegTimestampLo, 4);
    chip.WriteRegister(abi::kRegScratch, 4, 1);
    chip.WriteConfig(4, 2, 0);
    chip.Reset(device::ResetKind::kPowerOn);
    chip.TearDown();
    answered += chip.Process(1 << 20).more ? 1 : 0;
  };
  while (chip.Process(1 << 20).more) {
  }
  CHECK(entries > 0);
  CHECK(answered == 0);
  CHECK(chip.ReadRegister(abi::kRegLastFenceLo, 4) == 5);
  const auto outcome = emulator::Replay(recording, options);
  REQUIRE(outcome.ok());
  INFO(outcome.value().difference);
  CHECK(outcome.value().matches);
  CHECK(outcome.value().state_hash == chip.gpu().StateHash());
}

// What a forged recording may say of calls amid a slice.
TEST_CASE("calls that can't have been made amid a slice are a difference, and end it") {
  RecordedWait recorded;
  WaitingChip& chip = recorded.chip;
  chip.client.Register(abi::kRegTimestampLo);
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(7));
  const auto reader = recorded.recorder.End(&chip.device);
  const std::vector<RecordedEvent> events = EventsOf(reader.get());
  const auto look =
      std::ranges::find_if(events, [](const RecordedEvent& e) { return e.is_nested; });
  REQUIRE(look != events.end());
  const auto at = static_cast<size_t>(look - events.begin());
  const auto refusal = [&](const std::vector<RecordedEvent>& forged) {
    emulator::Recording memory;
    memory.events() = forged;
    const auto outcome = emulator::Replay(memory, fakes::GpuRig::Options());
    REQUIRE(outcome.ok());
    CHECK_FALSE(outcome.value().matches);
    return outcome.value().difference;
  };
  SECTION("another answer") {
    std::vector<RecordedEvent> forged = events;
    REQUIRE(forged[at + 2].kind == Kind::kAnswer);
    forged[at + 2].value ^= 1;
    CHECK(refusal(forged).find("register look at") != std::string::npos);
  }
  SECTION("a slice within the slice") {
    std::vector<RecordedEvent> forged = events;
    forged[at].kind = Kind::kProcess;
    CHECK(refusal(forged).find("a recorded process amid another call") != std::string::npos);
  }
  SECTION("reads within reads, without end") {
    std::vector<RecordedEvent> forged(events.begin(), events.begin() + static_cast<int64_t>(at));
    forged.insert(forged.end(), 100000, events[at]);
    CHECK(refusal(forged).find("recorded register look") != std::string::npos);
  }
  SECTION("a read that nothing waited for") {
    std::vector<RecordedEvent> forged = events;
    const auto slice = std::ranges::find(forged, Kind::kProcess, &RecordedEvent::kind);
    forged.insert(slice, events[at]);
    CHECK(refusal(forged).find("the chip did not make it") != std::string::npos);
  }
  SECTION("before the chip is there") {
    std::vector<RecordedEvent> forged = events;
    forged.insert(forged.begin(), events[at]);
    CHECK(refusal(forged).find("amid another call") != std::string::npos);
  }
}

}  // namespace
}  // namespace ward::test
