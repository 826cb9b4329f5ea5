// A run can be had again: from a recording of what crossed the chip's boundary, and from a snapshot
// of the chip's state.
#include <sstream>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "catch2/catch_test_macros.hpp"
#include "emulator/boundary/recording.h"
#include "kmd/adapter.h"
#include "kmd/display.h"
#include "tests/integration/application.h"
#include "tests/integration/machine.h"
#include "tests/integration/raw_driver.h"

namespace ward::test {
namespace {

const Key kSessionKey = ParseKey("2b7e151628aed2a6abf7158809cf4f3c");

// A protected frame decrypted and read back; the session lives on in `session`.
struct Run {
  explicit Run(emulator::InProcessHost* machine)
      : kernel(OpenKernel(machine)), application(kernel.get()), clip(MakeClip(1)) {
    session = application.CreateKeyedSession(kSessionKey);
    frame = application.CreateTexture(clip, true);
    const auto staging = application.CreateStaging(clip);
    const Workspace workspace;
    application.Upload(staging.get(), Encrypt(workspace, clip));
    const Key wrapped = EcbEncrypt(kSessionKey, ParseKey(clip.content_key));
    REQUIRE(application.video().DecryptionBlt(session.get(), staging.get(), frame.get(), nullptr,
                                              wrapped, ParseKey(clip.iv)) == S_OK);
    REQUIRE(ReadBack(&application, session.get(), kSessionKey, frame.get(), clip) == clip.frames);
  }

