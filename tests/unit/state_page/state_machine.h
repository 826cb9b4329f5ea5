// A state table with the names that people read, and what docs/spec/content-protection.md says of
// it.
#ifndef WARD_TESTS_UNIT_STATE_PAGE_STATE_MACHINE_H_
#define WARD_TESTS_UNIT_STATE_PAGE_STATE_MACHINE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/state_table.h"

namespace ward::test {

struct StateMachine {
  struct Row {
    uint32_t from;
    uint32_t event;
    uint32_t to;
    uint32_t status;
  };

  std::string title;
  std::string summary;
  std::vector<std::string> states;  // the first is where it begins
  std::vector<std::string> events;
  std::vector<Row> rows;
  std::vector<uint32_t> otherwise;  // status by state
};

// One name for each state and event, in the enumerations' order: one too few does not compile.
template <typename State, typename Event, uint32_t kRows>
StateMachine MakeStateMachine(
    const char* title, const char* summary, const StateTable<State, Event, kRows>& table,
    const char* const (&states)[StateTable<State, Event, kRows>::kStates],
    const char* const (&events)[StateTable<State, Event, kRows>::kEvents]) {
  StateMachine machine = {title, summary, {}, {}, {}, {}};
  for (const char* state : states) machine.states.push_back(state);
  for (const char* event : events) machine.events.push_back(event);
  for (const Transition<State, Event>& row : table.rows) {
    machine.rows.push_back({static_cast<uint32_t>(row.from), static_cast<uint32_t>(row.event),
                            static_cast<uint32_t>(row.to), row.status});
  }
  for (const Otherwise<State>& other : table.otherwise) machine.otherwise.push_back(other.status);
  return machine;
}

// Heading, diagram (mermaid) and table, lines ended by '\n'. A state "none" is drawn as the place
// where nothing is.
std::string Render(const StateMachine& machine);

// `page` with its generated section as `machines` say. Empty when the section's two markers are not
// there once each, in order.
std::string Fill(const std::string& page, const std::vector<StateMachine>& machines);

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_STATE_PAGE_STATE_MACHINE_H_
