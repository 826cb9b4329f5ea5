// The memory that the runtime sets aside for a driver's object: the size is the one that the
// driver's CalcPrivate...Size gave.
#ifndef WARD_RUNTIME_PRIVATE_MEMORY_H_
#define WARD_RUNTIME_PRIVATE_MEMORY_H_

#include <cstddef>
#include <memory>
#include <new>

namespace ward::runtime {

class PrivateMemory {
 public:
  // Zeroed and aligned for anything. False for (SIZE_T)-1, by which a driver says that it failed,
  // and when there is no memory; the creation then ends with E_OUTOFMEMORY.
  bool Allocate(size_t size_bytes) {
    if (size_bytes == static_cast<size_t>(-1)) return false;
    const size_t units = size_bytes / sizeof(std::max_align_t) + 1;
    memory_.reset(new (std::nothrow) std::max_align_t[units]());
    return memory_ != nullptr;
  }
  void* get() const { return memory_.get(); }

 private:
  std::unique_ptr<std::max_align_t[]> memory_;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_PRIVATE_MEMORY_H_