  std::unique_ptr<runtime::Kernel> kernel;
  Application application;
  Clip clip;
  std::unique_ptr<runtime::CryptoSession> session;
  std::unique_ptr<runtime::Resource> frame;
};

TEST_CASE("A recording of the whole stack's run replays to the same state") {
  emulator::Recording recording;
  MachineOptions options;
  options.listener = &recording;
  const auto machine = MakeMachine(options);
  const Run run(machine.get());
  const uint64_t state_hash = machine->gpu().StateHash();

  const auto outcome = emulator::Replay(recording, TestGpuOptions());
  REQUIRE(outcome.ok());
  INFO("event " << outcome.value().event << ": " << outcome.value().difference);
  CHECK(outcome.value().matches);
  CHECK(outcome.value().state_hash == state_hash);
}

TEST_CASE("A recording with displays that come and go, vblanks and a cursor replays") {
  emulator::Recording recording;
  MachineOptions options;
  options.listener = &recording;
  const auto machine = MakeMachine(options);
  const auto adapter = kmd::Adapter::Open(machine.get());
  REQUIRE(adapter.ok());
  kmd::Display& display = adapter.value()->display();
  REQUIRE(machine->boundary().AttachDisplay(1, {.width = 800, .height = 600}).ok());
  REQUIRE_FALSE(machine->boundary().AttachDisplay(2, {}).ok());
  REQUIRE(display.ReadEdid(1).value().preferred_width == 800);
  REQUIRE(display.SetMode(1, 800, 600).ok());
  for (int i = 0; i < 3; ++i) REQUIRE(display.WaitVblank(1).ok());
  const std::vector<uint8_t> image(kmd::Display::kCursorBytes, 0x80);
  REQUIRE(display.SetCursor(1, image, 1, 2).ok());
  REQUIRE(display.MoveCursor(1, -3, 4).ok());
  REQUIRE(machine->boundary().AttachDisplay(1, {.connected = false}).ok());
  REQUIRE(display.TakeHotplug(1).value());
  const uint64_t state_hash = machine->gpu().StateHash();

  const auto outcome = emulator::Replay(recording, TestGpuOptions());
  REQUIRE(outcome.ok());
  INFO("event " << outcome.value().event << ": " << outcome.value().difference);
  CHECK(outcome.value().matches);
  CHECK(outcome.value().state_hash == state_hash);

  // With another display the driver would have read something else.
  for (emulator::Recording::Event& event : recording.events()) {
    if (event.kind != emulator::BoundaryEventKind::kAttachDisplay) continue;
    event.value = emulator::EncodeDisplay({.width = 1024, .height = 768});
    break;
  }
  const auto other = emulator::Replay(recording, TestGpuOptions());
  REQUIRE(other.ok());
  CHECK_FALSE(other.value().matches);
}

TEST_CASE("A recording with another value in one register write does not replay") {
  emulator::Recording recording;
  MachineOptions options;
  options.listener = &recording;
  const auto machine = MakeMachine(options);
  const Run run(machine.get());
  bool is_changed = false;
  for (emulator::Recording::Event& event : recording.events()) {
    // The first doorbell of a user's queue: its commands are not seen then.
    if (event.kind != emulator::BoundaryEventKind::kRegisterWrite ||
        event.address < abi::kRegDoorbell + abi::kDoorbellBlockStride) {
      continue;
    }
    event.value = 0;
    is_changed = true;
    break;
  }
  REQUIRE(is_changed);
  const auto outcome = emulator::Replay(recording, TestGpuOptions());
  REQUIRE(outcome.ok());
  CHECK_FALSE(outcome.value().matches);
}

TEST_CASE("A scan-out and a snapshot taken while recording are no part of the recording") {
  emulator::Recording recording;
  MachineOptions options;
  options.listener = &recording;
  const auto machine = MakeMachine(options);
  const Run run(machine.get());
  const size_t recorded = recording.events().size();
  const device::GpuSnapshot snapshot = machine->gpu().TakeSnapshot();
  machine->gpu().Restore(snapshot);
  std::vector<uint8_t> pixels(size_t{4} * 640 * 360);
  machine->gpu().ReadScanout(0, device::ScanoutView::kOperator, pixels, 4 * 640);
  CHECK(recording.events().size() == recorded);
}

TEST_CASE("A recording with another answer says which access differs") {
  emulator::Recording recording;
  MachineOptions options;
  options.listener = &recording;
  const auto machine = MakeMachine(options);
  const Run run(machine.get());
  for (emulator::Recording::Event& event : recording.events()) {
    if (event.kind != emulator::BoundaryEventKind::kAnswer) continue;
    event.value ^= 1;
    break;
  }
  const auto outcome = emulator::Replay(recording, TestGpuOptions());
  REQUIRE(outcome.ok());
  CHECK_FALSE(outcome.value().matches);
  CHECK(outcome.value().difference.find("recorded answer") != std::string::npos);
}

TEST_CASE("The same seed gives the same state, another seed another") {
  const auto hash = [](uint64_t seed) {
    MachineOptions options;
    options.entropy_seed = seed;
    const auto machine = MakeMachine(options);
    const auto kernel = OpenKernel(machine.get());
    Application application(kernel.get());
    const auto session = application.CreateKeyedSession(kSessionKey);
    Key wrapped{};
    REQUIRE(application.video().GetEncryptionBltKey(session.get(), wrapped) == S_OK);
    return machine->gpu().StateHash();
  };
  const uint64_t first = hash(7);
  CHECK(hash(7) == first);
  CHECK(hash(8) != first);
}

TEST_CASE("A snapshot brings back keys and protected content after a reset") {
  const auto machine = MakeMachine();
  Run run(machine.get());
  device::Gpu& gpu = machine->gpu();
  const uint64_t state_hash = gpu.StateHash();
  const device::GpuSnapshot snapshot = gpu.TakeSnapshot();
  gpu.Reset(device::ResetKind::kFunction);
  CHECK(gpu.StateHash() != state_hash);
  gpu.Restore(snapshot);
  CHECK(gpu.StateHash() == state_hash);
  // And the driver goes on as if nothing had been.
  CHECK(ReadBack(&run.application, run.session.get(), kSessionKey, run.frame.get(), run.clip) ==
        run.clip.frames);
}

TEST_CASE("From a snapshot in the middle the same commands lead to the same state") {
  const auto machine = MakeMachine();
  RawDriver kernel(machine.get(), abi::kKernelQueue, 0);
  const auto fill = [&](uint64_t address, uint32_t value) {
    auto command = kmd::MakeCommand<abi::FillCommand>();
    command.destination = abi::kPhysicalLocal | address;
    command.value = value;
    command.row_bytes = 256;
    command.row_count = 8;
    command.destination_pitch = 4096;
    kernel.Append(command);
  };
  fill(abi::kProtectedVramLocalBase, 0x01020304);
  fill(0x20000, 0x0a0b0c0d);
  REQUIRE(kernel.RunFence());
  device::Gpu& gpu = machine->gpu();
  const device::GpuSnapshot middle = gpu.TakeSnapshot();
  const uint64_t hash_in_the_middle = gpu.StateHash();

  fill(abi::kProtectedVramLocalBase + 0x3000, 0x55aa55aa);
  fill(0x20000, 0x99999999);
  REQUIRE(kernel.RunFence());
  const uint64_t hash_at_the_end = gpu.StateHash();
  CHECK(hash_at_the_end != hash_in_the_middle);

  gpu.Restore(middle);
  CHECK(gpu.StateHash() == hash_in_the_middle);
  CHECK(LoadLe<uint32_t>(machine->MapBar(abi::kVramBar) + 0x20000) == 0x0a0b0c0d);
  // The ring still holds the commands; only the doorbell is rung again.
  kernel.Submit();
  CHECK(gpu.StateHash() == hash_at_the_end);
  CHECK(LoadLe<uint32_t>(machine->MapBar(abi::kVramBar) + 0x20000) == 0x99999999);
}

}  // namespace
}  // namespace ward::test
