#include "emulator/boundary/recording.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>

#include "base/secret_bytes.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

using Kind = BoundaryEventKind;

constexpr const char* kKindNames[] = {
    "register read", "register write", "config read", "config write", "MSI-X read", "MSI-X write",
    "process",       "reset",          "tear-down",   "link fault",   "display",    "DMA read",
    "DMA write",     "DMA fence",      "VRAM read",   "VRAM write",   "VRAM fence", "interrupt",
    "time",          "entropy",        "answer"};
static_assert(std::size(kKindNames) == static_cast<size_t>(Kind::kAnswer) + 1);

const char* Name(Kind kind) { return kKindNames[static_cast<size_t>(kind)]; }

bool IsHostCall(Kind kind) { return kind <= Kind::kAttachDisplay; }

// Answers the chip from the recording and notices where it asks for something else.
class Player final : public device::DmaPort,
                     public device::InterruptPort,
                     public device::ClockPort,
                     public device::EntropyPort,
                     public TraceSink {
 public:
  explicit Player(const std::vector<Recording::Event>& events) : events_(events), vram_(this) {}

  device::Ports ports() { return {this, &vram_, this, this, this, this}; }
  bool matches() const { return difference_.empty(); }
  size_t position() const { return position_; }
  const std::string& difference() const { return difference_; }
  bool AtEnd() const { return position_ == events_.size(); }
  const Recording::Event& Next() { return events_[position_++]; }

  void Differ(const std::string& what) {
    if (difference_.empty()) difference_ = fmt::format("event {}: {}", position_, what);
  }

  bool Read(uint64_t address, ByteSpan destination) override {
    return Answer(Kind::kDmaRead, address, destination);
  }
  bool Write(uint64_t address, ConstByteSpan source) override {
    return Check(Kind::kDmaWrite, address, 0, source);
  }
  bool WriteAtomic64(uint64_t address, uint64_t value) override {
    return Check(Kind::kDmaWriteAtomic64, address, value, {});
  }
  void SendVector(uint32_t vector) override { Check(Kind::kInterrupt, 0, vector, {}); }
  uint64_t NowNs() override {
    const Recording::Event* event = Expect(Kind::kTime, 0);
    return event != nullptr ? event->value : 0;
  }
  bool Fill(ByteSpan destination) override { return Answer(Kind::kEntropy, 0, destination); }
  void OnEvent(const TraceEvent&) override {}

 private:
  class Vram final : public device::VramPort {
   public:
    explicit Vram(Player* player) : player_(player) {}
    void Read(uint64_t offset, ByteSpan destination) override {
      player_->Answer(Kind::kVramRead, offset, destination);
    }
    void Write(uint64_t offset, ConstByteSpan source) override {
      player_->Check(Kind::kVramWrite, offset, 0, source);
    }
    void WriteAtomic64(uint64_t offset, uint64_t value) override {
      player_->Check(Kind::kVramWriteAtomic64, offset, value, {});
    }

   private:
    Player* player_;
  };

  // The next event when it is the port access that the chip makes now; nullptr otherwise.
  const Recording::Event* Expect(Kind kind, uint64_t address) {
    if (!matches()) return nullptr;
    if (AtEnd()) {
      Differ(fmt::format("the recording ends, the chip makes a {}", Name(kind)));
      return nullptr;
    }
    const Recording::Event& event = events_[position_];
    if (event.kind != kind || event.address != address) {
      Differ(fmt::format("recorded {} at {:#x}, the chip makes a {} at {:#x}", Name(event.kind),
                         event.address, Name(kind), address));
      return nullptr;
    }
    ++position_;
    return &event;
  }

  bool Answer(Kind kind, uint64_t address, ByteSpan destination) {
    std::fill(destination.begin(), destination.end(), uint8_t{0});
    const Recording::Event* event = Expect(kind, address);
    if (event == nullptr) return false;
    if (event->data.size() != destination.size()) {
      Differ(fmt::format("{} of {} bytes, recorded with {}", Name(kind), destination.size(),
                         event->data.size()));
      return false;
    }
    std::copy(event->data.begin(), event->data.end(), destination.begin());
    return event->ok;
  }

  bool Check(Kind kind, uint64_t address, uint64_t value, ConstByteSpan data) {
    const Recording::Event* event = Expect(kind, address);
    if (event == nullptr) return false;
    if (event->value != value ||
        !std::equal(data.begin(), data.end(), event->data.begin(), event->data.end())) {
      Differ(fmt::format("{} at {:#x} with another content", Name(kind), address));
    }
    return event->ok;
  }

  const std::vector<Recording::Event>& events_;
  Vram vram_;
  size_t position_ = 0;
  std::string difference_;
};

