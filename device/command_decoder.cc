#include "device/command_decoder.h"

#include <array>
#include <cstring>
#include <iterator>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/assert.h"

namespace ward::device {
namespace {

bool LengthIsLegal(const abi::CommandInfo& info, uint32_t length) {
  if (!info.variable) return length == info.size_bytes;
  if (length < info.size_bytes || length % abi::kCommandAlignment != 0) return false;
  // A NOOP pads a ring or a buffer; both are at most 1 MiB and bound it where it stands.
  return info.opcode == abi::NoopCommand::kOpcode || length <= abi::kMaximumCommandBytes;
}

// Ones where the fixed part of each command is reserved, in the order of abi::kCommands: every
// command's body is looked at, and whole words take a fraction of what a walk over its fields does.
constexpr uint32_t kMostFixedBytes = 80;
using ReservedMask = std::array<uint8_t, kMostFixedBytes>;

constexpr ReservedMask MaskOf(const abi::CommandInfo& info) {
  ReservedMask mask = {};
  for (uint32_t i = 0; i < info.field_count; ++i) {
    const abi::FieldInfo& field = info.fields[i];
    if (field.kind != abi::FieldKind::kReserved) continue;
    for (uint32_t at = 0; at < field.size_bytes; ++at) mask[field.offset + at] = 0xff;
  }
  return mask;
}

constexpr auto kReservedMasks = [] {
  std::array<ReservedMask, std::size(abi::kCommands)> masks = {};
  for (size_t i = 0; i < masks.size(); ++i) masks[i] = MaskOf(abi::kCommands[i]);
  return masks;
}();

constexpr bool MasksHoldAllCommands() {
  for (const abi::CommandInfo& info : abi::kCommands) {
    if (info.size_bytes > kMostFixedBytes || info.size_bytes % abi::kCommandAlignment != 0) {
      return false;
    }
  }
  return true;
}
static_assert(MasksHoldAllCommands(), "CheckBody looks at whole steps of a mask");

uint64_t WordAt(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
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
  static_assert(abi::kCommandAlignment == 2 * sizeof(uint64_t), "what a step looks at");
  WARD_ASSERT(bytes.size() >= info.size_bytes);
  const ReservedMask& mask = kReservedMasks[static_cast<size_t>(&info - abi::kCommands)];
  uint64_t found = 0;
  for (uint32_t at = 0; at < info.size_bytes; at += abi::kCommandAlignment) {
    found |= WordAt(&bytes[at]) & WordAt(&mask[at]);
    found |= WordAt(&bytes[at + sizeof(found)]) & WordAt(&mask[at + sizeof(found)]);
  }
  if (found != 0) {
    return Fault{abi::kStatusReservedNotZero, "a reserved field is not zero"};
  }
  return {};
}

}  // namespace ward::device
