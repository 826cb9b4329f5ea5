// libFuzzer target: edits of a saved state, sealed again and under a digest that fits. It is
// refused, or the chip that it makes runs, and is saved as something that loads.
//
// An input is a byte that chooses the chip that was saved and who loads it, and edits
// (state_editor.h).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "abi/generated/registers.h"
#include "base/assert.h"
#include "device/crypto/sha256.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/gpu_rig.h"
#include "tests/fuzz/input_reader.h"
#include "tests/fuzz/oracle.h"
#include "tests/fuzz/saved_state/engine_work.h"
#include "tests/fuzz/saved_state/state_editor.h"

namespace ward::fuzz {
namespace {

using fakes::GpuRig;
using Bytes = std::vector<uint8_t>;

constexpr uint32_t kQueues = 16, kOutputs = 2;
constexpr uint64_t kOperand = 0x3000;  // of context 1

// What a host gives to a chip that may hold more than the default one: each engine takes its time,
// one of them never ends, and the options of R21 and R27.
device::GpuOptions SlowOptions() {
  device::GpuOptions options = GpuRig::Options();
  options.latency = device::LatencyPreset::kRealistic;
  options.firmware_slowdown = 2;
  options.engine_hang_after = 4;
  options.strict_iv = true;
  options.open_decrypt = true;
  return options;
}

// Work that may be shared is, in an order that is not the pieces' own.
class Sharer final : public device::ExecutorPort {
 public:
  void RunAll(uint32_t count, Work* work) override {
    for (uint32_t piece = count; piece-- > 0;) work->Run(piece);
  }
};

// A chip, its states at some moments, and what loading one of them leads to.
class Subject {
 public:
  Subject(const device::GpuOptions& options, device::ExecutorPort* executor)
      : rig_(options, executor), work_(&rig_) {
    rig_.CreateContext(1);
    rig_.MapSystem(1, kOperand, GpuRig::kData);
    Keep();
    Show();
    Keep();
    MakeBusy();
    Keep();
    work_.OpenSession();
    work_.Begin();
    Keep();
    Bytes sealed = Seal();
    // Once more, further on.
    rig_.gpu->Process(100000);
    Keep();
    Bytes later = Seal();
    for (const Bytes& state : states_) {
      live_.push_back(Differences(state, &state == &states_[0] ? states_[1] : states_[0]));
    }
    // The same blocks stand at the same places.
    for (const size_t open : {states_.size() - 2, states_.size() - 1}) live_.push_back(live_[open]);
    states_.push_back(std::move(sealed));
    states_.push_back(std::move(later));
    work_.PushLater();
    base_ = rig_.gpu->TakeSnapshot();
    const uint8_t* const memory = rig_.ports.bus.At(GpuRig::kBus, GpuRig::kBusBytes);
    base_memory_.assign(memory, memory + GpuRig::kBusBytes);
    rig_.ports.bus.ClearLog();
  }

  // `choice`: what was saved, and by which seal it is loaded.
  void Run(uint8_t choice, InputReader* reader) {
    const size_t base = (choice & 7) % states_.size();
    StateEditor editor(states_[base], seal_.Key(), &live_[base]);
    while (!reader->empty()) editor.Edit(reader);
    const Bytes state = editor.Finish();
    fakes::FakeSeal wrong(1);
    fakes::FakeSeal right;
    fakes::FakeSeal spent;
    spent.resumed = seal_.issued;
    right.records = (choice & 0x20) == 0;
    device::StateSeal* const seals[] = {&right, &spent, &wrong, nullptr};
    rig_.ports.clock.now_ns = kNowNs;
    rig_.ports.entropy.available = (choice & 0x40) == 0;
    const uint64_t before = rig_.gpu->StateHash();
    if (rig_.gpu->LoadState(state, seals[choice >> 3 & 3]).ok()) {
      Exercise((choice & 1) == 0 ? 20000 : 1 << 20, right.records);
    } else {
      Expect(rig_.gpu->StateHash() == before, "refusal", "a state that is refused changes nothing");
    }
    rig_.ports.entropy.available = true;
    rig_.gpu->Restore(base_);
    PutMemoryBack();
    Forget();
  }

 private:
  static constexpr uint64_t kNowNs = 1000000000000;

  Bytes Seal() { return rig_.gpu->SaveState({&seal_, true}).value(); }
  void Keep() { states_.push_back(rig_.gpu->SaveState({nullptr, false}).value()); }
  void Show() {
    rig_.Write(abi::kRegOutputControl, 1);
    auto flip = fakes::MakeCommand<abi::FlipCommand>(abi::FlipCommand::kFlagAtVblank);
    flip.address = abi::kPhysicalLocal;
    flip.pitch = 2560;
    flip.width = 640;
    flip.height = 360;
    rig_.Push(0, flip);
    auto cursor = fakes::MakeCommand<abi::CursorCommand>(abi::CursorCommand::kFlagVisible);
    cursor.address = abi::kPhysicalLocal;
    rig_.Push(0, cursor);
    rig_.Doorbell(0);
    rig_.gpu->Process(4096);
  }
  // A wait, a copy half way and a message in the mailbox.
  void MakeBusy() {
    for (const uint32_t queue : {1, 2, 3}) rig_.StartQueue(queue, 1);
    auto wait = fakes::MakeCommand<abi::WaitCommand>();
    wait.address = kOperand;
    wait.value = 1;
    rig_.Push(1, wait);
    auto fill = fakes::MakeCommand<abi::FillCommand>();
    fill.destination = kOperand;
    fill.row_bytes = 4096;
    fill.row_count = 1;
    rig_.Push(2, fill);
    const uint8_t payload[48] = {};
    rig_.PushMessage(3, abi::kMessageCreateSession, payload, kOperand, 64);
    for (const uint32_t queue : {1, 2, 3}) rig_.Doorbell(queue);
    rig_.gpu->Process(64);
  }

