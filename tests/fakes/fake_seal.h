// The operator's seal key and its count, in memory: whoever holds such an object shares the count.
#ifndef WARD_TESTS_FAKES_FAKE_SEAL_H_
#define WARD_TESTS_FAKES_FAKE_SEAL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/secret_bytes.h"
#include "device/ports.h"

namespace ward::fakes {

// The operator's key and its count, in memory.
class FakeSeal final : public device::StateSeal {
 public:
  explicit FakeSeal(uint8_t first_byte = 0x42) {
    for (size_t i = 0; i < key_.Expose().size(); ++i) {
      key_.Expose()[i] = static_cast<uint8_t>(first_byte + 37 * i);
    }
  }
  const SecretBytes<32>& Key() const override { return key_; }
  uint64_t IssueGeneration() override { return records ? ++issued : 0; }
  Outcome Resume(uint64_t generation) override {
    if (!records) return Outcome::kFailed;
    if (generation <= resumed) return Outcome::kSpent;
    issued = std::max(issued, generation);
    resumed = issued;
    return Outcome::kDone;
  }

  bool records = true;
  uint64_t issued = 0;
  uint64_t resumed = 0;

 private:
  SecretBytes<32> key_;
};

}  // namespace ward::fakes

#endif  // WARD_TESTS_FAKES_FAKE_SEAL_H_
