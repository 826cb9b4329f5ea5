// The moves of a rig on any PCI function.
#ifndef WARD_TESTS_CONFORMANCE_FUNCTION_RIG_H_
#define WARD_TESTS_CONFORMANCE_FUNCTION_RIG_H_

#include <bitset>
#include <cstdint>
#include <optional>

#include "abi/pci_function.h"
#include "tests/fakes/queue_rig.h"
#include "tests/integration/config_space.h"

namespace ward::test {

class FunctionRig final : public fakes::QueueRig {
 public:
  // Resets the function. It outlives the rig, and so does `memory`, kBusBytes of it, which is
  // cleared.
  FunctionRig(abi::PciFunction* function, const abi::DmaBuffer& memory);

  uint32_t Read(uint64_t offset) override;
  void Write(uint64_t offset, uint32_t value) override;
  uint32_t ReadConfig(uint32_t offset, uint32_t size_bytes) override;
  // What a change of the power state takes from BARs and command register is put back.
  void WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value) override;
  void ResetFunction() override;
  uint8_t* Memory(uint64_t bus_address, uint64_t size_bytes) override;
  void StoreVram(uint64_t offset, uint64_t value) override;
  // Until no queue that was rung has work. The case fails when one does not come to rest.
  void Run(uint64_t budget_bytes) override;
  void RunIntoWait(uint32_t queue) override;
  void AwaitFault(uint32_t queue) override;

 private:
  uint32_t StateOf(uint32_t queue) { return State(queue) & abi::kQueueStatusStateMask; }

  abi::PciFunction* function_;
  const abi::DmaBuffer& memory_;
  std::optional<SavedConfig> config_;
  std::bitset<abi::kQueueBlockCount> rung_;
};

}  // namespace ward::test

#endif  // WARD_TESTS_CONFORMANCE_FUNCTION_RIG_H_
