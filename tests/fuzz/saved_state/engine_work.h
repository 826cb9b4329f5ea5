// A session with keys, and one command of each kind that an engine is amid.
#ifndef WARD_TESTS_FUZZ_SAVED_STATE_ENGINE_WORK_H_
#define WARD_TESTS_FUZZ_SAVED_STATE_ENGINE_WORK_H_

#include <cstdint>
#include <vector>

#include "tests/fakes/gpu_rig.h"

namespace ward::fuzz {

class EngineWork {
 public:
  // Context 1 is there.
  explicit EngineWork(fakes::GpuRig* rig) : rig_(rig) {}

  // With session key, read-back key, decoder and channel, on queue 4.
  void OpenSession();
  // On queues 5 to 15, as far as little work gets them.
  void Begin();
  // Into the ring of the session's queue, without a doorbell: for whoever rings it later.
  void PushLater();
  static constexpr uint32_t kSessionQueue = 4;

 private:
  void PushMessage(uint32_t message, const std::vector<uint8_t>& payload);
  std::vector<uint8_t> SessionRequest() const;
  uint32_t Ask(uint32_t message, const std::vector<uint8_t>& payload);
  void BeginMore();
  template <typename Command>
  void Push(uint32_t queue, const Command& command);

  fakes::GpuRig* rig_;
  uint32_t session_ = 0;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_SAVED_STATE_ENGINE_WORK_H_
