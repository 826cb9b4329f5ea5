#include "emulator/cli/bench/text_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <numeric>
#include <utility>

namespace ward::emulator {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool IsNameCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

// Letters to insert, remove or replace to get from one to the other.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t kept = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, kept});
    }
  }
  return row.back();
}

}  // namespace

std::string Quote(std::string_view word) {
  constexpr size_t kMost = 60;
  std::string text;
  for (const char c : word.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    text += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return fmt::format("\"{}\"{}", text, word.size() > kMost ? "..." : "");
}

std::string DescribeMistake(const Mistake& mistake) {
  return fmt::format("column {}: found {}, expected {}", mistake.column, mistake.found,
                     mistake.expected);
}

void TextScanner::SkipSpace() {
  while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
}

bool TextScanner::AtEnd() {
  SkipSpace();
  return at_ == text_.size();
}

size_t TextScanner::Column() {
  SkipSpace();
  return at_ + 1;
}

bool TextScanner::Take(std::string_view literal) {
  SkipSpace();
  return TakeTight(literal);
}

bool TextScanner::TakeTight(std::string_view literal) {
  if (text_.substr(at_, literal.size()) != literal) return false;
  at_ += literal.size();
  return true;
}

std::string_view TextScanner::TakeName() {
  SkipSpace();
  const size_t begin = at_;
  while (at_ < text_.size() && IsNameCharacter(text_[at_])) ++at_;
  return text_.substr(begin, at_ - begin);
}

std::string_view TextScanner::TakeWord(std::string_view stops) {
  SkipSpace();
  const std::string_view word = PeekWord(stops);
  at_ += word.size();
  return word;
}

std::optional<std::string> TextScanner::TakeQuoted() {
  SkipSpace();
  if (at_ == text_.size() || text_[at_] != '"') return std::nullopt;
  const size_t end = text_.find('"', at_ + 1);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string quoted(text_.substr(at_ + 1, end - at_ - 1));
  at_ = end + 1;
  return quoted;
}

std::string_view TextScanner::PeekWord(std::string_view stops) const {
  size_t begin = at_;
  while (begin < text_.size() && IsSpace(text_[begin])) ++begin;
  size_t end = begin;
  while (end < text_.size() && !IsSpace(text_[end]) &&
         stops.find(text_[end]) == std::string_view::npos) {
    ++end;
  }
  return text_.substr(begin, end - begin);
}

Mistake TextScanner::Expected(std::string expected) {
  const size_t column = Column();
  return ExpectedAt(column, PeekWord(), std::move(expected));
}

Mistake TextScanner::ExpectedAt(size_t column, std::string_view found, std::string expected) {
  return {column, found.empty() ? "the end" : Quote(found), std::move(expected)};
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  std::string digits(text);
  if (digits.starts_with('_') || digits.ends_with('_')) return std::nullopt;
  std::erase(digits, '_');
  const bool is_hex = digits.starts_with("0x") || digits.starts_with("0X");
  const char* begin = digits.data() + (is_hex ? 2 : 0);
  const char* end = digits.data() + digits.size();
  uint64_t value = 0;
  const auto [stop, error] = std::from_chars(begin, end, value, is_hex ? 16 : 10);
  if (begin == end || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::vector<uint8_t>> ParseHexBytes(std::string_view text) {
  std::string digits(text);
  std::erase_if(digits, [](char c) { return c == '_' || c == ':'; });
  if (digits.empty() || digits.size() % 2 != 0) return std::nullopt;
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    uint8_t byte = 0;
    const char* end = digits.data() + i + 2;
    const auto [stop, error] = std::from_chars(digits.data() + i, end, byte, 16);
    if (error != std::errc() || stop != end) return std::nullopt;
    bytes.push_back(byte);
  }
  return bytes;
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& names) {
  std::string upper(word);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const std::string* best = nullptr;
  size_t least = upper.size() / 3 + 1;
  for (const std::string& name : names) {
    std::string other(name);
    std::transform(other.begin(), other.end(), other.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const size_t distance = Distance(upper, other);
    if (distance > least || (distance == least && best != nullptr)) continue;
    best = &name;
    least = distance;
  }
  return best == nullptr ? "" : fmt::format(" (did you mean {}?)", *best);
}

}  // namespace ward::emulator
