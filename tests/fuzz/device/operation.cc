#include "tests/fuzz/device/operation.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

namespace ward::fuzz {
namespace {

struct Syntax {
  const char* name;
  bool has_at;
  bool has_size;
  bool has_value;
  bool has_bytes;
};

// By OperationKind.
constexpr Syntax kSyntax[] = {
    {"read-register", true, true, false, false},    {"write-register", true, true, true, false},
    {"read-config", true, true, false, false},      {"write-config", true, true, true, false},
    {"read-msix", true, true, false, false},        {"write-msix", true, true, true, false},
    {"write-memory", true, false, false, true},     {"write-vram", true, false, false, true},
    {"process", false, false, true, false},         {"advance-clock", false, false, true, false},
    {"reset-function", false, false, false, false}, {"reset-power", false, false, false, false},
    {"tear-down", false, false, false, false},      {"snapshot", false, false, false, false},
    {"set-entropy", false, false, true, false},     {"set-bus", false, false, true, false},
    {"answer-reads", false, false, false, true},    {"set-link-fault", true, false, true, false},
    {"attach-display", true, false, true, false},   {"read-scanout", true, false, false, false},
    {"set-windows", false, false, true, false},     {"promise", false, false, true, false},
};
static_assert(std::size(kSyntax) == static_cast<size_t>(OperationKind::kLast) + 1);

std::string_view TakeWord(std::string_view* line) {
  const size_t begin = std::min(line->find_first_not_of(' '), line->size());
  const size_t end = std::min(line->find(' ', begin), line->size());
  const std::string_view word = line->substr(begin, end - begin);
  line->remove_prefix(end);
  return word;
}

std::optional<uint64_t> ParseNumber(std::string_view word) {
  const bool is_hex = word.starts_with("0x");
  if (is_hex) word.remove_prefix(2);
  uint64_t value = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value, is_hex ? 16 : 10);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

// Zeros in a row that are written as their count.
constexpr size_t kLeastZeros = 32;
constexpr uint64_t kMostBytes = 64 << 20;

bool ParseHex(std::string_view word, std::vector<uint8_t>* bytes) {
  if (word.empty() || word.size() % 2 != 0) return false;
  for (size_t at = 0; at < word.size(); at += 2) {
    uint8_t byte = 0;
    const char* const end = word.data() + at + 2;
    const auto [stop, error] = std::from_chars(word.data() + at, end, byte, 16);
    if (error != std::errc() || stop != end) return false;
    bytes->push_back(byte);
  }
  return true;
}

// "0a0b", and "00*4096" for as many of one byte; joined by '+'.
bool ParseBytes(std::string_view word, std::vector<uint8_t>* bytes) {
  bytes->clear();
  while (true) {
    const std::string_view piece = word.substr(0, word.find('+'));
    const size_t star = piece.find('*');
    std::vector<uint8_t> parsed;
    if (!ParseHex(piece.substr(0, star), &parsed)) return false;
    if (star == std::string_view::npos) {
      bytes->insert(bytes->end(), parsed.begin(), parsed.end());
    } else {
      const std::optional<uint64_t> count = ParseNumber(piece.substr(star + 1));
      if (!count || *count > kMostBytes || parsed.size() != 1) return false;
      bytes->insert(bytes->end(), *count, parsed[0]);
    }
    if (bytes->size() > kMostBytes) return false;
    if (piece.size() == word.size()) return true;
    word.remove_prefix(piece.size() + 1);
  }
}

void AppendBytes(ConstByteSpan bytes, std::string* text) {
  const auto out = std::back_inserter(*text);
  size_t at = 0;
  bool is_joined = true;  // to what comes before
  while (at < bytes.size()) {
    const ConstByteSpan rest = bytes.subspan(at);
    const auto zeros = static_cast<size_t>(
        std::find_if(rest.begin(), rest.end(), [](uint8_t byte) { return byte != 0; }) -
        rest.begin());
    if (zeros >= kLeastZeros) {
      fmt::format_to(out, "{}00*{}", at == 0 ? "" : "+", zeros);
      is_joined = false;
      at += zeros;
      continue;
    }
    if (!is_joined) *text += '+';
    is_joined = true;
    const size_t end = at + std::max<size_t>(zeros, 1);
    for (; at < end; ++at) fmt::format_to(out, "{:02x}", bytes[at]);
  }
}

}  // namespace

std::string ToText(const Operation& operation) {
  const Syntax& syntax = kSyntax[static_cast<size_t>(operation.kind)];
  std::string text = syntax.name;
  const auto out = std::back_inserter(text);
  if (syntax.has_at) fmt::format_to(out, " {:#x}", operation.at);
  if (syntax.has_size) fmt::format_to(out, " {}", operation.size);
  if (syntax.has_value) fmt::format_to(out, " {:#x}", operation.value);
  if (syntax.has_bytes) {
    text += ' ';
    AppendBytes(operation.bytes, &text);
  }
  return text;
}

bool ParseOperation(std::string_view line, Operation* operation, std::vector<uint8_t>* room,
                    std::string* reason) {
  const std::string_view name = TakeWord(&line);
  size_t kind = 0;
  while (kind < std::size(kSyntax) && name != kSyntax[kind].name) ++kind;
  if (kind == std::size(kSyntax)) {
    *reason = fmt::format("no operation is called \"{}\"", name);
    return false;
  }
  const Syntax& syntax = kSyntax[kind];
  *operation = {};
  operation->kind = static_cast<OperationKind>(kind);
  const auto take_number = [&](bool has, const char* what, auto* number) {
    if (!has) return true;
    const std::string_view word = TakeWord(&line);
    const std::optional<uint64_t> value = ParseNumber(word);
    using Number = std::remove_pointer_t<decltype(number)>;
    if (value && *value <= static_cast<Number>(~Number{0})) {
      *number = static_cast<Number>(*value);
      return true;
    }
    *reason = fmt::format("{}: its {} is no number: \"{}\"", name, what, word);
    return false;
  };
  if (!take_number(syntax.has_at, "place", &operation->at) ||
      !take_number(syntax.has_size, "size", &operation->size) ||
      !take_number(syntax.has_value, "value", &operation->value)) {
    return false;
  }
  if (syntax.has_bytes) {
    if (!ParseBytes(TakeWord(&line), room)) {
      *reason = fmt::format("{}: its bytes are no pairs of hexadecimal digits", name);
      return false;
    }
    operation->bytes = *room;
  }
  if (const std::string_view rest = TakeWord(&line); !rest.empty()) {
    *reason = fmt::format("{}: nothing stands behind that, as \"{}\" does", name, rest);
    return false;
  }
  return true;
}

}  // namespace ward::fuzz
