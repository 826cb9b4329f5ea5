#include "emulator/boundary/boundary.h"

#include <iterator>
#include <utility>

#include "abi/generated/status.h"

namespace ward::emulator {
namespace {

// Port accesses are told while the host is inside a call of the boundary, and only then: a scan-out
// or a snapshot taken through gpu() also reads visible VRAM, and is no part of what has to be
// played again.
struct Hearing {
  explicit Hearing(BoundaryListener* told)
      : listener(told), needs_accesses(told != nullptr && told->NeedsAccesses()) {}

  BoundaryListener* listener;
  bool needs_accesses;       // no windows
  bool in_host_call = true;  // the chip's construction is heard
};

void Tell(const Hearing* hearing, const BoundaryEvent& event) {
  if (hearing->listener != nullptr && hearing->in_host_call) hearing->listener->OnEvent(event);
}

class DmaTap final : public device::DmaPort {
 public:
  DmaTap(device::DmaPort* host, const Hearing* hearing) : host_(host), hearing_(hearing) {}

  bool Read(uint64_t bus_address, ByteSpan destination) override {
    const bool ok = host_->Read(bus_address, destination);
    Tell(hearing_, {BoundaryEventKind::kDmaRead, ok, 0, bus_address, 0, destination});
    return ok;
  }
  bool Write(uint64_t bus_address, ConstByteSpan source) override {
    const bool ok = host_->Write(bus_address, source);
    Tell(hearing_, {BoundaryEventKind::kDmaWrite, ok, 0, bus_address, 0, source});
    return ok;
  }
  bool WriteAtomic64(uint64_t bus_address, uint64_t value) override {
    const bool ok = host_->WriteAtomic64(bus_address, value);
    Tell(hearing_, {BoundaryEventKind::kDmaWriteAtomic64, ok, 0, bus_address, value, {}});
    return ok;
  }
  uint8_t* Window(uint64_t bus_address, uint64_t size_bytes, bool is_write) override {
    if (hearing_->needs_accesses) return nullptr;
    return host_->Window(bus_address, size_bytes, is_write);
  }
  void CloseWindow(uint8_t* window, uint64_t size_bytes) override {
    host_->CloseWindow(window, size_bytes);
  }

 private:
  device::DmaPort* host_;
  const Hearing* hearing_;
};

class VramTap final : public device::VramPort {
 public:
  VramTap(device::VramPort* host, const Hearing* hearing) : host_(host), hearing_(hearing) {}

  void Read(uint64_t offset, ByteSpan destination) override {
    host_->Read(offset, destination);
    Tell(hearing_, {BoundaryEventKind::kVramRead, true, 0, offset, 0, destination});
  }
  void Write(uint64_t offset, ConstByteSpan source) override {
    host_->Write(offset, source);
    Tell(hearing_, {BoundaryEventKind::kVramWrite, true, 0, offset, 0, source});
  }
  void WriteAtomic64(uint64_t offset, uint64_t value) override {
    host_->WriteAtomic64(offset, value);
    Tell(hearing_, {BoundaryEventKind::kVramWriteAtomic64, true, 0, offset, value, {}});
  }
  uint8_t* Window(uint64_t offset, uint64_t size_bytes) override {
    return hearing_->needs_accesses ? nullptr : host_->Window(offset, size_bytes);
  }
  void CloseWindow(uint64_t offset, uint64_t size_bytes) override {
    host_->CloseWindow(offset, size_bytes);
  }

 private:
  device::VramPort* host_;
  const Hearing* hearing_;
};

class InterruptTap final : public device::InterruptPort {
 public:
  InterruptTap(device::InterruptPort* host, const Hearing* hearing)
      : host_(host), hearing_(hearing) {}

  void SendVector(uint32_t vector) override {
    host_->SendVector(vector);
    Tell(hearing_, {BoundaryEventKind::kInterrupt, true, 0, 0, vector, {}});
  }

 private:
  device::InterruptPort* host_;
  const Hearing* hearing_;
};

class ClockTap final : public device::ClockPort {
 public:
  ClockTap(device::ClockPort* host, const Hearing* hearing) : host_(host), hearing_(hearing) {}

  uint64_t NowNs() override {
    const uint64_t now = host_->NowNs();
    Tell(hearing_, {BoundaryEventKind::kTime, true, 0, 0, now, {}});
    return now;
  }

