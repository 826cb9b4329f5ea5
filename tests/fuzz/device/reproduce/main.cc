// Makes of an input what people can read and run elsewhere; --help has the words.
#include <fmt/core.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "abi/generated/registers.h"
#include "tests/fuzz/device/machine.h"
#include "tests/fuzz/device/reproduce/outcome.h"
#include "tests/fuzz/device/reproduce/story.h"
#include "tests/fuzz/device/reproduce/writers.h"
#include "tests/fuzz/whole_file.h"

namespace ward::fuzz {
namespace {

struct Arguments {
  std::string file;
  std::string output;
  std::string device;
  std::vector<std::string> values;
};

int Complain(const std::string& error) {
  fmt::print(stderr, "device_reproduce: {}\n", error);
  return 2;  // as of wrong usage
}

int PutOut(const std::string& text, const std::string& path) {
  if (path.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::fflush(stdout) == 0 ? 0 : Complain("standard output takes no more");
  }
  std::string error;
  return WriteWhole(path, text, &error) ? 0 : Complain(error);
}

int DoText(const Arguments& arguments, const Story& story) {
  return PutOut(WriteText(story, PlayInChild(story)), arguments.output);
}

int DoCpp(const Arguments& arguments, const Story& story) {
  const std::string name = std::filesystem::path(arguments.file).stem().string();
  return PutOut(WriteCpp(story, PlayInChild(story), name), arguments.output);
}

int DoQtest(const Arguments& arguments, const Story& story) {
  const QtestScript script = WriteQtest(story);
  const int code = PutOut(script.text, arguments.output);
  if (code == 0 && script.left_out != 0) {
    fmt::print(stderr, "device_reproduce: left out {} operations that qtest can't do\n",
               script.left_out);
  }
  return code;
}

int DoRecording(const Arguments& arguments, const Story& story) {
  std::string fell;
  std::string error;
  if (!WriteRecording(story, arguments.output, &fell, &error)) return Complain(error);
  if (fell.empty()) {
    fmt::print("replay it with: ward replay {}\n", ShellWord(arguments.output));
  } else {
    fmt::print("the chip fell, and the recording ends there: {}\n", fell);
    fmt::print("replay it with: ward replay --partial {}\n", ShellWord(arguments.output));
  }
  return 0;
}

int RunServed(const Arguments& arguments, const Story& story) {
  size_t left_out = 0;
  std::string error;
  const auto outcome = PlayServed(story, arguments.device, &left_out, &error);
  if (!outcome) return Complain(error);
  if (left_out != 0) {
    fmt::print(stderr, "device_reproduce: left out {} operations that no client can do\n",
               left_out);
  }
  return PutOut(*outcome, {});
}

int DoRun(const Arguments& arguments, const Story& story) {
  if (!arguments.device.empty()) return RunServed(arguments, story);
  Machine machine;
  const uint32_t first_epoch = machine.LookAtRegister(abi::kRegKeyEpoch);
  for (const Step& step : story.steps) machine.Do(step.operation());
  fmt::print("digest {:016x}\n", machine.End(false));
  machine.RunToRest();
  return PutOut(ReadOutcome(first_epoch,
                            [&machine](uint64_t offset) { return machine.LookAtRegister(offset); }),
                {});
}

// Of what a player of the qtest script read behind its lines `# outcome`.
int DoOutcome(const Arguments& arguments) {
  if (arguments.values.size() != 1 + OutcomeRegisters().size()) {
    return Complain(fmt::format("outcome: {} values make one, and {} are named",
                                1 + OutcomeRegisters().size(), arguments.values.size()));
  }
  std::vector<uint32_t> values;
  for (const std::string& word : arguments.values) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(word.c_str(), &end, 0);
    if (*end != '\0' || word.empty() || value > UINT32_MAX) {
      return Complain(fmt::format("outcome: \"{}\" is no value of a register", word));
    }
    values.push_back(static_cast<uint32_t>(value));
  }
  const uint32_t first_epoch = values.front();
  values.erase(values.begin());
  return PutOut(OutcomeText(first_epoch, values), {});
}

int DoIdentity(const Arguments& arguments) {
  std::string error;
  return WriteIdentity(arguments.file, &error) ? 0 : Complain(error);
}

using Action = int (*)(const Arguments&, const Story&);

CLI::App* AddForm(CLI::App* app, const char* name, const char* about, Arguments* arguments) {
  CLI::App* const form = app->add_subcommand(name, about);
  form->add_option("FILE", arguments->file, "an input of the fuzzer, or a text of operations")
      ->required();
  return form;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Makes of an input of the device target what people can read and run elsewhere.",
               "device_reproduce");
  app.require_subcommand(1);
  const std::pair<CLI::App*, Action> forms[] = {
      {AddForm(&app, "text", "Operations, a line each, with comments.", &arguments), DoText},
      {AddForm(&app, "cpp", "A C++ test of its own.", &arguments), DoCpp},
      {AddForm(&app, "qtest", "A script of QEMU's qtest protocol.", &arguments), DoQtest},
      {AddForm(&app, "recording", "A recording for `ward replay`.", &arguments), DoRecording},
      {AddForm(&app, "run", "Plays it in this process, or on a served device.", &arguments), DoRun},
  };
  for (const auto& [form, action] : forms) {
    if (action == DoRun) {
      form->add_option("--device", arguments.device, "a served device: vfio-user:PATH");
      continue;
    }
    CLI::Option* const output = form->add_option("-o", arguments.output, "file to write");
    if (action == DoRecording) output->required();
  }
  CLI::App* const outcome = app.add_subcommand(
      "outcome",
      "The outcome in lines, of what a qtest script reads behind its lines `# outcome`.");
  outcome->add_option("VALUES", arguments.values, "in the order of the script")->required();
  CLI::App* const identity = app.add_subcommand(
      "identity",
      "The identity that inputs are for, as a folder for `identity=` of QEMU's device.");
  identity->add_option("FOLDER", arguments.file, "made when it is missing")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (outcome->parsed()) return DoOutcome(arguments);
  if (identity->parsed()) return DoIdentity(arguments);
  std::string error;
  const std::optional<Story> story = LoadStory(arguments.file, &error);
  if (!story) return Complain(error);
  for (const auto& [form, action] : forms) {
    if (form->parsed()) return action(arguments, *story);
  }
  return 2;
}

}  // namespace
}  // namespace ward::fuzz

int main(int argc, char** argv) { return ward::fuzz::Main(argc, argv); }
