// Holds the command processor against the contract's command table: every command, every way of
// writing it wrongly.
#include <cstring>
#include <functional>
#include <set>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/chip.h"
#include "tests/integration/needs.h"

namespace ward::fakes {
namespace {

using abi::CommandInfo;
using abi::FieldInfo;
using abi::FieldKind;
using test::Inside;
using test::Need;
using test::NeedsScope;
using test::Offers;

constexpr uint32_t kUserQueue = 2;
constexpr uint64_t kIndirectVirtual = 0x40000;

const std::set<uint32_t> kDecodeStatuses = {
    abi::kStatusOpcodeUnknown,        abi::kStatusCommandUnimplemented,
    abi::kStatusCommandLengthInvalid, abi::kStatusCommandFlagsInvalid,
    abi::kStatusReservedNotZero,      abi::kStatusCommandNotPermitted,
    abi::kStatusCommandStraddlesEnd,
};

// A chip with the kernel's queue and a user's one, and an indirect buffer of the user's.
class Bench {
 public:
  Bench() {
    rig.CreateContext(1);
    rig.MapSystem(1, kIndirectVirtual, rig.data());
    rig.MapSystem(1, kIndirectVirtual + 0x1000, rig.data() + 0x1000);
    rig.MapSystem(1, kIndirectVirtual + 0x2000, rig.data() + 0x2000);
  }

  // Status of the fault that the bytes cause at the start of a ring; 0 when they cause none. The
  // tail is `tail` bytes in, by default at the bytes' end.
  uint32_t StatusOf(uint32_t queue, ConstByteSpan bytes, uint32_t tail = 0) {
    rig.StartQueue(queue, queue == 0 ? 0 : 1);
    rig.PushBytes(queue, bytes);
    rig.Doorbell(queue, tail != 0 ? tail : static_cast<uint32_t>(bytes.size() + 15) / 16 * 16);
    rig.Run();
    return rig.FaultStatus(queue);
  }

  uint32_t StatusInIndirect(ConstByteSpan bytes) {
    std::memcpy(rig.Memory(rig.data(), bytes.size()), bytes.data(), bytes.size());
    auto indirect = MakeCommand<abi::IndirectBufferCommand>();
    indirect.address = kIndirectVirtual;
    indirect.length_bytes = static_cast<uint32_t>(bytes.size());
    return StatusOf(kUserQueue, {reinterpret_cast<const uint8_t*>(&indirect), sizeof(indirect)});
  }

