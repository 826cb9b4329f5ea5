// A PCI function whose chip is the real one, and which lies as the input says: registers, DMA
// memory, interrupts, resets, memory for DMA. An input without lies makes an honest function. Time
// is the chip's; nothing here waits.
#ifndef WARD_TESTS_FUZZ_DRIVER_HOSTILE_FUNCTION_H_
#define WARD_TESTS_FUZZ_DRIVER_HOSTILE_FUNCTION_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "abi/pci_function.h"
#include "base/bytes.h"
#include "emulator/in_process/in_process_host.h"
#include "tests/fakes/forwarding_function.h"
#include "tests/fuzz/input_reader.h"

namespace ward::fuzz {

class HostileFunction final : public fakes::ForwardingFunction {
 public:
  // The driver may ask this much of the function in one of its calls, and no more.
  static constexpr uint64_t kMostAccesses = 2000000;
  static constexpr uint64_t kMostDmaBytes = 64 << 20;

  // `host` outlives this. `lies` has 8 bytes each: accesses until it is told (1), kind (1), place
  // (2), value (4).
  HostileFunction(emulator::InProcessHost* host, ConstByteSpan lies)
      : fakes::ForwardingFunction(host), host_(host), lies_(lies) {}
  ~HostileFunction() override;

  // A call of the driver begins.
  void BeginCall() { accesses_ = 0; }
  // The device goes away for good, or comes back to honesty.
  void StopLying();
  // Whether all of it lies in memory that the driver may touch.
  bool IsOwned(ConstByteSpan bytes) const;
  size_t live_buffers() const { return buffers_.size(); }

  uint32_t BarRead32(int bar, uint64_t offset) override;
  void BarWrite32(int bar, uint64_t offset, uint32_t value) override;
  uint8_t* MapBar(int bar) override;
  abi::PciError BarReadBlock(int bar, uint64_t offset, void* into, size_t size_bytes) override;
  abi::PciError BarWriteBlock(int bar, uint64_t offset, const void* from,
                              size_t size_bytes) override;
  abi::PciError AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) override;
  void FreeDma(const abi::DmaBuffer& buffer) override;
  abi::PciError SetBusMaster(bool enable) override;
  abi::PciError EnableInterrupts(uint32_t count) override;
  abi::PciError WaitInterrupt(uint32_t vector, uint32_t timeout_ms) override;
  abi::PciError ResetFunction() override;

 private:
  struct Lie {
    uint32_t delay = 0;
    uint8_t kind = 0;
    uint16_t place = 0;
    uint32_t value = 0;
  };
  struct Buffer {
    abi::DmaBuffer given;  // what the driver got
    abi::DmaBuffer whole;  // with the page behind it that nobody may touch
  };

  // Each access of the driver is one; lies that are due are told.
  void Access();
  void Tell(const Lie& lie);
  void TellOfRegisters(const Lie& lie);
  void TellOfMemory(const Lie& lie);
  void TellOfPort(const Lie& lie);
  ByteSpan PickMemory(uint32_t choice);
  abi::PciError ErrorOf(uint32_t value) const;

  emulator::InProcessHost* host_;
  InputReader lies_;
  std::optional<Lie> next_;
  uint64_t accesses_ = 0;
  bool is_honest_ = false;
  bool is_gone_ = false;
  std::unordered_map<uint64_t, uint32_t> fixed_;  // registers that always say the same
  std::optional<uint32_t> next_read_;
  uint32_t lost_writes_ = 0;
  uint32_t early_interrupts_ = 0;
  uint32_t lost_interrupts_ = 0;
  std::optional<abi::PciError> wait_error_;
  std::optional<abi::PciError> reset_error_;
  std::optional<abi::PciError> port_error_;
  uint32_t failing_allocation_ = 0;
  uint32_t bad_allocation_ = 0;  // how the next one is wrong
  bool cannot_map_ = false;
  bool is_chip_astray_ = false;         // it may write anywhere that it reaches
  std::map<uint64_t, Buffer> buffers_;  // by bus address as the driver knows it
  uint64_t dma_bytes_ = 0;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DRIVER_HOSTILE_FUNCTION_H_
