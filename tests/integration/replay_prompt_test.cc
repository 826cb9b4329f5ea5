// `ward replay -i` from a pipe.
#include <string>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "tests/integration/application.h"
#include "tests/integration/raw_driver.h"
#include "tests/integration/recording_bench.h"

namespace ward::test {
namespace {

// A fill, and a copy from where no memory is: its queue stops with BUS_ERROR.
void PlayFault(emulator::InProcessHost* machine) {
  machine->BarWrite32(0, abi::kRegScratch, 0x5ca7c4);
  RawDriver kernel(machine, abi::kKernelQueue, 0);
  auto fill = kmd::MakeCommand<abi::FillCommand>();
  fill.destination = abi::kPhysicalLocal | 0x20000;
  fill.value = 0x0a0b0c0d;
  fill.row_bytes = 64;
  fill.row_count = 1;
  fill.destination_pitch = 64;
  kernel.Append(fill);
  REQUIRE(kernel.RunFence());
  auto copy = kmd::MakeCommand<abi::CopyCommand>();
  copy.destination = abi::kPhysicalLocal | 0x30000;
  copy.source = 0x7000000000;
  copy.row_bytes = 64;
  copy.row_count = 1;
  kernel.Append(copy);
  kernel.Submit();
  REQUIRE(kernel.fault_status() == abi::kStatusBusError);
}

class PromptBench : public RecordingBench {
 public:
  PromptBench() {
    PlayFault(&Start());
    file->Close();
  }
  // What the lines' answers are.
  std::string Do(const std::vector<std::string>& lines, int expected_code) {
    std::string script;
    for (const std::string& line : lines) script += line + "\n";
    folder.WriteText("script", script);
    return RunTool("replay -i run.rec <script", expected_code);
  }
};

std::string LineWith(const std::string& text, const std::string& part) {
  const size_t at = text.find(part);
  if (at == std::string::npos) return "";
  const size_t begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

TEST_CASE("The prompt runs to the end, and its hash is that of the whole replay") {
  PromptBench bench;
  const auto whole = nlohmann::json::parse(bench.RunTool("replay run.rec --json", 0));
  const std::string hash = whole["state_hash"];
  CHECK(Has(bench.Do({"run", "hash"}, 0), hash));
  // There and back again.
  const std::string output = bench.Do({"run", "back 5", "hash", "step 5", "hash"}, 0);
  CHECK(Has(output, hash));
  CHECK(Has(output, "; the end"));
}

TEST_CASE("The prompt stops before a register's access") {
  PromptBench bench;
  const std::string output =
      bench.Do({"break register SCRATCH", "run", "regs SCRATCH", "step", "regs SCRATCH"}, 0);
  CHECK(Has(output, "break 1: register SCRATCH"));
  CHECK(Has(output, "next: register write SCRATCH = 0x5ca7c4"));
  CHECK(Has(output, "0x00000000"));
  CHECK(Has(output, "0x005ca7c4"));
  // Going on from there it is not met again.
  CHECK(Has(bench.Do({"break register SCRATCH", "run", "run"}, 0), "; the end"));
}

TEST_CASE("The prompt stops at a command and at a status, and goes back before them") {
  PromptBench bench;
  const std::string at_copy = bench.Do({"break command COPY", "run", "queues"}, 0);
  CHECK(Has(at_copy, "break 1: command COPY, command of queue 0"));
  const std::string at_status =
      bench.Do({"break status BUS_ERROR", "run", "queues", "back", "queues", "where"}, 0);
  INFO(at_status);
  CHECK(Has(at_status, "break 1: status BUS_ERROR, fault of queue 0"));
  const std::string first = LineWith(at_status, "queue 0  ");
  CHECK(Has(first, "faulted"));
  CHECK(Has(first, "fault BUS_ERROR"));
  const std::string second =
      LineWith(at_status.substr(at_status.find(first) + first.size()), "queue 0  ");
  CHECK_FALSE(Has(second, "faulted"));
}

TEST_CASE("The prompt shows memory as the chip wrote it, and what nobody told of as unknown") {
  PromptBench bench;
  const std::string output = bench.Do(
      {"run", "memory vram 0x20000 8", "memory vram 0x100000 8", "goto 0", "memory vram 0x20000 8"},
      0);
  INFO(output);
  CHECK(Has(output, "000000020000  0d 0c 0b 0a 0d 0c 0b 0a\n"));
  CHECK(Has(output, "000000100000  -- -- -- -- -- -- -- --\n"));
  CHECK(Has(output, "000000020000  -- -- -- -- -- -- -- --\n"));
}

TEST_CASE("The prompt shows whose the key slots are, and no key") {
  RecordingBench bench;
  bench.Start();
  const std::string key_text = "2b7e151628aed2a6abf7158809cf4f3c";
  {
    const auto kernel = OpenKernel(bench.machine.get());
    Application application(kernel.get());
    const auto session = application.CreateKeyedSession(ParseKey(key_text));
    bench.file->Close();
  }
  bench.folder.WriteText("script", "run\nslots\nregs\nqueues\n");
  const std::string output = bench.RunTool("replay -i run.rec <script", 0);
  INFO(output);
  CHECK(Has(output, " for unwrap+decrypt, filled, locked"));
  CHECK(Has(output, "QUEUE_CONTROL[1]"));
  CHECK_FALSE(Has(output, key_text.substr(0, 8)));
}

TEST_CASE("The prompt's errors name the word and what was expected") {
  PromptBench bench;
  const std::pair<const char*, const char*> cases[] = {
      {"jump", "'jump' is no command: expected one of step, back, run"},
      {"step x", "step: 'x' is no number: expected how many calls"},
      {"step 1 2", "step: '2' is too much"},
      {"back", "back: this is the beginning"},
      {"run now", "run: 'now' is too much"},
      {"goto", "goto: expected the number of an event"},
      {"break register",
       "break: expected register NAME, command NAME, status NAME or event NUMBER"},
      {"break register SCRATC", "'SCRATC' is no register"},
      {"break register RING_HEAD[99]", "'RING_HEAD[99]' is no register"},
      {"break command FENC", "'FENC' is no command"},
      {"break status BUS", "'BUS' is no status"},
      {"break event first", "'first' is no number"},
      {"break time 5", "'time' is nothing to break on"},
      {"delete 1", "'1' is no break"},
      {"regs NOTHING", "'NOTHING' is no register"},
      {"memory", "memory: expected vram or bus"},
      {"memory vram here", "memory: 'here' is no number: expected an address"},
      {"memory bus 0 0", "'0' is too many: expected 1 to 65536 bytes"},
      {"memory bus 0xffffffffffffffff 16", "'16' is too many: expected 1 to 65536 bytes that lie"}};
  for (const auto& [line, text] : cases) {
    const std::string output = bench.Do({line}, 1);
    INFO(output);
    CHECK(Has(output, fmt::format("ward: {}", text)));
  }
  // The lines behind a wrong one are done, and comments and empty lines are none.
  CHECK(Has(bench.Do({"jump", "", "# a comment", "where"}, 1), "event "));
  CHECK(Has(bench.Do({"help"}, 0), "memory vram|bus ADDR [BYTES]"));
  CHECK(Has(bench.Do({"break event 3", "break", "delete 1", "break"}, 0), "no breaks"));
  CHECK(bench.Do({"quit", "where"}, 0).empty());
}

}  // namespace
}  // namespace ward::test
