#include "emulator/boundary/recording.h"

#include <memory>

#include "base/secret_bytes.h"
#include "emulator/boundary/replayer.h"

namespace ward::emulator {
namespace {

class EventsInMemory final : public EventSource {
 public:
  explicit EventsInMemory(const std::vector<RecordedEvent>& events) : events_(events) {}

  const RecordedEvent* Peek() override {
    return next_ < events_.size() ? &events_[next_] : nullptr;
  }
  void Skip() override { ++next_; }
  EventPlace Place() const override {
    EventPlace place;
    place.event = next_;
    return place;
  }
  void Seek(const EventPlace& place) override { next_ = place.event; }

 private:
  const std::vector<RecordedEvent>& events_;
  uint64_t next_ = 0;
};

}  // namespace

Recording::~Recording() {
  for (Event& event : events_) SecureWipe(event.data.data(), event.data.size());
}

void Recording::OnEvent(const BoundaryEvent& event) {
  events_.push_back({event.kind, event.ok, event.size_bytes, event.address, event.value,
                     std::vector<uint8_t>(event.data.begin(), event.data.end()), event.is_nested});
}

Result<ReplayOutcome> Replay(const Recording& recording, const device::GpuOptions& options) {
  EventsInMemory source(recording.events());
  WARD_ASSIGN_OR_RETURN(std::unique_ptr<Replayer> replayer,
                        Replayer::Create(options, &source, nullptr));
  while (replayer->Step()) {
  }
  ReplayOutcome outcome;
  outcome.matches = replayer->matches();
  outcome.event = replayer->event();
  outcome.difference = replayer->difference();
  outcome.state_hash = replayer->gpu().StateHash();
  return outcome;
}

}  // namespace ward::emulator
