// Looks for secrets in bytes that leave the chip (P1, P2): any eight bytes in a row of one, in
// either order. Canaries only show whole bytes; what leaks otherwise is non_interference's to find.
#ifndef WARD_TESTS_FUZZ_DEVICE_SECRET_SCANNER_H_
#define WARD_TESTS_FUZZ_DEVICE_SECRET_SCANNER_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {

class SecretScanner {
 public:
  static constexpr size_t kWindowBytes = 8;

  // Each window of the secret, forwards and backwards; `name` is the oracle's, a literal.
  void Add(const char* name, ConstByteSpan secret);
  // The name of the oracle whose secret stands in the bytes; null: none does.
  WARD_UNINSTRUMENTED const char* Find(ConstByteSpan bytes) const;

 private:
  struct Window {
    uint64_t bytes;
    const char* name;
  };
  void AddWindows(const char* name, const std::vector<uint8_t>& secret);
  WARD_UNINSTRUMENTED const char* FindIn(const uint8_t* begin, size_t size) const;
  // Each window begins with five that hold four bytes, one of which lies at a multiple of five of
  // what is looked at: only those are looked up. A number for four bytes:
  WARD_UNINSTRUMENTED static uint32_t HashOf(uint32_t word) { return word * 0x9e3779b1u >> 16; }

  uint64_t words_[1024] = {};  // bit n: some four bytes of a secret have the number n
  std::vector<Window> windows_;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_SECRET_SCANNER_H_
