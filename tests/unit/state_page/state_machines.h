// The state machines of the content-protection page.
#ifndef WARD_TESTS_UNIT_STATE_PAGE_STATE_MACHINES_H_
#define WARD_TESTS_UNIT_STATE_PAGE_STATE_MACHINES_H_

#include <vector>

#include "tests/unit/state_page/state_machine.h"

namespace ward::test {

std::vector<StateMachine> AllStateMachines();

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_STATE_PAGE_STATE_MACHINES_H_