// The recorded answer is the next event when the chip made the same accesses meanwhile.
void CheckAnswer(Player* player, const Recording::Event& call, uint32_t answer) {
  if (!player->matches() || player->AtEnd()) return;
  const Recording::Event& recorded = player->Next();
  if (recorded.kind != Kind::kAnswer || recorded.value != answer) {
    player->Differ(fmt::format("{} at {:#x} gives {:#x}, recorded {} {:#x}", Name(call.kind),
                               call.address, answer, Name(recorded.kind), recorded.value));
  }
}

void CallHost(device::Gpu* gpu, Player* player, const Recording::Event& event) {
  const auto offset32 = static_cast<uint32_t>(event.address);
  const auto value32 = static_cast<uint32_t>(event.value);
  switch (event.kind) {
    case Kind::kRegisterRead:
      return CheckAnswer(player, event, gpu->ReadRegister(event.address, event.size_bytes));
    case Kind::kRegisterWrite:
      return gpu->WriteRegister(event.address, event.size_bytes, value32);
    case Kind::kConfigRead:
      return CheckAnswer(player, event, gpu->ReadConfig(offset32, event.size_bytes));
    case Kind::kConfigWrite:
      return gpu->WriteConfig(offset32, event.size_bytes, value32);
    case Kind::kMsixRead:
      return CheckAnswer(player, event, gpu->ReadMsix(event.address, event.size_bytes));
    case Kind::kMsixWrite:
      return gpu->WriteMsix(event.address, event.size_bytes, value32);
    case Kind::kProcess:
      gpu->Process(event.address);
      return;
    case Kind::kReset:
      return gpu->Reset(static_cast<device::ResetKind>(event.value));
    case Kind::kTearDown:
      return gpu->TearDown();
    case Kind::kLinkFault:
      return gpu->SetLinkFault(offset32, static_cast<device::LinkFault>(event.value));
    case Kind::kAttachDisplay:
      // The host was told what this answers; nothing of the chip follows from it.
      (void)gpu->AttachDisplay(offset32, DecodeDisplay(event.value)).ok();
      return;
    default:
      player->Differ(fmt::format("recorded {}, the chip did not make it", Name(event.kind)));
  }
}

}  // namespace

Recording::~Recording() {
  for (Event& event : events_) SecureWipe(event.data.data(), event.data.size());
}

void Recording::OnEvent(const BoundaryEvent& event) {
  events_.push_back({event.kind, event.ok, event.size_bytes, event.address, event.value,
                     std::vector<uint8_t>(event.data.begin(), event.data.end())});
}

Result<ReplayOutcome> Replay(const Recording& recording, const device::GpuOptions& options) {
  Player player(recording.events());
  WARD_ASSIGN_OR_RETURN(std::unique_ptr<device::Gpu> gpu,
                        device::Gpu::Create(options, player.ports()));
  while (player.matches() && !player.AtEnd()) {
    const Recording::Event& event = player.Next();
    if (IsHostCall(event.kind)) {
      CallHost(gpu.get(), &player, event);
    } else {
      player.Differ(fmt::format("recorded {} at {:#x}, the chip did not make it", Name(event.kind),
                                event.address));
    }
  }
  ReplayOutcome outcome;
  outcome.matches = player.matches();
  outcome.event = player.position();
  outcome.difference = player.difference();
  outcome.state_hash = gpu->StateHash();
  return outcome;
}

}  // namespace ward::emulator
