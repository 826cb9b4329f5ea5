// What the registers say while a slice of work waits for memory: the chip as it stands there, with
// the writes that were acknowledged and that it gets only after the slice. All that it did before
// it asked for memory has happened and nothing after it has, so a client reads neither less than
// its memory shows (a fence that was written) nor more (an idle queue whose fence is on its way).
#ifndef WARD_EMULATOR_VFIO_USER_REGISTER_SHADOW_H_
#define WARD_EMULATOR_VFIO_USER_REGISTER_SHADOW_H_

#include <cstdint>
#include <unordered_map>

#include "emulator/boundary/boundary.h"

namespace ward::emulator {

class RegisterShadow {
 public:
  // `boundary` outlives this.
  explicit RegisterShadow(Boundary* boundary) : boundary_(boundary) {}

  // The client's read: one aligned access of 32 bits. It crosses the boundary as any other, for the
  // chip may latch what it reads.
  uint32_t Read(uint64_t offset);

  // A write that the chip gets after the slice: bits that keep what is written, bits that it
  // clears, and a queue's new state are seen at once; what else it sets off is not.
  void Write(uint64_t offset, uint32_t value);

  // The chip has sent a vector: what has this vector was caused anew since it was cleared.
  void OnVector(uint32_t vector);
  // Causes whose clearing was acknowledged, and that have not come again since.
  uint32_t cleared_causes() const { return cleared_causes_; }

  // The slice is over, and the chip has got the writes.
  void Drop();

 private:
  struct Patch {
    uint32_t mask;  // the bits that are known; the others are the chip's
    uint32_t value;
  };
  // With the writes that were acknowledged.
  uint32_t Patched(uint64_t offset, uint32_t value) const;
  // For ourselves: what is no access of the client's is none of the chip's.
  uint32_t Held(uint64_t offset) const { return boundary_->gpu().HeldRegister(offset); }
  void ControlQueue(uint32_t queue, uint32_t control);

  Boundary* boundary_;
  std::unordered_map<uint64_t, Patch> patches_;  // by offset
  uint32_t cleared_causes_ = 0;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_REGISTER_SHADOW_H_
