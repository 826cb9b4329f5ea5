#include "emulator/cli/bench/submission_text.h"

#include <fmt/format.h>

#include "abi/generated/status.h"
#include "emulator/cli/bench/register_text.h"

namespace ward::emulator {
namespace {

std::string Summary(uint32_t code) {
  const abi::StatusInfo* status = abi::FindStatus(code);
  return status == nullptr ? "" : status->summary;
}

std::string CommandName(const std::vector<CommandText>& commands, int index) {
  if (index < 0) return "the fence that the tool put behind them";
  return fmt::format("command {}, {}", index + 1, commands[static_cast<size_t>(index)].info->name);
}

}  // namespace

bool IsDone(const SubmissionResult& result) {
  return !result.timed_out && result.fault_status == 0 && result.refusal_count == 0;
}

std::string DescribeSubmission(const std::vector<CommandText>& commands,
                               const SubmissionResult& result) {
  std::string text;
  if (result.fault_status != 0) {
    text = fmt::format("the queue faulted: {} at {}, address {:#x}, fence {}\n  {}",
                       StatusName(result.fault_status), CommandName(commands, result.fault_command),
                       result.fault_address, result.fence, Summary(result.fault_status));
  } else if (result.timed_out) {
    text = fmt::format("the commands did not end in time; the fence is {}", result.fence);
  } else {
    text = fmt::format("all {} done, fence {}", commands.size(), result.fence);
  }
  if (result.refusal_count == 0) return text;
  return fmt::format("{}\n{} refused, last with {}\n  {}", text, result.refusal_count,
                     StatusName(result.refusal_status), Summary(result.refusal_status));
}

nlohmann::ordered_json SubmissionJson(const std::vector<CommandText>& commands,
                                      const SubmissionResult& result) {
  nlohmann::ordered_json document = {
      {"done", IsDone(result)}, {"timed_out", result.timed_out},    {"fence", result.fence},
      {"fault", nullptr},       {"refusals", result.refusal_count}, {"refusal", nullptr}};
  if (result.fault_status != 0) {
    document["fault"] = {{"status", StatusName(result.fault_status)},
                         {"code", result.fault_status},
                         {"address", result.fault_address},
                         {"index", result.fault_command}};
    if (result.fault_command >= 0) {
      document["fault"]["command"] = commands[static_cast<size_t>(result.fault_command)].info->name;
    }
  }
  if (result.refusal_count != 0) document["refusal"] = StatusName(result.refusal_status);
  return document;
}

}  // namespace ward::emulator
