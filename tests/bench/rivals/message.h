// What everyone decrypts: the same bytes, under one key, as AES-128-CTR and as CBC.
#ifndef WARD_TESTS_BENCH_RIVALS_MESSAGE_H_
#define WARD_TESTS_BENCH_RIVALS_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "tests/bench/rivals/cipher.h"

namespace ward::bench {

class Message {
 public:
  static constexpr size_t kMaximumBytes = 32u << 20;

  // Made by libcrypto. Throws std::runtime_error.
  Message();

  const Block& key() const { return key_; }
  const Block& iv() const { return iv_; }
  // The first `bytes` of each, at most kMaximumBytes; a beginning of one decrypts to the other's.
  ConstByteSpan Plain(size_t bytes) const { return ConstByteSpan(plain_).first(bytes); }
  ConstByteSpan Encrypted(Cipher::Mode mode, size_t bytes) const {
    return ConstByteSpan(mode == Cipher::Mode::kCbc ? cbc_ : ctr_).first(bytes);
  }
  // Throws std::runtime_error when that is not how the message begins.
  void Check(ConstByteSpan decrypted) const;

 private:
  Block key_;
  Block iv_;
  std::vector<uint8_t> plain_;
  std::vector<uint8_t> ctr_;
  std::vector<uint8_t> cbc_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_MESSAGE_H_
