#include "tests/integration/machine.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "emulator/boundary/fault_injector.h"
#include "tests/unit/crypto/workspace.h"

namespace ward::test {
namespace {

std::string& RootHere() {
  static std::string root;
  return root;
}

std::string ReadRoot() {
  const Workspace workspace;
  std::string error;
  if (!SharedIdentity().Save(workspace / "identity", false, &error)) {
    throw std::runtime_error(error);
  }
  return workspace.ReadText("identity/root.pem");
}

emulator::FaultPlan ReadFaultPlan() {
  std::ifstream file(WARD_SOURCE_DIR "/tests/integration/fault_plan.txt");
  std::string line;
  std::getline(file, line);
  std::string error;
  const auto plan = emulator::ParseFaults(line, &error);
  if (line.empty() || !plan) throw std::runtime_error("fault_plan.txt: " + error);
  return *plan;
}

}  // namespace

const emulator::Identity& SharedIdentity() {
  static const emulator::Identity identity = [] {
    std::string error;
    const char* kept = std::getenv("WARD_TEST_IDENTITY");
    std::optional<emulator::Identity> made = kept != nullptr && std::filesystem::exists(kept)
                                                 ? emulator::Identity::Load(kept, &error)
                                                 : emulator::Identity::Create(&error);
    if (made && kept != nullptr && !std::filesystem::exists(kept)) made->Save(kept, false, &error);
    if (!made || !error.empty()) throw std::runtime_error(error);
    return std::move(*made);
  }();
  return identity;
}

void SetSharedRoot(std::string root) { RootHere() = std::move(root); }

const std::string& SharedRoot() {
  std::string& root = RootHere();
  if (root.empty()) root = ReadRoot();
  return root;
}

device::GpuOptions TestGpuOptions() {
  device::GpuOptions options;
  options.visible_vram_bytes = 16 << 20;
  options.protected_vram_bytes = 32 << 20;
  options.identity_key = &SharedIdentity().key();
  options.identity_private_key = SharedIdentity().private_key();  // for recordings
  options.identity_certificates = SharedIdentity().certificate_bundle();
  return options;
}

std::unique_ptr<emulator::InProcessHost> MakeMachine(const MachineOptions& options) {
  emulator::InProcessOptions host_options;
  host_options.gpu = TestGpuOptions();
  host_options.gpu.strict_iv = options.strict_iv;
  host_options.gpu.open_decrypt = options.open_decrypt;
  host_options.gpu.latency = options.latency;
  if (options.injects_faults) host_options.faults = ReadFaultPlan();
  host_options.listener = options.listener;
  host_options.trace = options.trace;
  host_options.entropy_seed = options.entropy_seed;
  Result<std::unique_ptr<emulator::InProcessHost>> host =
      emulator::InProcessHost::Create(host_options);
  if (!host.ok()) throw std::runtime_error(host.fault().reason);
  return std::move(host.value());
}

}  // namespace ward::test
