#include "tests/fuzz/device/reproduce/hand.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "abi/generated/registers.h"
#include "tests/fuzz/device/reproduce/outcome.h"

namespace ward::fuzz {

Hand::Hand(Start start) {
  if (start == Start::kReset) {
    machine_ = std::make_unique<Machine>();
  } else {
    machine_ = std::make_unique<Machine>(0);
    machine_->Begin({});
  }
  // The base loses no keys.
  first_epoch_ = machine_->LookAtRegister(abi::kRegKeyEpoch);
}

void Hand::ReadRegister(uint64_t offset, uint32_t size_bytes) {
  Do({.kind = OperationKind::kReadRegister, .at = offset, .size = size_bytes});
}
void Hand::WriteRegister(uint64_t offset, uint32_t size_bytes, uint64_t value) {
  Do({.kind = OperationKind::kWriteRegister, .at = offset, .size = size_bytes, .value = value});
}
void Hand::ReadConfig(uint64_t offset, uint32_t size_bytes) {
  Do({.kind = OperationKind::kReadConfig, .at = offset, .size = size_bytes});
}
void Hand::WriteConfig(uint64_t offset, uint32_t size_bytes, uint64_t value) {
  Do({.kind = OperationKind::kWriteConfig, .at = offset, .size = size_bytes, .value = value});
}
void Hand::ReadMsix(uint64_t offset, uint32_t size_bytes) {
  Do({.kind = OperationKind::kReadMsix, .at = offset, .size = size_bytes});
}
void Hand::WriteMsix(uint64_t offset, uint32_t size_bytes, uint64_t value) {
  Do({.kind = OperationKind::kWriteMsix, .at = offset, .size = size_bytes, .value = value});
}
void Hand::WriteMemory(uint64_t bus_address, const std::string& bytes) {
  DoBytes("write-memory", bus_address, true, bytes);
}
void Hand::WriteVram(uint64_t offset, const std::string& bytes) {
  DoBytes("write-vram", offset, true, bytes);
}
void Hand::Process(uint64_t budget_bytes) {
  Do({.kind = OperationKind::kProcess, .value = budget_bytes});
}
void Hand::AdvanceClock(uint64_t nanoseconds) {
  Do({.kind = OperationKind::kAdvanceClock, .value = nanoseconds});
}
void Hand::ResetFunction() { Do({.kind = OperationKind::kResetFunction}); }
void Hand::ResetPower() { Do({.kind = OperationKind::kResetPower}); }
void Hand::TearDown() { Do({.kind = OperationKind::kTearDown}); }
void Hand::Snapshot() { Do({.kind = OperationKind::kSnapshot}); }
void Hand::SetEntropy(bool is_available) {
  Do({.kind = OperationKind::kSetEntropy, .value = is_available});
}
void Hand::SetBus(uint64_t access) { Do({.kind = OperationKind::kSetBus, .value = access}); }
void Hand::AnswerReads(const std::string& bytes) { DoBytes("answer-reads", 0, false, bytes); }
void Hand::SetLinkFault(uint64_t output, uint64_t fault) {
  Do({.kind = OperationKind::kSetLinkFault, .at = output, .value = fault});
}
void Hand::AttachDisplay(uint64_t output, uint64_t display) {
  Do({.kind = OperationKind::kAttachDisplay, .at = output, .value = display});
}
void Hand::ReadScanout(uint64_t output) { Do({.kind = OperationKind::kReadScanout, .at = output}); }
void Hand::SetWindows(bool are_given) {
  Do({.kind = OperationKind::kSetWindows, .value = are_given});
}
void Hand::Promise(uint64_t promises) { Do({.kind = OperationKind::kPromise, .value = promises}); }

std::string Hand::Outcome() {
  machine_->End(false);
  machine_->RunToRest();
  return ReadOutcome(first_epoch_,
                     [this](uint64_t offset) { return machine_->LookAtRegister(offset); });
}

void Hand::DoBytes(const char* name, uint64_t at, bool has_at, const std::string& bytes) {
  const std::string line =
      has_at ? fmt::format("{} {:#x} {}", name, at, bytes) : fmt::format("{} {}", name, bytes);
  Operation operation;
  std::vector<uint8_t> room;
  std::string reason;
  if (!ParseOperation(line, &operation, &room, &reason)) {
    std::fprintf(stderr, "%s\n", reason.c_str());
    std::abort();
  }
  Do(operation);
}

}  // namespace ward::fuzz
