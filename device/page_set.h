// A set of page numbers below a fixed end, whose members can be found in order.
#ifndef WARD_DEVICE_PAGE_SET_H_
#define WARD_DEVICE_PAGE_SET_H_

#include <bit>
#include <cstdint>
#include <vector>

namespace ward::device {

class PageSet {
 public:
  explicit PageSet(uint64_t end) : words_((end + kBits - 1) / kBits) {}

  bool empty() const { return size_ == 0; }
  uint64_t size() const { return size_; }
  bool Has(uint64_t page) const { return (words_[page / kBits] >> page % kBits & 1) != 0; }
  void Add(uint64_t page) {
    size_ += Has(page) ? 0 : 1;
    words_[page / kBits] |= uint64_t{1} << page % kBits;
  }
  void Remove(uint64_t page) {
    size_ -= Has(page) ? 1 : 0;
    words_[page / kBits] &= ~(uint64_t{1} << page % kBits);
  }
  void Clear() {
    words_.assign(words_.size(), 0);
    size_ = 0;
  }
  // The lowest member. Not of an empty set.
  uint64_t First() const {
    uint64_t word = 0;
    while (words_[word] == 0) ++word;
    return word * kBits + static_cast<uint64_t>(std::countr_zero(words_[word]));
  }

 private:
  static constexpr uint64_t kBits = 64;

  std::vector<uint64_t> words_;
  uint64_t size_ = 0;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_PAGE_SET_H_
