// OpenSSL's AES-128-CTR, as a driver would call it.
#ifndef WARD_TESTS_BENCH_CHIP_EVP_H_
#define WARD_TESTS_BENCH_CHIP_EVP_H_

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace ward::bench {

// A context and a cipher that is fetched once. Throws std::runtime_error.
class Evp {
 public:
  // `key` is 16 bytes.
  explicit Evp(const uint8_t* key) {
    std::memcpy(key_, key, sizeof(key_));
    Require(context_ != nullptr && cipher_ != nullptr);
    StartWithKey();
  }
  ~Evp() {
    EVP_CIPHER_CTX_free(context_);
    EVP_CIPHER_free(cipher_);
  }
  Evp(const Evp&) = delete;
  Evp& operator=(const Evp&) = delete;

  void StartWithKey() {
    Require(EVP_EncryptInit_ex2(context_, cipher_, key_, kCounter, nullptr) == 1);
  }
  void StartWithIv() {
    Require(EVP_EncryptInit_ex2(context_, nullptr, nullptr, kCounter, nullptr) == 1);
  }
  void Update(const uint8_t* source, uint8_t* destination, size_t size) {
    int written = 0;
    Require(EVP_EncryptUpdate(context_, destination, &written, source, static_cast<int>(size)) ==
            1);
  }

 private:
  static constexpr uint8_t kCounter[16] = {1};
  static void Require(bool holds) {
    if (!holds) throw std::runtime_error("libcrypto's AES failed");
  }

  EVP_CIPHER_CTX* context_ = EVP_CIPHER_CTX_new();
  EVP_CIPHER* cipher_ = EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr);
  uint8_t key_[16];
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_EVP_H_
