// How often a fault was tried, counted where it is tried: ./dev faults adds it up. Every unit test
// program has the counter (fault_tries.cc); a case that counts nothing is one try.
#ifndef WARD_TESTS_FAKES_FAULT_TRIES_H_
#define WARD_TESTS_FAKES_FAULT_TRIES_H_

#include <cstdint>

namespace ward::fakes {

// A fault is tried at least this often, with other random choices each time.
inline constexpr uint32_t kFaultRepeats = 100;

// A try begins, and the one before it is over. One in which an assertion failed is not survived.
void BeginFaultTry();

// The seed of try `index`: the same in every run, unless WARD_FAULT_SEED names others.
uint32_t FaultSeed(uint32_t index);

// for (const uint32_t seed : FaultSeeds()): each turn is a try.
class FaultSeeds {
 public:
  class Iterator {
   public:
    explicit Iterator(uint32_t index) : index_(index) {}
    uint32_t operator*() const {
      BeginFaultTry();
      return FaultSeed(index_);
    }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    uint32_t index_;
  };

  explicit FaultSeeds(uint32_t count = kFaultRepeats) : count_(count) {}
  Iterator begin() const { return Iterator(0); }
  Iterator end() const { return Iterator(count_); }

 private:
  uint32_t count_;
};

}  // namespace ward::fakes

#endif  // WARD_TESTS_FAKES_FAULT_TRIES_H_
