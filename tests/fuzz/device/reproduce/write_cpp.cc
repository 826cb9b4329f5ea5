#include <fmt/format.h>

#include <algorithm>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "tests/fuzz/device/layout.h"
#include "tests/fuzz/device/reproduce/describe.h"
#include "tests/fuzz/device/reproduce/writers.h"

namespace ward::fuzz {
namespace {

constexpr char kHead[] = R"(// Operations of the device target that are a test of their own.
//
// As a regression test: this file goes into tests/fuzz/device/found/, under a name and with a case
// that say what it is about. Then
//   cmake --build --preset debug --target fuzz_device_found
//   ctest --test-dir build/debug -R fuzz_device_found
)";

constexpr size_t kLiteral = 72;  // characters of one string literal

// "write-memory" to "WriteMemory".
std::string MethodName(std::string_view operation) {
  std::string name;
  bool is_first = true;
  for (const char character : operation) {
    if (character != '-') {
      name += is_first ? static_cast<char>(character - 'a' + 'A') : character;
    }
    is_first = character == '-';
  }
  return name;
}

std::string Literals(std::string_view text, const std::string& indent) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += kLiteral) {
    out += fmt::format("{}\"{}\"", at == 0 ? "" : "\n" + indent, text.substr(at, kLiteral));
  }
  return out;
}

bool IsSwitch(OperationKind kind) {
  return kind == OperationKind::kSetEntropy || kind == OperationKind::kSetWindows;
}

// Of the words of the operation's text.
std::string Call(const Operation& operation) {
  std::string_view text;
  const std::string whole = ToText(operation);
  text = whole;
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    words.push_back(word);
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  std::string call = fmt::format("  chip.{}(", MethodName(words[0]));
  for (size_t i = 1; i < words.size(); ++i) {
    if (i != 1) call += ", ";
    const bool is_bytes = !operation.bytes.empty() && i + 1 == words.size();
    if (is_bytes) {
      if (i != 1) call.pop_back();
      call += "\n      " + Literals(words[i], "      ");
    } else if (IsSwitch(operation.kind)) {
      call += operation.value != 0 ? "true" : "false";
    } else {
      call += words[i];
    }
  }
  return call + ");";
}

// A wrapped key is another one in each process.
bool HoldsBlob(const Operation& operation) {
  using Command = abi::SecurityMessageCommand;
  return operation.kind == OperationKind::kWriteMemory &&
         operation.bytes.size() > Command::kSizeBytes &&
         LoadLe<uint16_t>(operation.bytes.data()) == Command::kOpcode &&
         LoadLe<uint32_t>(operation.bytes.data() + offsetof(Command, message)) ==
             abi::kMessageNegotiateSessionKey;
}

// Whether it is the base that every input begins in.
bool HasUsualBase(const Story& story) {
  const Story usual = StoryOfInput({});
  if (usual.base_steps != story.base_steps) return false;
  for (size_t i = 0; i < story.base_steps; ++i) {
    const Operation ours = story.steps[i].operation();
    const Operation its = usual.steps[i].operation();
    if (HoldsBlob(ours) && HoldsBlob(its) && ours.at == its.at) continue;
    if (ToText(ours) != ToText(its)) return false;
  }
  return true;
}

// Names of files hold anything: quotes, lines, bytes that are no text.
std::string Identifier(const std::string& name) {
  constexpr size_t kMostCharacters = 64;
  std::string out;
  for (const char c : name) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_digit = c >= '0' && c <= '9';
    if (out.size() == kMostCharacters) break;
    if (is_digit && out.empty()) out = "input_";
    if (is_letter || is_digit) {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (out.ends_with('_')) out.pop_back();
  return out.empty() ? "input" : out;
}

std::string Expectation(const Played& played) {
  if (played.fell) {
    std::string text = "  // When this was written it fell:\n";
    std::string_view rest = played.text;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      text += fmt::format("  //   {}\n", CommentLine(line));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
    return text +
           "  // Where it does not fall any more this tells what it comes to: that belongs here.\n"
           "  CHECK(chip.Outcome() == \"\");\n";
  }
  std::string text = "  CHECK(chip.Outcome() ==";
  std::string_view rest = played.text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    const std::string_view values = line.substr(std::min(line.find(" REFUSAL_COUNT"), line.size()));
    const std::string_view head = line.substr(0, line.size() - values.size());
    text += values.empty() ? fmt::format("\n        \"{}\\n\"", head)
                           : fmt::format("\n        \"{}\"\n        \"{}\\n\"", head, values);
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return text + ");\n";
}

}  // namespace

std::string WriteCpp(const Story& story, const Played& played, const std::string& name) {
  const bool has_base = story.base_steps != 0 && HasUsualBase(story);
  std::string text = kHead;
  text +=
      "#include <catch2/catch_test_macros.hpp>\n\n"
      "#include \"tests/fuzz/device/reproduce/hand.h\"\n\n"
      "namespace ward::fuzz {\nnamespace {\n\n";
  text += fmt::format("TEST_CASE(\"{}\") {{\n  Hand chip(Hand::Start::{});\n", Identifier(name),
                      has_base ? "kBase" : "kReset");
  for (size_t i = has_base ? story.base_steps : 0; i < story.steps.size(); ++i) {
    const Operation operation = story.steps[i].operation();
    const std::string about = Describe(operation);
    if (!about.empty()) text += fmt::format("  // {}\n", about);
    text += Call(operation) + '\n';
  }
  text += Expectation(played);
  return text + "}\n\n}  // namespace\n}  // namespace ward::fuzz\n";
}

}  // namespace ward::fuzz
