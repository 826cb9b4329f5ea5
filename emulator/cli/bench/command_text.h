// A command for a queue, as people write it: "FILL destination=vram:0x1000 value=7 row_bytes=64
// row_count=1". Its fields and flags are the contract's (docs/spec/commands.md).
#ifndef WARD_EMULATOR_CLI_BENCH_COMMAND_TEXT_H_
#define WARD_EMULATOR_CLI_BENCH_COMMAND_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "abi/generated/commands.h"
#include "emulator/cli/bench/text_scanner.h"

namespace ward::emulator {

struct CommandText {
  const abi::CommandInfo* info = nullptr;
  std::vector<uint8_t> bytes;
  // Where "dma:OFFSET" stands: 64-bit places in `bytes` that hold an offset in the bench's buffer.
  std::vector<uint32_t> buffer_addresses;

  uint64_t Field(const std::string& name) const;
};

// Takes one command up to the end, or to a ';' or a word that begins with a small letter and has no
// '='. Fields that are not named are zero, the length is the command's; `length`, `flags` and
// `opcode` can be given, to be wrong on purpose. "tail=HEX" appends to a command of variable size.
std::optional<CommandText> ScanCommand(TextScanner* scanner, Mistake* mistake);

// The usage text of one command, or nothing when none has the name.
std::optional<std::string> CommandUsage(const std::string& name);
// "NOOP, FENCE, ...".
std::string ListCommands();

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_BENCH_COMMAND_TEXT_H_
