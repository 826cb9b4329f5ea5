// Storage behind BAR0, laid out by the contract's table: reset values, writable bits, and which
// offsets exist at all. What a register does is decided by the block that it belongs to.
#ifndef WARD_DEVICE_REGISTER_FILE_H_
#define WARD_DEVICE_REGISTER_FILE_H_

#include <cstdint>
#include <vector>

#include "abi/generated/registers.h"
#include "device/gpu.h"
#include "device/state_hasher.h"

namespace ward::device {

// One described register: `element` of the array in `block` of the repeated block.
struct RegisterPlace {
  const abi::RegisterInfo* info = nullptr;
  uint16_t block = 0;
  uint16_t element = 0;
};

class RegisterFile {
 public:
  explicit RegisterFile(const GpuOptions& options);

  // The described register at a multiple of 4 below abi::kRegisterBarSize; `info` is null when
  // there is none.
  static RegisterPlace Find(uint64_t offset);
  // Whether a word is kept for it: not for a doorbell.
  static bool Holds(uint64_t offset);
  // Reset value of a register that no option decides; also the chip's own limits (QUEUE_COUNT...).
  static constexpr uint32_t ResetValue(uint32_t offset) {
    for (const abi::RegisterInfo& info : abi::kRegisters) {
      if (info.offset == offset) return info.reset_value;
    }
    return 0;
  }

  // The chip's own door; the offset is a described register's. 64-bit registers by their low half.
  uint32_t Get(uint32_t offset) const;
  void Set(uint32_t offset, uint32_t value);
  uint64_t Get64(uint32_t offset) const;
  void Set64(uint32_t offset, uint64_t value);
  // The word itself, for blocks that look at it with every command; good as long as the file.
  uint32_t* Cell(uint32_t offset);
  // A write of the guest: only writable bits change.
  void SetWritable(uint32_t offset, uint32_t value);

  void Reset();
  const std::vector<uint32_t>& Save() const { return values_; }
  void Load(const std::vector<uint32_t>& values);
  // Whether each register can hold its value: constants are this chip's own, and no bit is set that
  // nobody can set. What queues count and record is the command processor's to check.
  bool CanLoad(const std::vector<uint32_t>& values) const;
  void Hash(StateHasher* hasher) const;

 private:
  uint64_t visible_bytes_;
  uint64_t protected_bytes_;
  bool open_decrypt_;
  std::vector<uint32_t> values_;  // never moves: Cell
};

}  // namespace ward::device

#endif  // WARD_DEVICE_REGISTER_FILE_H_