 private:
  device::ClockPort* host_;
  const Hearing* hearing_;
};

class EntropyTap final : public device::EntropyPort {
 public:
  EntropyTap(device::EntropyPort* host, const Hearing* hearing) : host_(host), hearing_(hearing) {}

  bool Fill(ByteSpan destination) override {
    const bool ok = host_->Fill(destination);
    Tell(hearing_, {BoundaryEventKind::kEntropy, ok, 0, 0, 0, destination});
    return ok;
  }

 private:
  device::EntropyPort* host_;
  const Hearing* hearing_;
};

}  // namespace

const char* NameOf(BoundaryEventKind kind) {
  static constexpr const char* kNames[] = {
      "register read", "register write", "config read", "config write", "MSI-X read",
      "MSI-X write",   "process",        "reset",       "tear-down",    "link fault",
      "display",       "DMA read",       "DMA write",   "DMA fence",    "VRAM read",
      "VRAM write",    "VRAM fence",     "interrupt",   "time",         "entropy",
      "answer",        "state load",     "replacement", "register look"};
  static_assert(std::size(kNames) == static_cast<size_t>(BoundaryEventKind::kLast) + 1);
  return kNames[static_cast<size_t>(kind)];
}

bool IsHostCall(BoundaryEventKind kind) {
  return kind <= BoundaryEventKind::kAttachDisplay || kind >= BoundaryEventKind::kLoadState;
}

bool CanNest(BoundaryEventKind kind) {
  return kind <= BoundaryEventKind::kMsixWrite || kind == BoundaryEventKind::kRegisterLook;
}

uint64_t EncodeDisplay(const device::AttachedDisplay& display) {
  return uint64_t{display.connected} << 63 | uint64_t{display.width & 0x7fffffff} << 32 |
         display.height;
}

device::AttachedDisplay DecodeDisplay(uint64_t value) {
  return {value >> 63 != 0, static_cast<uint32_t>(value >> 32) & 0x7fffffff,
          static_cast<uint32_t>(value)};
}

// The chip's ports, each in front of the host's.
class Boundary::PortTap {
 public:
  PortTap(const device::Ports& host, BoundaryListener* listener)
      : hearing_(listener),
        dma_(host.dma, &hearing_),
        vram_(host.vram, &hearing_),
        interrupts_(host.interrupts, &hearing_),
        clock_(host.clock, &hearing_),
        entropy_(host.entropy, &hearing_),
        trace_(host.trace),
        executor_(host.executor) {}

  device::Ports ports() {
    return {&dma_, &vram_, &interrupts_, &clock_, &entropy_, trace_, executor_};
  }
  Hearing& hearing() { return hearing_; }

 private:
  Hearing hearing_;
  DmaTap dma_;
  VramTap vram_;
  InterruptTap interrupts_;
  ClockTap clock_;
  EntropyTap entropy_;
  TraceSink* trace_;
  device::ExecutorPort* executor_;
};

// One call of the host: told first, then heard until it returns.
class Boundary::HostCall {
 public:
  HostCall(Boundary* boundary, BoundaryEventKind kind, uint64_t address, uint32_t size_bytes,
           uint64_t value, ConstByteSpan data = {})
      : hearing_(boundary->tap_->hearing()), kind_(kind), was_in_host_call_(hearing_.in_host_call) {
    hearing_.in_host_call = true;
    // Anything else a busy chip ignores.
    if (was_in_host_call_ && !CanNest(kind)) return;
    Tell(&hearing_, {kind, true, size_bytes, address, value, data, was_in_host_call_});
  }
  ~HostCall() {
    hearing_.in_host_call = was_in_host_call_;
    if (!was_in_host_call_ && hearing_.listener != nullptr) hearing_.listener->OnReturn(kind_);
  }
  HostCall(const HostCall&) = delete;
  HostCall& operator=(const HostCall&) = delete;

  uint32_t Answer(uint32_t value) {
    Tell(&hearing_, {BoundaryEventKind::kAnswer, true, 0, 0, value, {}});
    return value;
  }

