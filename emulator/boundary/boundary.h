// Everything that crosses the chip's boundary passes here: what the host calls, and what the chip
// asks of its ports. Hosts own a Boundary instead of a Gpu; recorders, traces and fuzzers listen to
// it.
#ifndef WARD_EMULATOR_BOUNDARY_BOUNDARY_H_
#define WARD_EMULATOR_BOUNDARY_BOUNDARY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "device/gpu.h"
#include "device/ports.h"

namespace ward::emulator {

enum class BoundaryEventKind : uint8_t {
  // What the host did, told before the chip does it; `value` is what was written.
  kRegisterRead,
  kRegisterWrite,
  kConfigRead,
  kConfigWrite,
  kMsixRead,
  kMsixWrite,
  kProcess,  // address: budget
  kReset,    // value: device::ResetKind
  kTearDown,
  kLinkFault,      // address: output; value: device::LinkFault
  kAttachDisplay,  // address: output; value: EncodeDisplay
  // What the chip asked of its ports; `ok` is the host's answer.
  kDmaRead,
  kDmaWrite,
  kDmaWriteAtomic64,
  kVramRead,
  kVramWrite,
  kVramWriteAtomic64,
  kInterrupt,  // value: vector
  kTime,       // value: nanoseconds
  kEntropy,
  // value: what the chip answered to the read before.
  kAnswer,
  // What the host did, too; behind the others because recordings hold these numbers.
  kLoadState,  // data: the state, not sealed
  // The chip is now another one than what was heard of it leads to.
  kReplaced,  // value: ReplacedBy
  // The host looked at a register while the chip works; kAnswer follows.
  kRegisterLook,
  kLast = kRegisterLook
};

enum class ReplacedBy : uint8_t { kSealedState, kSnapshot, kLast = kSnapshot };

// For people: "register read", ...
const char* NameOf(BoundaryEventKind kind);
// What the host did, as against what the chip asked for or answered.
bool IsHostCall(BoundaryEventKind kind);
// Calls that a host may make while the chip waits for one of its ports: accesses to registers,
// configuration space and BAR4.
bool CanNest(BoundaryEventKind kind);

// An attached display as one number, and back.
uint64_t EncodeDisplay(const device::AttachedDisplay& display);
device::AttachedDisplay DecodeDisplay(uint64_t value);

// `data` is good during the call only. A listener that keeps kEntropy or DMA data keeps secrets.
struct BoundaryEvent {
  BoundaryEventKind kind;
  bool ok = true;
  uint32_t size_bytes = 0;  // of a register access
  uint64_t address = 0;     // register offset, bus address or VRAM offset
  uint64_t value = 0;
  ConstByteSpan data;
  // A call of the host within the one that goes on, made while the chip waits for a port. The port
  // access that it waits for is told behind it.
  bool is_nested = false;
};

class BoundaryListener {
 public:
  virtual void OnEvent(const BoundaryEvent& event) = 0;
  // The call of the host that was told last is over; not of calls within it.
  virtual void OnReturn(BoundaryEventKind) {}
  // Whether it has to hear of each access to memory. If not, the chip works on bulk data where the
  // host shows it, and reads visible VRAM there, of which nothing is told. The same at all times.
  virtual bool NeedsAccesses() const { return true; }

 protected:
  ~BoundaryListener() = default;
};

class Boundary {
 public:
  // As device::Gpu::Create. The ports outlive the boundary. `listener` may be null; it hears
  // everything from the chip's start on.
  static Result<std::unique_ptr<Boundary>> Create(const device::GpuOptions& options,
                                                  const device::Ports& ports,
                                                  BoundaryListener* listener);
  ~Boundary();
  Boundary(const Boundary&) = delete;
  Boundary& operator=(const Boundary&) = delete;

  // As device::Gpu.
  uint32_t ReadRegister(uint64_t offset, uint32_t size_bytes);
  uint32_t PeekRegister(uint64_t offset);
  void WriteRegister(uint64_t offset, uint32_t size_bytes, uint32_t value);
  uint32_t ReadConfig(uint32_t offset, uint32_t size_bytes);
  void WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value);
  uint32_t ReadMsix(uint64_t offset, uint32_t size_bytes);
  void WriteMsix(uint64_t offset, uint32_t size_bytes, uint32_t value);
  device::ProcessResult Process(uint64_t budget_bytes);
  void Reset(device::ResetKind kind);
  void TearDown();
  void SetLinkFault(uint32_t output, device::LinkFault fault);
  Result<void> AttachDisplay(uint32_t output, const device::AttachedDisplay& display);

  // A sealed state is told as kReplaced when it is in: the seal's key is nothing to listen to.
  Result<void> LoadState(ConstByteSpan state, device::StateSeal* seal);
  // Told as kReplaced.
  void Restore(const device::GpuSnapshot& snapshot);

  // For scan-outs, hashes and snapshots: nothing of these is told to the listener. Loads go through
  // the functions above, or a recording goes on with another chip than the one that is there.
  device::Gpu& gpu() { return *gpu_; }
  const device::Gpu& gpu() const { return *gpu_; }

 private:
  class PortTap;
  class HostCall;
  explicit Boundary(std::unique_ptr<PortTap> tap);
  void TellReplaced(ReplacedBy cause);

  std::unique_ptr<PortTap> tap_;  // before gpu_: the chip uses it to its end
  std::unique_ptr<device::Gpu> gpu_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_BOUNDARY_H_
