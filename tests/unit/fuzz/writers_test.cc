// The forms that a crash becomes: each says what the operations say.
#include "tests/fuzz/device/reproduce/writers.h"

#if defined(__GNUC__) && !defined(__clang__)
// Of gcc 12's <regex>, where it is inlined.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "abi/generated/registers.h"
#include "emulator/boundary/replayer.h"
#include "emulator/recording/recording_reader.h"
#include "tests/fuzz/device/grammar.h"
#include "tests/fuzz/device/reproduce/describe.h"
#include "tests/fuzz/device/reproduce/outcome.h"
#include "tests/fuzz/device/reproduce/story.h"
#include "tests/fuzz/whole_file.h"

namespace ward::fuzz {
namespace {

namespace fs = std::filesystem;

// A decrypt, what came of it, and a command whose fence does not grow.
std::vector<uint8_t> SomeInput() {
  std::vector<uint8_t> input = {0};
  const auto add = [&input](Move move, std::initializer_list<uint8_t> arguments) {
    input.push_back(static_cast<uint8_t>(move));
    input.insert(input.end(), arguments);
  };
  add(Move::kDecrypt, {1, 3, 100, 1, 0});
  add(Move::kReadBack, {1, 3, 2, 100});
  add(Move::kRunOn, {1});
  add(Move::kConfig, {0x10, 0, 4, 0, 0, 0, 0});
  add(Move::kCommand, {2, 1, 0, 0});
  add(Move::kRunOn, {1});
  add(Move::kAnswers, {7, 1, 2, 3, 4, 5, 6, 7, 8});
  return input;
}

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "ward-writers-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

TEST_CASE("a text is read back as the operations that it was made of") {
  const Story story = StoryOfInput(SomeInput());
  const Played played = PlayInChild(story);
  REQUIRE_FALSE(played.fell);
  const std::string text = WriteText(story, played);
  std::string error;
  const auto read = StoryOfText(text, &error);
  REQUIRE(read.has_value());
  REQUIRE(read->steps.size() == story.steps.size());
  CHECK(read->base_steps == story.base_steps);
  for (size_t i = 0; i < story.steps.size(); ++i) {
    CHECK(ToText(read->steps[i].operation()) == ToText(story.steps[i].operation()));
  }
  CHECK(text.find("DECRYPT_BLT session ") != std::string::npos);
  CHECK(text.find("# DOORBELL[1]") != std::string::npos);
  CHECK(text.find("message CREATE_SESSION") != std::string::npos);
  CHECK(text.find("#   queue 2 FAULT_STATUS FENCE_NOT_MONOTONIC ") != std::string::npos);
}

TEST_CASE("a text says which of its lines is wrong") {
  std::string error;
  CHECK_FALSE(StoryOfText("# head\n\nprocess 0x10  # fine\nprocess x\n", &error).has_value());
  CHECK(error == ":4: process: its value is no number: \"x\"");
  CHECK_FALSE(StoryOfText("# nothing\n", &error).has_value());
  CHECK(error == " holds no operation");
  CHECK_FALSE(LoadStory("/no/such/file", &error).has_value());
  CHECK(error == "/no/such/file can't be read: No such file or directory");
}

TEST_CASE("a qtest script has no line that QEMU does not know, and tells what is left out") {
  const QtestScript script = WriteQtest(StoryOfInput(SomeInput()));
  const std::regex known(
      R"((read[bwlq] 0x[0-9a-f]+|write[bwlq] 0x[0-9a-f]+ 0x[0-9a-f]+|in[bwl] 0x[0-9a-f]+)"
      R"(|out[bwl] 0x[0-9a-f]+ 0x[0-9a-f]+|write 0x[0-9a-f]+ 0x[0-9a-f]+)"
      R"(|memset 0x[0-9a-f]+ 0x[0-9a-f]+ 0x00|clock_step [0-9]+))");
  size_t left_out = 0;
  for (const std::string& line : Lines(script.text)) {
    CAPTURE(line);
    left_out += line.starts_with("# left out: ");
    if (line.starts_with("#")) continue;
    if (!line.starts_with("write ")) {
      CHECK(std::regex_match(line, known));
      continue;
    }
    // Its bytes are too many for std::regex.
    const std::string bytes = line.substr(line.rfind(' ') + 1);
    const std::string head = line.substr(0, line.rfind(' '));
    CHECK(std::regex_match(head, known));
    CHECK(bytes.starts_with("0x"));
    CHECK(bytes.find_first_not_of("0123456789abcdef", 2) == std::string::npos);
    CHECK(bytes.size() == 2 + 2 * std::stoul(head.substr(head.rfind(' ') + 1), nullptr, 16));
  }
  // Memory that answers otherwise, and a write to a BAR.
  CHECK(script.left_out == 2);
  CHECK(left_out == 2);
  CHECK(Lines(script.text).back() == "# 2 operations were left out");
}

TEST_CASE("a recording replays, to the end") {
  const Folder folder;
  const fs::path path = folder / "recording";
  std::string fell;
  std::string error;
  REQUIRE(WriteRecording(StoryOfInput(SomeInput()), path, &fell, &error));
  CHECK(fell.empty());
  const auto reader = emulator::RecordingReader::Open({.path = path}, &error);
  REQUIRE(reader != nullptr);
  auto created = emulator::Replayer::Create(reader->device().options(), reader.get(), nullptr);
  REQUIRE(created.ok());
  emulator::Replayer& replayer = *created.value();
  while (replayer.Step()) {
  }
  CHECK(replayer.matches());
  CHECK(replayer.event() == reader->event_count());
  // The chip of the recording came to what the machine comes to.
  const std::vector<uint64_t> offsets64 = OutcomeRegisters();
  const std::vector<uint32_t> offsets(offsets64.begin(), offsets64.end());
  // A recording begins with a chip that was just made.
  constexpr uint32_t kFirstEpoch = 1;
  CHECK(OutcomeText(kFirstEpoch, replayer.LookAtRegisters(offsets)) ==
        PlayInChild(StoryOfInput(SomeInput())).text);
}

TEST_CASE("what falls is told by the line that says so") {
  Story story = StoryOfInput(SomeInput());
  const uint8_t byte = 0;
  // Promises that are not kept: system memory that nobody named is read by the kernel's queue.
  story.steps.emplace_back(Operation{.kind = OperationKind::kPromise, .value = kConfined});
  story.steps.emplace_back(
      Operation{.kind = OperationKind::kWriteRegister, .at = 0x1000, .size = 4, .value = 2});
  story.steps.emplace_back(Operation{
      .kind = OperationKind::kWriteRegister, .at = 0x1008, .size = 4, .value = 0x20000000});
  story.steps.emplace_back(
      Operation{.kind = OperationKind::kWriteRegister, .at = 0x1000, .size = 4, .value = 1});
  story.steps.emplace_back(Operation{
      .kind = OperationKind::kWriteRegister, .at = abi::kRegDoorbell, .size = 4, .value = 0x10});
  story.steps.emplace_back(Operation{.kind = OperationKind::kProcess, .value = 1 << 16});
  story.steps.emplace_back(
      Operation{.kind = OperationKind::kWriteMemory, .at = layout::kBus, .bytes = {&byte, 1}});
  const Played played = PlayInChild(story);
  CHECK(played.fell);
  CHECK(played.text == "oracle dma_window: system memory that nobody named");
  CHECK(WriteText(story, played)
            .find("# When this was written it fell in this process:\n"
                  "#   oracle dma_window: ") != std::string::npos);
  CHECK(WriteCpp(story, played, "x").find("//   oracle dma_window: ") != std::string::npos);
}

TEST_CASE("what comes of an input is the same where nothing can be written to /tmp") {
  const Story story = StoryOfInput(SomeInput());
  const Played before = PlayInChild(story);
  REQUIRE_FALSE(before.fell);
  constexpr int kMayNot = 3;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Namespaces of its own, which end with it.
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
        mount("none", "/tmp", "tmpfs", MS_RDONLY, nullptr) != 0) {
      _exit(kMayNot);
    }
    const Played played = PlayInChild(story);
    _exit(played.fell || played.text != before.text ? 1 : 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kMayNot) SKIP("this system lets nobody mount what is his own");
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a C++ test begins at the base, and says what comes of it") {
  const Story story = StoryOfInput(SomeInput());
  const std::string text = WriteCpp(story, PlayInChild(story), "a case");
  CHECK(text.find("TEST_CASE(\"a_case\")") != std::string::npos);
  CHECK(text.find("Hand chip(Hand::Start::kBase);") != std::string::npos);
  CHECK(text.find("\"queue 2 FAULT_STATUS FENCE_NOT_MONOTONIC\"") != std::string::npos);
}

TEST_CASE("a C++ test of a file of any name has an identifier for its name") {
  const Story story = StoryOfInput({});
  const std::regex head(R"x(TEST_CASE\("([A-Za-z][A-Za-z0-9_]*)"\) \{)x");
  for (const std::string& name :
       {std::string("with space"), std::string("a\"b'c"), std::string("two\nlines"),
        std::string("-x"), std::string("*/"), std::string("back\\"), std::string("\xff\xfe"),
        std::string("7up"), std::string("%s{}"), std::string(300, 'n'), std::string()}) {
    CAPTURE(name);
    const std::vector<std::string> lines = Lines(WriteCpp(story, {}, name));
    std::smatch found;
    size_t cases = 0;
    for (const std::string& line : lines) cases += std::regex_match(line, found, head);
    CHECK(cases == 1);
  }
}

TEST_CASE("what was said at the end stays in its comment") {
  const Story story = StoryOfInput({});
  const Played played = {.fell = true, .text = "oracle x: \x1b[2J\xff at the end\\\n*/ and more"};
  for (const std::string& text : {WriteText(story, played), WriteCpp(story, played, "x")}) {
    CHECK(text.find("oracle x: ?[2J? at the end\\.\n") != std::string::npos);
    CHECK(text.find("  */ and more\n") != std::string::npos);
  }
}

TEST_CASE("only regular files of some length are inputs") {
  const Folder folder;
  std::string error;
  const fs::path pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_FALSE(LoadStory(pipe, &error).has_value());
  CHECK(error == pipe.string() + " is no regular file; copy it into one");
  CHECK_FALSE(LoadStory("/dev/zero", &error).has_value());
  CHECK(error == "/dev/zero is no regular file; copy it into one");
  CHECK_FALSE(LoadStory(folder / ".", &error).has_value());
  CHECK(error == (folder / ".").string() + " is a folder; name a file in it");
  const fs::path large = folder / "large\n";
  std::ofstream(large).put('x');
  fs::resize_file(large, uintmax_t{1} << 30);
  CHECK_FALSE(LoadStory(large, &error).has_value());
  CHECK(error == (folder / "large?").string() + " is longer than 1048576 bytes; name another one");
}

TEST_CASE("a file is written as a whole, or what was there stays") {
  const Folder folder;
  const fs::path path = folder / "file";
  std::string error;
  REQUIRE(WriteWhole(path, "old", &error));
  REQUIRE(WriteWhole(path, "new", &error));
  CHECK(ReadWhole(path, 3, &error) == "new");
  fs::create_symlink("file", folder / "link");
  REQUIRE(WriteWhole(folder / "link", "by link", &error));
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(ReadWhole(path, 100, &error) == "by link");
  // What is no file is written to.
  REQUIRE(WriteWhole("/dev/null", "x", &error));
  CHECK(fs::is_character_file("/dev/null"));
  CHECK_FALSE(WriteWhole("/dev/full", "x", &error));
  CHECK(error ==
        "/dev/full can't be written: No space left on device; make room (df -h /dev), then run it "
        "again");
  CHECK_FALSE(WriteWhole(folder / "file/below", "x", &error));
  CHECK(error ==
        path.string() + " is a file, and a folder is wanted; move it away, or name another one");
  CHECK_FALSE(MakeFolder(folder / "file", &error));
  CHECK(error ==
        path.string() + " is a file, and a folder is wanted; move it away, or name another one");
  CHECK_FALSE(WriteWhole(folder / "none/below", "x", &error));
  CHECK(error.ends_with("make the folder with: mkdir -p " + (folder / "none").string()));
  // Nothing else is left.
  const auto left = std::distance(fs::directory_iterator(folder / "."), fs::directory_iterator());
  CHECK(left == 2);
  CHECK(ShellWord("plain-name.txt") == "plain-name.txt");
  CHECK(ShellWord("it's one") == "'it'\\''s one'");
}

TEST_CASE("a recording that can't be written leaves nothing, and what is no recording alone") {
  const Folder folder;
  const fs::path path = folder / "mine";
  std::string fell;
  std::string error;
  REQUIRE(WriteWhole(path, "mine", &error));
  CHECK_FALSE(WriteRecording(StoryOfInput({}), path, &fell, &error));
  CHECK(error.ends_with("is there and no recording, and is kept: name another one"));
  CHECK(ReadWhole(path, 100, &error) == "mine");
  CHECK_FALSE(WriteRecording(StoryOfInput({}), folder / "mine/below", &fell, &error));
  CHECK(error ==
        path.string() + " is a file, and a folder is wanted; move it away, or name another one");
  CHECK_FALSE(WriteRecording(StoryOfInput({}), folder / "none/below", &fell, &error));
  CHECK(error.ends_with("make the folder with: mkdir -p " + (folder / "none").string()));
}

}  // namespace
}  // namespace ward::fuzz
