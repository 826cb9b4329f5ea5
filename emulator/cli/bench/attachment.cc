#include "emulator/cli/bench/attachment.h"

#include <fmt/core.h>

#include <cstdio>
#include <optional>

#include "abi/generated/pci.h"
#include "emulator/identity/identity.h"
#include "emulator/in_process/in_process_host.h"
#include "kmd/ports/open_function.h"

namespace ward::emulator {
namespace {

constexpr uint32_t kCommandRegister = 4;
constexpr uint32_t kMemoryDecoding = 2;

std::unique_ptr<abi::PciFunction> MakeChip(std::string* error) {
  const std::optional<Identity> identity = Identity::Create(error);
  if (!identity) return nullptr;
  InProcessOptions options;
  options.gpu.identity_private_key = identity->private_key();
  options.gpu.identity_certificates = identity->certificate_bundle();
  auto host = InProcessHost::Create(options);
  if (host.ok()) return std::move(host.value());
  *error = host.fault().reason;
  return nullptr;
}

}  // namespace

std::unique_ptr<abi::PciFunction> Attach(const std::string& where, std::string* error) {
  std::unique_ptr<abi::PciFunction> function;
  if (where == kInProcess) {
    function = MakeChip(error);
  } else if (kmd::OpenFunction(where, &function, error) != abi::PciError::kNone) {
    *error = fmt::format("{}: {}", where, *error);
    return nullptr;
  }
  if (function == nullptr) return nullptr;
  const uint32_t command = function->ConfigRead(kCommandRegister, 2);
  function->ConfigWrite(kCommandRegister, 2, command | kMemoryDecoding);
  return function;
}

void AddFunctionOption(CLI::App* command, std::string* where) {
  *where = kInProcess;
  command
      ->add_option("-f,--function", *where,
                   fmt::format("The PCI function: {}, or in-process: a new chip, for trying out",
                               kmd::kFunctionForms))
      ->capture_default_str();
}

int Complain(const std::string& error) {
  fmt::print(stderr, "ward: {}\n", error);
  return 1;
}

}  // namespace ward::emulator
