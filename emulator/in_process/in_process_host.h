// The chip inside the caller's process, reached as any PCI function is. Plays the machine: BARs,
// DMA memory behind an IOMMU, MSI-X, virtual time. Work runs inline, so runs repeat exactly: after
// each register write the chip works until nothing is left that can go on now; waiting for an
// interrupt lets virtual time pass.
#ifndef WARD_EMULATOR_IN_PROCESS_IN_PROCESS_HOST_H_
#define WARD_EMULATOR_IN_PROCESS_IN_PROCESS_HOST_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "abi/generated/pci.h"
#include "abi/pci_function.h"
#include "base/result.h"
#include "device/gpu.h"
#include "device/ports.h"
#include "emulator/boundary/boundary.h"
#include "emulator/boundary/fault_injector.h"
#include "emulator/executor/thread_executor.h"

namespace ward::emulator {

struct InProcessOptions {
  device::GpuOptions gpu;
  // Hears everything that crosses the chip's boundary, from its start on. May be null.
  BoundaryListener* listener = nullptr;
  // Faults of the machine around the chip; none by default.
  FaultPlan faults;
  // Hears the chip's trace events. May be null.
  TraceSink* trace = nullptr;
  // Processors that the chip's bulk work may take: 1 to ThreadExecutor::kMaximumWidth. It makes no
  // difference to anything but time.
  uint32_t workers = 1;
  // For tests only: every random byte follows from this number. 0: the system's random source.
  uint64_t entropy_seed = 0;
};

class InProcessHost final : public abi::PciFunction {
 public:
  // As device::Gpu::Create; OUT_OF_MEMORY too.
  static Result<std::unique_ptr<InProcessHost>> Create(const InProcessOptions& options);
  ~InProcessHost() override;
  InProcessHost(const InProcessHost&) = delete;
  InProcessHost& operator=(const InProcessHost&) = delete;

  uint32_t ConfigRead(uint32_t offset, uint32_t size_bytes) override;
  void ConfigWrite(uint32_t offset, uint32_t size_bytes, uint32_t value) override;
  uint32_t BarRead32(int bar, uint64_t offset) override;
  void BarWrite32(int bar, uint64_t offset, uint32_t value) override;
  uint64_t BarSize(int bar) override;
  uint8_t* MapBar(int bar) override;
  abi::PciError AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) override;
  void FreeDma(const abi::DmaBuffer& buffer) override;
  abi::PciError SetBusMaster(bool enable) override;
  abi::PciError EnableInterrupts(uint32_t count) override;
  // kTimeout as soon as the chip is idle; `timeout_ms` bounds virtual time.
  abi::PciError WaitInterrupt(uint32_t vector, uint32_t timeout_ms) override;
  abi::PciError ResetFunction() override;
  const char* LastErrorText() const override { return last_error_.c_str(); }

  // The machine's side, for tests and tools.
  Boundary& boundary() { return *boundary_; }
  device::Gpu& gpu() { return boundary_->gpu(); }
  uint64_t now_ns() const { return now_ns_; }
  // For tests only, with an entropy seed: the chip's next random bytes are these, before the seed's
  // go on. For known answers.
  void SetNextRandom(ConstByteSpan bytes);

 private:
  class Ports;
  friend class Ports;
  InProcessHost();
  void RunUntilBlocked();
  // The memory at [bus_address, + size), or nullptr when the IOMMU does not map all of it.
  uint8_t* Lookup(uint64_t bus_address, uint64_t size_bytes);
  abi::PciError Fail(abi::PciError error, std::string text);

  std::unique_ptr<ThreadExecutor> executor_;  // null with one worker
  std::unique_ptr<Ports> ports_;
  std::unique_ptr<FaultInjector> faults_;
  std::unique_ptr<Boundary> boundary_;
  uint8_t* vram_ = nullptr;
  uint64_t vram_bytes_ = 0;
  std::map<uint64_t, abi::DmaBuffer> dma_;  // by bus address, page-aligned, never adjacent
  uint64_t next_bus_address_ = 0x10000000;
  bool bus_master_ = false;
  bool memory_space_ = false;  // clear: register BARs don't answer
  bool running_ = false;       // a trace listener may call back; work does not nest
  uint32_t vector_count_ = 0;
  std::array<bool, abi::kVectorCount> fired_{};
  uint64_t now_ns_ = 1;
  std::string last_error_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_IN_PROCESS_IN_PROCESS_HOST_H_
