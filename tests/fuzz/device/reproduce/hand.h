// A chip by explicit calls, for tests of their own (tests/fuzz/device/found/).
#ifndef WARD_TESTS_FUZZ_DEVICE_REPRODUCE_HAND_H_
#define WARD_TESTS_FUZZ_DEVICE_REPRODUCE_HAND_H_

#include <cstdint>
#include <memory>
#include <string>

#include "tests/fuzz/device/machine.h"
#include "tests/fuzz/device/operation.h"

namespace ward::fuzz {

class Hand {
 public:
  enum class Start : uint8_t {
    kReset,
    kBase,  // what every input begins in (base_state.h)
  };
  explicit Hand(Start start);

  // As the operations (operation.h). `bytes` are as in their text.
  void ReadRegister(uint64_t offset, uint32_t size_bytes);
  void WriteRegister(uint64_t offset, uint32_t size_bytes, uint64_t value);
  void ReadConfig(uint64_t offset, uint32_t size_bytes);
  void WriteConfig(uint64_t offset, uint32_t size_bytes, uint64_t value);
  void ReadMsix(uint64_t offset, uint32_t size_bytes);
  void WriteMsix(uint64_t offset, uint32_t size_bytes, uint64_t value);
  void WriteMemory(uint64_t bus_address, const std::string& bytes);
  void WriteVram(uint64_t offset, const std::string& bytes);
  void Process(uint64_t budget_bytes);
  void AdvanceClock(uint64_t nanoseconds);
  void ResetFunction();
  void ResetPower();
  void TearDown();
  void Snapshot();
  void SetEntropy(bool is_available);
  void SetBus(uint64_t access);
  void AnswerReads(const std::string& bytes);
  void SetLinkFault(uint64_t output, uint64_t fault);
  void AttachDisplay(uint64_t output, uint64_t display);
  void ReadScanout(uint64_t output);
  void SetWindows(bool are_given);
  void Promise(uint64_t promises);

  // Finishes the work. Then what it came to, in lines (outcome.h).
  std::string Outcome();

 private:
  void Do(const Operation& operation) { machine_->Do(operation); }
  void DoBytes(const char* name, uint64_t at, bool has_at, const std::string& bytes);

  std::unique_ptr<Machine> machine_;
  uint32_t first_epoch_ = 0;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_REPRODUCE_HAND_H_
