#include "emulator/boundary/replayer.h"

#include <utility>

#include "base/planted_bug.h"
#include "fmt/format.h"

namespace ward::emulator {

using Kind = BoundaryEventKind;

Result<std::unique_ptr<Replayer>> Replayer::Create(const device::GpuOptions& options,
                                                   EventSource* source, TraceSink* trace) {
  std::unique_ptr<Replayer> replayer(new Replayer(source));
  WARD_ASSIGN_OR_RETURN(
      replayer->gpu_,
      device::Gpu::Create(options,
                          replayer->player_.ports(trace != nullptr ? trace : &replayer->silent_)));
  return replayer;
}

bool Replayer::Step() {
  const RecordedEvent* next = Next();
  if (next == nullptr) return false;
  if (!IsHostCall(next->kind) || next->is_nested) {
    player_.Differ(fmt::format("recorded {} at {:#x}, the chip did not make it", NameOf(next->kind),
                               next->address));
    return false;
  }
  if (event() < whole_events_) {
    MakeCall();
    return true;
  }
  const Checkpoint before = TakeCheckpoint();
  MakeCall();
  if (!player_.ran_out()) return true;
  GoBack(before);
  return HasPlantedBug(PlantedBug::kLastCallRepeats);
}

void Replayer::MakeCall() {
  const RecordedEvent call = *source_->Peek();
  source_->Skip();
  ++call_;
  Call(call);
}

void Replayer::Call(const RecordedEvent& call) {
  const auto offset32 = static_cast<uint32_t>(call.address);
  const auto value32 = static_cast<uint32_t>(call.value);
  switch (call.kind) {
    case Kind::kRegisterRead:
      return CheckAnswer(call, gpu_->ReadRegister(call.address, call.size_bytes));
    case Kind::kRegisterLook:
      return CheckAnswer(call, gpu_->PeekRegister(call.address));
    case Kind::kRegisterWrite:
      return gpu_->WriteRegister(call.address, call.size_bytes, value32);
    case Kind::kConfigRead:
      return CheckAnswer(call, gpu_->ReadConfig(offset32, call.size_bytes));
    case Kind::kConfigWrite:
      return gpu_->WriteConfig(offset32, call.size_bytes, value32);
    case Kind::kMsixRead:
      return CheckAnswer(call, gpu_->ReadMsix(call.address, call.size_bytes));
    case Kind::kMsixWrite:
      return gpu_->WriteMsix(call.address, call.size_bytes, value32);
    case Kind::kProcess:
      gpu_->Process(call.address);
      return;
    case Kind::kReset:
      if (call.value > static_cast<uint64_t>(device::ResetKind::kFunction)) break;
      return gpu_->Reset(static_cast<device::ResetKind>(call.value));
    case Kind::kTearDown:
      return gpu_->TearDown();
    case Kind::kLinkFault:
      if (call.value > static_cast<uint64_t>(device::LinkFault::kLast)) break;
      return gpu_->SetLinkFault(offset32, static_cast<device::LinkFault>(call.value));
    case Kind::kAttachDisplay:
      // The host was told what this answers, and what the next answers; nothing of the chip follows
      // from it.
      (void)gpu_->AttachDisplay(offset32, DecodeDisplay(call.value)).ok();
      return;
    case Kind::kLoadState:
      player_.ForgetTime();
      (void)gpu_->LoadState(call.data, nullptr).ok();
      player_.ForgetTime();
      return;
    default:
      break;
  }
  player_.Differ(fmt::format("a recorded {} that can't be made again", NameOf(call.kind)));
}

void Replayer::MakeNested(const RecordedEvent& call) {
  if (gpu_ != nullptr && CanNest(call.kind)) return Call(call);
  player_.Differ(fmt::format("a recorded {} amid another call", NameOf(call.kind)));
}

// The recorded answer is the next event when the chip made the same accesses meanwhile.
void Replayer::CheckAnswer(const RecordedEvent& call, uint32_t answer) {
  if (!player_.matches()) return;
  const RecordedEvent* recorded = source_->Peek();
  if (recorded == nullptr) return;  // the host did not live to hear it
  if (recorded->kind != Kind::kAnswer || recorded->value != answer) {
    return player_.Differ(fmt::format("{} at {:#x} gives {:#x}, recorded {} {:#x}",
                                      NameOf(call.kind), call.address, answer,
                                      NameOf(recorded->kind), recorded->value));
  }
  source_->Skip();
}

std::vector<uint32_t> Replayer::LookAtRegisters(const std::vector<uint32_t>& offsets) {
  const device::GpuSnapshot before = gpu_->TakeSnapshot(false);
  player_.SetResting(true);
  std::vector<uint32_t> values;
  for (const uint32_t offset : offsets) values.push_back(gpu_->ReadRegister(offset, 4));
  gpu_->Restore(before);
  player_.SetResting(false);
  return values;
}

Replayer::Checkpoint Replayer::TakeCheckpoint() const {
  return {call_, now_ns(), source_->Place(), gpu_->TakeSnapshot(false), memories()};
}

void Replayer::GoBack(const Checkpoint& checkpoint) {
  gpu_->Restore(checkpoint.chip);
  source_->Seek(checkpoint.place);
  player_.Rewind(checkpoint.memories, checkpoint.now_ns);
  call_ = checkpoint.call;
}

}  // namespace ward::emulator
