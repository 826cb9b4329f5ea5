// The chip's function on a machine with little memory for DMA, or where its VRAM can't be mapped.
#ifndef WARD_TESTS_UNIT_KMD_LIMITED_FUNCTION_H_
#define WARD_TESTS_UNIT_KMD_LIMITED_FUNCTION_H_

#include <cstddef>
#include <cstdint>

#include "tests/fakes/forwarding_function.h"

namespace ward::kmd {

class LimitedFunction final : public fakes::ForwardingFunction {
 public:
  using ForwardingFunction::ForwardingFunction;

  uint64_t limit_bytes = ~uint64_t{0};  // of all buffers together
  uint64_t used_bytes() const { return used_bytes_; }
  bool maps_vram = true;
  int block_writes = 0;

  uint8_t* MapBar(int bar) override {
    return maps_vram ? ForwardingFunction::MapBar(bar) : nullptr;
  }
  abi::PciError BarWriteBlock(int bar, uint64_t offset, const void* from,
                              size_t size_bytes) override {
    ++block_writes;
    return ForwardingFunction::BarWriteBlock(bar, offset, from, size_bytes);
  }

  abi::PciError AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) override {
    if (used_bytes_ + size_bytes > limit_bytes) return abi::PciError::kNoMemory;
    const abi::PciError error = ForwardingFunction::AllocateDma(size_bytes, buffer);
    if (error == abi::PciError::kNone) used_bytes_ += buffer->size_bytes;
    return error;
  }
  void FreeDma(const abi::DmaBuffer& buffer) override {
    used_bytes_ -= buffer.size_bytes;
    ForwardingFunction::FreeDma(buffer);
  }

 private:
  uint64_t used_bytes_ = 0;
};

}  // namespace ward::kmd

#endif  // WARD_TESTS_UNIT_KMD_LIMITED_FUNCTION_H_
