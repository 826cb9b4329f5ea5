// One chip that is served: its ports, its visible VRAM, its regions as a client reaches them. It
// outlives its clients; each one finds it as after power-on, with visible VRAM of its own. All
// calls come from one thread.
#ifndef WARD_EMULATOR_VFIO_USER_SERVED_GPU_H_
#define WARD_EMULATOR_VFIO_USER_SERVED_GPU_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "device/gpu.h"
#include "emulator/boundary/boundary.h"
#include "emulator/boundary/fault_injector.h"
#include "emulator/boundary/observers.h"
#include "emulator/executor/thread_executor.h"
#include "emulator/vfio_user/function_config.h"
#include "emulator/vfio_user/vram_file.h"

namespace ward::emulator {

// The side of the client that the chip reaches.
class ClientPort {
 public:
  // As device::DmaPort. Called within calls of ServedGpu only.
  virtual bool ReadDma(uint64_t bus_address, ByteSpan destination) = 0;
  virtual bool WriteDma(uint64_t bus_address, ConstByteSpan source) = 0;
  virtual bool WriteDmaAtomic64(uint64_t bus_address, uint64_t value) = 0;
  virtual void FireVector(uint32_t vector) = 0;
  // Vectors that fired and could not be told yet, for BAR4's pending bits.
  virtual uint32_t PendingVectors() = 0;
  virtual void OnBusMaster(bool enabled) = 0;
  // The function was reset; nothing that it asked for before is due any more.
  virtual void OnFunctionReset() = 0;

 protected:
  ~ClientPort() = default;
};

class ServedGpu {
 public:
  // As device::Gpu::Create. `observers` outlive this. `workers`: processors that the chip's bulk
  // work may take, 1 to ThreadExecutor::kMaximumWidth; its threads begin here.
  static Result<std::unique_ptr<ServedGpu>> Create(const device::GpuOptions& options,
                                                   Observers* observers,
                                                   const FaultPlan& faults = {},
                                                   uint32_t workers = 1);
  ~ServedGpu();
  ServedGpu(const ServedGpu&) = delete;
  ServedGpu& operator=(const ServedGpu&) = delete;

  // A client comes: power-on, and a fresh VRAM file. False when there is no memory for one. There
  // is none before.
  bool Attach(ClientPort* client);
  // It went: keys and protected memory are wiped, its VRAM is zeroed and dropped.
  void Detach();

  // Bytes of a region of the protocol; 0: no such region.
  uint64_t RegionSize(uint32_t region) const;
  // Whether a client may map it.
  static bool IsMappable(uint32_t region);
  const VramFile& vram() const { return vram_; }

  // Whether a client may access this: 0, or EINVAL for a place or size that the region does not
  // have.
  int CheckAccess(uint32_t region, uint64_t offset, uint64_t size) const;
  // An access that was checked. While the function does not decode memory its BARs read all ones
  // and take nothing.
  void Read(uint32_t region, uint64_t offset, ByteSpan data);
  void Write(uint32_t region, uint64_t offset, ConstByteSpan data);
  void Reset();
  // Whether a write to configuration space resets the function, changes its power or takes bus
  // mastering away: what a slice still wants from memory is refused then.
  bool EndsSlice(uint64_t offset, ConstByteSpan data);

  // One bounded slice of work.
  device::ProcessResult Process();
  // Virtual time: nanoseconds of the host's steady clock, from 1 on.
  uint64_t NowNs() const;

  Boundary& boundary() { return *boundary_; }
  // Null when nobody counts.
  const WorkCounts* counts() const { return observers_->counts(); }

 private:
  class Ports;
  friend class Ports;
  ServedGpu(const device::GpuOptions& options, Observers* observers, const FaultPlan& faults,
            uint32_t workers);
  void ReadRegisters(uint64_t offset, ByteSpan data);
  void ReadMsix(uint64_t offset, ByteSpan data);
  void TellBusMaster();

  Observers* observers_;
  const uint64_t vram_bytes_;
  const uint64_t start_ns_;
  VramFile vram_;
  ClientPort* client_ = nullptr;              // null: nobody is attached
  std::unique_ptr<ThreadExecutor> executor_;  // null with one worker
  std::unique_ptr<Ports> ports_;
  std::unique_ptr<FaultInjector> faults_;
  std::unique_ptr<Boundary> boundary_;
  std::optional<FunctionConfig> config_;
  bool bus_master_ = false;  // what the client port was told last
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_SERVED_GPU_H_
