// Plays an input: hostile clients on a device that is served in this thread, second clients beside
// and behind them, and what has to hold at the end.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_WIRE_PLAYER_H_
#define WARD_TESTS_FUZZ_VFIO_USER_WIRE_PLAYER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "abi/vfio_user.h"
#include "base/bytes.h"
#include "tests/fuzz/input_reader.h"
#include "tests/fuzz/vfio_user/hostile_descriptors.h"
#include "tests/fuzz/vfio_user/hostile_peer.h"
#include "tests/fuzz/vfio_user/one_thread_device.h"
#include "tests/fuzz/vfio_user/second_client.h"
#include "tests/fuzz/vfio_user/wire_script.h"

namespace ward::fuzz {

class WirePlayer {
 public:
  WirePlayer();

  // What came back to the hostile clients, headers only: keys and times differ from run to run.
  uint64_t Run(ConstByteSpan input, FreshChecks checks);

 private:
  struct Play;  // one input's

  // Handlers that an operation lets the server do, so that an input that gives the chip much work
  // does not take long.
  static constexpr size_t kHandlersPerOperation = 24;
  static constexpr size_t kQueues = 4;

  size_t RunServers(size_t at_most);
  void RunWhileAtWork();
  void RunToRest(uint64_t sent_messages);
  void ActAtWait();
  bool PlayNext();
  void AfterOperation();
  void CheckUnanswered();

  void Do(Operation operation, InputReader* input);
  void SendMessage(InputReader* input);
  void SendHeader(InputReader* input);
  void SendRegister(InputReader* input);
  void SendAccess(InputReader* input);
  void SendConfig(InputReader* input);
  void SendMap(InputReader* input);
  void SendUnmap(InputReader* input);
  void SendIrqs(InputReader* input);
  void StartQueue(InputReader* input);
  void PushCommand(InputReader* input);
  void RingDoorbell(InputReader* input);
  void StoreVram(InputReader* input);
  void SetPolicy(InputReader* input);
  void ChoosePeer(InputReader* input);
  void Probe(uint8_t which);
  bool IsTaken();

  void WriteRegister(uint64_t offset, uint32_t value);
  uint64_t PickAddress(InputReader* input);
  std::vector<int> Descriptors(uint8_t choice);
  static std::vector<uint8_t> Rest(InputReader* input);
  void Send(abi::vfio_user::Command command, ConstByteSpan body,
            const std::vector<int>& descriptors, uint32_t flags = 0);
  void SendBytes(ConstByteSpan bytes, const std::vector<int>& descriptors);
  HostilePeer& peer();

  OneThreadDevice device_;
  OneThreadDevice other_device_;
  std::unique_ptr<Bystander> bystander_;
  Play* play_ = nullptr;
  bool is_fuzzed_running_ = false;  // the device's server is on the stack
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_WIRE_PLAYER_H_
