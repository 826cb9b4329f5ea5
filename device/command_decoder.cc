#include "device/command_decoder.h"

#include "abi/generated/pci.h"
#include "abi/generated/status.h"

namespace ward::device {
namespace {

bool LengthIsLegal(const abi::CommandInfo& info, uint32_t length) {
  if (!info.variable) return length == info.size_bytes;
  if (length < info.size_bytes || length % abi::kCommandAlignment != 0) return false;
  // A NOOP pads a ring or a buffer; both are at most 1 MiB and bound it where it stands.
  return info.opcode == abi::NoopCommand::kOpcode || length <= abi::kMaximumCommandBytes;
}

}  // namespace

Result<const abi::CommandInfo*> CheckHeader(const abi::CommandHeader& header,
                                            const CommandPlace& place) {
  const abi::CommandInfo* info = abi::FindCommand(header.opcode);
  if (info == nullptr) return Fault{abi::kStatusOpcodeUnknown, "no command has this opcode"};
  if (!info->implemented) {
    return Fault{abi::kStatusCommandUnimplemented, "command is described and not implemented"};
  }
  if (info->privileged && !place.on_kernel_queue) {
    return Fault{abi::kStatusCommandNotPermitted, "privileged command on a user's queue"};
  }
  if (!info->in_indirect && place.indirect_depth != 0) {
    return Fault{abi::kStatusCommandNotPermitted, "command may not stand in an indirect buffer"};
  }
  if (info->opcode == abi::IndirectBufferCommand::kOpcode &&
      place.indirect_depth == abi::kMaximumIndirectDepth) {
    return Fault{abi::kStatusCommandNotPermitted, "indirect buffers are nested too deep"};
  }
  if (!LengthIsLegal(*info, header.length)) {
    return Fault{abi::kStatusCommandLengthInvalid, "length is not one that the command can have"};
  }
  if (header.length > place.available_bytes) {
    return Fault{abi::kStatusCommandStraddlesEnd, "command runs past the end"};
  }
  if ((header.flags & ~info->flags) != 0) {
    return Fault{abi::kStatusCommandFlagsInvalid, "a flag that the command does not have"};
  }
  return info;
}

Result<void> CheckBody(const abi::CommandInfo& info, ConstByteSpan bytes) {
  if (!abi::ReservedIsZero(info.fields, info.field_count, bytes.data(),
                           static_cast<uint32_t>(bytes.size()))) {
    return Fault{abi::kStatusReservedNotZero, "a reserved field is not zero"};
  }
  return {};
}

}  // namespace ward::device
