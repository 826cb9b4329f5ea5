// A chip that lives through recorded events again, one call of its host after another.
#ifndef WARD_EMULATOR_BOUNDARY_REPLAYER_H_
#define WARD_EMULATOR_BOUNDARY_REPLAYER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "device/gpu.h"
#include "emulator/boundary/event_source.h"
#include "emulator/boundary/player.h"

namespace ward::emulator {

class Replayer final : private NestedCaller {
 public:
  // A chip with the options of the recorded one, after its start. Both outlive the replayer;
  // `trace` may be null. As device::Gpu::Create.
  static Result<std::unique_ptr<Replayer>> Create(const device::GpuOptions& options,
                                                  EventSource* source, TraceSink* trace);
  Replayer(const Replayer&) = delete;
  Replayer& operator=(const Replayer&) = delete;

  // The next call of the host, with all that the chip does in it. False, and nothing done, at the
  // end, after a difference, and when the recording breaks off amid the call.
  bool Step();
  // Calls from this event on may be such: the recording has no end. At first none is.
  void SetWholeEvents(uint64_t events) { whole_events_ = events; }

  // The call that Step makes, or null.
  const RecordedEvent* Next() { return player_.matches() ? source_->Peek() : nullptr; }
  uint64_t event() const { return source_->Place().event; }
  // Calls made.
  uint64_t call() const { return call_; }
  // The chip asked for the same things in the same order, so far.
  bool matches() const { return player_.matches(); }
  const std::string& difference() const { return player_.difference(); }

  const device::Gpu& gpu() const { return *gpu_; }
  const KnownMemories& memories() const { return player_.memories(); }
  void SetNotingMemory(bool noting) { player_.SetNotingMemory(noting); }
  uint64_t now_ns() const { return player_.now_ns(); }
  // What a driver would read there; leaves everything as it is.
  std::vector<uint32_t> LookAtRegisters(const std::vector<uint32_t>& offsets);

  // A place to come back to, between two calls. Holds the chip's secrets.
  struct Checkpoint {
    uint64_t call = 0;
    uint64_t now_ns = 0;
    EventPlace place;
    device::GpuSnapshot chip;
    KnownMemories memories;
  };
  Checkpoint TakeCheckpoint() const;
  void GoBack(const Checkpoint& checkpoint);

 private:
  class SilentTrace final : public TraceSink {
   public:
    void OnEvent(const TraceEvent&) override {}
  };

  explicit Replayer(EventSource* source) : source_(source), player_(source, this) {}
  void MakeCall();
  void Call(const RecordedEvent& call);
  void MakeNested(const RecordedEvent& call) override;
  void CheckAnswer(const RecordedEvent& call, uint32_t answer);

  EventSource* source_;
  Player player_;
  SilentTrace silent_;
  std::unique_ptr<device::Gpu> gpu_;  // after its ports
  uint64_t call_ = 0;
  uint64_t whole_events_ = UINT64_MAX;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_REPLAYER_H_
