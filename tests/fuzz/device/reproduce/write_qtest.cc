// A script of QEMU's qtest protocol. The test is the processor: it places the BARs and does what a
// guest would.
#include <fmt/format.h>

#include <algorithm>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "tests/fuzz/device/layout.h"
#include "tests/fuzz/device/reproduce/describe.h"
#include "tests/fuzz/device/reproduce/outcome.h"
#include "tests/fuzz/device/reproduce/writers.h"

namespace ward::fuzz {
namespace {

constexpr uint64_t kSlot = 5;
constexpr uint64_t kRegisters = 0xe0000000;
constexpr uint64_t kMsix = 0xe0400000;
constexpr uint64_t kVram = 0xe8000000;
constexpr uint64_t kConfigBytes = 256;  // of what the ports reach
// Behind the last operation, so that messages are answered.
constexpr int kLastSteps = 20;
constexpr uint64_t kLastStepNs = 1000000;

constexpr char kHead[] =
    R"(# For QEMU's qtest protocol. `./dev fuzz --play FILE`, with the input or its text, does what this does
# by hand: a processor that halts is the firmware, and the script is played up to its end. Packages of
# QEMU have no accelerator qtest, and so no clock_step: time passes by itself.
#   build/fuzz/tests/fuzz/device_reproduce identity IDENTITY
#   { head -c 65520 /dev/zero; printf '\372\364\353\375'; head -c 12 /dev/zero; } >HALT
#   { grep -v '^#' FILE | while read -r line; do
#       case $line in clock_step*) sleep 0.02 ;; *) echo "$line" ;; esac
#     done; echo outb 0x501 0x0; } |
#   qemu-system-x86_64 -M q35,accel=tcg -bios HALT -m 512 -nodefaults -display none \
#     -plugin build/qemu/ward-qemu.so -qtest stdio -qtest-log none -device isa-debug-exit \
#     -device ward-gpu,addr=5,vram-size=16M,protected-size=16M,identity=IDENTITY
# It prints an answer for each line, and ends with exit code 1, which is isa-debug-exit's. The answers
# behind the two lines "# outcome" are what `device_reproduce outcome` takes.
)";

const char* WidthLetter(uint32_t size) {
  switch (size) {
    case 1:
      return "b";
    case 2:
      return "w";
    case 4:
      return "l";
    case 8:
      return "q";
    default:
      return nullptr;
  }
}

std::string ConfigAddress(uint64_t offset) {
  return fmt::format("outl 0xcf8 {:#x}\n", 0x80000000 | kSlot << 11 | (offset & 0xfc));
}

std::string WriteBar(uint64_t offset, uint64_t place) {
  return ConfigAddress(offset) + fmt::format("outl 0xcfc {:#x}\n", place);
}

class Writer {
 public:
  QtestScript Write(const Story& story) {
    script_.text = kHead;
    script_.text += "# Where the BARs are.\n" + WriteBar(0x10, kRegisters) +
                    WriteBar(0x18, kVram & 0xffffffff) + WriteBar(0x1c, kVram >> 32) +
                    WriteBar(0x20, kMsix);
    // Memory space on; the rest is the base's.
    script_.text += ConfigAddress(4) + "outw 0xcfc 0x2\n# outcome\n" +
                    fmt::format("readl {:#x}\n", kRegisters + abi::kRegKeyEpoch);
    for (size_t i = 0; i < story.steps.size(); ++i) {
      if (i == 0 && story.base_steps != 0) script_.text += "# What makes the base.\n";
      if (i == story.base_steps) script_.text += "# The input.\n";
      Add(story.steps[i].operation());
    }
    script_.text += "# Time for what is left.\n";
    for (int i = 0; i < kLastSteps; ++i) {
      script_.text += fmt::format("clock_step {}\n", kLastStepNs);
    }
    script_.text += "# rest\n# outcome\n";
    for (const uint64_t offset : OutcomeRegisters()) {
      script_.text += fmt::format("readl {:#x}\n", kRegisters + offset);
    }
    script_.text += fmt::format("# {} operations were left out\n", script_.left_out);
    return script_;
  }

