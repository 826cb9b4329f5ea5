// Figures of a chip in this very process (docs/performance.md).
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "emulator/identity/identity.h"
#include "emulator/in_process/in_process_host.h"
#include "tests/bench/attachments/probe.h"

int main() {
  std::string error;
  const auto identity = ward::emulator::Identity::Create(&error);
  if (!identity) {
    std::printf("failed %s\n", error.c_str());
    return 1;
  }
  ward::emulator::InProcessOptions options;
  options.gpu.identity_private_key = identity->private_key();
  options.gpu.identity_certificates = identity->certificate_bundle();
  auto host = ward::emulator::InProcessHost::Create(options);
  if (!host.ok()) {
    std::printf("failed %s\n", host.fault().reason);
    return 1;
  }
  std::vector<std::unique_ptr<ward::abi::PciFunction>> functions;
  functions.push_back(std::move(host.value()));
  return ward::bench::RunProbe(std::move(functions));
}
