// Faults of the machine around the chip, on purpose and repeatably: interrupts that get lost, DMA
// that is refused, and so on. Stands between the host's ports and the boundary, so a recording made
// behind it holds what the faults did and replays without it. docs/guide/faults.md lists them.
#ifndef WARD_EMULATOR_BOUNDARY_FAULT_INJECTOR_H_
#define WARD_EMULATOR_BOUNDARY_FAULT_INJECTOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/gpu.h"
#include "device/ports.h"
#include "emulator/boundary/boundary.h"

namespace ward::emulator {

// What is injected; nothing by default. Counts are of events since the chip's start.
struct FaultPlan {
  struct LostInterrupt {
    std::optional<uint32_t> vector;  // none: any
    uint64_t every = 1;              // of that vector's (of all) interrupts, each n-th is lost
  };
  struct DmaError {
    uint64_t nth = 0;    // the first access that fails; 0: `every` says
    uint64_t every = 0;  // and each n-th after it; 0: no other
  };
  struct HdcpLoss {
    uint32_t output = 0;
    uint64_t at_ns = 0;  // virtual time
  };

  std::vector<LostInterrupt> lost_interrupts;
  std::vector<DmaError> dma_errors;
  uint64_t late_fence_ns = 0;      // a fence's value stands in memory this much later
  uint32_t firmware_slowdown = 1;  // as GpuOptions
  uint64_t engine_hang_after = 0;  // as GpuOptions
  std::vector<HdcpLoss> hdcp_losses;
};

// "lost-interrupt:vector=1,every=10 dma-error:nth=5 late-fence:ns=20000000 slow-firmware:x=10
// engine-hang:after=100 hdcp-loss:output=0,at-ns=1000000000", separated by spaces or semicolons.
// Nothing, and one line that names the word and what was expected there, for any other text.
std::optional<FaultPlan> ParseFaults(const std::string& text, std::string* error);

class FaultInjector {
 public:
  // `host` outlives it.
  FaultInjector(const FaultPlan& plan, const device::Ports& host);
  ~FaultInjector();
  FaultInjector(const FaultInjector&) = delete;
  FaultInjector& operator=(const FaultInjector&) = delete;

  // For Boundary::Create. Before it: those faults that the chip itself plays.
  device::Ports ports();
  void Apply(device::GpuOptions* options) const;

  // In place of Boundary::Process: what is due by now happens first.
  device::ProcessResult Process(Boundary* boundary, uint64_t budget_bytes);

 private:
  class Taps;
  std::unique_ptr<Taps> taps_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_FAULT_INJECTOR_H_
