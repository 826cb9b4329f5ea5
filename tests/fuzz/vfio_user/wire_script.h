// The grammar of the target's inputs: records, each an operation of a hostile client with its
// arguments. A record says its own length, so that whoever cuts inputs into records, changes,
// doubles and drops them need not know the operations.
//
//   operation (1 byte), length of the arguments (1 byte; 255: 2 bytes follow and hold it),
//   arguments
//
// Arguments that are missing are zeros; the rest of a record is a body, where an operation has one.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_WIRE_SCRIPT_H_
#define WARD_TESTS_FUZZ_VFIO_USER_WIRE_SCRIPT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "abi/vfio_user.h"
#include "base/bytes.h"

namespace ward::fuzz {

enum class Operation : uint8_t {
  kMessage,   // command (1), flags (1), descriptors (1), body: with a header that is right
  kHeader,    // field mask (1), header (16), descriptors (1), body: fields of the mask as given
  kBytes,     // descriptors (1), body: sent as it is, no header
  kRegister,  // index in the table (1), block (1), bit 0: writes (1), value (4)
  kAccess,    // region (1), bit 0: writes (1), offset (4), count (4)
  kConfig,    // place (1), size (1), value (4)
  kMap,       // page (2), pages (2), rights (1), descriptors (1), page of the file (2)
  kUnmap,     // page (2), pages (2), flags (1)
  kIrqs,      // flags (1), index (1), start (1), count (1), descriptors (1), body
  kQueue,     // number (1), page of the ring (2): starts it
  kCommand,   // index in the table (1), flags (1), fields
  kDoorbell,  // number (1), bytes beside the tail (1)
  kStore,     // page of the memory (2), offset (2), body: what the guest's processor writes
  kVram,      // offset (4), body: the same, through the file that the server gave
  kAnswer,    // variant (1): answers the oldest DMA request
  kPolicy,    // at waits (1), bit 0: does not read (1)
  kSplit,     // bytes (2): the next message comes in two parts
  kTime,      // microseconds (4)
  kCut,       // pages (2): the memory's file is cut off there
  kPeer,      // which connection goes on (1)
  kLeave,     // bit 0: closes only its sending side (1)
  kProbe,     // what the second clients see (1)
  kHold,      // operations (1): the server does not run until as many have been done
  kLast = kHold,
};
inline constexpr uint8_t kOperationCount = static_cast<uint8_t>(Operation::kLast) + 1;

// What happens where the server waits for an answer to a DMA request.
enum class AtWait : uint8_t { kAnswers, kGoesOn, kSilent, kLast = kSilent };

enum class AnswerVariant : uint8_t {
  kRight,
  kError,
  kOtherAddress,
  kOtherCount,
  kOtherCommand,
  kShort,
  kLong,
  kOtherId,
  kTwice,
  kAsRequest,
  kForgotten,
  kLast = kForgotten,
};

// Kinds of descriptors that a message may bring: low 4 bits of the byte; the others are how many
// less one.
enum class DescriptorKind : uint8_t {
  kNone,
  kMemory,    // the client's memory
  kReadOnly,  // the same, not to be written
  kEvent,     // an eventfd
  kOther,     // another file, 2 pages
  kSealed,    // a file that can't be mapped writable
  kPipe,
  kNull,    // /dev/null
  kVram,    // the server's own file, if it gave one
  kSocket,  // the connection itself
  kFolder,
  kPath,       // opened for nothing
  kFullEvent,  // an eventfd that waits, and is full
  kHuge,       // a file of 5 TiB
  kFresh,      // a new file each time
  kEmpty,      // a file of no byte
  kLast = kEmpty,
};

// The client's memory: a file of holes, and where it stands on the bus by default. There the driver
// core has its own too (kmd/ports/vfio_user/bus_layout.h), so that what was recorded fits.
inline constexpr uint64_t kMemoryBus = 0x1000000;
inline constexpr uint64_t kMemoryBytes = 64 << 20;

struct Record {
  uint8_t operation = 0;
  std::vector<uint8_t> arguments;
};

inline constexpr size_t kLongRecord = 255;
inline constexpr size_t kMaximumArguments = 0xffff;

// Takes the first record off `input`; nothing at its end. What is cut off ends early.
inline std::optional<Record> TakeRecord(ConstByteSpan* input) {
  if (input->empty()) return std::nullopt;
  Record record{(*input)[0], {}};
  *input = input->subspan(1);
  size_t length = 0;
  if (!input->empty()) {
    length = (*input)[0];
    *input = input->subspan(1);
  }
  if (length == kLongRecord && input->size() >= 2) {
    length = LoadLe<uint16_t>(input->data());
    *input = input->subspan(2);
  }
  length = std::min(length, input->size());
  record.arguments.assign(input->begin(), input->begin() + static_cast<ptrdiff_t>(length));
  *input = input->subspan(length);
  return record;
}

inline void AppendRecord(const Record& record, std::vector<uint8_t>* input) {
  const size_t length = std::min(record.arguments.size(), kMaximumArguments);
  input->push_back(record.operation);
  if (length < kLongRecord) {
    input->push_back(static_cast<uint8_t>(length));
  } else {
    input->push_back(kLongRecord);
    input->push_back(static_cast<uint8_t>(length));
    input->push_back(static_cast<uint8_t>(length >> 8));
  }
  input->insert(input->end(), record.arguments.begin(),
                record.arguments.begin() + static_cast<ptrdiff_t>(length));
}

// A command of the protocol by its number in a record; 0x80: the one of ours.
constexpr abi::vfio_user::Command CommandOf(uint8_t number) {
  return number == 0x80 ? abi::vfio_user::Command::kInterrupt
                        : static_cast<abi::vfio_user::Command>(number);
}

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_WIRE_SCRIPT_H_
