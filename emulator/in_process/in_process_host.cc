#include "emulator/in_process/in_process_host.h"

#include <sys/mman.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <utility>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr uint64_t kSliceBytes = 1 << 20;
// A ring of no-ops ends; a chip that asks for more than this many slices in a row has a bug.
constexpr int kMaximumSlices = 1 << 20;
constexpr uint64_t kNanosecondsPerMillisecond = 1000000;
constexpr uint32_t kCommandRegister = 0x04;
constexpr uint32_t kCommandBusMaster = 0x4;
constexpr uint32_t kCommandMemory = 0x2;
constexpr uint32_t kNobodyAnswers = 0xffffffff;

uint64_t RoundToPages(uint64_t size) {
  return (size + abi::kPageSize - 1) / abi::kPageSize * abi::kPageSize;
}

uint8_t* MapPages(uint64_t size_bytes) {
  void* memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<uint8_t*>(memory);
}

void StoreAtomic64(uint8_t* address, uint64_t value) {
  std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(address))
      .store(value, std::memory_order_release);
}

// SplitMix64: for tests that need the same keys again, never for anything else.
class SeededEntropy {
 public:
  explicit SeededEntropy(uint64_t seed) : state_(seed) {}
  uint8_t NextByte() {
    if (left_ == 0) {
      state_ += 0x9e3779b97f4a7c15ull;
      word_ = state_;
      word_ = (word_ ^ (word_ >> 30)) * 0xbf58476d1ce4e5b9ull;
      word_ = (word_ ^ (word_ >> 27)) * 0x94d049bb133111ebull;
      word_ ^= word_ >> 31;
      left_ = 8;
    }
    --left_;
    const auto byte = static_cast<uint8_t>(word_);
    word_ >>= 8;
    return byte;
  }

 private:
  uint64_t state_;
  uint64_t word_ = 0;
  int left_ = 0;
};

class SilentTrace final : public TraceSink {
 public:
  void OnEvent(const TraceEvent&) override {}
};

}  // namespace

// What the chip asks of the machine.
class InProcessHost::Ports {
 public:
  Ports(InProcessHost* host, TraceSink* trace, uint64_t entropy_seed,
        device::ExecutorPort* executor)
      : dma_(host),
        vram_(host),
        interrupts_(host),
        clock_(host),
        entropy_(entropy_seed),
        trace_(trace != nullptr ? trace : &silent_),
        executor_(executor) {}

  device::Ports ports() {
    return {&dma_, &vram_, &interrupts_, &clock_, &entropy_, trace_, executor_};
  }
  void SetNextRandom(ConstByteSpan bytes) {
    WARD_ASSERT(entropy_.seed != 0);
    entropy_.next.assign(bytes.begin(), bytes.end());
  }

 private:
  struct Dma final : device::DmaPort {
    explicit Dma(InProcessHost* owner) : host(owner) {}
    bool Read(uint64_t bus_address, ByteSpan destination) override {
      const uint8_t* memory = host->Lookup(bus_address, destination.size());
      if (memory == nullptr) return false;
      std::memcpy(destination.data(), memory, destination.size());
      return true;
    }
    bool Write(uint64_t bus_address, ConstByteSpan source) override {
      uint8_t* memory = host->Lookup(bus_address, source.size());
      if (memory == nullptr) return false;
      std::memcpy(memory, source.data(), source.size());
      return true;
    }
    bool WriteAtomic64(uint64_t bus_address, uint64_t value) override {
      uint8_t* memory = host->Lookup(bus_address, sizeof(value));
      if (memory == nullptr) return false;
      StoreAtomic64(memory, value);
      return true;
    }
    uint8_t* Window(uint64_t bus_address, uint64_t size_bytes, bool /*is_write*/) override {
      return host->Lookup(bus_address, size_bytes);
    }
    InProcessHost* host;
  };
  struct Vram final : device::VramPort {
    explicit Vram(InProcessHost* owner) : host(owner) {}
    void Read(uint64_t offset, ByteSpan destination) override {
      std::memcpy(destination.data(), host->vram_ + offset, destination.size());
    }
    void Write(uint64_t offset, ConstByteSpan source) override {
      std::memcpy(host->vram_ + offset, source.data(), source.size());
    }
    void WriteAtomic64(uint64_t offset, uint64_t value) override {
      StoreAtomic64(host->vram_ + offset, value);
    }
    uint8_t* Window(uint64_t offset, uint64_t /*size_bytes*/) override {
      return host->vram_ + offset;
    }
    InProcessHost* host;
  };
  struct Interrupts final : device::InterruptPort {
    explicit Interrupts(InProcessHost* owner) : host(owner) {}
    void SendVector(uint32_t vector) override {
      if (host->bus_master_ && vector < host->vector_count_) host->fired_[vector] = true;
    }
    InProcessHost* host;
  };
  struct Clock final : device::ClockPort {
    explicit Clock(InProcessHost* owner) : host(owner) {}
    uint64_t NowNs() override { return host->now_ns_; }
    InProcessHost* host;
  };
  struct Entropy final : device::EntropyPort {
    explicit Entropy(uint64_t seed_value) : seed(seed_value), seeded(seed_value) {}
    bool Fill(ByteSpan destination) override {
      if (seed != 0) {
        for (uint8_t& byte : destination) {
          byte = next.empty() ? seeded.NextByte() : next.front();
          if (!next.empty()) next.pop_front();
        }
        return true;
      }
      for (size_t at = 0; at < destination.size();) {
        const ssize_t got = getrandom(destination.data() + at, destination.size() - at, 0);
        if (got <= 0) return false;
        at += static_cast<size_t>(got);
      }
      return true;
    }
    uint64_t seed;
    SeededEntropy seeded;
    std::deque<uint8_t> next;  // comes before what the seed gives
  };

