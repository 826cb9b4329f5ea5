// AES-128-CTR of libraries that only figures are held against. Each is there when the build found
// it: libgcrypt20-dev, nettle-dev.
#ifndef WARD_TESTS_BENCH_CHIP_OTHER_CIPHERS_H_
#define WARD_TESTS_BENCH_CHIP_OTHER_CIPHERS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ward::bench {

using CtrFunction = std::function<void(const uint8_t* source, uint8_t* destination, size_t size)>;

struct OtherCipher {
  std::string kind;  // "gcrypt", "nettle"
  CtrFunction run;   // from the counter on, under a key that was set before
};

// `key` and `counter` are 16 bytes.
std::vector<OtherCipher> MakeOtherCiphers(const uint8_t* key, const uint8_t* counter);

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_OTHER_CIPHERS_H_
