#include "tests/unit/state_page/state_machine.h"

#include <algorithm>

#include "abi/generated/status.h"

namespace ward::test {
namespace {

constexpr char kBegin[] = "<!-- generated: state machines -->";
constexpr char kEnd[] = "<!-- end of generated: state machines -->";
constexpr char kNothing[] = "[*]";  // mermaid's beginning and end

// Mermaid's names of states have no spaces.
std::string DiagramName(const std::string& state) {
  if (state == "none") return kNothing;
  std::string name = state;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

// Arrows between different states; all events that lead the same way share one.
std::string RenderDiagram(const StateMachine& machine) {
  std::string text = "```mermaid\nstateDiagram-v2\n";
  const std::string& first = machine.states[0];
  if (DiagramName(first) != kNothing) {
    text += std::string("  ") + kNothing + " --> " + DiagramName(first) + "\n";
  }
  const auto count = static_cast<uint32_t>(machine.states.size());
  for (uint32_t from = 0; from < count; ++from) {
    for (uint32_t to = 0; to < count; ++to) {
      std::string label;
      for (const StateMachine::Row& row : machine.rows) {
        if (row.from != from || row.to != to || from == to) continue;
        label += (label.empty() ? "" : ", ") + machine.events[row.event];
      }
      if (label.empty()) continue;
      text += "  " + DiagramName(machine.states[from]) + " --> " + DiagramName(machine.states[to]) +
              " : " + label + "\n";
    }
  }
  return text + "```\n";
}

std::string StatusText(uint32_t status) {
  return status == abi::kStatusOk ? "" : std::string("`") + abi::StatusName(status) + "`";
}

std::string RenderRow(const std::string& state, const std::string& event, const std::string& next,
                      const std::string& answer) {
  return "| " + state + " | " + event + " | " + next + " | " + answer +
         (answer.empty() ? "|" : " |") + "\n";
}

std::string RenderTable(const StateMachine& machine) {
  std::string text = "| state | event | becomes | refused with |\n| --- | --- | --- | --- |\n";
  for (uint32_t state = 0; state < machine.states.size(); ++state) {
    size_t rows = 0;
    for (const StateMachine::Row& row : machine.rows) {
      if (row.from != state) continue;
      ++rows;
      const std::string next = row.status == abi::kStatusOk && row.to != state
                                   ? machine.states[row.to]
                                   : std::string("stays");
      text +=
          RenderRow(machine.states[state], machine.events[row.event], next, StatusText(row.status));
    }
    if (rows == machine.events.size()) continue;
    text += RenderRow(machine.states[state], rows == 0 ? "anything" : "anything else", "stays",
                      StatusText(machine.otherwise[state]));
  }
  return text;
}

}  // namespace

std::string Render(const StateMachine& machine) {
  return "### " + machine.title + "\n\n" + machine.summary + "\n\n" + RenderDiagram(machine) +
         "\n" + RenderTable(machine);
}

std::string Fill(const std::string& page, const std::vector<StateMachine>& machines) {
  const size_t begin = page.find(kBegin);
  const size_t end = page.find(kEnd);
  const bool is_marked = begin != std::string::npos && end != std::string::npos && begin < end &&
                         page.find(kBegin, begin + 1) == std::string::npos &&
                         page.find(kEnd, end + 1) == std::string::npos;
  if (!is_marked) return {};
  std::string filled = page.substr(0, begin) + kBegin + "\n\n";
  for (const StateMachine& machine : machines) filled += Render(machine) + "\n";
  return filled + page.substr(end);
}

}  // namespace ward::test
