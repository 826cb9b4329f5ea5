#include "emulator/vfio_user/served_gpu.h"

#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "abi/vfio_user.h"
#include "base/assert.h"
#include "base/planted_bug.h"
#include "emulator/vfio_user/planted_bug.h"

namespace ward::emulator {
namespace {

namespace wire = abi::vfio_user;

// Data movement of one slice, some microseconds: a register access waits no longer.
constexpr uint64_t kSliceBytes = 65536;

uint64_t SteadyNs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

bool IsPowerOfTwoUpTo8(size_t size) { return size == 1 || size == 2 || size == 4 || size == 8; }

}  // namespace

// What the chip asks of the machine.
class ServedGpu::Ports final : public device::DmaPort,
                               public device::InterruptPort,
                               public device::ClockPort,
                               public device::EntropyPort {
 public:
  Ports(ServedGpu* served, TraceSink* trace, device::ExecutorPort* executor)
      : served_(served), vram_(served), trace_(trace), executor_(executor) {}

  device::Ports ports() { return {this, &vram_, this, this, this, trace_, executor_}; }

  bool Read(uint64_t bus_address, ByteSpan destination) override {
    return CanReach() && served_->client_->ReadDma(bus_address, destination);
  }
  bool Write(uint64_t bus_address, ConstByteSpan source) override {
    return CanReach() && served_->client_->WriteDma(bus_address, source);
  }
  bool WriteAtomic64(uint64_t bus_address, uint64_t value) override {
    return CanReach() && served_->client_->WriteDmaAtomic64(bus_address, value);
  }
  void SendVector(uint32_t vector) override {
    if (served_->client_ != nullptr) served_->client_->FireVector(vector);
  }
  uint64_t NowNs() override { return served_->NowNs(); }
  bool Fill(ByteSpan destination) override {
    for (size_t at = 0; at < destination.size();) {
      const ssize_t got = getrandom(destination.data() + at, destination.size() - at, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      at += static_cast<size_t>(got);
    }
    return true;
  }

 private:
  struct Vram final : device::VramPort {
    explicit Vram(ServedGpu* owner) : served(owner) {}
    // Between clients the chip does nothing that needs its visible memory.
    void Read(uint64_t offset, ByteSpan destination) override {
      if (served->vram_.memory() == nullptr) {
        std::ranges::fill(destination, uint8_t{0});
        return;
      }
      std::memcpy(destination.data(), served->vram_.memory() + offset, destination.size());
    }
    void Write(uint64_t offset, ConstByteSpan source) override {
      if (served->vram_.memory() == nullptr) return;
      std::memcpy(served->vram_.memory() + offset, source.data(), source.size());
    }
    void WriteAtomic64(uint64_t offset, uint64_t value) override {
      if (served->vram_.memory() == nullptr) return;
      std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(served->vram_.memory() + offset))
          .store(value, std::memory_order_release);
    }
    ServedGpu* served;
  };

  // A client's memory is reached only while it lets the function master the bus: mapped memory does
  // not check that, so we do.
  bool CanReach() const {
    return served_->client_ != nullptr &&
           (served_->config_->MastersBus() || HasPlantedBug(PlantedBug::kBusMasterUnasked));
  }

  ServedGpu* served_;
  Vram vram_;
  TraceSink* trace_;
  device::ExecutorPort* executor_;
};

ServedGpu::ServedGpu(const device::GpuOptions& options, Observers* observers,
                     const FaultPlan& faults, uint32_t workers)
    : observers_(observers),
      vram_bytes_(options.visible_vram_bytes),
      start_ns_(SteadyNs()),
      executor_(workers > 1 ? std::make_unique<ThreadExecutor>(workers) : nullptr),
      ports_(std::make_unique<Ports>(this, observers->trace(), executor_.get())),
      faults_(std::make_unique<FaultInjector>(faults, ports_->ports())) {
  observers->UseClock(ports_.get());
}

ServedGpu::~ServedGpu() {
  if (client_ != nullptr) Detach();
  observers_->UseClock(nullptr);
}

Result<std::unique_ptr<ServedGpu>> ServedGpu::Create(const device::GpuOptions& options,
                                                     Observers* observers, const FaultPlan& faults,
                                                     uint32_t workers) {
  std::unique_ptr<ServedGpu> served(new ServedGpu(options, observers, faults, workers));
  device::GpuOptions with_faults = options;
  served->faults_->Apply(&with_faults);
  WARD_ASSIGN_OR_RETURN(served->boundary_, Boundary::Create(with_faults, served->faults_->ports(),
                                                            observers->listener()));
  served->config_.emplace(served->boundary_.get());
  return served;
}

uint64_t ServedGpu::NowNs() const { return SteadyNs() - start_ns_ + 1; }

bool ServedGpu::Attach(ClientPort* client) {
  WARD_ASSERT(client_ == nullptr);
  const bool is_kept = WARD_HAS_BUG("vram.kept") && vram_.memory() != nullptr;
  if (!is_kept && !vram_.Renew(vram_bytes_)) return false;
  if (!WARD_HAS_BUG("registers.kept")) boundary_->Reset(device::ResetKind::kPowerOn);
  config_->OnReset();
  client_ = client;
  bus_master_ = false;
  return true;
}

void ServedGpu::Detach() {
  client_ = nullptr;
  if (!WARD_HAS_BUG("registers.kept")) boundary_->Reset(device::ResetKind::kPowerOn);
  config_->OnReset();
  if (!WARD_HAS_BUG("vram.kept")) vram_.Drop();
}

uint64_t ServedGpu::RegionSize(uint32_t region) const {
  switch (region) {
    case abi::kRegisterBar:
      return abi::kRegisterBarSize;
    case abi::kVramBar:
      return vram_bytes_;
    case abi::kMsixBar:
      return abi::kMsixBarSize;
    case wire::kConfigRegion:
      return FunctionConfig::kBytes;
    default:
      return 0;
  }
}

bool ServedGpu::IsMappable(uint32_t region) { return region == abi::kVramBar; }

int ServedGpu::CheckAccess(uint32_t region, uint64_t offset, uint64_t size) const {
  if (size == 0 || !RangeFits(offset, size, RegionSize(region))) return EINVAL;
  if (region == abi::kRegisterBar && !IsPowerOfTwoUpTo8(size)) return EINVAL;
  if (region == abi::kMsixBar && (size % 4 != 0 || offset % 4 != 0)) return EINVAL;
  return 0;
}

void ServedGpu::ReadRegisters(uint64_t offset, ByteSpan data) {
  const uint64_t value = boundary_->ReadRegister(offset, static_cast<uint32_t>(data.size()));
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(value >> (8 * i));
}

void ServedGpu::ReadMsix(uint64_t offset, ByteSpan data) {
  for (size_t at = 0; at < data.size(); at += 4) {
    const uint64_t place = offset + at;
    uint32_t value = boundary_->ReadMsix(place, 4);
    if (place == abi::kMsixPbaOffset) value |= client_->PendingVectors();
    StoreLe(data.data() + at, value);
  }
}

void ServedGpu::Read(uint32_t region, uint64_t offset, ByteSpan data) {
  WARD_ASSERT(client_ != nullptr && CheckAccess(region, offset, data.size()) == 0);
  if (region == wire::kConfigRegion) {
    config_->Read(static_cast<uint32_t>(offset), data);
  } else if (!config_->DecodesMemory()) {
    std::ranges::fill(data, uint8_t{0xff});
  } else if (region == abi::kRegisterBar) {
    ReadRegisters(offset, data);
  } else if (region == abi::kMsixBar) {
    ReadMsix(offset, data);
  } else {
    std::memcpy(data.data(), vram_.memory() + offset, data.size());
  }
}

void ServedGpu::Write(uint32_t region, uint64_t offset, ConstByteSpan data) {
  WARD_ASSERT(client_ != nullptr && CheckAccess(region, offset, data.size()) == 0);
  if (region == wire::kConfigRegion) {
    if (config_->Write(static_cast<uint32_t>(offset), data)) client_->OnFunctionReset();
  } else if (!config_->DecodesMemory()) {
    return;
  } else if (region == abi::kRegisterBar) {
    // The chip takes aligned accesses of 32 bits; of any other it wants to hear the size only.
    uint8_t bytes[8] = {};
    std::memcpy(bytes, data.data(), data.size());
    boundary_->WriteRegister(offset, static_cast<uint32_t>(data.size()), LoadLe<uint32_t>(bytes));
  } else if (region == abi::kMsixBar) {
    for (size_t at = 0; at < data.size(); at += 4) {
      boundary_->WriteMsix(offset + at, 4, LoadLe<uint32_t>(data.data() + at));
    }
  } else {
    std::memcpy(vram_.memory() + offset, data.data(), data.size());
  }
  TellBusMaster();  // a register can reset the function too
}

void ServedGpu::TellBusMaster() {
  const bool enabled = config_->MastersBus();
  if (enabled == std::exchange(bus_master_, enabled)) return;
  client_->OnBusMaster(enabled);
}

void ServedGpu::Reset() {
  boundary_->Reset(device::ResetKind::kFunction);
  config_->OnReset();
  if (client_ == nullptr) return;
  client_->OnFunctionReset();
  TellBusMaster();
}

bool ServedGpu::EndsSlice(uint64_t offset, ConstByteSpan data) {
  return config_->ResetsOrPowers(static_cast<uint32_t>(offset), data) ||
         FunctionConfig::StopsBusMaster(static_cast<uint32_t>(offset), data);
}

device::ProcessResult ServedGpu::Process() {
  return faults_->Process(boundary_.get(), kSliceBytes);
}

}  // namespace ward::emulator
