// libcrypto in the guest's user space: the key stays, each decryption has its IV.
#ifndef WARD_TESTS_BENCH_RIVALS_LIBCRYPTO_DECRYPTION_H_
#define WARD_TESTS_BENCH_RIVALS_LIBCRYPTO_DECRYPTION_H_

#include <cstdint>
#include <vector>

#include "tests/bench/rivals/cipher.h"
#include "tests/bench/rivals/decryption.h"

namespace ward::bench {

class LibcryptoDecryption final : public Decryption {
 public:
  explicit LibcryptoDecryption(const Message* message);

  const char* Kind() const override { return "libcrypto"; }

 private:
  void Prepare(size_t bytes) override { output_.assign(bytes, 0); }
  void Decrypt(size_t bytes) override;
  void Check(size_t) override { message().Check(output_); }

  Cipher cipher_;
  std::vector<uint8_t> output_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_LIBCRYPTO_DECRYPTION_H_
