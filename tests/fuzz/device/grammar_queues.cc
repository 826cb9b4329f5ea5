// The moves that break commands, nest them, and stop, set up and start queues.
#include <algorithm>
#include <cstddef>
#include <iterator>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "tests/fuzz/device/grammar.h"

namespace ward::fuzz {
namespace {

constexpr uint64_t kPage = abi::kPageSize;

// The first byte that has to be zero; the last one without such.
size_t FindReserved(const std::vector<uint8_t>& command) {
  const abi::CommandInfo* info = abi::FindCommand(LoadLe<uint16_t>(command.data()));
  for (uint32_t i = 0; i < info->field_count; ++i) {
    if (info->fields[i].kind == abi::FieldKind::kReserved) return info->fields[i].offset;
  }
  return command.size() - 1;
}

}  // namespace

// A command with one thing wrong about it.
void Grammar::PushSpoiled() {
  constexpr size_t kFlags = 2, kLength = 4;
  const uint32_t queue = PickQueue();
  const auto kind = input_.Take<uint8_t>();
  std::vector<uint8_t> command = MakeTableCommand(queue);
  const auto length = LoadLe<uint32_t>(command.data() + kLength);
  const uint32_t bit = kind >> 4;
  BreakOrder();
  switch (kind % 8) {
    case 0:
      StoreLe(command.data() + kLength, length - 16);
      break;
    case 1:
      StoreLe(command.data() + kLength, length + 16 * (bit + 1));
      break;
    case 2:
      StoreLe(command.data() + kLength, length ^ 1u << bit);
      break;
    case 3:
      command[kFlags] = static_cast<uint8_t>(command[kFlags] ^ 1u << bit % 8);
      break;
    case 4:
      command[FindReserved(command)] ^= 1;
      break;
    case 5:
      command[0] = static_cast<uint8_t>(command[0] + bit + 1);
      break;
    case 6:
      // A list that is none, where the command has one.
      if (command.size() <= offsetof(abi::DecryptSampleCommand, sub_sample_count) + 4) break;
      StoreLe<uint32_t>(command.data() + offsetof(abi::DecryptSampleCommand, sub_sample_count),
                        bit % 2 == 0 ? 0 : 0x1000);
      break;
    default:
      command.back() ^= 1;
  }
  rings_.Push(queue, command);
}

// A buffer in a buffer in a buffer, which is one too many; a command stands in the innermost.
void Grammar::PushNested() {
  constexpr uint64_t kLevelBytes = 256;
  const uint32_t queue = PickUserQueue();
  const auto kind = input_.Take<uint8_t>();
  const uint32_t depth = 1 + kind % 3;
  std::vector<uint8_t> content = MakeTableCommand(queue);
  const uint64_t first = (queue - 1) * (layout::kIndirectBytes / 4);
  auto indirect = MakeCommand<abi::IndirectBufferCommand>();
  for (uint32_t level = 0; level < depth; ++level) {
    if (content.size() > kLevelBytes) return;
    const uint64_t place = first + level * kLevelBytes;
    Do({.kind = OperationKind::kWriteMemory, .at = layout::kIndirect + place, .bytes = content});
    indirect.address = layout::kIndirectAt * kPage + place;
    indirect.length_bytes = static_cast<uint32_t>((content.size() + 15) / 16 * 16);
    content.assign(BytesOf(indirect).begin(), BytesOf(indirect).end());
    // What comes behind it, in the outer buffer.
    if ((kind & 0x10) != 0) {
      auto fence = MakeCommand<abi::NoopCommand>();
      content.insert(content.end(), BytesOf(fence).begin(), BytesOf(fence).end());
    }
  }
  // Longer than a buffer may be, or no length at all.
  if ((kind & 0x60) == 0x60) indirect.length_bytes = (kind & 0x80) != 0 ? 0 : 16 << 20;
  rings_.Push(queue, BytesOf(indirect));
}

// Stops a queue, or sets it up anew: as it was, with a time limit, or as none can be.
void Grammar::ControlQueue() {
  struct Odd {
    uint64_t offset;
    uint32_t value;
  };
  constexpr Odd kOdd[] = {
      {abi::kRegRingSizeLog2, 30},
      {abi::kRegRingSizeLog2, 3},
      {abi::kRegQueuePriority, 3},
      {abi::kRegQueuePriority, 2},
      {abi::kRegQueuePriority, 0},
      {abi::kRegQueueContext, 5},
      {abi::kRegQueueContext, 0},
      {abi::kRegRingBaseHi, 0x10000},
      {abi::kRegFenceAddressHi, 0x10000},
      {abi::kRegFenceAddressLo, static_cast<uint32_t>(layout::kBusEnd)},
      {abi::kRegRingBaseLo, static_cast<uint32_t>(layout::kBusEnd)},
  };
  const uint32_t queue = PickQueue();
  const auto kind = input_.Take<uint8_t>();
  const auto choice = input_.Take<uint8_t>();
  const uint64_t block = queue * uint64_t{abi::kQueueBlockStride};
  if (IsClosed(abi::kRegQueueControl + block)) return;
  BreakOrder();
  const auto control = [&](uint32_t value) {
    rings_.WriteRegister(abi::kRegQueueControl + block, value);
  };
  constexpr uint32_t kEnable = abi::kQueueControlEnableMask;
  switch (kind % 4) {
    case 0: {
      const uint32_t values[] = {0, kEnable, abi::kQueueControlResetMask};
      if (choice % 3 == 2) rings_.ForgetTail(queue);
      return control(Pick(values, choice));
    }
    case 1:
      control(abi::kQueueControlResetMask);
      rings_.WriteRegister(abi::kRegQueueTimeout + block, choice);
      break;
    case 2: {
      const Odd& odd = Pick(kOdd, choice);
      control(abi::kQueueControlResetMask);
      rings_.WriteRegister(odd.offset + block, odd.value);
      break;
    }
    default:
      // What the ring and its fence hold is in local memory then.
      control(abi::kQueueControlResetMask);
      rings_.ForgetTail(queue);
      if ((choice & 2) != 0) {
        rings_.WriteRegister(abi::kRegFenceAddressLo + block, layout::kFree);
      }
      if ((choice & 4) != 0) {
        constexpr uint64_t kBase = abi::kProtectedVramLocalBase;
        const uint64_t low = (choice & 1) != 0 ? abi::kRegRingBaseLo : abi::kRegFenceAddressLo;
        rings_.WriteRegister(low + block, static_cast<uint32_t>(kBase));
        rings_.WriteRegister(low + 4 + block, kBase >> 32);
      }
      return control(kEnable | ((choice & 1) != 0 ? abi::kQueueControlRingLocalMask : 0u) |
                     ((choice & 2) != 0 ? abi::kQueueControlFenceLocalMask : 0u));
  }
  rings_.ForgetTail(queue);
  control(kEnable);
}

}  // namespace ward::fuzz
