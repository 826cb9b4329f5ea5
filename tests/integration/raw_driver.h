// A driver of one queue that does what it is told: any bytes in the ring, any doorbell. For what no
// proper driver would send.
#ifndef WARD_TESTS_INTEGRATION_RAW_DRIVER_H_
#define WARD_TESTS_INTEGRATION_RAW_DRIVER_H_

#include <cstdint>

#include "abi/generated/registers.h"
#include "abi/pci_function.h"
#include "kmd/command.h"

namespace ward::test {

class RawDriver {
 public:
  static constexpr uint32_t kRingBytes = 4096;

  // Queue 0 is the kernel's and takes physical addresses. Enables the queue.
  RawDriver(abi::PciFunction* function, uint32_t queue, uint32_t context);
  ~RawDriver();

  // Resets and enables the queue: ring empty, fence value back to zero.
  void Restart();

  template <typename Command>
  void Append(const Command& command) {
    AppendBytes(kmd::BytesOf(command));
  }
  void AppendBytes(ConstByteSpan bytes);
  // Rings the doorbell for what was appended.
  void Submit();
  // Appends a fence and submits; whether its value arrived when the queue has come to rest.
  bool RunFence();

  uint32_t Read(uint32_t queue_register) const;
  uint32_t fault_status() const { return Read(abi::kRegFaultStatus); }
  uint64_t fence() const;

 private:
  void WaitUntilStill() const;

  abi::PciFunction* function_;
  uint32_t queue_;
  uint32_t context_;
  abi::DmaBuffer memory_;  // ring, then the fence's page
  uint32_t tail_ = 0;
  uint64_t next_fence_ = 1;
};

// Page tables in visible VRAM at `offset` (four pages) that map virtual page 1 and nothing else;
// `entry` is its fourth-level entry.
void WritePageTables(abi::PciFunction* function, uint64_t offset, uint64_t entry);

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_RAW_DRIVER_H_
