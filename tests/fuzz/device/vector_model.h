// Which vectors the function may send, by what PCI says of MSI-X and what a guest can read of the
// masks: a vector that it may not send waits as a pending bit, and goes out when it may.
#ifndef WARD_TESTS_FUZZ_DEVICE_VECTOR_MODEL_H_
#define WARD_TESTS_FUZZ_DEVICE_VECTOR_MODEL_H_

#include <cstdint>

#include "abi/generated/pci.h"
#include "device/gpu.h"

namespace ward::fuzz {

class VectorModel {
 public:
  // Outlives this. Without MSI-X enabled in the function's own configuration space the host has one
  // of its own, and gets every vector.
  void UseFunction(device::Gpu* function);
  void Reset() { waiting_ = 0; }

  // The chip's trace says that a source is to send this one.
  void OnRaised(uint32_t vector) { waiting_ |= vector < abi::kVectorCount ? 1u << vector : 0; }
  // The host got it.
  void OnSent(uint32_t vector);
  // Behind a write of the configuration space or of the vectors' table, and at the end: what waits
  // is pending, and has something to wait for.
  void Check() const {
    if (waiting_ != 0) CheckWaiting();
  }

 private:
  uint32_t Control() const { return function_->ReadConfig(msix_ + 2, 2); }
  // All of them: masked by the function, without bus mastering, or asleep.
  bool HoldsBack(uint32_t control) const;
  bool IsMasked(uint32_t vector) const;
  void CheckWaiting() const;

  device::Gpu* function_ = nullptr;
  uint32_t msix_ = 0;  // capabilities
  uint32_t power_ = 0;
  uint32_t waiting_ = 0;  // raised, and not sent
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_VECTOR_MODEL_H_