  SilentTrace silent_;
  Dma dma_;
  Vram vram_;
  Interrupts interrupts_;
  Clock clock_;
  Entropy entropy_;
  TraceSink* trace_;
  device::ExecutorPort* executor_;
};

InProcessHost::InProcessHost() = default;

InProcessHost::~InProcessHost() {
  boundary_.reset();
  for (auto& [bus_address, buffer] : dma_) munmap(buffer.cpu, buffer.size_bytes);
  if (vram_ != nullptr) munmap(vram_, vram_bytes_);
}

Result<std::unique_ptr<InProcessHost>> InProcessHost::Create(const InProcessOptions& options) {
  std::unique_ptr<InProcessHost> host(new InProcessHost);
  host->vram_bytes_ = RoundToPages(options.gpu.visible_vram_bytes);
  host->vram_ = MapPages(host->vram_bytes_);
  if (host->vram_ == nullptr) return Fault{abi::kStatusOutOfMemory, "no memory for visible VRAM"};
  if (options.workers > 1) host->executor_ = std::make_unique<ThreadExecutor>(options.workers);
  host->ports_ = std::make_unique<Ports>(host.get(), options.trace, options.entropy_seed,
                                         host->executor_.get());
  host->faults_ = std::make_unique<FaultInjector>(options.faults, host->ports_->ports());
  device::GpuOptions gpu = options.gpu;
  host->faults_->Apply(&gpu);
  WARD_ASSIGN_OR_RETURN(host->boundary_,
                        Boundary::Create(gpu, host->faults_->ports(), options.listener));
  host->ConfigWrite(kCommandRegister, 2, kCommandMemory);
  return host;
}

void InProcessHost::SetNextRandom(ConstByteSpan bytes) { ports_->SetNextRandom(bytes); }

uint32_t InProcessHost::ConfigRead(uint32_t offset, uint32_t size_bytes) {
  return boundary_->ReadConfig(offset, size_bytes);
}

void InProcessHost::ConfigWrite(uint32_t offset, uint32_t size_bytes, uint32_t value) {
  boundary_->WriteConfig(offset, size_bytes, value);
  uint32_t command = boundary_->ReadConfig(kCommandRegister, 2);
  const bool is_command = offset / 4 == kCommandRegister / 4;
  if (memory_space_ && !is_command && (command & kCommandMemory) == 0) {
    // The write reset the function. As a VFIO port does, this one keeps the BARs where its driver
    // finds them.
    command |= kCommandMemory;
    boundary_->WriteConfig(kCommandRegister, 2, command);
  }
  memory_space_ = (command & kCommandMemory) != 0;
  bus_master_ = (command & kCommandBusMaster) != 0;
  RunUntilBlocked();
}

uint32_t InProcessHost::BarRead32(int bar, uint64_t offset) {
  if (!memory_space_) return kNobodyAnswers;
  if (bar == static_cast<int>(abi::kMsixBar)) return boundary_->ReadMsix(offset, 4);
  if (bar != static_cast<int>(abi::kRegisterBar)) return kNobodyAnswers;
  return boundary_->ReadRegister(offset, 4);
}

