// Recorded events one after another, wherever they are kept.
#ifndef WARD_EMULATOR_BOUNDARY_EVENT_SOURCE_H_
#define WARD_EMULATOR_BOUNDARY_EVENT_SOURCE_H_

#include <cstdint>
#include <vector>

#include "emulator/boundary/boundary.h"

namespace ward::emulator {

// A BoundaryEvent that owns its data.
struct RecordedEvent {
  BoundaryEventKind kind = BoundaryEventKind::kRegisterRead;
  bool ok = true;
  uint32_t size_bytes = 0;
  uint64_t address = 0;
  uint64_t value = 0;
  std::vector<uint8_t> data;
  bool is_nested = false;
};

// A place between two events. All but `event` is the source's own affair.
struct EventPlace {
  uint64_t event = 0;  // events before it
  uint64_t block = 0;
  uint64_t block_start = 0;
  uint64_t offset_in_block = 0;
};

class EventSource {
 public:
  // The next event, or null where there is none; good until the next call of this object.
  virtual const RecordedEvent* Peek() = 0;
  // Past the event that Peek shows.
  virtual void Skip() = 0;
  // Where the event that Peek shows begins.
  virtual EventPlace Place() const = 0;
  // A place of this source.
  virtual void Seek(const EventPlace& place) = 0;

 protected:
  ~EventSource() = default;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_EVENT_SOURCE_H_
