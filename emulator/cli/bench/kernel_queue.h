// The kernel's queue of a function, brought up as docs/guide/from-reset.md does it by hand, and a
// buffer in system memory for its commands' operands.
#ifndef WARD_EMULATOR_CLI_BENCH_KERNEL_QUEUE_H_
#define WARD_EMULATOR_CLI_BENCH_KERNEL_QUEUE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "abi/pci_function.h"
#include "emulator/cli/bench/command_text.h"

namespace ward::emulator {

// What became of the commands of one submission.
struct SubmissionResult {
  bool timed_out = false;     // neither the fence nor a fault came in time
  uint64_t fence = 0;         // the last value that the queue wrote
  uint32_t fault_status = 0;  // a status code; 0: the queue did not fault
  uint64_t fault_address = 0;
  int fault_command = -1;      // index of the command that stopped the queue; -1: the bench's fence
  uint32_t refusal_count = 0;  // commands that were refused
  uint32_t refusal_status = 0;  // status of the last one; 0: none
};

class KernelQueue {
 public:
  static constexpr uint32_t kBufferBytes = 1 << 20;
  static constexpr uint32_t kRingBytes = 1 << 16;

  // `function` outlives this, and memory decoding is on.
  explicit KernelQueue(abi::PciFunction* function) : function_(function) {}
  // Resets the queue, and takes bus mastering away, before its memory goes.
  ~KernelQueue();
  KernelQueue(const KernelQueue&) = delete;
  KernelQueue& operator=(const KernelQueue&) = delete;

  // Whether DEVICE_MAGIC and the contract's major version are right; else `error` says what reads.
  static bool IsOurs(abi::PciFunction* function, std::string* error);

  // Memory, bus mastering, an interrupt, firmware that is ready, the queue. Calls after the first
  // do nothing. False with `error`.
  bool BringUp(uint32_t timeout_ms, std::string* error);
  // Executes the commands with a fence behind them. After a fault the queue is reset and enabled
  // again. False with `error` when they can't be submitted, or the function went meanwhile.
  bool Submit(const std::vector<CommandText>& commands, uint32_t timeout_ms,
              SubmissionResult* result, std::string* error);
  // The function was reset: the next submission brings all up again.
  void Forget() { is_up_ = false; }

  // kBufferBytes of zeroed system memory; null with `error`.
  uint8_t* Buffer(std::string* error);

 private:
  bool Execute(const std::vector<CommandText>& commands, uint32_t timeout_ms,
               SubmissionResult* result, std::string* error);
  bool TakeMemory(std::string* error);
  bool WaitForFirmware(uint32_t timeout_ms, std::string* error);
  bool Enable(std::string* error);
  void WaitForEnd(uint64_t fence, uint32_t timeout_ms, SubmissionResult* result);
  void ReadFault(const std::vector<uint32_t>& starts, SubmissionResult* result);

  abi::PciFunction* const function_;
  abi::DmaBuffer ring_;
  abi::DmaBuffer fence_;
  abi::DmaBuffer buffer_;
  bool is_up_ = false;
  uint32_t refusals_ = 0;  // REFUSAL_COUNT after the last submission
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_BENCH_KERNEL_QUEUE_H_
