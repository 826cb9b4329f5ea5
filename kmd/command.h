// Commands as the driver makes them: zeroed, with opcode and length filled in.
#ifndef WARD_KMD_COMMAND_H_
#define WARD_KMD_COMMAND_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "abi/generated/commands.h"
#include "base/bytes.h"

namespace ward::kmd {

// The wire is little-endian; commands are copied as they stand in memory.
static_assert(std::endian::native == std::endian::little);

template <typename Command>
Command MakeCommand() {
  static_assert(std::is_trivially_copyable_v<Command> && sizeof(Command) == Command::kSizeBytes);
  Command command{};
  command.opcode = Command::kOpcode;
  command.length = Command::kSizeBytes;
  return command;
}

template <typename Command>
ConstByteSpan BytesOf(const Command& command) {
  static_assert(sizeof(Command) == Command::kSizeBytes);
  return ConstByteSpan(reinterpret_cast<const uint8_t*>(&command), sizeof(command));
}

}  // namespace ward::kmd

#endif  // WARD_KMD_COMMAND_H_
