#include "emulator/cli/replay/break_list.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "abi/generated/commands.h"
#include "abi/generated/status.h"
#include "emulator/cli/replay/prompt_words.h"
#include "emulator/cli/replay/register_offsets.h"

namespace ward::emulator {
namespace {

bool IsCommand(const std::string& name) {
  return std::any_of(std::begin(abi::kCommands), std::end(abi::kCommands),
                     [&](const abi::CommandInfo& info) { return name == info.name; });
}

bool IsStatus(const std::string& name) {
  return std::any_of(std::begin(abi::kStatuses), std::end(abi::kStatuses),
                     [&](const abi::StatusInfo& info) { return name == info.name; });
}

bool IsRegisterAccess(BoundaryEventKind kind) {
  return kind == BoundaryEventKind::kRegisterRead || kind == BoundaryEventKind::kRegisterWrite;
}

}  // namespace

std::string BreakList::Add(const std::vector<std::string>& words) {
  if (words.size() != 2) {
    return "break: expected register NAME, command NAME, status NAME or event NUMBER";
  }
  Break added = {last_number_ + 1, Kind::kEvent, words[0] + " " + words[1], words[1], {}, 0};
  if (words[0] == "register") {
    added.kind = Kind::kRegister;
    added.offsets = OffsetsOfRegister(words[1]);
    if (added.offsets.empty()) {
      return fmt::format(
          "'{}' is no register: expected a name of docs/spec/registers.md, as "
          "RING_HEAD or RING_HEAD[3]",
          words[1]);
    }
  } else if (words[0] == "command") {
    added.kind = Kind::kCommand;
    if (!IsCommand(words[1])) {
      return fmt::format("'{}' is no command: expected a name of docs/spec/commands.md, as FENCE",
                         words[1]);
    }
  } else if (words[0] == "status") {
    added.kind = Kind::kStatus;
    if (!IsStatus(words[1])) {
      return fmt::format("'{}' is no status: expected a name of docs/spec/status.md, as BUS_ERROR",
                         words[1]);
    }
  } else if (words[0] == "event") {
    const std::optional<uint64_t> event = ParseNumber(words[1]);
    if (!event) return fmt::format("'{}' is no number: expected that of an event", words[1]);
    added.event = *event;
  } else {
    return fmt::format("'{}' is nothing to break on: expected register, command, status or event",
                       words[0]);
  }
  last_number_ = added.number;
  breaks_.push_back(std::move(added));
  return "";
}

bool BreakList::Delete(uint64_t number) {
  return std::erase_if(breaks_, [&](const Break& one) { return one.number == number; }) != 0;
}

std::string BreakList::List() const {
  std::string lines;
  for (const Break& one : breaks_) lines += fmt::format("break {}: {}\n", one.number, one.text);
  return lines.empty() ? "no breaks\n" : lines;
}

std::string BreakList::FindBefore(const RecordedEvent& call, uint64_t event) const {
  for (const Break& one : breaks_) {
    const bool on_register =
        one.kind == Kind::kRegister && IsRegisterAccess(call.kind) &&
        std::find(one.offsets.begin(), one.offsets.end(), call.address) != one.offsets.end();
    if (on_register || (one.kind == Kind::kEvent && one.event == event)) {
      return fmt::format("break {}: {}", one.number, one.text);
    }
  }
  return "";
}

std::string BreakList::TakeHit() { return std::exchange(hit_, {}); }

void BreakList::OnEvent(const TraceEvent& event) {
  if (!is_listening_ || !hit_.empty()) return;
  const std::string_view name = event.name;
  const bool is_command = name == "command";
  const bool is_status = name == "fault" || name == "refusal" || name == "answer";
  for (const Break& one : breaks_) {
    if ((one.kind != Kind::kCommand || !is_command) && (one.kind != Kind::kStatus || !is_status)) {
      continue;
    }
    if (one.name != event.detail) continue;
    const std::string place = name == "answer"
                                  ? "a message's answer"
                                  : fmt::format("{} of queue {} at {:#x} of its ring", name,
                                                event.arguments[0], event.arguments[1]);
    hit_ = fmt::format("break {}: {}, {}", one.number, one.text, place);
    return;
  }
}

}  // namespace ward::emulator
