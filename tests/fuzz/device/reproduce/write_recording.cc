#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/assert.h"
#include "emulator/recording/recording_file.h"
#include "tests/fakes/test_identity.h"
#include "tests/fuzz/device/machine.h"
#include "tests/fuzz/device/machine_ports.h"
#include "tests/fuzz/device/reproduce/child.h"
#include "tests/fuzz/device/reproduce/writers.h"
#include "tests/fuzz/whole_file.h"

namespace ward::fuzz {
namespace {

namespace fs = std::filesystem;

// Less is left of a disk that is as good as full.
constexpr uintmax_t kSmallBytes = 64 << 10;

class NoEvents final : public device::InterruptPort, public TraceSink {
 public:
  void SendVector(uint32_t) override {}
  void OnEvent(const TraceEvent&) override {}
};

device::GpuOptions OptionsOf(const fakes::TestIdentity& identity) {
  device::GpuOptions options;
  options.visible_vram_bytes = layout::kVisibleBytes;
  options.protected_vram_bytes = layout::kProtectedBytes;
  options.identity_key = &*identity.key;
  options.identity_private_key = identity.private_key;
  options.identity_certificates = identity.certificates;
  return options;
}

// A chip behind its boundary, without oracles.
class Chip {
 public:
  Chip(const device::GpuOptions& options, emulator::BoundaryListener* listener)
      : bus_(&seen_), vram_(&seen_) {
    bus_.masks = vram_.masks = &is_masked_;
    seen_.Begin(nullptr);
    auto created = emulator::Boundary::Create(
        options, {&bus_, &vram_, &events_, &clock_, &entropy_, &events_}, listener);
    WARD_ASSERT(created.ok());
    boundary_ = std::move(created.value());
  }

  void Do(const Operation& operation) {
    const auto at32 = static_cast<uint32_t>(operation.at);
    const auto value32 = static_cast<uint32_t>(operation.value);
    switch (operation.kind) {
      case OperationKind::kReadRegister:
        boundary_->ReadRegister(operation.at, operation.size);
        return;
      case OperationKind::kWriteRegister:
        return boundary_->WriteRegister(operation.at, operation.size, value32);
      case OperationKind::kReadConfig:
        boundary_->ReadConfig(at32, operation.size);
        return;
      case OperationKind::kWriteConfig:
        return boundary_->WriteConfig(at32, operation.size, value32);
      case OperationKind::kReadMsix:
        boundary_->ReadMsix(operation.at, operation.size);
        return;
      case OperationKind::kWriteMsix:
        return boundary_->WriteMsix(operation.at, operation.size, value32);
      case OperationKind::kWriteMemory:
        return Store(&bus_.memory(), operation.at - layout::kBus, operation.bytes);
      case OperationKind::kWriteVram:
        return Store(&vram_.memory(), operation.at, operation.bytes);
      default:
        return DoOfHost(operation);
    }
  }

  void RunToRest() {
    for (int slice = 0; slice < 1000; ++slice) {
      const device::ProcessResult result = boundary_->Process(1 << 20);
      if (result.more) continue;
      if (result.wakeup_ns <= clock_.now_ns) return;
      clock_.now_ns = result.wakeup_ns;
    }
  }

 private:
  // What no guest does.
  void DoOfHost(const Operation& operation) {
    const auto at32 = static_cast<uint32_t>(operation.at);
    switch (operation.kind) {
      case OperationKind::kProcess:
        boundary_->Process(operation.value);
        return;
      case OperationKind::kAdvanceClock:
        clock_.now_ns += operation.value;
        return;
      case OperationKind::kResetFunction:
        return boundary_->Reset(device::ResetKind::kFunction);
      case OperationKind::kResetPower:
        return boundary_->Reset(device::ResetKind::kPowerOn);
      case OperationKind::kTearDown:
        return boundary_->TearDown();
      case OperationKind::kSetEntropy:
        entropy_.is_available = operation.value != 0;
        return;
      case OperationKind::kSetBus:
        bus_.refuses = operation.value == 0;
        bus_.refuses_writes = operation.value == 2;
        return;
      case OperationKind::kAnswerReads:
        return bus_.AnswerReads(operation.bytes);
      case OperationKind::kSetLinkFault:
        if (operation.value > static_cast<uint64_t>(device::LinkFault::kLast)) return;
        return boundary_->SetLinkFault(at32, static_cast<device::LinkFault>(operation.value));
      case OperationKind::kAttachDisplay:
        return AttachDisplay(at32, operation.value);
      case OperationKind::kPromise:
        // As the machine does where the base ends (Machine::BeginInput).
        if (is_base_) entropy_.state = Machine::kInputEntropy;
        is_base_ = false;
        return;
      default:
        return;  // nothing that a recording tells of: snapshots, windows, pictures
    }
  }

  void AttachDisplay(uint32_t output, uint64_t value) {
    // An impossible one is refused.
    (void)boundary_->AttachDisplay(output, Machine::DisplayOf(value));
  }

  static void Store(BlockBytes* memory, uint64_t offset, ConstByteSpan bytes) {
    if (!RangeFits(offset, bytes.size(), memory->size())) return;
    std::copy(bytes.begin(), bytes.end(), memory->Change(offset, bytes.size()));
  }

  static constexpr bool is_masked_ = false;
  BoundaryRecord seen_;
  MachineBus bus_;
  MachineVram vram_;
  MachineEntropy entropy_;
  MachineClock clock_;
  NoEvents events_;
  bool is_base_ = true;
  std::unique_ptr<emulator::Boundary> boundary_;
};

}  // namespace

bool WriteRecording(const Story& story, const std::string& path, std::string* fell,
                    std::string* error) {
  const device::GpuOptions options = OptionsOf(fakes::LoadTestIdentity(WARD_SOURCE_DIR));
  emulator::RecordingOptions recording;
  recording.path = path;
  recording.is_test_identity = true;
  std::error_code failure;
  const auto old = fs::last_write_time(path, failure);
  const auto said = RunInChild(
      [&]() -> std::string {
        std::string reason;
        const auto file = emulator::RecordingFile::Open(recording, options, &reason);
        if (file == nullptr) return reason;
        {
          Chip chip(options, file.get());
          for (const Step& step : story.steps) chip.Do(step.operation());
          chip.RunToRest();
        }
        reason = file->trouble();
        file->Close();
        return reason.empty() ? file->trouble() : reason;  // its end is written, too
      },
      fell);
  if (!said || said->empty()) return true;
  *error = *said;
  // What was there and could not be replaced is not ours.
  if (fs::exists(path, failure) && fs::last_write_time(path, failure) != old) {
    fs::remove(path, failure);
  }
  const fs::path folder = fs::absolute(path, failure).parent_path();
  if (!fs::is_directory(folder, failure)) {
    *error = WhyNotWritten(path, fs::exists(folder, failure) ? ENOTDIR : ENOENT);
  } else if (fs::space(folder, failure).available < kSmallBytes) {
    *error = WhyNotWritten(path, ENOSPC);
  }
  return false;
}

}  // namespace ward::fuzz