 private:
  void Add(const Operation& operation) {
    if (const char* why = WhyNoGuest(operation)) return LeaveOut(operation, why);
    if (const std::string about = Describe(operation); !about.empty()) {
      script_.text += fmt::format("# {}\n", about);
    }
    switch (operation.kind) {
      case OperationKind::kReadRegister:
      case OperationKind::kWriteRegister:
        return AddAccess(operation, kRegisters, abi::kRegisterBarSize);
      case OperationKind::kReadMsix:
      case OperationKind::kWriteMsix:
        return AddAccess(operation, kMsix, abi::kMsixBarSize);
      case OperationKind::kReadConfig:
      case OperationKind::kWriteConfig:
        return AddConfig(operation);
      case OperationKind::kWriteMemory:
        return AddBytes(operation.at, operation.bytes);
      case OperationKind::kWriteVram:
        return AddBytes(kVram + operation.at, operation.bytes);
      case OperationKind::kProcess:
        // The device works by itself, in turns of QEMU's main loop.
        script_.text += "# rest\nclock_step 1\n";
        return;
      case OperationKind::kAdvanceClock:
        script_.text += fmt::format("clock_step {}\n# rest\n", operation.value);
        return;
      case OperationKind::kResetFunction:
        script_.text += fmt::format("writel {:#x} {:#x}\n", kRegisters + abi::kRegDeviceControl,
                                    abi::kDeviceControlResetFunctionMask);
        return;
      default:
        return;
    }
  }

  void AddAccess(const Operation& operation, uint64_t bar, uint64_t bar_bytes) {
    const char* const letter = WidthLetter(operation.size);
    if (letter == nullptr) return LeaveOut(operation, "no access has that size");
    if (!RangeFits(operation.at, operation.size, bar_bytes)) {
      return LeaveOut(operation, "it reaches beyond the BAR");
    }
    const bool is_write = operation.kind == OperationKind::kWriteRegister ||
                          operation.kind == OperationKind::kWriteMsix;
    script_.text += is_write ? fmt::format("write{} {:#x} {:#x}\n", letter, bar + operation.at,
                                           Cut(operation.value, operation.size))
                             : fmt::format("read{} {:#x}\n", letter, bar + operation.at);
  }

  void AddConfig(const Operation& operation) {
    const uint32_t size = operation.size;
    if (size != 1 && size != 2 && size != 4) return LeaveOut(operation, "no access has that size");
    if (operation.at % size != 0) return LeaveOut(operation, "the ports do aligned accesses only");
    if (operation.at >= kConfigBytes) {
      return LeaveOut(operation, "the ports reach 256 bytes of configuration space");
    }
    const char* const letter = WidthLetter(size);
    const uint64_t port = 0xcfc + (operation.at & 3);
    script_.text += ConfigAddress(operation.at);
    script_.text +=
        operation.kind == OperationKind::kWriteConfig
            ? fmt::format("out{} {:#x} {:#x}\n", letter, port, Cut(operation.value, size))
            : fmt::format("in{} {:#x}\n", letter, port);
  }

  static uint64_t Cut(uint64_t value, uint32_t size) {
    return size >= 8 ? value : value & ((uint64_t{1} << 8 * size) - 1);
  }

  void AddBytes(uint64_t address, ConstByteSpan bytes) {
    if (bytes.empty()) return;
    const bool is_zero =
        std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
    if (is_zero) {
      script_.text += fmt::format("memset {:#x} {:#x} 0x00\n", address, bytes.size());
      return;
    }
    script_.text += fmt::format("write {:#x} {:#x} 0x", address, bytes.size());
    for (const uint8_t byte : bytes) script_.text += fmt::format("{:02x}", byte);
    script_.text += '\n';
  }

  void LeaveOut(const Operation& operation, const char* why) {
    ++script_.left_out;
    script_.text += fmt::format("# left out: {}: {}\n", ToText(operation), why);
  }

  QtestScript script_;
};

}  // namespace

QtestScript WriteQtest(const Story& story) { return Writer().Write(story); }

}  // namespace ward::fuzz
