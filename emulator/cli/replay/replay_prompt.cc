#include "emulator/cli/replay/replay_prompt.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "emulator/boundary/replayer.h"
#include "emulator/boundary/time_line.h"
#include "emulator/cli/replay/break_list.h"
#include "emulator/cli/replay/prompt_words.h"
#include "emulator/cli/replay/register_offsets.h"
#include "emulator/cli/replay/replay_view.h"

namespace ward::emulator {
namespace {

constexpr uint64_t kUsualMemoryBytes = 64;
constexpr uint64_t kMostMemoryBytes = 65536;

using Words = std::vector<std::string>;

class ReplayPrompt {
 public:
  ReplayPrompt(RecordingReader* reader, std::unique_ptr<Replayer> chip,
               std::unique_ptr<BreakList> breaks)
      : reader_(*reader), breaks_(std::move(breaks)), chip_(std::move(chip)), line_(chip_.get()) {}

  // False: the user wants to leave.
  bool Do(const std::string& text);
  bool failed() const { return failed_; }
  std::string Where();

 private:
  struct Command {
    const char* name;
    const char* usage;
    const char* help;
    void (ReplayPrompt::*run)(const Words& words);
  };
  static const Command kCommands[];

  void Step(const Words& words);
  void Back(const Words& words);
  void Run(const Words& words);
  void GoTo(const Words& words);
  void Break(const Words& words);
  void Delete(const Words& words);
  void Registers(const Words& words);
  void Queues(const Words& words);
  void Slots(const Words& words);
  void Memory(const Words& words);
  void TellWhere(const Words& words);
  void Hash(const Words& words);
  void Help(const Words& words);
  void Quit(const Words&) { is_done_ = true; }

  // Calls until there is a reason to stop, and that reason; at most `most` calls.
  std::string Advance(uint64_t most);
  void Move(uint64_t call);
  bool TakesNone(const Words& words);
  // The word at `index`, or `usual` when there is none.
  std::optional<uint64_t> Number(const Words& words, size_t index, uint64_t usual,
                                 const char* expected);
  void Complain(const std::string& what);

