#include "device/crypto/drbg.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/crypto/hex.h"

namespace ward::device {
namespace {

using test::Bytes;

Drbg::Seed MakeSeed(uint8_t first) {
  Drbg::Seed seed;
  for (size_t i = 0; i < Drbg::Seed::kSizeBytes; ++i) {
    seed.Expose()[i] = static_cast<uint8_t>(first + 11 * i);
  }
  return seed;
}

// libcrypto's CTR_DRBG over its test source, which hands out given entropy.
class ReferenceDrbg {
 public:
  explicit ReferenceDrbg(const Drbg::Seed& seed) {
    EVP_RAND* test_source = EVP_RAND_fetch(nullptr, "TEST-RAND", nullptr);
    EVP_RAND* ctr_drbg = EVP_RAND_fetch(nullptr, "CTR-DRBG", nullptr);
    source_ = EVP_RAND_CTX_new(test_source, nullptr);
    drbg_ = EVP_RAND_CTX_new(ctr_drbg, source_);
    EVP_RAND_free(test_source);
    EVP_RAND_free(ctr_drbg);
    unsigned strength = 256;
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint(OSSL_RAND_PARAM_STRENGTH, &strength),
                               OSSL_PARAM_construct_end()};
    REQUIRE(EVP_RAND_CTX_set_params(source_, parameters) == 1);
    Feed(seed);
    REQUIRE(EVP_RAND_instantiate(source_, 128, 0, nullptr, 0, nullptr) == 1);
    char cipher[] = "AES-128-CTR";
    int derivation = 0;
    OSSL_PARAM drbg_parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_int(OSSL_DRBG_PARAM_USE_DF, &derivation), OSSL_PARAM_construct_end()};
    // A null personalisation would stand for libcrypto's own text.
    const uint8_t no_personalisation[1] = {};
    REQUIRE(EVP_RAND_instantiate(drbg_, 128, 0, no_personalisation, 0, drbg_parameters) == 1);
  }
  ~ReferenceDrbg() {
    EVP_RAND_CTX_free(drbg_);
    EVP_RAND_CTX_free(source_);
  }
  void Reseed(const Drbg::Seed& seed) {
    Feed(seed);
    REQUIRE(EVP_RAND_reseed(drbg_, 0, nullptr, 0, nullptr, 0) == 1);
  }
  Bytes Generate(size_t size) {
    Bytes bytes(size);
    REQUIRE(EVP_RAND_generate(drbg_, bytes.data(), size, 128, 0, nullptr, 0) == 1);
    return bytes;
  }

 private:
  void Feed(const Drbg::Seed& seed) {
    Bytes bytes(seed.Expose().begin(), seed.Expose().end());
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_ENTROPY, bytes.data(), bytes.size()),
        OSSL_PARAM_construct_end()};
    REQUIRE(EVP_RAND_CTX_set_params(source_, parameters) == 1);
  }

  EVP_RAND_CTX* source_ = nullptr;
  EVP_RAND_CTX* drbg_ = nullptr;
};

Bytes Generate(Drbg& drbg, size_t size) {
  Bytes bytes(size);
  REQUIRE(drbg.Generate(bytes));
  return bytes;
}

TEST_CASE("DRBG agrees with libcrypto's CTR_DRBG over requests of many sizes and a reseed") {
  Drbg drbg;
  REQUIRE(drbg.Instantiate(MakeSeed(3)));
  ReferenceDrbg reference(MakeSeed(3));
  for (const size_t size : {16, 1, 15, 17, 64, 1000, 4096}) {
    INFO("size " << size);
    CHECK(Generate(drbg, size) == reference.Generate(size));
  }
  REQUIRE(drbg.Reseed(MakeSeed(99)));
  reference.Reseed(MakeSeed(99));
  CHECK(Generate(drbg, 64) == reference.Generate(64));
  CHECK(Generate(drbg, 64) == reference.Generate(64));
}

TEST_CASE("DRBG gives the same bytes for the same seed and others for another") {
  Drbg a;
  Drbg b;
  Drbg c;
  REQUIRE(a.Instantiate(MakeSeed(1)));
  REQUIRE(b.Instantiate(MakeSeed(1)));
  REQUIRE(c.Instantiate(MakeSeed(2)));
  const Bytes bytes = Generate(a, 32);
  CHECK(Generate(b, 32) == bytes);
  CHECK(Generate(c, 32) != bytes);
  CHECK(Generate(a, 32) != bytes);
}

TEST_CASE("DRBG without a seed gives zeros and says no") {
  Drbg drbg;
  Bytes bytes(16, 0xaa);
  CHECK_FALSE(drbg.Generate(bytes));
  CHECK(bytes == Bytes(16));
  REQUIRE(drbg.Instantiate(MakeSeed(1)));
  drbg.Wipe();
  CHECK_FALSE(drbg.seeded());
  CHECK_FALSE(drbg.Generate(bytes));
}

}  // namespace
}  // namespace ward::device
