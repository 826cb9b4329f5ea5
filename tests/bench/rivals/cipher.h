// AES-128 of libcrypto: the oracle of what the rivals decrypt, and one of them.
#ifndef WARD_TESTS_BENCH_RIVALS_CIPHER_H_
#define WARD_TESTS_BENCH_RIVALS_CIPHER_H_

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace ward::bench {

using Block = std::array<uint8_t, 16>;

class Cipher {
 public:
  enum class Mode { kCtr, kCbc, kEcb };  // none of them padded
  enum class Direction { kDecrypt, kEncrypt };

  // Throws std::runtime_error, as the other one.
  Cipher(Mode mode, Direction direction, const Block& key);

  // Whole blocks, or any number of bytes with CTR; `iv` anew each time, with the key of before.
  void Run(const Block& iv, ConstByteSpan input, uint8_t* output);

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_CIPHER_H_
