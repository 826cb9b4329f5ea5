// The chip's function on a machine with little memory for DMA.
#ifndef WARD_TESTS_UNIT_KMD_LIMITED_FUNCTION_H_
#define WARD_TESTS_UNIT_KMD_LIMITED_FUNCTION_H_

#include <cstddef>
#include <cstdint>

#include "abi/pci_function.h"

namespace ward::kmd {

class LimitedFunction final : public abi::PciFunction {
 public:
  explicit LimitedFunction(abi::PciFunction* function) : function_(function) {}

  uint64_t limit_bytes = ~uint64_t{0};  // of all buffers together
  uint64_t used_bytes() const { return used_bytes_; }

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
  abi::PciError AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) override {
    if (used_bytes_ + size_bytes > limit_bytes) return abi::PciError::kNoMemory;
    const abi::PciError error = function_->AllocateDma(size_bytes, buffer);
    if (error == abi::PciError::kNone) used_bytes_ += buffer->size_bytes;
    return error;
  }
  void FreeDma(const abi::DmaBuffer& buffer) override {
    used_bytes_ -= buffer.size_bytes;
    function_->FreeDma(buffer);
  }
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
  uint64_t used_bytes_ = 0;
};

}  // namespace ward::kmd

#endif  // WARD_TESTS_UNIT_KMD_LIMITED_FUNCTION_H_
