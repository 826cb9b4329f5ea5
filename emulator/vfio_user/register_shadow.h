// What the registers said before a slice of work. A client that reads one while the slice waits for
// memory must not see more than memory shows: an idle queue whose fence is still on its way.
#ifndef WARD_EMULATOR_VFIO_USER_REGISTER_SHADOW_H_
#define WARD_EMULATOR_VFIO_USER_REGISTER_SHADOW_H_

#include <cstdint>
#include <unordered_map>

#include "device/gpu.h"

namespace ward::emulator {

class RegisterShadow {
 public:
  // Reads every register whose reading changes nothing.
  void Take(device::Gpu* gpu);
  void Drop() { values_.clear(); }
  bool IsTaken() const { return !values_.empty(); }

  // One aligned access of 32 bits; false for a place that it does not know.
  bool Read(uint64_t offset, uint32_t* value) const;
  // A write that the chip gets after the slice: bits that keep what is written, bits that it
  // clears, and a queue's new state are seen at once; what else it sets off is not.
  void Write(uint64_t offset, uint32_t value);

 private:
  void ControlQueue(uint32_t queue, uint32_t control);

  std::unordered_map<uint64_t, uint32_t> values_;  // by offset
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_REGISTER_SHADOW_H_
