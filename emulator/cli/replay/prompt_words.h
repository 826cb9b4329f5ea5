// Words of a line that somebody typed.
#ifndef WARD_EMULATOR_CLI_REPLAY_PROMPT_WORDS_H_
#define WARD_EMULATOR_CLI_REPLAY_PROMPT_WORDS_H_

#include <charconv>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace ward::emulator {

inline std::vector<std::string> SplitWords(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// Decimal, or hexadecimal behind 0x.
inline std::optional<uint64_t> ParseNumber(const std::string& word) {
  const bool is_hex = word.starts_with("0x") || word.starts_with("0X");
  const char* begin = word.data() + (is_hex ? 2 : 0);
  const char* end = word.data() + word.size();
  uint64_t value = 0;
  const auto result = std::from_chars(begin, end, value, is_hex ? 16 : 10);
  if (begin == end || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_REPLAY_PROMPT_WORDS_H_
