// A set of numbers of pages, or of other things, below a fixed end; its members are found in order.
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
  // The lowest member from `page` on; kNone when there is none.
  static constexpr uint64_t kNone = UINT64_MAX;
  uint64_t Next(uint64_t page) const {
    uint64_t word = page / kBits;
    if (word >= words_.size()) return kNone;
    uint64_t members = words_[word] & ~uint64_t{0} << page % kBits;
    while (members == 0) {
      if (++word == words_.size()) return kNone;
      members = words_[word];
    }
    return word * kBits + static_cast<uint64_t>(std::countr_zero(members));
  }
  // Not of an empty set.
  uint64_t First() const { return Next(0); }

  // Bytes of the host's memory that it takes.
  uint64_t MemoryBytes() const { return words_.capacity() * sizeof(words_[0]); }

 private:
  static constexpr uint64_t kBits = 64;

  std::vector<uint64_t> words_;
  uint64_t size_ = 0;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_PAGE_SET_H_
