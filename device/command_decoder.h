// What every command has to satisfy before its handler sees it, from the contract's table alone.
#ifndef WARD_DEVICE_COMMAND_DECODER_H_
#define WARD_DEVICE_COMMAND_DECODER_H_

#include <cstdint>

#include "abi/generated/commands.h"
#include "base/bytes.h"
#include "base/result.h"

namespace ward::device {

// Where a command stands, which decides what it may be.
struct CommandPlace {
  bool on_kernel_queue = false;
  uint32_t indirect_depth = 0;   // indirect buffers that it stands in
  uint32_t available_bytes = 0;  // from its first byte to the tail, ring's end or buffer's end
};

// The header's checks. In order: OPCODE_UNKNOWN, COMMAND_UNIMPLEMENTED, COMMAND_NOT_PERMITTED,
// COMMAND_LENGTH_INVALID, COMMAND_STRADDLES_END, COMMAND_FLAGS_INVALID.
Result<const abi::CommandInfo*> CheckHeader(const abi::CommandHeader& header,
                                            const CommandPlace& place);
// The body's: RESERVED_NOT_ZERO. `bytes` is the whole command.
Result<void> CheckBody(const abi::CommandInfo& info, ConstByteSpan bytes);

}  // namespace ward::device

#endif  // WARD_DEVICE_COMMAND_DECODER_H_
