// Changes an input by whole records, and writes new ones that say something: the ABI's tables and
// the protocol's structures are where they come from.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_WIRE_MUTATOR_H_
#define WARD_TESTS_FUZZ_VFIO_USER_WIRE_MUTATOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "base/bytes.h"
#include "tests/fuzz/vfio_user/wire_script.h"

namespace ward::fuzz {

class WireMutator {
 public:
  // Changes the bytes of one record's arguments: (bytes, size, room) -> new size.
  using ChangeBytes = std::function<size_t(uint8_t*, size_t, size_t)>;

  WireMutator(uint32_t seed, ChangeBytes change) : random_(seed), change_(std::move(change)) {}

  std::vector<uint8_t> Mutate(ConstByteSpan input);
  std::vector<uint8_t> CrossOver(ConstByteSpan one, ConstByteSpan other);
  // A new record.
  Record Make();

 private:
  uint32_t Pick(size_t count) { return static_cast<uint32_t>(random_() % count); }
  void MutateOnce(std::vector<Record>* records);
  Record MakeMessage();
  std::vector<uint8_t> MakeBody(abi::vfio_user::Command command);
  std::vector<uint8_t> MakeVersion();
  std::vector<uint8_t> MakeAccess(bool writes);
  uint32_t InterestingNumber();
  uint8_t PickDescriptors();

  std::minstd_rand random_;
  ChangeBytes change_;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_WIRE_MUTATOR_H_
