// What libFuzzer calls to change inputs; not part of a replay.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/fuzz/vfio_user/wire_mutator.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

size_t Store(const std::vector<uint8_t>& input, uint8_t* data, size_t max_size) {
  const size_t size = std::min(input.size(), max_size);
  if (size != 0) std::memcpy(data, input.data(), size);
  return size;
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  // One in 16 by bytes alone, as no record would.
  if (seed % 16 == 0) return LLVMFuzzerMutate(data, size, max_size);
  ward::fuzz::WireMutator mutator(seed, LLVMFuzzerMutate);
  return Store(mutator.Mutate({data, size}), data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* one, size_t one_size,
                                            const uint8_t* other, size_t other_size, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  ward::fuzz::WireMutator mutator(seed, LLVMFuzzerMutate);
  return Store(mutator.CrossOver({one, one_size}, {other, other_size}), out, max_size);
}
