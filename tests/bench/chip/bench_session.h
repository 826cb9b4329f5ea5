// A context with a session and its key on the in-process chip, and a ring of its own: what a
// command costs in the chip, with no driver around it.
#ifndef WARD_TESTS_BENCH_CHIP_BENCH_SESSION_H_
#define WARD_TESTS_BENCH_CHIP_BENCH_SESSION_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/pci_function.h"
#include "base/bytes.h"
#include "emulator/in_process/in_process_host.h"
#include "tests/fakes/queue_rig.h"

namespace ward::bench {

class BenchSession {
 public:
  // Addresses of the context: system memory, then visible VRAM, then protected VRAM.
  static constexpr uint64_t kSystem = 0;
  static constexpr uint64_t kVisible = 64ull << 20;
  static constexpr uint64_t kProtected = 128ull << 20;
  static constexpr uint64_t kWindowBytes = 64ull << 20;             // of each of them
  static constexpr uint64_t kResponseOffset = kWindowBytes - 4096;  // of messages, in the first
  static constexpr uint32_t kRingBytes = 1 << 20;
  static constexpr uint32_t kKernelQueue = 0;
  static constexpr uint32_t kUserQueue = 1;

  // Throws std::runtime_error when the chip does not do its part.
  // `open_decrypt`: the switch of the same name, by which decryption in place is possible.
  // `listener`: hears all that crosses the chip's boundary, from its start on.
  explicit BenchSession(uint32_t workers = 1, bool open_decrypt = false,
                        emulator::BoundaryListener* listener = nullptr);
  ~BenchSession();
  BenchSession(const BenchSession&) = delete;
  BenchSession& operator=(const BenchSession&) = delete;

  // What the chip is made with.
  static device::GpuOptions ChipOptions(bool open_decrypt = false);

  emulator::InProcessHost& host() { return *host_; }
  uint32_t session() const { return session_; }
  const uint8_t* key() const { return key_; }  // of the session, 16 bytes
  // The context's system memory.
  uint8_t* memory() { return memory_.cpu; }

  // Puts a batch at the beginning of a queue's ring; Submit executes it each time it is called, and
  // comes back when it is done. At most half a ring.
  template <typename T>
  void SetBatch(const T& command, size_t count, uint32_t queue = kUserQueue) {
    std::vector<uint8_t> bytes(sizeof(command) * count);
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(bytes.data() + i * sizeof(command), &command, sizeof(command));
    }
    SetBatchBytes(bytes, queue);
  }
  void SetBatchBytes(ConstByteSpan bytes, uint32_t queue = kUserQueue);
  void Submit(uint32_t queue = kUserQueue);
  // Throws std::runtime_error with the status when a command was refused or stopped the queue.
  void CheckNoFault(uint32_t queue = kUserQueue);

  // Commands on the windows above. The IV is not of interest.
  abi::DecryptBltCommand Decrypt(uint32_t length_bytes) const;
  // A message that gives the session its key once more: all of OAEP is done again.
  std::vector<uint8_t> KeyExchange() const;
  // The answer's status of the last message: 0 is success.
  uint32_t LastAnswer() { return LoadLe<uint32_t>(memory() + kResponseOffset); }
  // Switches the first output on, in a mode of its list.
  void EnableOutput(uint32_t mode);

 private:
  void MapContext();
  void StartQueue(uint32_t queue);
  // Executes what is to be done once.
  void Push(uint32_t queue, ConstByteSpan bytes);
  std::vector<uint8_t> Message(uint32_t message, ConstByteSpan payload) const;
  void Send(uint32_t message, ConstByteSpan payload);
  void OpenSession();

  std::unique_ptr<emulator::InProcessHost> host_;
  abi::DmaBuffer rings_{};  // the kernel's, the user's, then a page of fences
  abi::DmaBuffer memory_{};
  uint8_t* vram_ = nullptr;
  uint32_t session_ = 0;
  uint8_t key_[16];
  uint32_t batch_bytes_[2] = {};
};

using fakes::MakeCommand;

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_BENCH_SESSION_H_
