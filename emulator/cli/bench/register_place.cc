#include "emulator/cli/bench/register_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "emulator/boundary/names.h"

namespace ward::emulator {
namespace {

using abi::FieldReference;
using abi::RegisterAccess;
using abi::RegisterReference;

constexpr uint32_t kHalfBits = 32;
constexpr uint32_t kHalfBytes = 4;

uint64_t Ones(uint32_t bits) { return bits >= 64 ? ~0ull : (1ull << bits) - 1; }

uint64_t MaskOf(const FieldReference& field) {
  return Ones(static_cast<uint32_t>(field.high - field.low + 1)) << field.low;
}

// A register by the name that stands before the brackets: the whole one, or a half of it.
struct Bare {
  const RegisterReference* reference = nullptr;
  const char* suffix = "";
};

Bare FindBare(std::string_view name) {
  for (const RegisterReference& reference : abi::kRegisterReferences) {
    if (name == reference.name) return {&reference, ""};
    if (reference.width_bits == kHalfBits) continue;
    for (const char* suffix : {"_LO", "_HI"}) {
      if (name == std::string(reference.name) + suffix) return {&reference, suffix};
    }
  }
  return {};
}

std::vector<std::string> AllNames() {
  std::vector<std::string> names;
  for (const RegisterReference& reference : abi::kRegisterReferences) {
    names.push_back(reference.name);
  }
  return names;
}

RegisterPlace MakePlace(const Bare& bare, uint32_t block, uint32_t element) {
  const RegisterReference& reference = *bare.reference;
  const std::string_view suffix = bare.suffix;
  RegisterPlace place;
  place.name = PlaceName(reference, block, element, bare.suffix);
  place.reference = &reference;
  place.width_bits = suffix.empty() ? reference.width_bits : kHalfBits;
  place.shift = suffix == "_HI" ? kHalfBits : 0;
  place.offset = reference.offset + block * reference.block_stride + element * kHalfBytes +
                 (place.shift != 0 ? kHalfBytes : 0);
  for (uint32_t i = 0; i < reference.field_count; ++i) {
    FieldReference field = reference.fields[i];
    const uint32_t low = std::max<uint32_t>(field.low, place.shift);
    const uint32_t high = std::min<uint32_t>(field.high, place.shift + place.width_bits - 1);
    if (low > high) continue;
    field.low = static_cast<uint8_t>(low - place.shift);
    field.high = static_cast<uint8_t>(high - place.shift);
    place.fields.push_back(field);
  }
  return place;
}

std::optional<RegisterPlace> PlaceAtOffset(TextScanner* scanner, Mistake* mistake) {
  const size_t column = scanner->Column();
  const std::string_view word = scanner->TakeName();
  const std::optional<uint64_t> offset = ParseNumber(word);
  if (!offset || *offset >= abi::kRegisterBarSize || *offset % kHalfBytes != 0) {
    *mistake = TextScanner::ExpectedAt(
        column, word,
        fmt::format("an offset in BAR0: a multiple of 4 below {:#x}", abi::kRegisterBarSize));
    return std::nullopt;
  }
  const NamedRegister named = FindRegister(*offset);
  if (named.info != nullptr) {
    return MakePlace(FindBare(named.info->name), named.block, named.element);
  }
  RegisterPlace place;
  place.name = fmt::format("{:#x}", *offset);
  place.offset = static_cast<uint32_t>(*offset);
  return place;
}

// "[3]" behind a name; false with a mistake. `count` is how many there are.
bool ScanIndex(TextScanner* scanner, uint32_t count, const std::string& name, ArrayUse use,
               bool* is_array, uint32_t* index, Mistake* mistake) {
  if (count == 1) return true;
  const std::string wish = fmt::format("a number from 0 to {} in brackets: {}[0]", count - 1, name);
  if (!scanner->TakeTight("[")) {
    *is_array = use == ArrayUse::kWhole;
    if (!*is_array) *mistake = scanner->Expected(wish);
    return *is_array;
  }
  const size_t column = scanner->Column();
  const std::string_view word = scanner->TakeWord("].=!");
  const std::optional<uint64_t> number = ParseNumber(word);
  if (!number || *number >= count) {
    *mistake = TextScanner::ExpectedAt(column, word, wish);
    return false;
  }
  *index = static_cast<uint32_t>(*number);
  if (scanner->TakeTight("]")) return true;
  *mistake = scanner->Expected("]");
  return false;
}

bool ScanField(TextScanner* scanner, RegisterPlace* place, Mistake* mistake) {
  if (!scanner->TakeTight(".")) return true;
  const size_t column = scanner->Column();
  const std::string_view name = scanner->TakeName();
  std::vector<std::string> names;
  for (const FieldReference& field : place->fields) {
    if (name == field.name) {
      place->field = field;
      return true;
    }
    names.push_back(field.name);
  }
  const std::string register_name = place->name;
  *mistake = TextScanner::ExpectedAt(
      column, name,
      names.empty() ? fmt::format("no field: {} has none", register_name)
                    : fmt::format("a field of {}: {}{}", register_name, fmt::join(names, ", "),
                                  DidYouMean(name, names)));
  return false;
}

void WriteHalves(abi::PciFunction* function, const RegisterPlace& place, uint64_t value) {
  function->BarWrite32(abi::kRegisterBar, place.offset, static_cast<uint32_t>(value));
  if (place.width_bits == kHalfBits) return;
  function->BarWrite32(abi::kRegisterBar, place.offset + kHalfBytes,
                       static_cast<uint32_t>(value >> kHalfBits));
}

}  // namespace

uint64_t RegisterPlace::Largest() const {
  return field ? Ones(static_cast<uint32_t>(field->high - field->low + 1)) : Ones(width_bits);
}

std::string PlaceName(const RegisterReference& reference, uint32_t block, uint32_t element,
                      const char* suffix) {
  std::string name = std::string(reference.name) + suffix;
  if (reference.block_count > 1) name += fmt::format("[{}]", block);
  if (reference.element_count > 1) name += fmt::format("[{}]", element);
  return name;
}

std::optional<RegisterPlace> ScanRegister(TextScanner* scanner, ArrayUse use, Mistake* mistake) {
  const size_t column = scanner->Column();
  const std::string_view start = scanner->PeekWord("[.=!");
  if (!start.empty() && start[0] >= '0' && start[0] <= '9') {
    std::optional<RegisterPlace> place = PlaceAtOffset(scanner, mistake);
    if (!place || !ScanField(scanner, &*place, mistake)) return std::nullopt;
    return place;
  }
  const std::string_view name = scanner->TakeName();
  const Bare bare = FindBare(name);
  if (bare.reference == nullptr) {
    *mistake = TextScanner::ExpectedAt(
        column, name.empty() ? start : name,
        "the name of a register or its offset" + DidYouMean(name, AllNames()));
    return std::nullopt;
  }
  uint32_t block = 0;
  uint32_t element = 0;
  bool is_array = false;
  const std::string text(name);
  if (!ScanIndex(scanner, bare.reference->block_count, text, use, &is_array, &block, mistake) ||
      !ScanIndex(scanner, bare.reference->element_count, text, use, &is_array, &element, mistake)) {
    return std::nullopt;
  }
  RegisterPlace place = MakePlace(bare, block, element);
  place.is_array = is_array;
  if (!ScanField(scanner, &place, mistake)) return std::nullopt;
  return place;
}

std::optional<uint64_t> ScanValue(TextScanner* scanner, const RegisterPlace& place,
                                  Mistake* mistake) {
  const size_t column = scanner->Column();
  const std::string_view word = scanner->TakeWord();
  std::optional<uint64_t> value = ParseNumber(word);
  for (const abi::StatusInfo& status : abi::kStatuses) {
    if (word == status.name) value = status.code;
  }
  if (value && *value <= place.Largest()) return value;
  *mistake =
      TextScanner::ExpectedAt(column, word,
                              fmt::format("a number up to {:#x}, or the name of a status, for {}",
                                          place.Largest(), place.FullName()));
  return std::nullopt;
}

std::vector<RegisterPlace> ListArray(const RegisterPlace& place) {
  std::vector<RegisterPlace> places;
  const std::string_view suffix = place.width_bits == place.reference->width_bits ? ""
                                  : place.shift != 0                              ? "_HI"
                                                                                  : "_LO";
  for (uint32_t block = 0; block < place.reference->block_count; ++block) {
    for (uint32_t element = 0; element < place.reference->element_count; ++element) {
      places.push_back(MakePlace({place.reference, suffix.data()}, block, element));
      places.back().field = place.field;
    }
  }
  return places;
}

std::vector<RegisterPlace> ListAllRegisters() {
  std::vector<RegisterPlace> places;
  for (const RegisterReference& reference : abi::kRegisterReferences) {
    for (const RegisterPlace& place : ListArray(MakePlace({&reference, ""}, 0, 0))) {
      places.push_back(place);
    }
  }
  return places;
}

uint64_t ReadRegister(abi::PciFunction* function, const RegisterPlace& place) {
  uint64_t value = function->BarRead32(abi::kRegisterBar, place.offset);
  if (place.width_bits == kHalfBits) return value;
  return value |
         static_cast<uint64_t>(function->BarRead32(abi::kRegisterBar, place.offset + kHalfBytes))
             << kHalfBits;
}

uint64_t FieldOf(const RegisterPlace& place, uint64_t value) {
  return place.field ? (value & MaskOf(*place.field)) >> place.field->low : value;
}

void WriteRegister(abi::PciFunction* function, const RegisterPlace& place, uint64_t value) {
  if (!place.field) {
    WriteHalves(function, place, value);
    return;
  }
  uint64_t kept = 0;
  for (const FieldReference& field : place.fields) {
    if (field.access == RegisterAccess::kRw) kept |= MaskOf(field);
  }
  kept &= ~MaskOf(*place.field);
  const uint64_t others = kept == 0 ? 0 : ReadRegister(function, place) & kept;
  WriteHalves(function, place, others | value << place.field->low);
}

}  // namespace ward::emulator
