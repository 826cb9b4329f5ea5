#include "emulator/cli/peek_command.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/generated/pci.h"
#include "emulator/cli/bench/attachment.h"
#include "emulator/cli/bench/gone.h"
#include "emulator/cli/bench/register_place.h"
#include "emulator/cli/bench/register_text.h"
#include "emulator/cli/command_line.h"

namespace ward::emulator {
namespace {

constexpr int kWrongUsage = 2;

struct PeekArguments {
  std::string function;
  std::vector<std::string> places;
  uint32_t count = 1;
  bool explain = false;
  bool json = false;
};

struct Poke {
  RegisterPlace place;
  uint64_t value = 0;
};

int ComplainOf(const std::string& text, const Mistake& mistake) {
  Complain(fmt::format("\"{}\": {}", text, DescribeMistake(mistake)));
  return kWrongUsage;
}

// `count` registers of 32 bits from `first` on, each by its name.
std::optional<std::vector<RegisterPlace>> Follow(const RegisterPlace& first, uint32_t count,
                                                 Mistake* mistake) {
  if (first.is_array) return ListArray(first);
  std::vector<RegisterPlace> places = {first};
  uint32_t offset = first.offset;
  while (places.size() < count) {
    offset += places.back().width_bits / 8;
    const std::string text = fmt::format("{:#x}", offset);
    TextScanner scanner(text);
    const auto place = ScanRegister(&scanner, ArrayUse::kRefused, mistake);
    if (!place) return std::nullopt;
    places.push_back(*place);
  }
  return places;
}

int Peek(const PeekArguments& arguments) {
  std::vector<RegisterPlace> places;
  for (const std::string& text : arguments.places) {
    TextScanner scanner(text);
    Mistake mistake;
    auto place = ScanRegister(&scanner, ArrayUse::kWhole, &mistake);
    if (place && !scanner.AtEnd()) {
      mistake = scanner.Expected("nothing more");
      place.reset();
    }
    const auto followed = place ? Follow(*place, arguments.count, &mistake) : std::nullopt;
    if (!followed) return ComplainOf(text, mistake);
    places.insert(places.end(), followed->begin(), followed->end());
  }
  std::string error;
  const auto function = Attach(arguments.function, &error);
  if (function == nullptr) return Complain(error);
  nlohmann::ordered_json document = nlohmann::ordered_json::array();
  std::vector<uint64_t> values;
  for (const RegisterPlace& place : places) values.push_back(ReadRegister(function.get(), place));
  if (const auto gone = WhyGone(function.get())) return Complain(*gone);
  for (size_t i = 0; i < places.size(); ++i) {
    const RegisterPlace& place = places[i];
    const uint64_t value = values[i];
    if (arguments.json) {
      document.push_back(ValueJson(place, value));
    } else {
      fmt::print("{}\n",
                 arguments.explain ? ExplainValue(place, value) : DescribeValue(place, value));
    }
  }
  if (arguments.json) fmt::print("{}\n", document.dump(2));
  return 0;
}

std::optional<Poke> ParsePoke(const std::string& text, Mistake* mistake) {
  TextScanner scanner(text);
  Poke poke;
  const auto place = ScanRegister(&scanner, ArrayUse::kRefused, mistake);
  if (!place) return std::nullopt;
  poke.place = *place;
  if (!scanner.Take("=")) {
    *mistake = scanner.Expected("=");
    return std::nullopt;
  }
  const auto value = ScanValue(&scanner, poke.place, mistake);
  if (!value) return std::nullopt;
  poke.value = *value;
  if (scanner.AtEnd()) return poke;
  *mistake = scanner.Expected("nothing more");
  return std::nullopt;
}

int PokeAll(const PeekArguments& arguments) {
  // All of them are understood before the first is done.
  std::vector<Poke> pokes;
  for (const std::string& text : arguments.places) {
    Mistake mistake;
    const auto poke = ParsePoke(text, &mistake);
    if (!poke) return ComplainOf(text, mistake);
    pokes.push_back(*poke);
  }
  std::string error;
  const auto function = Attach(arguments.function, &error);
  if (function == nullptr) return Complain(error);
  nlohmann::ordered_json document = nlohmann::ordered_json::array();
  for (const Poke& poke : pokes) {
    WriteRegister(function.get(), poke.place, poke.value);
    const uint64_t after = ReadRegister(function.get(), poke.place);
    if (const auto gone = WhyGone(function.get())) {
      return Complain(fmt::format("{}: {}", poke.place.FullName(), *gone));
    }
    if (arguments.json) {
      document.push_back(ValueJson(poke.place, after));
      document.back()["written"] = poke.value;
    } else {
      fmt::print("{} <- {:#x}; reads {}\n", poke.place.FullName(), poke.value,
                 DescribeValue(poke.place, after));
    }
  }
  if (arguments.json) fmt::print("{}\n", document.dump(2));
  return 0;
}

}  // namespace

void AddPeekCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<PeekArguments>();
  CLI::App* peek = AddCommand(app, "peek", "Read registers, with their fields decoded");
  peek->add_option("PLACE", arguments->places,
                   "NAME, NAME[NUMBER], either with .FIELD, or an offset in BAR0; NAME of an array "
                   "is all of it")
      ->required();
  AddFunctionOption(peek, &arguments->function);
  peek->add_option("-n,--count", arguments->count, "Registers to read from each place on")
      ->check(CLI::Range(1u, abi::kRegisterBarSize / 4));
  peek->add_flag("--explain", arguments->explain, "Say what each field means");
  peek->add_flag("--json", arguments->json, "Print JSON, for scripts");
  peek->footer(
      "A 64-bit register is read as two halves, the low one first. Examples:\n"
      "  ward peek QUEUE_STATUS[3] -f vfio-user:/tmp/gpu.sock\n"
      "  ward peek DEVICE_STATUS.FIRMWARE_STATE FEATURES --explain\n"
      "  ward peek QUEUE_STATUS                all sixteen\n"
      "  ward peek 0x1000 --count 8\n"
      "Names are listed by `ward regs`.");
  peek->callback([arguments, exit_code] { *exit_code = Peek(*arguments); });
}

void AddPokeCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<PeekArguments>();
  CLI::App* poke = AddCommand(app, "poke", "Write registers or single fields of them");
  poke->add_option("PLACE=VALUE", arguments->places, "As for peek; the value is a number")
      ->required();
  AddFunctionOption(poke, &arguments->function);
  poke->add_flag("--json", arguments->json, "Print what the registers read afterwards, as JSON");
  poke->footer(
      "They are written in order, after all of them were understood, and read back. A field is\n"
      "written with the others of its register as they read; bits that act when written (w1c, wo)\n"
      "stay zero unless they are named. Examples:\n"
      "  ward poke SCRATCH=0xdecade -f vfio-user:/tmp/gpu.sock\n"
      "  ward poke QUEUE_CONTROL[0].RESET=1 INTERRUPT_CAUSE.FAULT=1");
  poke->callback([arguments, exit_code] { *exit_code = PokeAll(*arguments); });
}

}  // namespace ward::emulator
