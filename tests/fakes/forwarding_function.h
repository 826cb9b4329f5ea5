// A PCI function that hands everything to another one: what a case watches or limits, it overrides.
#ifndef WARD_TESTS_FAKES_FORWARDING_FUNCTION_H_
#define WARD_TESTS_FAKES_FORWARDING_FUNCTION_H_

#include <cstddef>
#include <cstdint>

#include "abi/pci_function.h"

namespace ward::fakes {

class ForwardingFunction : public abi::PciFunction {
 public:
  // `function` outlives this.
  explicit ForwardingFunction(abi::PciFunction* function) : function_(function) {}

  uint32_t ConfigRead(uint32_t offset, uint32_t size_bytes) override {
    return function_->ConfigRead(offset, size_bytes);
  }
  void ConfigWrite(uint32_t offset, uint32_t size_bytes, uint32_t value) override {
    function_->ConfigWrite(offset, size_bytes, value);
  }
  uint32_t BarRead32(int bar, uint64_t offset) override {
    return function_->BarRead32(bar, offset);
  }
  void BarWrite32(int bar, uint64_t offset, uint32_t value) override {
    function_->BarWrite32(bar, offset, value);
  }
  uint64_t BarSize(int bar) override { return function_->BarSize(bar); }
  uint8_t* MapBar(int bar) override { return function_->MapBar(bar); }
  abi::PciError BarReadBlock(int bar, uint64_t offset, void* into, size_t size_bytes) override {
    return function_->BarReadBlock(bar, offset, into, size_bytes);
  }
  abi::PciError BarWriteBlock(int bar, uint64_t offset, const void* from,
                              size_t size_bytes) override {
    return function_->BarWriteBlock(bar, offset, from, size_bytes);
  }
  abi::PciError AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) override {
    return function_->AllocateDma(size_bytes, buffer);
  }
  void FreeDma(const abi::DmaBuffer& buffer) override { function_->FreeDma(buffer); }
  abi::PciError SetBusMaster(bool enable) override { return function_->SetBusMaster(enable); }
  abi::PciError EnableInterrupts(uint32_t count) override {
    return function_->EnableInterrupts(count);
  }
  abi::PciError WaitInterrupt(uint32_t vector, uint32_t timeout_ms) override {
    return function_->WaitInterrupt(vector, timeout_ms);
  }
  abi::PciError ResetFunction() override { return function_->ResetFunction(); }
  const char* LastErrorText() const override { return function_->LastErrorText(); }

 private:
  abi::PciFunction* function_;
};

}  // namespace ward::fakes

#endif  // WARD_TESTS_FAKES_FORWARDING_FUNCTION_H_
