// One line of what a person typed, read from left to right, and what is wrong with it.
#ifndef WARD_EMULATOR_CLI_BENCH_TEXT_SCANNER_H_
#define WARD_EMULATOR_CLI_BENCH_TEXT_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ward::emulator {

// A mistake in a line: where, what is there, and what could have been.
struct Mistake {
  size_t column = 0;  // from 1 on
  std::string found;
  std::string expected;
};

// "column 7: found FOO, expected a number".
std::string DescribeMistake(const Mistake& mistake);

class TextScanner {
 public:
  explicit TextScanner(std::string_view text) : text_(text) {}

  void SkipSpace();
  // Nothing but space is left.
  bool AtEnd();
  // Of the next character that is no space, from 1 on.
  size_t Column();
  // The next characters, when they are these; space before them is skipped.
  bool Take(std::string_view literal);
  // The same, without space before them.
  bool TakeTight(std::string_view literal);
  // Letters, digits, '_' and '-'; empty when there is none.
  std::string_view TakeName();
  // Everything up to the next space or one of `stops`.
  std::string_view TakeWord(std::string_view stops = "");
  // "quoted", without escapes; nothing when there is none.
  std::optional<std::string> TakeQuoted();
  // What TakeWord would give, without taking it.
  std::string_view PeekWord(std::string_view stops = "") const;

  // The mistake that `expected` is not at this place.
  Mistake Expected(std::string expected);
  // The same about a word that was taken already, which began at `column`.
  static Mistake ExpectedAt(size_t column, std::string_view found, std::string expected);

 private:
  std::string_view text_;
  size_t at_ = 0;
};

// The word in quotes, for a terminal: no control bytes, and no more than a line of it.
std::string Quote(std::string_view word);
// "12", "0x1f", with '_' between digits. Nothing when it is no number of 64 bits.
std::optional<uint64_t> ParseNumber(std::string_view text);
// Pairs of hexadecimal digits, in any grouping by '_' or ':'. Nothing when they are none.
std::optional<std::vector<uint8_t>> ParseHexBytes(std::string_view text);
// " (did you mean NAME?)", when one of `names` is close to `word`; else empty.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& names);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_BENCH_TEXT_SCANNER_H_
