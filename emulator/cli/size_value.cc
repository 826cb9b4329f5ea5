#include "emulator/cli/size_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "emulator/cli/bench/text_scanner.h"

namespace ward::emulator {
namespace {

constexpr std::string_view kPrefixes = "kmgtpe";
constexpr unsigned kBitsOfPrefix = 10;

// By how many bits a number with this unit, in small letters, is shifted.
std::optional<unsigned> ShiftOf(std::string_view unit) {
  if (unit.empty() || unit == "b") return 0;
  const size_t prefix = kPrefixes.find(unit[0]);
  const std::string_view rest = unit.substr(1);
  if (prefix == std::string_view::npos ||
      !(rest.empty() || rest == "b" || rest == "i" || rest == "ib")) {
    return std::nullopt;
  }
  return kBitsOfPrefix * static_cast<unsigned>(prefix + 1);
}

}  // namespace

std::optional<uint64_t> ParseSize(std::string_view text) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = is_hex ? "0123456789abcdefABCDEF_" : "0123456789_";
  const size_t begin = is_hex ? 2 : 0;
  const size_t end = std::min(text.find_first_not_of(digits, begin), text.size());
  std::string unit(text.substr(end));
  unit.erase(0, unit.find_first_not_of(' '));
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::optional<uint64_t> number = ParseNumber(text.substr(0, end));
  const std::optional<unsigned> shift = ShiftOf(unit);
  if (!number || !shift || *number > UINT64_MAX >> *shift) return std::nullopt;
  return *number << *shift;
}

CLI::Validator SizeValue() {
  const auto transform = [](std::string& text) -> std::string {
    const std::optional<uint64_t> size = ParseSize(text);
    if (!size) {
      return fmt::format(
          "{} is no number of bytes below 16E: give for example 4096, 0x1000, 64K or 1M",
          Quote(text));
    }
    text = fmt::format("{}", *size);
    return "";
  };
  return {transform, "SIZE"};
}

}  // namespace ward::emulator
