// docs/guide/from-reset.md does what it says.
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/kmd/chip_machine.h"
#include "tests/unit/kmd/worked_example.h"

namespace ward::kmd {
namespace {

std::vector<WorkedExample::Line> Page() {
  return WorkedExample::ReadPage(WARD_SOURCE_DIR "/docs/guide/from-reset.md");
}

std::unique_ptr<emulator::InProcessHost> MakeHost() {
  emulator::InProcessOptions options = ChipMachine::Options();
  options.gpu.visible_vram_bytes = 64 << 20;
  return std::move(emulator::InProcessHost::Create(options).value());
}

TEST_CASE("every line of the page from reset to a user's command is so") {
  const std::vector<WorkedExample::Line> lines = Page();
  REQUIRE(lines.size() > 80);
  const auto host = MakeHost();
  WorkedExample example(host.get());
  for (const WorkedExample::Line& line : lines) {
    const auto wrong = example.Do(line.text);
    if (wrong.has_value()) FAIL("line " << line.number << ": " << line.text << ": " << *wrong);
  }
}

// A page whose lines could say anything would be worth nothing.
TEST_CASE("a comparison of the page that says another value is found out") {
  const std::vector<WorkedExample::Line> lines = Page();
  size_t comparisons = 0;
  for (size_t changed = 0; changed < lines.size(); ++changed) {
    std::string text = lines[changed].text;
    const size_t is = text.find(" is ");
    if (is == std::string::npos || text.starts_with("poll")) continue;
    text.insert(text.find_first_of(" ", is + 4) == std::string::npos
                    ? text.size()
                    : text.find_first_of(" ", is + 4),
                "+1");
    ++comparisons;
    const auto host = MakeHost();
    WorkedExample example(host.get());
    std::optional<std::string> wrong;
    for (size_t i = 0; i <= changed && !wrong.has_value(); ++i) {
      wrong = example.Do(i == changed ? text : lines[i].text);
    }
    INFO(text);
    CHECK(wrong.has_value());
  }
  CHECK(comparisons > 25);
}

TEST_CASE("a line that the page's language does not have is no line") {
  const auto host = MakeHost();
  WorkedExample example(host.get());
  for (const char* line :
       {"read", "read NO_SUCH_REGISTER is 1", "read DEVICE_MAGIC", "read DEVICE_MAGIC is ward",
        "read QUEUE_STATUS is 0", "read DEVICE_MAGIC[0] is 0x44524157", "frobnicate 1",
        "store nowhere+0 1", "write SCRATCH opcode(NO_SUCH)", "load vram 0", "config 0 look 1",
        "config cap(0x77) read 1", "config 0x10 restore", "write SCRATCH low(nothing)"}) {
    CHECK(example.Do(line) == "can't be read");
  }
}

}  // namespace
}  // namespace ward::kmd
