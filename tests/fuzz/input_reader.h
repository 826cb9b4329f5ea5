// Takes numbers from a fuzzer's input; zeros once it is used up.
#ifndef WARD_TESTS_FUZZ_INPUT_READER_H_
#define WARD_TESTS_FUZZ_INPUT_READER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace ward::fuzz {

class InputReader {
 public:
  explicit InputReader(ConstByteSpan input) : input_(input) {}
  bool empty() const { return input_.empty(); }
  size_t size() const { return input_.size(); }  // what is left

  template <typename T>
  T Take() {
    uint8_t bytes[sizeof(T)] = {};
    TakeBytes(bytes);
    return LoadLe<T>(bytes);
  }
  void TakeBytes(ByteSpan destination) {
    const size_t count = std::min(destination.size(), input_.size());
    if (count != 0) std::memcpy(destination.data(), input_.data(), count);
    std::fill(destination.begin() + static_cast<ptrdiff_t>(count), destination.end(), uint8_t{0});
    input_ = input_.subspan(count);
  }

 private:
  ConstByteSpan input_;
};

// What a number of an input, whatever it is, stands for in a table.
template <typename T, size_t kCount>
const T& Pick(const T (&table)[kCount], uint32_t choice) {
  return table[choice % kCount];
}

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_INPUT_READER_H_
