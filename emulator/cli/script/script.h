// A bring-up script, parsed: docs/guide/scripts.md has the language.
#ifndef WARD_EMULATOR_CLI_SCRIPT_SCRIPT_H_
#define WARD_EMULATOR_CLI_SCRIPT_SCRIPT_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "emulator/cli/bench/command_text.h"
#include "emulator/cli/bench/register_place.h"
#include "emulator/cli/bench/text_scanner.h"

namespace ward::emulator {

struct PokeStep {
  RegisterPlace place;
  uint64_t value = 0;
};

// expect, and wait-for when `within_ms` is not 0.
struct ExpectStep {
  RegisterPlace place;
  bool is_equal = true;  // false: "!="
  uint64_t value = 0;
  uint32_t within_ms = 0;
};

struct RingStep {
  std::vector<CommandText> commands;
  uint32_t fault_status = 0;    // what the queue is to stop with; 0: it is not to stop
  uint32_t refusal_status = 0;  // what one of the commands is to be refused with; 0: none is
};

enum class MemoryKind { kVram, kBuffer };

struct MemoryStep {
  MemoryKind kind = MemoryKind::kVram;
  uint64_t offset = 0;
  bool is_write = false;  // else the bytes are expected
  std::vector<uint8_t> bytes;
};

enum class ConfigUse { kRead, kWrite, kExpect };

struct ConfigStep {
  std::string name;
  uint32_t offset = 0;
  uint32_t size_bytes = 0;
  ConfigUse use = ConfigUse::kRead;
  uint32_t value = 0;
};

struct ResetStep {};

struct PrintStep {
  std::string text;
  std::vector<RegisterPlace> places;  // empty: the text is printed
};

using StepAction =
    std::variant<PokeStep, ExpectStep, RingStep, MemoryStep, ConfigStep, ResetStep, PrintStep>;

struct Step {
  size_t line = 0;   // from 1 on
  std::string text;  // as it stands there, without space around it and without its remark
  StepAction action;
};

struct LineMistake {
  size_t line = 0;
  Mistake mistake;
};

struct Script {
  std::vector<Step> steps;
  std::vector<LineMistake> mistakes;  // at most one of a line
};

// Reads the whole text. A script with mistakes is not for running.
Script ParseScript(const std::string& text);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_SCRIPT_SCRIPT_H_
