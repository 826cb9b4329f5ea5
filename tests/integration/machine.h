// A machine in this process with the chip in it, and the identity that the chip has there.
#ifndef WARD_TESTS_INTEGRATION_MACHINE_H_
#define WARD_TESTS_INTEGRATION_MACHINE_H_

#include <memory>
#include <string>

#include "emulator/identity/identity.h"
#include "emulator/in_process/in_process_host.h"

namespace ward::test {

// Made once per program: RSA keys take their time. WARD_TEST_IDENTITY names a folder where programs
// that run one after another share it.
const emulator::Identity& SharedIdentity();
// Its root certificate, PEM; or the one that SetSharedRoot told.
const std::string& SharedRoot();
// For a device that was not made here. Before the first use of SharedRoot.
void SetSharedRoot(std::string root);

struct MachineOptions {
  emulator::BoundaryListener* listener = nullptr;
  TraceSink* trace = nullptr;
  uint64_t entropy_seed = 0;
  bool strict_iv = false;
  bool open_decrypt = false;
  device::LatencyPreset latency = device::LatencyPreset::kFast;
  bool injects_faults = false;  // those of fault_plan.txt
};

device::GpuOptions TestGpuOptions();
std::unique_ptr<emulator::InProcessHost> MakeMachine(const MachineOptions& options = {});

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_MACHINE_H_
