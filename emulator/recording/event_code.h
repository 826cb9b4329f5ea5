// Events as bytes (docs/spec/recording.md): a kind, a byte that says which fields are there, and
// these, as numbers of seven bits a byte.
#ifndef WARD_EMULATOR_RECORDING_EVENT_CODE_H_
#define WARD_EMULATOR_RECORDING_EVENT_CODE_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "emulator/boundary/boundary.h"
#include "emulator/boundary/event_source.h"

namespace ward::emulator {

// Appends all of the event but its data, which follow as they are.
void EncodeEvent(const BoundaryEvent& event, std::vector<uint8_t>* bytes);

// The bytes of many events, in whatever pieces they come.
class EventBytes {
 public:
  // The next bytes, at least one and at most `most`; empty at the end. Good until the next call.
  virtual ConstByteSpan TakeSome(size_t most) = 0;

 protected:
  ~EventBytes() = default;
};

enum class DecodeResult { kEvent, kEnd, kCutShort, kInvalid };

// The next event. `data` grows with the bytes that are there, whatever a length says.
DecodeResult DecodeEvent(EventBytes* bytes, RecordedEvent* event);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_RECORDING_EVENT_CODE_H_