 private:
  Hearing& hearing_;
  BoundaryEventKind kind_;
  bool was_in_host_call_;
};

Boundary::Boundary(std::unique_ptr<PortTap> tap) : tap_(std::move(tap)) {}

Boundary::~Boundary() = default;

Result<std::unique_ptr<Boundary>> Boundary::Create(const device::GpuOptions& options,
                                                   const device::Ports& ports,
                                                   BoundaryListener* listener) {
  std::unique_ptr<Boundary> boundary(new Boundary(std::make_unique<PortTap>(ports, listener)));
  WARD_ASSIGN_OR_RETURN(boundary->gpu_, device::Gpu::Create(options, boundary->tap_->ports()));
  boundary->tap_->hearing().in_host_call = false;
  return boundary;
}

uint32_t Boundary::ReadRegister(uint64_t offset, uint32_t size_bytes) {
  HostCall call(this, BoundaryEventKind::kRegisterRead, offset, size_bytes, 0);
  return call.Answer(gpu_->ReadRegister(offset, size_bytes));
}

uint32_t Boundary::PeekRegister(uint64_t offset) {
  HostCall call(this, BoundaryEventKind::kRegisterLook, offset, 4, 0);
  return call.Answer(gpu_->PeekRegister(offset));
}

void Boundary::WriteRegister(uint64_t offset, uint32_t size_bytes, uint32_t value) {
  const HostCall call(this, BoundaryEventKind::kRegisterWrite, offset, size_bytes, value);
  gpu_->WriteRegister(offset, size_bytes, value);
}

uint32_t Boundary::ReadConfig(uint32_t offset, uint32_t size_bytes) {
  HostCall call(this, BoundaryEventKind::kConfigRead, offset, size_bytes, 0);
  return call.Answer(gpu_->ReadConfig(offset, size_bytes));
}

void Boundary::WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value) {
  const HostCall call(this, BoundaryEventKind::kConfigWrite, offset, size_bytes, value);
  gpu_->WriteConfig(offset, size_bytes, value);
}

uint32_t Boundary::ReadMsix(uint64_t offset, uint32_t size_bytes) {
  HostCall call(this, BoundaryEventKind::kMsixRead, offset, size_bytes, 0);
  return call.Answer(gpu_->ReadMsix(offset, size_bytes));
}

void Boundary::WriteMsix(uint64_t offset, uint32_t size_bytes, uint32_t value) {
  const HostCall call(this, BoundaryEventKind::kMsixWrite, offset, size_bytes, value);
  gpu_->WriteMsix(offset, size_bytes, value);
}

device::ProcessResult Boundary::Process(uint64_t budget_bytes) {
  const HostCall call(this, BoundaryEventKind::kProcess, budget_bytes, 0, 0);
  return gpu_->Process(budget_bytes);
}

void Boundary::Reset(device::ResetKind kind) {
  const HostCall call(this, BoundaryEventKind::kReset, 0, 0, static_cast<uint64_t>(kind));
  gpu_->Reset(kind);
}

void Boundary::TearDown() {
  const HostCall call(this, BoundaryEventKind::kTearDown, 0, 0, 0);
  gpu_->TearDown();
}

void Boundary::SetLinkFault(uint32_t output, device::LinkFault fault) {
  const HostCall call(this, BoundaryEventKind::kLinkFault, output, 0, static_cast<uint64_t>(fault));
  gpu_->SetLinkFault(output, fault);
}

Result<void> Boundary::AttachDisplay(uint32_t output, const device::AttachedDisplay& display) {
  const HostCall call(this, BoundaryEventKind::kAttachDisplay, output, 0, EncodeDisplay(display));
  return gpu_->AttachDisplay(output, display);
}

Result<void> Boundary::LoadState(ConstByteSpan state, device::StateSeal* seal) {
  {
    const HostCall call(this, BoundaryEventKind::kLoadState, 0, 0, 0, state);
    Result<void> loaded = gpu_->LoadState(state, nullptr);
    if (loaded.ok() || seal == nullptr || loaded.fault().status != abi::kStatusStateSealed) {
      return loaded;
    }
  }
  WARD_TRY(gpu_->LoadState(state, seal));
  TellReplaced(ReplacedBy::kSealedState);
  return {};
}

void Boundary::Restore(const device::GpuSnapshot& snapshot) {
  gpu_->Restore(snapshot);
  TellReplaced(ReplacedBy::kSnapshot);
}

void Boundary::TellReplaced(ReplacedBy cause) {
  const HostCall call(this, BoundaryEventKind::kReplaced, 0, 0, static_cast<uint64_t>(cause));
}

}  // namespace ward::emulator
