// What a host or a guest does to the chip, one at a time, as values: what an input of the fuzzer is
// made into, and what a reproducer is made of. The text of a list of operations runs wherever the
// chip does (reproducer/).
#ifndef WARD_TESTS_FUZZ_DEVICE_OPERATION_H_
#define WARD_TESTS_FUZZ_DEVICE_OPERATION_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace ward::fuzz {

enum class OperationKind : uint8_t {
  kReadRegister,   // BAR0: at, size
  kWriteRegister,  // BAR0: at, size, value
  kReadConfig,
  kWriteConfig,
  kReadMsix,  // BAR4
  kWriteMsix,
  kWriteMemory,    // system memory by bus address: at, bytes
  kWriteVram,      // visible VRAM by offset: at, bytes
  kProcess,        // a slice of work: value is its budget in bytes
  kAdvanceClock,   // value in nanoseconds
  kResetFunction,  // as FLR
  kResetPower,
  kTearDown,
  kSnapshot,       // goes on from a snapshot of itself, and looks at its saved states
  kSetEntropy,     // value 0: the host has no random bytes from here on; 1: it has
  kSetBus,         // system memory from here on, value 0: refuses each access; 1: none; 2: writes
  kAnswerReads,    // bytes: what the next reads of system memory get instead of what is there
  kSetLinkFault,   // at is the output, value a device::LinkFault
  kAttachDisplay,  // at is the output, value width << 16 | height; 0: pulled
  kReadScanout,    // at is the output
  kSetWindows,     // value 1: the chip gets the host's memory itself from here on; 0: it does not
  kPromise,        // value: what of Promises holds from here on
  kLast = kPromise
};

// What an input keeps to, so that more can be asked of the chip (bits of kPromise's value).
enum Promises : uint32_t {
  kConfined =
      1,  // names no memory outside of the windows, so what the chip touches there is its own idea
  kAlone = 2,    // context 2 does nothing, so nothing of it is touched
  kOrderly = 4,  // commands and page tables are where the base has them, and are no operands
};

struct Operation {
  OperationKind kind;
  uint64_t at = 0;
  uint32_t size = 0;  // bytes, of a read or a write
  uint64_t value = 0;
  ConstByteSpan bytes = {};  // good during the call
};

class OperationSink {
 public:
  virtual void Do(const Operation& operation) = 0;

 protected:
  ~OperationSink() = default;
};

// One line, without its end: `write-register 0x5000 4 0x10`, `write-memory 0x10000000 0a0b+00*64`.
std::string ToText(const Operation& operation);

// A line as ToText writes it. False: it is none, and `*reason` says why. The operation's bytes lie
// in `*room`.
bool ParseOperation(std::string_view line, Operation* operation, std::vector<uint8_t>* room,
                    std::string* reason);

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_OPERATION_H_