  RecordingReader& reader_;
  std::unique_ptr<BreakList> breaks_;
  std::unique_ptr<Replayer> chip_;
  TimeLine line_;
  bool failed_ = false;
  bool is_done_ = false;
};

const ReplayPrompt::Command ReplayPrompt::kCommands[] = {
    {"step", "step [N]", "makes the next call of the host, or N of them", &ReplayPrompt::Step},
    {"back", "back [N]", "goes one call back, or N of them", &ReplayPrompt::Back},
    {"run", "run", "goes on up to a break or the end", &ReplayPrompt::Run},
    {"goto", "goto EVENT",
     "goes to the first call that is this event or a later one, or back to it",
     &ReplayPrompt::GoTo},
    {"break", "break [register|command|status NAME | event N]",
     "stops there: before the access or event, after the slice with the command or status; alone "
     "lists the breaks",
     &ReplayPrompt::Break},
    {"delete", "delete N", "removes a break", &ReplayPrompt::Delete},
    {"regs", "regs [NAME]", "registers by name; alone those that changed since power-on",
     &ReplayPrompt::Registers},
    {"queues", "queues", "the queues in use", &ReplayPrompt::Queues},
    {"slots", "slots", "whose the key slots are, and what for; never their bytes",
     &ReplayPrompt::Slots},
    {"memory", "memory vram|bus ADDR [BYTES]",
     "memory as the chip read or wrote it last; -- where it did neither", &ReplayPrompt::Memory},
    {"where", "where", "the place in the recording, and the next call", &ReplayPrompt::TellWhere},
    {"hash", "hash", "the hash of the chip's state here", &ReplayPrompt::Hash},
    {"help", "help", "this list", &ReplayPrompt::Help},
    {"quit", "quit", "leaves", &ReplayPrompt::Quit},
};

bool ReplayPrompt::Do(const std::string& text) {
  const Words words = SplitWords(text);
  if (words.empty() || words[0].starts_with('#')) return true;
  std::string names;
  for (const Command& command : kCommands) {
    if (words[0] == command.name) {
      (this->*command.run)(words);
      return !is_done_;
    }
    names += names.empty() ? command.name : std::string(", ") + command.name;
  }
  Complain(fmt::format("'{}' is no command: expected one of {}", words[0], names));
  return true;
}

std::string ReplayPrompt::Where() {
  std::string text =
      fmt::format("event {} of {}, call {} of {}, {} ns", chip_->event(), reader_.event_count(),
                  chip_->call(), reader_.call_count(), chip_->now_ns());
  if (!chip_->matches()) return text + "; the chip did something else: " + chip_->difference();
  const RecordedEvent* next = chip_->Next();
  return text + (next != nullptr ? "; next: " + DescribeCall(*next) : "; the end");
}

void ReplayPrompt::Step(const Words& words) {
  const auto count = Number(words, 1, 1, "how many calls");
  if (!count) return;
  const std::string why = Advance(*count);
  if (!why.empty()) fmt::print("{}\n", why);
  fmt::print("{}\n", Where());
}

void ReplayPrompt::Back(const Words& words) {
  const auto count = Number(words, 1, 1, "how many calls");
  if (!count) return;
  if (chip_->call() == 0) return Complain("back: this is the beginning");
  Move(*count < chip_->call() ? chip_->call() - *count : 0);
}

void ReplayPrompt::Run(const Words& words) {
  if (!TakesNone(words)) return;
  const std::string why = Advance(UINT64_MAX);
  if (!why.empty()) fmt::print("{}\n", why);
  fmt::print("{}\n", Where());
}

void ReplayPrompt::GoTo(const Words& words) {
  if (words.size() < 2) return Complain("goto: expected the number of an event");
  const auto event = Number(words, 1, 0, "the number of an event");
  if (!event) return;
  if (*event < chip_->event()) line_.GoTo(0);
  while (chip_->event() < *event && line_.Step()) {
  }
  fmt::print("{}\n", Where());
}

void ReplayPrompt::Break(const Words& words) {
  if (words.size() == 1) {
    fmt::print("{}", breaks_->List());
    return;
  }
  const std::string expected = breaks_->Add(Words(words.begin() + 1, words.end()));
  if (!expected.empty()) Complain(expected);
}

void ReplayPrompt::Delete(const Words& words) {
  if (words.size() < 2) return Complain("delete: expected the number of a break");
  const auto number = Number(words, 1, 0, "the number of a break");
  if (!number) return;
  if (!breaks_->Delete(*number)) {
    Complain(fmt::format("'{}' is no break: expected a number that `break` lists", words[1]));
  }
}

void ReplayPrompt::Registers(const Words& words) {
  if (words.size() == 1) {
    fmt::print("{}", ShowChangedRegisters(chip_.get()));
    return;
  }
  const std::vector<uint32_t> offsets = OffsetsOfRegister(words[1]);
  if (words.size() > 2 || offsets.empty()) {
    return Complain(
        fmt::format("'{}' is no register: expected a name of docs/spec/registers.md, as "
                    "RING_HEAD or RING_HEAD[3]",
                    words.back()));
  }
  fmt::print("{}", ShowRegisters(chip_.get(), offsets));
}

void ReplayPrompt::Queues(const Words& words) {
  if (TakesNone(words)) fmt::print("{}", ShowQueues(chip_.get()));
}

void ReplayPrompt::Slots(const Words& words) {
  if (TakesNone(words)) fmt::print("{}", ShowSlots(*chip_));
}

void ReplayPrompt::Memory(const Words& words) {
  if (words.size() < 3 || words.size() > 4 || (words[1] != "vram" && words[1] != "bus")) {
    return Complain("memory: expected vram or bus, an address, and how many bytes or nothing");
  }
  const auto address = Number({words[0], words[2]}, 1, 0, "an address");
  if (!address) return;
  const Words rest = words.size() == 4 ? Words{words[0], words[3]} : Words{words[0]};
  const auto bytes = Number(rest, 1, kUsualMemoryBytes, "how many bytes");
  if (!bytes) return;
  if (*bytes == 0 || *bytes > kMostMemoryBytes || *address > UINT64_MAX - *bytes) {
    return Complain(fmt::format("'{}' is too many: expected 1 to {} bytes that lie in the memory",
                                words.back(), kMostMemoryBytes));
  }
  const KnownMemories& memories = chip_->memories();
  fmt::print("{}", ShowMemory(words[1] == "vram" ? memories.vram : memories.bus, *address, *bytes));
}

void ReplayPrompt::TellWhere(const Words& words) {
  if (TakesNone(words)) fmt::print("{}\n", Where());
}

void ReplayPrompt::Hash(const Words& words) {
  if (!TakesNone(words)) return;
  fmt::print("state hash  {:#018x}\n", chip_->gpu().StateHash(reader_.device().hash_key()));
}

void ReplayPrompt::Help(const Words& words) {
  if (!TakesNone(words)) return;
  for (const Command& command : kCommands) {
    fmt::print("{:<28} {}\n", command.usage, command.help);
  }
}

std::string ReplayPrompt::Advance(uint64_t most) {
  breaks_->SetListening(true);
  breaks_->TakeHit();
  std::string why;
  for (uint64_t made = 0; made < most; ++made) {
    const RecordedEvent* next = chip_->Next();
    // The one that it stands at was seen already.
    if (next != nullptr && made != 0) why = breaks_->FindBefore(*next, chip_->event());
    if (!why.empty() || !line_.Step()) break;
    why = breaks_->TakeHit();
    if (!why.empty()) break;
  }
  breaks_->SetListening(false);
  if (!reader_.trouble().empty()) Complain(reader_.trouble());
  return why;
}

void ReplayPrompt::Move(uint64_t call) {
  line_.GoTo(call);
  fmt::print("{}\n", Where());
}

bool ReplayPrompt::TakesNone(const Words& words) {
  if (words.size() == 1) return true;
  Complain(fmt::format("{}: '{}' is too much: expected nothing more", words[0], words[1]));
  return false;
}

std::optional<uint64_t> ReplayPrompt::Number(const Words& words, size_t index, uint64_t usual,
                                             const char* expected) {
  if (words.size() <= index) return usual;
  std::optional<uint64_t> number = ParseNumber(words[index]);
  if (!number) {
    Complain(fmt::format("{}: '{}' is no number: expected {}", words[0], words[index], expected));
  } else if (words.size() > index + 1) {
    Complain(
        fmt::format("{}: '{}' is too much: expected nothing more", words[0], words[index + 1]));
    number.reset();
  }
  return number;
}

void ReplayPrompt::Complain(const std::string& what) {
  failed_ = true;
  std::fflush(stdout);
  fmt::print(stderr, "ward: {}\n", what);
}

}  // namespace

int RunReplayPrompt(RecordingReader* reader, std::istream& input) {
  auto breaks = std::make_unique<BreakList>();
  auto chip = Replayer::Create(reader->device().options(), reader, breaks.get());
  if (!chip.ok()) {
    fmt::print(stderr, "ward: the recorded device can't be made: {}\n", chip.fault().reason);
    return 1;
  }
  chip.value()->SetNotingMemory(true);
  chip.value()->SetWholeEvents(reader->whole_events());
  ReplayPrompt prompt(reader, std::move(chip.value()), std::move(breaks));
  const bool is_terminal = ::isatty(STDIN_FILENO) == 1;
  if (is_terminal) fmt::print("{}\nhelp lists what can be done here.\n", prompt.Where());
  for (std::string line;;) {
    if (is_terminal) fmt::print("(ward) ");
    std::fflush(stdout);
    if (!std::getline(input, line) || !prompt.Do(line)) break;
  }
  return prompt.failed() ? 1 : 0;
}

}  // namespace ward::emulator
