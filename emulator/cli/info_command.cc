#include "emulator/cli/info_command.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "abi/generated/pci.h"
#include "abi/generated/reference.h"
#include "emulator/boundary/names.h"
#include "emulator/cli/bench/attachment.h"
#include "emulator/cli/bench/gone.h"
#include "emulator/cli/bench/kernel_queue.h"
#include "emulator/cli/bench/register_place.h"
#include "emulator/cli/bench/register_text.h"
#include "emulator/cli/command_line.h"

namespace ward::emulator {
namespace {

struct InfoArguments {
  std::string function;
  bool json = false;
};

RegisterPlace Place(const std::string& name) {
  TextScanner scanner(name);
  Mistake mistake;
  return *ScanRegister(&scanner, ArrayUse::kWhole, &mistake);
}

// Every field of `place` that is one bit and set, or clear.
std::vector<std::string> Bits(const RegisterPlace& place, uint64_t value, bool wanted) {
  std::vector<std::string> names;
  for (const abi::FieldReference& field : place.fields) {
    if ((value >> field.low & 1) == (wanted ? 1 : 0)) names.push_back(field.name);
  }
  return names;
}

nlohmann::ordered_json Describe(abi::PciFunction* function, const std::string& where) {
  nlohmann::ordered_json document;
  document["tool"] = WARD_VERSION;
  document["tool_abi"] = fmt::format("{}.{}", abi::kAbiMajor, abi::kAbiMinor);
  document["function"] = where;
  nlohmann::ordered_json config = nlohmann::ordered_json::object();
  for (const abi::ConfigRegisterInfo& info : abi::kConfigRegisters) {
    if (info.offset > 0x2e || info.size_bytes == 3) continue;
    config[info.name] = function->ConfigRead(info.offset, info.size_bytes);
  }
  document["config"] = std::move(config);
  const uint64_t version = ReadRegister(function, Place("ABI_VERSION"));
  document["abi"] = fmt::format("{}.{}", version >> 16, version & 0xffff);
  const RegisterPlace features = Place("FEATURES");
  const uint64_t bits = ReadRegister(function, features);
  document["features"] = Bits(features, bits, true);
  document["absent_features"] = Bits(features, bits, false);
  nlohmann::ordered_json registers = nlohmann::ordered_json::object();
  for (const RegisterPlace& place : ListAllRegisters()) {
    if (std::string_view(place.reference->block) != "IDENTITY") continue;
    registers[place.name] = ReadRegister(function, place);
  }
  registers["DEVICE_STATUS"] = ReadRegister(function, Place("DEVICE_STATUS"));
  document["registers"] = std::move(registers);
  return document;
}

void PrintText(const nlohmann::ordered_json& document) {
  const auto& config = document["config"];
  const auto line = [](const char* what, const std::string& value) {
    fmt::print("{:<22} {}\n", what, value);
  };
  line("tool", fmt::format("ward {}, contract {}", document["tool"].get<std::string>(),
                           document["tool_abi"].get<std::string>()));
  line("function", document["function"].get<std::string>());
  line("vendor:device", fmt::format("{:04x}:{:04x}", config["VENDOR_ID"].get<uint32_t>(),
                                    config["DEVICE_ID"].get<uint32_t>()));
  line("contract", document["abi"].get<std::string>());
  line("features",
       fmt::format("{}", fmt::join(document["features"].get<std::vector<std::string>>(), " ")));
  line("absent",
       fmt::format("{}",
                   fmt::join(document["absent_features"].get<std::vector<std::string>>(), " ")));
  for (const auto& [name, value] : document["registers"].items()) {
    if (name == "FEATURES" || name == "ABI_VERSION") continue;
    const RegisterPlace place = Place(name);
    const std::string text = DescribeValue(place, value.get<uint64_t>());
    fmt::print("{:<22} {:<14} {}\n", name, text.substr(name.size() + 3), place.reference->summary);
  }
}

int Info(const InfoArguments& arguments) {
  std::string error;
  const auto function = Attach(arguments.function, &error);
  if (function == nullptr) return Complain(error);
  if (!KernelQueue::IsOurs(function.get(), &error)) return Complain(error);
  const nlohmann::ordered_json document = Describe(function.get(), arguments.function);
  if (const auto gone = WhyGone(function.get())) return Complain(*gone);
  if (arguments.json) {
    fmt::print("{}\n", document.dump(2));
  } else {
    PrintText(document);
  }
  return 0;
}

}  // namespace

void AddInfoCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<InfoArguments>();
  CLI::App* info = AddCommand(app, "info", "Say what a function is, has and can do");
  AddFunctionOption(info, &arguments->function);
  info->add_flag("--json", arguments->json, "Print JSON, for scripts");
  info->footer(
      "Nothing is written but the memory decoding bit of configuration space. Examples:\n"
      "  ward info                                    a new chip in this process\n"
      "  ward info -f vfio-user:/tmp/gpu.sock         one that `ward serve` serves\n"
      "  ward info -f 0000:00:05.0 --json | jq .abi   one of this machine, bound to vfio-pci");
  info->callback([arguments, exit_code] { *exit_code = Info(*arguments); });
}

}  // namespace ward::emulator
