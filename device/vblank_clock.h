// When an output's vblanks are: 60 a second of virtual time from the moment on that the output is
// switched on. A value; nothing ticks.
#ifndef WARD_DEVICE_VBLANK_CLOCK_H_
#define WARD_DEVICE_VBLANK_CLOCK_H_

#include <cstdint>

#include "base/state_fields.h"

namespace ward::device {

// What a WAIT_VBLANK waits for.
struct VblankWait {
  uint32_t output = 0;
  bool for_flip = false;  // the flip that waits; else `count`
  uint32_t count = 0;     // OUTPUT_VBLANK_COUNT

  WARD_STATE_FIELDS(output, for_flip, count)
};

class VblankClock {
 public:
  void Start(uint64_t now_ns);  // nothing while it runs
  void Stop(uint64_t now_ns);   // the count stays as it is then
  bool running() const { return running_; }

  // Vblanks until `now_ns`, those of earlier runs included.
  uint64_t CountAt(uint64_t now_ns) const;
  // The first moment at which CountAt is `count`, which is greater than the count at the last
  // start. Only while it runs.
  uint64_t TimeOf(uint64_t count) const;

  // Whether a saved clock counted what it can have. It may have started later than it is now where
  // it is loaded; its count then stands until that moment.
  bool CanLoad() const;
  // Whether TimeOf may be asked for the count.
  bool CanWaitFor(uint64_t count) const;

  WARD_STATE_FIELDS(running_, start_ns_, start_count_)

 private:
  bool running_ = false;
  uint64_t start_ns_ = 0;
  uint64_t start_count_ = 0;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_VBLANK_CLOCK_H_
