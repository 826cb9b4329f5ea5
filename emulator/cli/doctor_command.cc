#include "emulator/cli/doctor_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "emulator/cli/command_line.h"
#include "emulator/cli/doctor/finding.h"

namespace ward::emulator {
namespace {

struct DoctorArguments {
  std::string identity;
  std::vector<std::string> sockets;
  std::string root = "/";
  bool json = false;
};

const char* KindName(FindingKind kind) {
  return kind == FindingKind::kOk ? "ok" : kind == FindingKind::kNote ? "note" : "missing";
}

std::vector<Finding> ExamineAll(const DoctorArguments& arguments) {
  const std::filesystem::path root = arguments.root;
  std::vector<Finding> findings = {ExamineIdentity(arguments.identity)};
  const auto add = [&](std::vector<Finding> more) {
    findings.insert(findings.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  };
  add(ExamineVfio(root));
  add(ExamineFunctions(root));
  add(ExamineMemory(root));
  add(ExamineQemu());
  findings.push_back(ExamineKvm(root));
  findings.push_back(ExamineSeccomp(root));
  add(ExamineServers(root));
  for (const std::string& path : arguments.sockets) {
    findings.push_back(ExamineSocket(root, path));
  }
  return findings;
}

int Examine(const DoctorArguments& arguments) {
  const std::vector<Finding> findings = ExamineAll(arguments);
  const auto problems = std::count_if(findings.begin(), findings.end(), [](const Finding& one) {
    return one.kind == FindingKind::kMissing;
  });
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& one : findings) {
    list.push_back({{"subject", one.subject},
                    {"kind", KindName(one.kind)},
                    {"text", one.text},
                    {"mend", one.mend}});
    if (arguments.json) continue;
    fmt::print("{:<8} {:<10} {}{}{}\n", KindName(one.kind), one.subject, one.text,
               one.mend.empty() ? "" : "; mend it with: ", one.mend);
  }
  if (arguments.json) {
    const nlohmann::ordered_json document = {{"problems", problems}, {"findings", std::move(list)}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("doctor: {} to mend\n", problems);
  }
  return problems == 0 ? 0 : 1;
}

}  // namespace

void AddDoctorCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<DoctorArguments>();
  CLI::App* doctor = AddCommand(app, "doctor", "Look at this machine and say what mends it");
  doctor->add_option("SOCKET", arguments->sockets, "Sockets that a server is to listen at");
  doctor->add_option("--identity", arguments->identity, "Directory made by `ward identity create`");
  doctor->add_option("--root", arguments->root, "Look at the files below this directory")
      ->group("");
  doctor->add_flag("--json", arguments->json, "Print JSON, for scripts");
  doctor->footer(
      "Nothing is changed. A line for each subject: ok, note (the tool can do without it) or "
      "missing\n"
      "(what was asked for, or is there, does not work). Exit code 1 when something is missing.\n"
      "Example: ward doctor /tmp/gpu.sock --identity ~/ward-identity");
  doctor->callback([arguments, exit_code] { *exit_code = Examine(*arguments); });
}

}  // namespace ward::emulator