  const NeedsScope needs;
  const std::unique_ptr<QueueRig> chip = test::MakeChip();
  QueueRig& rig = *chip;
};

// A command with a right header and zeros behind it.
std::vector<uint8_t> Blank(const CommandInfo& info) {
  std::vector<uint8_t> bytes(info.size_bytes);
  StoreLe<uint16_t>(bytes.data(), info.opcode);
  StoreLe<uint32_t>(bytes.data() + 4, info.size_bytes);
  return bytes;
}

void ForEachCommand(const std::function<void(const CommandInfo&)>& visit) {
  for (const CommandInfo& info : abi::kCommands) {
    INFO(info.name);
    visit(info);
  }
}

TEST_CASE("a command with a right header gets past the table's checks") {
  Bench bench;
  ForEachCommand([&](const CommandInfo& info) {
    const uint32_t expected = info.implemented ? 0 : abi::kStatusCommandUnimplemented;
    const uint32_t status = bench.StatusOf(0, Blank(info));
    CHECK((expected != 0 ? status == expected : kDecodeStatuses.count(status) == 0));
    // Whatever it did, the record names it or stays empty.
    const uint32_t recorded = bench.rig.ReadQueue(0, abi::kRegFaultCommand);
    CHECK(recorded == (status == 0 ? 0 : info.opcode));
  });
}

TEST_CASE("a length that the command can't have is refused before more is read") {
  Bench bench;
  ForEachCommand([&](const CommandInfo& info) {
    for (uint32_t length = 0; length <= 256; ++length) {
      const bool legal =
          info.variable ? length >= info.size_bytes && length % 16 == 0 : length == info.size_bytes;
      if (legal) continue;
      std::vector<uint8_t> bytes = Blank(info);
      StoreLe<uint32_t>(bytes.data() + 4, length);
      bytes.resize(512);
      INFO("length " << length);
      CHECK(bench.StatusOf(0, bytes) == abi::kStatusCommandLengthInvalid);
    }
    for (uint32_t length :
         {0x80000000u, 0xfffffff0u, 0xffffffffu, abi::kMaximumCommandBytes + 16}) {
      if (info.opcode == abi::NoopCommand::kOpcode) continue;
      std::vector<uint8_t> bytes = Blank(info);
      StoreLe<uint32_t>(bytes.data() + 4, length);
      CHECK(bench.StatusOf(0, bytes) == abi::kStatusCommandLengthInvalid);
    }
  });
}

TEST_CASE("a flag that the command does not have is refused") {
  Bench bench;
  ForEachCommand([&](const CommandInfo& info) {
    for (uint32_t bit = 0; bit < 16; ++bit) {
      std::vector<uint8_t> bytes = Blank(info);
      StoreLe<uint16_t>(bytes.data() + 2, static_cast<uint16_t>(1u << bit));
      const uint32_t status = bench.StatusOf(0, bytes);
      INFO("bit " << bit);
      if ((info.flags >> bit & 1) != 0) {
        CHECK(status != abi::kStatusCommandFlagsInvalid);
      } else {
        CHECK(status == abi::kStatusCommandFlagsInvalid);
      }
    }
  });
}

TEST_CASE("every reserved byte has to be zero, and an unread one may hold anything") {
  Bench bench;
  ForEachCommand([&](const CommandInfo& info) {
    for (uint32_t i = 0; i < info.field_count; ++i) {
      const FieldInfo& field = info.fields[i];
      if (field.kind != FieldKind::kReserved && field.kind != FieldKind::kUnread) continue;
      for (uint32_t at = field.offset; at < field.offset + field.size_bytes; ++at) {
        std::vector<uint8_t> bytes = Blank(info);
        bytes[at] = 0x80;
        INFO("byte " << at);
        const uint32_t status = bench.StatusOf(0, bytes);
        CHECK((status == abi::kStatusReservedNotZero) == (field.kind == FieldKind::kReserved));
      }
    }
  });
}

TEST_CASE("a privileged command is the kernel's alone") {
  Bench bench;
  ForEachCommand([&](const CommandInfo& info) {
    const uint32_t status = bench.StatusOf(kUserQueue, Blank(info));
    CHECK((status == abi::kStatusCommandNotPermitted) == info.privileged);
  });
}

TEST_CASE("a command stands in an indirect buffer only if the table says so") {
  Bench bench;
  ForEachCommand([&](const CommandInfo& info) {
    const uint32_t status = bench.StatusInIndirect(Blank(info));
    CHECK((status == abi::kStatusCommandNotPermitted) == (info.privileged || !info.in_indirect));
  });
}

TEST_CASE("a command that its ring or buffer cuts short is refused, and its rest is not read") {
  Bench bench;
  ForEachCommand([&](const CommandInfo& info) {
    std::vector<uint8_t> bytes = Blank(info);
    if (info.variable) {
      bytes.resize(info.size_bytes + 64);
      StoreLe<uint32_t>(bytes.data() + 4, info.size_bytes + 64);
    }
    for (uint32_t tail = 16; tail < bytes.size(); tail += 16) {
      INFO("tail " << tail);
      if (Offers(Need::kInside)) Inside(bench.rig).ports.bus.ClearLog();
      CHECK(bench.StatusOf(0, bytes, tail) == abi::kStatusCommandStraddlesEnd);
      if (Offers(Need::kInside)) {
        CHECK(Inside(bench.rig).ports.bus.ReadsOf(bench.rig.ring_address(0) + tail) == 0);
      }
      if (info.privileged || !info.in_indirect) continue;
      CHECK(bench.StatusInIndirect(ConstByteSpan(bytes).first(tail)) ==
            abi::kStatusCommandStraddlesEnd);
    }
  });
}

TEST_CASE("an opcode that the table does not have is unknown, and is not shown in the record") {
  Bench bench;
  std::vector<uint8_t> bytes(16);
  StoreLe<uint32_t>(bytes.data() + 4, 16);
  bool all_unknown = true;
  bool record_is_empty = true;
  // A function takes its time for each.
  const uint32_t step = Offers(Need::kInside) ? 1 : 31;
  for (uint32_t opcode = 0; opcode <= 0xffff; opcode += step) {
    if (abi::FindCommand(static_cast<uint16_t>(opcode)) != nullptr) continue;
    StoreLe<uint16_t>(bytes.data(), static_cast<uint16_t>(opcode));
    all_unknown = all_unknown && bench.StatusOf(0, bytes) == abi::kStatusOpcodeUnknown;
    record_is_empty = record_is_empty && bench.rig.ReadQueue(0, abi::kRegFaultCommand) == 0;
    if (!Offers(Need::kInside)) continue;
    Inside(bench.rig).ports.trace.events.clear();
    Inside(bench.rig).ports.bus.ClearLog();
  }
  CHECK(all_unknown);
  CHECK(record_is_empty);
}

}  // namespace
}  // namespace ward::fakes
