#include "emulator/cli/script/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "abi/generated/status.h"
#include "abi/generated/trace_names.h"
#include "emulator/cli/bench/kernel_queue.h"

namespace ward::emulator {
namespace {

using Action = std::optional<StepAction>;

constexpr uint32_t kLongestWait = 600'000;  // milliseconds
constexpr uint32_t kConfigBytes = 4096;

bool TakeSign(TextScanner* scanner, std::string_view sign, Mistake* mistake) {
  if (scanner->Take(sign)) return true;
  *mistake = scanner->Expected(std::string(sign));
  return false;
}

Action ParsePoke(TextScanner* scanner, Mistake* mistake) {
  PokeStep step;
  const auto place = ScanRegister(scanner, ArrayUse::kRefused, mistake);
  if (!place || !TakeSign(scanner, "=", mistake)) return std::nullopt;
  step.place = *place;
  const auto value = ScanValue(scanner, step.place, mistake);
  if (!value) return std::nullopt;
  step.value = *value;
  return step;
}

// "100ms", "2s"; nothing when it is none.
std::optional<uint32_t> ParseDuration(std::string_view word) {
  uint64_t scale = 0;
  if (word.ends_with("ms")) {
    scale = 1;
    word.remove_suffix(2);
  } else if (word.ends_with("s")) {
    scale = 1000;
    word.remove_suffix(1);
  }
  const auto number = ParseNumber(word);
  if (scale == 0 || !number || *number == 0 || *number > kLongestWait / scale) return std::nullopt;
  return static_cast<uint32_t>(*number * scale);
}

Action ParseExpect(TextScanner* scanner, Mistake* mistake) {
  ExpectStep step;
  const auto place = ScanRegister(scanner, ArrayUse::kRefused, mistake);
  if (!place) return std::nullopt;
  step.place = *place;
  step.is_equal = scanner->Take("==");
  if (!step.is_equal && !scanner->Take("!=")) {
    *mistake = scanner->Expected("== or !=");
    return std::nullopt;
  }
  const auto value = ScanValue(scanner, step.place, mistake);
  if (!value) return std::nullopt;
  step.value = *value;
  return step;
}

Action ParseWaitFor(TextScanner* scanner, Mistake* mistake) {
  Action action = ParseExpect(scanner, mistake);
  if (!action) return std::nullopt;
  if (!TakeSign(scanner, "within", mistake)) return std::nullopt;
  const size_t column = scanner->Column();
  const std::string_view word = scanner->TakeWord();
  const auto duration = ParseDuration(word);
  if (!duration) {
    *mistake = TextScanner::ExpectedAt(column, word, "a time as 100ms or 2s, up to 600s");
    return std::nullopt;
  }
  std::get<ExpectStep>(*action).within_ms = *duration;
  return action;
}

// The status behind "faults" or "refused".
std::optional<uint32_t> ParseStatus(TextScanner* scanner, abi::StatusClass wanted,
                                    Mistake* mistake) {
  const size_t column = scanner->Column();
  const std::string_view word = scanner->TakeName();
  std::vector<std::string> names;
  for (const abi::StatusInfo& status : abi::kStatuses) {
    if (word == status.name && status.code != 0) return status.code;
    if (status.status_class == wanted) names.push_back(status.name);
  }
  *mistake =
      TextScanner::ExpectedAt(column, word, "the name of a status" + DidYouMean(word, names));
  return std::nullopt;
}

Action ParseRing(TextScanner* scanner, Mistake* mistake) {
  RingStep step;
  do {
    auto command = ScanCommand(scanner, mistake);
    if (!command) return std::nullopt;
    step.commands.push_back(std::move(*command));
  } while (scanner->Take(";"));
  if (scanner->AtEnd()) return step;
  const bool faults = scanner->Take("faults");
  if (!faults && !scanner->Take("refused")) {
    *mistake = scanner->Expected(
        "field=value, a flag, ; and another command, faults STATUS or refused STATUS");
    return std::nullopt;
  }
  const auto status =
      ParseStatus(scanner, faults ? abi::StatusClass::kFault : abi::StatusClass::kRefusal, mistake);
  if (!status) return std::nullopt;
  (faults ? step.fault_status : step.refusal_status) = *status;
  return step;
}

// Every word up to the end, as hexadecimal bytes.
std::optional<std::vector<uint8_t>> ParseBytes(TextScanner* scanner, Mistake* mistake) {
  std::vector<uint8_t> bytes;
  do {
    const size_t column = scanner->Column();
    const std::string_view word = scanner->TakeWord();
    const auto more = ParseHexBytes(word);
    if (!more) {
      *mistake = TextScanner::ExpectedAt(column, word, "bytes in hexadecimal, as 00ff or 00 ff");
      return std::nullopt;
    }
    bytes.insert(bytes.end(), more->begin(), more->end());
  } while (!scanner->AtEnd());
  return bytes;
}

Action ParseMemory(MemoryKind kind, TextScanner* scanner, Mistake* mistake) {
  MemoryStep step;
  step.kind = kind;
  step.is_write = scanner->Take("write");
  if (!step.is_write && !scanner->Take("expect")) {
    *mistake = scanner->Expected("write or expect");
    return std::nullopt;
  }
  const size_t column = scanner->Column();
  const std::string_view word = scanner->TakeWord();
  const auto offset = ParseNumber(word);
  // How much VRAM there is only the function knows.
  const uint64_t end = kind == MemoryKind::kBuffer ? KernelQueue::kBufferBytes : ~0ull;
  if (!offset || *offset >= end) {
    *mistake = TextScanner::ExpectedAt(
        column, word,
        kind == MemoryKind::kBuffer
            ? fmt::format("an offset in the buffer of {:#x} bytes", KernelQueue::kBufferBytes)
            : "an offset in visible VRAM");
    return std::nullopt;
  }
  step.offset = *offset;
  const size_t bytes_column = scanner->Column();
  auto bytes = ParseBytes(scanner, mistake);
  if (!bytes) return std::nullopt;
  if (bytes->size() > end - step.offset) {
    *mistake = TextScanner::ExpectedAt(bytes_column, fmt::format("{} bytes", bytes->size()),
                                       fmt::format("at most {}", end - step.offset));
    return std::nullopt;
  }
  step.bytes = std::move(*bytes);
  return step;
}

// "VENDOR_ID", or "0x40/4": offset and size.
bool ParseConfigPlace(TextScanner* scanner, ConfigStep* step, Mistake* mistake) {
  const size_t column = scanner->Column();
  const std::string_view word = scanner->TakeWord("=!");
  std::vector<std::string> names;
  for (const abi::ConfigRegisterInfo& info : abi::kConfigRegisters) {
    names.push_back(info.name);
    if (word != info.name || info.size_bytes == 3) continue;
    step->name = info.name;
    step->offset = info.offset;
    step->size_bytes = info.size_bytes;
    return true;
  }
  const size_t slash = word.find('/');
  const auto offset = ParseNumber(word.substr(0, slash));
  const auto size = slash == std::string_view::npos ? std::optional<uint64_t>(4)
                                                    : ParseNumber(word.substr(slash + 1));
  if (offset && size && (*size == 1 || *size == 2 || *size == 4) && *offset % *size == 0 &&
      *offset < kConfigBytes) {
    step->name = std::string(word);
    step->offset = static_cast<uint32_t>(*offset);
    step->size_bytes = static_cast<uint32_t>(*size);
    return true;
  }
  *mistake = TextScanner::ExpectedAt(
      column, word,
      "a register of the configuration space, or OFFSET/SIZE with a size of 1, 2 or 4 that divides "
      "the offset" +
          DidYouMean(word, names));
  return false;
}

Action ParseConfig(TextScanner* scanner, Mistake* mistake) {
  ConfigStep step;
  if (scanner->Take("expect")) {
    step.use = ConfigUse::kExpect;
  } else if (scanner->Take("write")) {
    step.use = ConfigUse::kWrite;
  } else if (!scanner->Take("read")) {
    *mistake = scanner->Expected("read, write or expect");
    return std::nullopt;
  }
  if (!ParseConfigPlace(scanner, &step, mistake)) return std::nullopt;
  if (step.use == ConfigUse::kRead) return step;
  if (!TakeSign(scanner, step.use == ConfigUse::kWrite ? "=" : "==", mistake)) return std::nullopt;
  const size_t column = scanner->Column();
  const std::string_view word = scanner->TakeWord();
  const auto value = ParseNumber(word);
  if (!value || *value >> (8 * step.size_bytes) != 0) {
    *mistake = TextScanner::ExpectedAt(column, word,
                                       fmt::format("a number of {} bits", step.size_bytes * 8));
    return std::nullopt;
  }
  step.value = static_cast<uint32_t>(*value);
  return step;
}

Action ParsePrint(TextScanner* scanner, Mistake* mistake) {
  PrintStep step;
  if (auto text = scanner->TakeQuoted()) {
    step.text = std::move(*text);
    return step;
  }
  if (scanner->AtEnd() || scanner->PeekWord().starts_with('"')) {
    *mistake = scanner->Expected("\"text\" or a register");
    return std::nullopt;
  }
  const auto place = ScanRegister(scanner, ArrayUse::kWhole, mistake);
  if (!place) return std::nullopt;
  step.places = place->is_array ? ListArray(*place) : std::vector<RegisterPlace>{*place};
  return step;
}

Action ParseReset(TextScanner* /*scanner*/, Mistake* /*mistake*/) { return ResetStep{}; }

Action ParseVram(TextScanner* scanner, Mistake* mistake) {
  return ParseMemory(MemoryKind::kVram, scanner, mistake);
}

Action ParseBuffer(TextScanner* scanner, Mistake* mistake) {
  return ParseMemory(MemoryKind::kBuffer, scanner, mistake);
}

struct Statement {
  std::string_view word;
  Action (*parse)(TextScanner* scanner, Mistake* mistake);
};

constexpr Statement kStatements[] = {
    {"poke", ParsePoke},     {"expect", ParseExpect}, {"wait-for", ParseWaitFor},
    {"ring", ParseRing},     {"vram", ParseVram},     {"dma", ParseBuffer},
    {"config", ParseConfig}, {"reset", ParseReset},   {"print", ParsePrint},
};

Action ParseStatement(TextScanner* scanner, Mistake* mistake) {
  const size_t column = scanner->Column();
  const std::string_view word = scanner->TakeName();
  std::vector<std::string> words;
  for (const Statement& statement : kStatements) {
    words.emplace_back(statement.word);
    if (word != statement.word) continue;
    Action action = statement.parse(scanner, mistake);
    if (!action || scanner->AtEnd()) return action;
    *mistake = scanner->Expected("the end of the line");
    return std::nullopt;
  }
  *mistake = TextScanner::ExpectedAt(
      column, word.empty() ? scanner->PeekWord() : word,
      fmt::format("a statement: {}{}", fmt::join(words, ", "), DidYouMean(word, words)));
  return std::nullopt;
}

// The line up to its remark; a '#' in quotes begins none.
std::string_view WithoutRemark(std::string_view line) {
  bool is_quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') is_quoted = !is_quoted;
    if (line[i] == '#' && !is_quoted) return line.substr(0, i);
  }
  return line;
}

std::string Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

}  // namespace

Script ParseScript(const std::string& text) {
  Script script;
  std::string_view rest = text;
  for (size_t line = 1; !rest.empty(); ++line) {
    const size_t end = rest.find('\n');
    const std::string_view whole = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const std::string_view statement = WithoutRemark(whole);
    TextScanner scanner(statement);
    if (scanner.AtEnd()) continue;
    Mistake mistake;
    Action action = ParseStatement(&scanner, &mistake);
    if (action) {
      script.steps.push_back({line, Trim(statement), std::move(*action)});
    } else {
      script.mistakes.push_back({line, std::move(mistake)});
    }
  }
  return script;
}

}  // namespace ward::emulator
