// What a driver did that the chip refused or does not have: counted in a table of fixed size.
#ifndef WARD_EMULATOR_BOUNDARY_ACCESS_TABLE_H_
#define WARD_EMULATOR_BOUNDARY_ACCESS_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ward::emulator {

enum class AccessReason : uint8_t {
  // Not modelled: nothing implements it.
  kNoRegister,     // number: offset
  kFeatureAbsent,  // a register that reads zero; number: offset
  kNoConfig,       // number: offset
  kNoCommand,      // number: opcode (PublicNumber)
  kCommandAbsent,  // number: opcode
  kNoMessage,      // number: number of the message (PublicNumber)
  kMessageAbsent,  // number: number of the message
  // Refused: it exists, and this can't be done with it.
  kAccessSize,  // detail: bytes
  kReadOnly,
  kReservedBits,  // detail: the bits
  kStatus,        // a command or message; number: opcode, detail: status
  kAnswer,        // number: number of the message, detail: status
};

// Whether nothing implements what was asked for; otherwise it was refused.
constexpr bool IsUnmodelled(AccessReason reason) { return reason < AccessReason::kAccessSize; }

enum class AccessKind : uint8_t { kRead, kWrite, kConfigWrite, kCommand, kMessage };

// The command that the chip began last, over all queues. `name` is a generated one.
struct LastCommand {
  const char* name = nullptr;  // null: none yet
  uint64_t queue = 0;
};

struct AccessEntry {
  AccessReason reason;
  AccessKind kind;
  uint64_t number;
  uint64_t detail;  // for kReservedBits all the bits that were seen
  uint64_t count;
  uint64_t first_ns;
  uint64_t last_ns;
  LastCommand before;  // before the last one
};

// Each thing has an entry of its own, up to kEntries; then the one with the least count makes room.
class AccessTable {
 public:
  static constexpr size_t kEntries = 256;

  void Count(const AccessEntry& access);

  // The most frequent first.
  std::vector<AccessEntry> Ranked() const;
  uint64_t total() const { return total_; }
  // Accesses whose entry made room for another.
  uint64_t forgotten() const { return forgotten_; }

 private:
  std::vector<AccessEntry> entries_;
  uint64_t total_ = 0;
  uint64_t forgotten_ = 0;
};

// "STATUS.READY" and the like: what was touched.
std::string AccessName(const AccessEntry& entry);
// "write", "command": how.
const char* KindName(AccessKind kind);
// "no such register", "read-only": what was wrong.
std::string ReasonText(const AccessEntry& entry);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_ACCESS_TABLE_H_
