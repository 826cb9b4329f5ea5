#include "emulator/cli/replay_command.h"

#include <fmt/core.h>

#include <CLI/Validators.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/secret_bytes.h"
#include "emulator/boundary/replayer.h"
#include "emulator/cli/command_line.h"
#include "emulator/cli/core_dumps.h"
#include "emulator/cli/replay/replay_prompt.h"
#include "emulator/recording/recording_reader.h"
#include "emulator/seal/key_file.h"

namespace ward::emulator {
namespace {

constexpr char kReplayHelp[] =
    "Runs a recording again, without guest, QEMU or driver, and prints how many events it holds\n"
    "and the hash of the chip's state at its end: the same number in every run, everywhere.\n"
    "\n"
    "An event is one thing that crossed the chip's boundary: a call of the host (a register "
    "access,\n"
    "a slice of work, a reset) or what the chip asked meanwhile (DMA, visible VRAM, time, random\n"
    "bytes). The chip stands still only between calls, so --until N stops before the first call "
    "that\n"
    "is event N or a later one.\n"
    "\n"
    "A recording is made by QEMU (property record=FILE of ward-gpu), by ward serve --record FILE "
    "and\n"
    "by ./dev demo --record FILE.\n"
    "Examples:\n"
    "  ward replay demo.rec\n"
    "  ward replay demo.rec --repeat 1000\n"
    "  ward replay vm.rec --key record.key --until 2500 --json\n"
    "  ward replay -i demo.rec                    stepping, forwards and backwards; try help\n"
    "  printf 'break status BUS_ERROR\\nrun\\nwhere\\nback 3\\nqueues\\n' | ward replay -i "
    "demo.rec\n"
    "\n"
    "Exit codes: 0 replayed, 1 the file is no whole recording or the chip did something else,\n"
    "2 wrong usage. File form: docs/spec/recording.md";

struct ReplayArguments {
  std::string file;
  std::string key_file;
  std::optional<uint64_t> until;
  uint64_t repeat = 1;
  bool json = false;
  bool partial = false;
  bool interactive = false;
  bool core_dumps = false;
};

struct Outcome {
  uint64_t events = 0;
  uint64_t calls = 0;
  uint64_t state_hash = 0;
  std::string difference;  // empty: it did what it did
};

int Complain(const std::string& error) {
  fmt::print(stderr, "ward: {}\n", error);
  return 1;
}

const char* NameOf(std::optional<RecordingEnd> end) {
  if (!end) return "unfinished";
  switch (*end) {
    case RecordingEnd::kClosed:
      return "closed";
    case RecordingEnd::kLimit:
      return "limit";
    case RecordingEnd::kSealedState:
      return "sealed state loaded";
    case RecordingEnd::kSnapshot:
      return "snapshot restored";
  }
  return "";
}

// One run from the beginning. False with `*error` when it could not be made.
bool RunOnce(RecordingReader* reader, uint64_t until, Outcome* outcome, std::string* error) {
  reader->SeekStart();
  auto replayer = Replayer::Create(reader->device().options(), reader, nullptr);
  if (!replayer.ok()) {
    *error = std::string("the recorded device can't be made: ") + replayer.fault().reason;
    return false;
  }
  Replayer& chip = *replayer.value();
  chip.SetWholeEvents(reader->whole_events());
  while (chip.event() < until && chip.Step()) {
  }
  *error = reader->trouble();
  *outcome = {chip.event(), chip.call(), chip.gpu().StateHash(reader->device().hash_key()),
              chip.difference()};
  return error->empty();
}

void PrintJson(const ReplayArguments& arguments, const RecordingReader& reader,
               const Outcome& outcome, uint64_t same) {
  nlohmann::ordered_json document;
  document["file"] = arguments.file;
  document["sealed"] = reader.is_sealed();
  document["end"] = NameOf(reader.end());
  document["events"] = reader.event_count();
  document["calls"] = reader.call_count();
  document["replayed_events"] = outcome.events;
  document["replayed_calls"] = outcome.calls;
  document["state_hash"] = fmt::format("{:#018x}", outcome.state_hash);
  document["matches"] = outcome.difference.empty();
  if (!outcome.difference.empty()) document["difference"] = outcome.difference;
  document["runs"] = arguments.repeat;
  document["same_hash"] = same;
  // A file's name may be any bytes.
  fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void PrintText(const ReplayArguments& arguments, const RecordingReader& reader,
               const Outcome& outcome, uint64_t same) {
  fmt::print("events      {} of {}, in {} calls of the host\n", outcome.events,
             reader.event_count(), outcome.calls);
  if (reader.end() != RecordingEnd::kClosed) fmt::print("ends        {}\n", NameOf(reader.end()));
  fmt::print("state hash  {:#018x}\n", outcome.state_hash);
  if (arguments.repeat != 1) fmt::print("same hash {}/{}\n", same, arguments.repeat);
}

int ReplayWhole(const ReplayArguments& arguments, RecordingReader* reader) {
  const uint64_t until = arguments.until.value_or(UINT64_MAX);
  std::string error;
  Outcome first;
  if (!RunOnce(reader, until, &first, &error)) return Complain(error);
  uint64_t same = 1;
  for (uint64_t run = 1; run < arguments.repeat && first.difference.empty(); ++run) {
    Outcome again;
    if (!RunOnce(reader, until, &again, &error)) return Complain(error);
    same += again.difference.empty() && again.state_hash == first.state_hash ? 1 : 0;
  }
  if (arguments.json) {
    PrintJson(arguments, *reader, first, same);
  } else if (first.difference.empty()) {
    PrintText(arguments, *reader, first, same);
  }
  if (!first.difference.empty()) {
    return Complain(arguments.file + " does not replay: " + first.difference);
  }
  return same == arguments.repeat ? 0 : 1;
}

int ReplayFile(const ReplayArguments& arguments) {
  std::string error;
  if (!arguments.core_dumps && !ForbidCoreDumps(&error)) return Complain(error);
  SecretBytes<32> key;
  RecordingReader::Options options;
  options.path = arguments.file;
  options.accept_unfinished = arguments.partial;
  if (!arguments.key_file.empty()) {
    if (!ReadKeyFile(arguments.key_file, "recording's key", &key, &error)) return Complain(error);
    options.key = &key;
  }
  const auto reader = RecordingReader::Open(options, &error);
  if (reader == nullptr) return Complain(error);
  return arguments.interactive ? RunReplayPrompt(reader.get(), std::cin)
                               : ReplayWhole(arguments, reader.get());
}

}  // namespace

void AddReplayCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<ReplayArguments>();
  CLI::App* replay = AddCommand(app, "replay", "Run a recording of a device again");
  replay->footer(kReplayHelp);
  replay->add_option("FILE", arguments->file, "The recording")->required();
  replay->add_option("--until", arguments->until, "Stop before this event");
  replay->add_option("--key", arguments->key_file, "The key of 32 bytes that it was sealed with")
      ->type_name("FILE");
  replay->add_option("--repeat", arguments->repeat, "Run it so often and compare the hashes")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1000000}));
  replay->add_flag("--json", arguments->json, "Print JSON, for scripts");
  replay->add_flag("--partial", arguments->partial,
                   "Take a recording without an end, whose writer was killed, up to its last "
                   "whole call");
  AddCoreDumpsOption(replay, &arguments->core_dumps);
  CLI::Option* interactive =
      replay->add_flag("-i,--interactive", arguments->interactive,
                       "Read commands from the standard input: step, back, break, look");
  for (const char* other : {"--until", "--repeat", "--json"}) {
    interactive->excludes(replay->get_option(other));
  }
  replay->callback([arguments, exit_code] { *exit_code = ReplayFile(*arguments); });
}

}  // namespace ward::emulator