void InProcessHost::BarWrite32(int bar, uint64_t offset, uint32_t value) {
  if (!memory_space_) return;
  if (bar == static_cast<int>(abi::kMsixBar)) return boundary_->WriteMsix(offset, 4, value);
  if (bar != static_cast<int>(abi::kRegisterBar)) return;
  boundary_->WriteRegister(offset, 4, value);
  RunUntilBlocked();
}

uint64_t InProcessHost::BarSize(int bar) {
  switch (bar) {
    case abi::kRegisterBar:
      return abi::kRegisterBarSize;
    case abi::kVramBar:
      return vram_bytes_;
    case abi::kMsixBar:
      return abi::kMsixBarSize;
    default:
      return 0;
  }
}

uint8_t* InProcessHost::MapBar(int bar) {
  return bar == static_cast<int>(abi::kVramBar) ? vram_ : nullptr;
}

abi::PciError InProcessHost::AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) {
  if (size_bytes == 0) return Fail(abi::PciError::kBadArgument, "a DMA buffer has at least a byte");
  const uint64_t size = RoundToPages(size_bytes);
  uint8_t* memory = MapPages(size);
  if (memory == nullptr) {
    return Fail(abi::PciError::kNoMemory, fmt::format("no memory for {} bytes of DMA", size));
  }
  *buffer = {memory, next_bus_address_, size};
  dma_[next_bus_address_] = *buffer;
  next_bus_address_ += size + abi::kPageSize;  // a hole, so that an overrun is a fault
  return abi::PciError::kNone;
}

void InProcessHost::FreeDma(const abi::DmaBuffer& buffer) {
  const auto found = dma_.find(buffer.bus_address);
  if (found == dma_.end()) return;
  munmap(found->second.cpu, found->second.size_bytes);
  dma_.erase(found);
}

uint8_t* InProcessHost::Lookup(uint64_t bus_address, uint64_t size_bytes) {
  if (!bus_master_ || size_bytes == 0) return nullptr;
  auto found = dma_.upper_bound(bus_address);
  if (found == dma_.begin()) return nullptr;
  --found;
  const abi::DmaBuffer& buffer = found->second;
  const uint64_t offset = bus_address - buffer.bus_address;
  if (!RangeFits(offset, size_bytes, buffer.size_bytes)) return nullptr;
  return buffer.cpu + offset;
}

abi::PciError InProcessHost::SetBusMaster(bool enable) {
  const uint32_t command = ConfigRead(kCommandRegister, 2);
  ConfigWrite(kCommandRegister, 2,
              enable ? command | kCommandBusMaster : command & ~kCommandBusMaster);
  return abi::PciError::kNone;
}

abi::PciError InProcessHost::EnableInterrupts(uint32_t count) {
  if (count > abi::kVectorCount) {
    return Fail(abi::PciError::kBadArgument,
                fmt::format("{} vectors asked, the function has {}", count, abi::kVectorCount));
  }
  vector_count_ = count;
  fired_.fill(false);
  return abi::PciError::kNone;
}

abi::PciError InProcessHost::WaitInterrupt(uint32_t vector, uint32_t timeout_ms) {
  if (vector >= vector_count_) {
    return Fail(abi::PciError::kBadArgument, fmt::format("vector {} is not enabled", vector));
  }
  const uint64_t deadline = now_ns_ + timeout_ms * kNanosecondsPerMillisecond;
  for (int slice = 0; slice < kMaximumSlices; ++slice) {
    if (std::exchange(fired_[vector], false)) return abi::PciError::kNone;
    const device::ProcessResult result = faults_->Process(boundary_.get(), kSliceBytes);
    if (result.more || fired_[vector]) continue;
    if (result.wakeup_ns == 0 || result.wakeup_ns > deadline) break;
    now_ns_ = std::max(now_ns_, result.wakeup_ns);
  }
  return Fail(abi::PciError::kTimeout, fmt::format("vector {} did not fire", vector));
}

abi::PciError InProcessHost::ResetFunction() {
  boundary_->Reset(device::ResetKind::kFunction);
  ConfigWrite(kCommandRegister, 2, memory_space_ ? kCommandMemory : 0);
  fired_.fill(false);
  return abi::PciError::kNone;
}

void InProcessHost::RunUntilBlocked() {
  if (std::exchange(running_, true)) return;
  for (int slice = 0; slice < kMaximumSlices; ++slice) {
    if (!faults_->Process(boundary_.get(), kSliceBytes).more) break;
  }
  running_ = false;
}

abi::PciError InProcessHost::Fail(abi::PciError error, std::string text) {
  last_error_ = std::move(text);
  return error;
}

}  // namespace ward::emulator
