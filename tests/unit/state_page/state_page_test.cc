#include <fstream>
#include <set>
#include <sstream>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/state_page/state_machines.h"

namespace ward::test {
namespace {

enum class Door : uint8_t { kNone, kOpen, kFarOpen, kLast = kFarOpen };
enum class Hand : uint8_t { kPush, kPull, kFall, kLast = kFall };
constexpr auto kDoor = MakeStateTable<Door, Hand>(
    {
        {Door::kOpen, Hand::kPush, Door::kFarOpen},
        {Door::kOpen, Hand::kPull, Door::kOpen, abi::kStatusChannelInvalid},
        {Door::kOpen, Hand::kFall, Door::kNone},
        {Door::kFarOpen, Hand::kPull, Door::kOpen},
        {Door::kFarOpen, Hand::kPush, Door::kNone},
    },
    {{Door::kNone, abi::kStatusOperandInvalid}, {Door::kOpen, 0}, {Door::kFarOpen, 0}});

std::vector<StateMachine> Doors() {
  return {MakeStateMachine("Door", "Of a house.", kDoor, {"none", "open", "far open"},
                           {"push", "pull", "fall"})};
}

constexpr char kRendered[] = R"(### Door

Of a house.

```mermaid
stateDiagram-v2
  open --> [*] : fall
  open --> far_open : push
  far_open --> [*] : push
  far_open --> open : pull
```

| state | event | becomes | refused with |
| --- | --- | --- | --- |
| none | anything | stays | `OPERAND_INVALID` |
| open | push | far open | |
| open | pull | stays | `CHANNEL_INVALID` |
| open | fall | none | |
| far open | pull | open | |
| far open | push | none | |
| far open | anything else | stays | |
)";

TEST_CASE("a state machine is drawn and tabled") { CHECK(Render(Doors()[0]) == kRendered); }

TEST_CASE("a machine that is never none begins in its first state") {
  StateMachine machine = Doors()[0];
  machine.states[0] = "shut";
  CHECK(Render(machine).find("  [*] --> shut\n") != std::string::npos);
}

TEST_CASE("what is between the markers is replaced, nothing else") {
  const std::string begin = "<!-- generated: state machines -->";
  const std::string end = "<!-- end of generated: state machines -->";
  CHECK(Fill("before " + begin + " old " + end + " behind", Doors()) ==
        "before " + begin + "\n\n" + kRendered + "\n" + end + " behind");
  CHECK(Fill("before " + begin + " old", Doors()).empty());
  CHECK(Fill(end + begin, Doors()).empty());
  CHECK(Fill(begin + end + end, Doors()).empty());
  CHECK(Fill(begin + begin + end, Doors()).empty());
}

std::string ReadPage() {
  std::ostringstream page;
  page << std::ifstream(WARD_SOURCE_DIR "/docs/spec/content-protection.md").rdbuf();
  return page.str();
}

TEST_CASE("docs/spec/content-protection.md has the state machines that the code runs") {
  INFO("mend it with: ./dev check --fix generated");
  CHECK(Fill(ReadPage(), AllStateMachines()) == ReadPage());
}

// What stands between backquotes and is written in capitals.
std::vector<std::string> QuotedNames(const std::string& page) {
  std::vector<std::string> names;
  size_t begin = page.find('`');
  while (begin != std::string::npos) {
    const size_t end = page.find('`', begin + 1);
    if (end == std::string::npos) break;
    const std::string name = page.substr(begin + 1, end - begin - 1);
    if (!name.empty() && name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == name.npos) {
      names.push_back(name);
    }
    begin = page.find('`', end + 1);
  }
  return names;
}

TEST_CASE("docs/spec/content-protection.md names statuses, messages and commands that exist") {
  std::set<std::string> known;
  for (const abi::StatusInfo& status : abi::kStatuses) known.insert(status.name);
  for (const abi::MessageInfo& message : abi::kMessages) known.insert(message.name);
  for (const abi::CommandInfo& command : abi::kCommands) known.insert(command.name);
  const std::vector<std::string> names = QuotedNames(ReadPage());
  CHECK(names.size() > 50);
  for (const std::string& name : names) {
    INFO(name);
    CHECK(known.contains(name));
  }
}

TEST_CASE("every name of a state or an event is said once in its machine") {
  for (const StateMachine& machine : AllStateMachines()) {
    INFO(machine.title);
    for (const std::vector<std::string>* names : {&machine.states, &machine.events}) {
      for (size_t i = 0; i < names->size(); ++i) {
        for (size_t j = 0; j < i; ++j) CHECK((*names)[i] != (*names)[j]);
      }
    }
  }
}

}  // namespace
}  // namespace ward::test