  // Offsets in `one` of what is not as in the other, seen from the beginnings and from the ends:
  // what has no fixed size stands between.
  static std::vector<size_t> Differences(const Bytes& one, const Bytes& other) {
    std::vector<size_t> offsets;
    const size_t end = one.size() - device::kSha256Bytes;
    for (size_t at = kBlocksOffset; at < end; ++at) {
      const size_t back = one.size() - at;
      const bool is_like_front = at < other.size() && one[at] == other[at];
      const bool is_like_back = back <= other.size() && one[at] == other[other.size() - back];
      if (!is_like_front && !is_like_back) offsets.push_back(at);
    }
    WARD_ASSERT(!offsets.empty());
    return offsets;
  }

  void Work(uint64_t budget) {
    constexpr int kSlices = 40, kMostWithoutTime = 20;
    int without_time = 0;
    for (int slice = 0; slice < kSlices; ++slice) {
      const device::ProcessResult result = rig_.gpu->Process(budget);
      if (result.more) continue;
      if (result.wakeup_ns == 0) return;
      if (result.wakeup_ns > rig_.ports.clock.now_ns) rig_.ports.clock.now_ns = result.wakeup_ns;
      // A chip that always wants to be woken at once would keep its host busy for nothing.
      else
        Expect(++without_time < kMostWithoutTime, "wakeups",
               "time goes on from wake-up to wake-up");
    }
  }
  void Look() {
    for (uint32_t output = 0; output < kOutputs; ++output) {
      const device::ScanoutInfo info = rig_.gpu->Scanout(output);
      const auto fits = [&](ByteSpan pixels, uint32_t pitch) {
        return rig_.gpu->ReadScanout(output, device::ScanoutView::kCapture, pixels, pitch);
      };
      Expect(!fits({}, info.width * 4) && !fits({}, 0), "scanout", "nothing is room enough");
      if (!info.active) continue;
      Bytes pixels(size_t{info.width} * info.height * 4);
      Expect(rig_.gpu->ReadScanout(output, device::ScanoutView::kOperator, pixels, info.width * 4),
             "scanout", "an output that is active can be shown");
    }
    for (const abi::RegisterInfo& info : abi::kRegisters) {
      for (uint32_t block = 0; block < info.block_count; ++block) {
        (void)rig_.Read(info.offset + block * info.block_stride);
      }
    }
  }
  // What a host may do at any time, and what it can't.
  void PlugDisplays() {
    for (uint32_t output = 0; output <= kOutputs; ++output) {
      for (const device::AttachedDisplay& display :
           {device::AttachedDisplay{false, 800, 600}, device::AttachedDisplay{false, 1024, 768},
            device::AttachedDisplay{true, 1366, 768}}) {
        const bool attached = rig_.gpu->AttachDisplay(output, display).ok();
        Expect(attached == (output < kOutputs), "displays", "there are two outputs");
      }
      rig_.gpu->SetLinkFault(output, device::LinkFault::kLinkLost);
    }
  }
  void Exercise(uint64_t budget, bool records) {
    Work(budget);
    Look();
    // What it holds is as good as any.
    (void)rig_.gpu->StateHash();
    fakes::FakeSeal seal;
    seal.records = records;
    Expect(rig_.gpu->SaveState({&seal, false}).ok() == (records && rig_.ports.entropy.available),
           "round_trip", "a chip that was loaded can be sealed, where that is possible");
    const auto saved = rig_.gpu->SaveState({nullptr, false});
    Expect(saved.ok(), "round_trip", "a chip that was loaded can be saved");
    Expect(rig_.gpu->LoadState(saved.value(), nullptr).ok(), "round_trip",
           "what a loaded chip saves can be loaded");
    rig_.Doorbell(EngineWork::kSessionQueue);
    Work(budget);
    PlugDisplays();
    for (uint32_t queue = 0; queue < kQueues; ++queue) rig_.Doorbell(queue, 32);
    rig_.gpu->Process(50000);
    rig_.Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
    rig_.gpu->Process(20000);
    rig_.gpu->TearDown();
    rig_.gpu->Process(20000);
  }
  void PutMemoryBack() {
    for (const fakes::FakeBus::AccessRecord& access : rig_.ports.bus.log()) {
      if (access.kind == fakes::FakeBus::Kind::kRead || !access.allowed) continue;
      std::memcpy(rig_.ports.bus.At(access.address, access.size_bytes),
                  base_memory_.data() + (access.address - GpuRig::kBus), access.size_bytes);
    }
  }
  void Forget() {
    rig_.ports.interrupts.vectors.clear();
    rig_.ports.trace.events.clear();
    rig_.ports.bus.ClearLog();
    rig_.ports.vram.ClearLog();
  }

  GpuRig rig_;
  EngineWork work_;
  std::vector<Bytes> states_;
  std::vector<std::vector<size_t>> live_;  // of each state: where it is not as another one
  device::GpuSnapshot base_;
  Bytes base_memory_;
  fakes::FakeSeal seal_;
};

class StateFuzz {
 public:
  void Run(ConstByteSpan input) {
    InputReader reader(input);
    const auto choice = reader.Take<uint8_t>();
    ((choice & 0x80) == 0 ? plain_ : slow_).Run(choice, &reader);
  }

 private:
  Sharer sharer_;
  Subject plain_{GpuRig::Options(), nullptr};
  Subject slow_{SlowOptions(), &sharer_};
};

}  // namespace
}  // namespace ward::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ward::fuzz::StateFuzz fuzz;
  fuzz.Run({data, size});
  return 0;
}
