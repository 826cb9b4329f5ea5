#include "device/engine_job.h"

namespace ward::device {

// Field by field: this is done after every command, and most fields are empty then.
void EngineJob::Clear() {
  if (kind == Kind::kNone) return;
  kind = Kind::kNone;
  std::memset(command, 0, sizeof(command));
  context = 0;
  destination.Clear();
  source.Clear();
  second_source.Clear();
  iv_destination.Clear();
  owner = kNoOwner;
  done = 0;
  key_serial = 0;
  std::memset(counter_block, 0, sizeof(counter_block));
  if (!sample.sub_samples().empty() || sample.stripe().exists()) sample = SubSampleMap();
  keystream_position = 0;
}

}  // namespace ward::device
