// State machines as tables. Code asks the table whether something may happen now and where it
// leads; docs/spec/content-protection.md is rendered from the same rows. The names that people read
// are the renderer's. Freestanding: firmware uses it too.
#ifndef WARD_BASE_STATE_TABLE_H_
#define WARD_BASE_STATE_TABLE_H_

#include <cstdint>

namespace ward {

// What one event does in one state.
template <typename State, typename Event>
struct Transition {
  State from;
  Event event;
  // The state after the event's own work succeeded; when that fails the state stays. `from` where
  // the event is refused.
  State to;
  uint32_t status = 0;  // not OK (0): the event is refused with it; a code of abi/status.toml
};

// What a state answers to all events that have no row there: a status, or OK when they mean
// nothing to it.
template <typename State>
struct Otherwise {
  State state;
  uint32_t status;
};

// State and Event are enumerations that count from 0 and name their last value kLast.
template <typename State, typename Event, uint32_t kRows>
struct StateTable {
  static constexpr uint32_t kStates = static_cast<uint32_t>(State::kLast) + 1;
  static constexpr uint32_t kEvents = static_cast<uint32_t>(Event::kLast) + 1;

  Transition<State, Event> rows[kRows];
  Otherwise<State> otherwise[kStates];

  constexpr Transition<State, Event> Find(State from, Event event) const {
    for (const Transition<State, Event>& row : rows) {
      if (row.from == from && row.event == event) return row;
    }
    return {from, event, from, otherwise[static_cast<uint32_t>(from)].status};
  }
};

// True when no event has two rows in a state, no refusal changes the state, and `otherwise` names
// the states in their order.
template <typename State, typename Event, uint32_t kRows>
constexpr bool IsWellFormed(const StateTable<State, Event, kRows>& table) {
  for (uint32_t i = 0; i < kRows; ++i) {
    const Transition<State, Event>& row = table.rows[i];
    if (row.status != 0 && row.to != row.from) return false;
    for (uint32_t j = 0; j < i; ++j) {
      if (table.rows[j].from == row.from && table.rows[j].event == row.event) return false;
    }
  }
  for (uint32_t i = 0; i < table.kStates; ++i) {
    if (table.otherwise[i].state != static_cast<State>(i)) return false;
  }
  return true;
}

// A table of as many rows as are given; one that is not well formed does not compile.
template <typename State, typename Event, uint32_t kRows>
consteval StateTable<State, Event, kRows> MakeStateTable(
    const Transition<State, Event> (&rows)[kRows],
    const Otherwise<State> (&otherwise)[static_cast<uint32_t>(State::kLast) + 1]) {
  StateTable<State, Event, kRows> table = {};
  for (uint32_t i = 0; i < kRows; ++i) table.rows[i] = rows[i];
  for (uint32_t i = 0; i < table.kStates; ++i) table.otherwise[i] = otherwise[i];
  if (!IsWellFormed(table)) __builtin_unreachable();  // no constant, hence no table
  return table;
}

}  // namespace ward

#endif  // WARD_BASE_STATE_TABLE_H_
