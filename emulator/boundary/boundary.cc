#include "emulator/boundary/boundary.h"

#include <utility>

namespace ward::emulator {
namespace {

void Tell(BoundaryListener* listener, const BoundaryEvent& event) {
  if (listener != nullptr) listener->OnEvent(event);
}

class DmaTap final : public device::DmaPort {
 public:
  DmaTap(device::DmaPort* host, BoundaryListener* listener) : host_(host), listener_(listener) {}

  bool Read(uint64_t bus_address, ByteSpan destination) override {
    const bool ok = host_->Read(bus_address, destination);
    Tell(listener_, {BoundaryEventKind::kDmaRead, ok, 0, bus_address, 0, destination});
    return ok;
  }
  bool Write(uint64_t bus_address, ConstByteSpan source) override {
    const bool ok = host_->Write(bus_address, source);
    Tell(listener_, {BoundaryEventKind::kDmaWrite, ok, 0, bus_address, 0, source});
    return ok;
  }
  bool WriteAtomic64(uint64_t bus_address, uint64_t value) override {
    const bool ok = host_->WriteAtomic64(bus_address, value);
    Tell(listener_, {BoundaryEventKind::kDmaWriteAtomic64, ok, 0, bus_address, value, {}});
    return ok;
  }

 private:
  device::DmaPort* host_;
  BoundaryListener* listener_;
};

class VramTap final : public device::VramPort {
 public:
  VramTap(device::VramPort* host, BoundaryListener* listener) : host_(host), listener_(listener) {}

  void Read(uint64_t offset, ByteSpan destination) override {
    host_->Read(offset, destination);
    Tell(listener_, {BoundaryEventKind::kVramRead, true, 0, offset, 0, destination});
  }
  void Write(uint64_t offset, ConstByteSpan source) override {
    host_->Write(offset, source);
    Tell(listener_, {BoundaryEventKind::kVramWrite, true, 0, offset, 0, source});
  }
  void WriteAtomic64(uint64_t offset, uint64_t value) override {
    host_->WriteAtomic64(offset, value);
    Tell(listener_, {BoundaryEventKind::kVramWriteAtomic64, true, 0, offset, value, {}});
  }

 private:
  device::VramPort* host_;
  BoundaryListener* listener_;
};

class InterruptTap final : public device::InterruptPort {
 public:
  InterruptTap(device::InterruptPort* host, BoundaryListener* listener)
      : host_(host), listener_(listener) {}

  void SendVector(uint32_t vector) override {
    host_->SendVector(vector);
    Tell(listener_, {BoundaryEventKind::kInterrupt, true, 0, 0, vector, {}});
  }

 private:
  device::InterruptPort* host_;
  BoundaryListener* listener_;
};

class ClockTap final : public device::ClockPort {
 public:
  ClockTap(device::ClockPort* host, BoundaryListener* listener)
      : host_(host), listener_(listener) {}

  uint64_t NowNs() override {
    const uint64_t now = host_->NowNs();
    Tell(listener_, {BoundaryEventKind::kTime, true, 0, 0, now, {}});
    return now;
  }

 private:
  device::ClockPort* host_;
  BoundaryListener* listener_;
};

class EntropyTap final : public device::EntropyPort {
 public:
  EntropyTap(device::EntropyPort* host, BoundaryListener* listener)
      : host_(host), listener_(listener) {}

  bool Fill(ByteSpan destination) override {
    const bool ok = host_->Fill(destination);
    Tell(listener_, {BoundaryEventKind::kEntropy, ok, 0, 0, 0, destination});
    return ok;
  }

 private:
  device::EntropyPort* host_;
  BoundaryListener* listener_;
};

}  // namespace

// The chip's ports, each in front of the host's.
class Boundary::PortTap {
 public:
  PortTap(const device::Ports& host, BoundaryListener* listener)
      : dma_(host.dma, listener),
        vram_(host.vram, listener),
        interrupts_(host.interrupts, listener),
        clock_(host.clock, listener),
        entropy_(host.entropy, listener),
        trace_(host.trace) {}

  device::Ports ports() { return {&dma_, &vram_, &interrupts_, &clock_, &entropy_, trace_}; }

 private:
  DmaTap dma_;
  VramTap vram_;
  InterruptTap interrupts_;
  ClockTap clock_;
  EntropyTap entropy_;
  TraceSink* trace_;
};

Boundary::Boundary(std::unique_ptr<PortTap> tap, BoundaryListener* listener)
    : tap_(std::move(tap)), listener_(listener) {}

Boundary::~Boundary() = default;

Result<std::unique_ptr<Boundary>> Boundary::Create(const device::GpuOptions& options,
                                                   const device::Ports& ports,
                                                   BoundaryListener* listener) {
  std::unique_ptr<Boundary> boundary(
      new Boundary(std::make_unique<PortTap>(ports, listener), listener));
  WARD_ASSIGN_OR_RETURN(boundary->gpu_, device::Gpu::Create(options, boundary->tap_->ports()));
  return boundary;
}

void Boundary::TellAccess(BoundaryEventKind kind, uint64_t address, uint32_t size_bytes,
                          uint64_t value) {
  Tell(listener_, {kind, true, size_bytes, address, value, {}});
}

uint32_t Boundary::TellAnswer(uint32_t value) {
  TellAccess(BoundaryEventKind::kAnswer, 0, 0, value);
  return value;
}

uint32_t Boundary::ReadRegister(uint64_t offset, uint32_t size_bytes) {
  TellAccess(BoundaryEventKind::kRegisterRead, offset, size_bytes, 0);
  return TellAnswer(gpu_->ReadRegister(offset, size_bytes));
}

void Boundary::WriteRegister(uint64_t offset, uint32_t size_bytes, uint32_t value) {
  TellAccess(BoundaryEventKind::kRegisterWrite, offset, size_bytes, value);
  gpu_->WriteRegister(offset, size_bytes, value);
}

uint32_t Boundary::ReadConfig(uint32_t offset, uint32_t size_bytes) {
  TellAccess(BoundaryEventKind::kConfigRead, offset, size_bytes, 0);
  return TellAnswer(gpu_->ReadConfig(offset, size_bytes));
}

void Boundary::WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value) {
  TellAccess(BoundaryEventKind::kConfigWrite, offset, size_bytes, value);
  gpu_->WriteConfig(offset, size_bytes, value);
}

uint32_t Boundary::ReadMsix(uint64_t offset, uint32_t size_bytes) {
  TellAccess(BoundaryEventKind::kMsixRead, offset, size_bytes, 0);
  return TellAnswer(gpu_->ReadMsix(offset, size_bytes));
}

void Boundary::WriteMsix(uint64_t offset, uint32_t size_bytes, uint32_t value) {
  TellAccess(BoundaryEventKind::kMsixWrite, offset, size_bytes, value);
  gpu_->WriteMsix(offset, size_bytes, value);
}

device::ProcessResult Boundary::Process(uint64_t budget_bytes) {
  TellAccess(BoundaryEventKind::kProcess, budget_bytes, 0, 0);
  return gpu_->Process(budget_bytes);
}

void Boundary::Reset(device::ResetKind kind) {
  TellAccess(BoundaryEventKind::kReset, 0, 0, static_cast<uint64_t>(kind));
  gpu_->Reset(kind);
}

}  // namespace ward::emulator
