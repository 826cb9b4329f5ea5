#include "device/crypto/rsa_numbers.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <array>

#include "catch2/catch_test_macros.hpp"
#include "device/crypto/openssl_handles.h"
#include "device/crypto/rsa_private_key.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/vector_file.h"

namespace ward::device {
namespace {

using test::FromHex;
using ScratchHandle = OpenSslHandle<BN_CTX, BN_CTX_free>;
using BuilderHandle = OpenSslHandle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParametersHandle = OpenSslHandle<OSSL_PARAM, OSSL_PARAM_free>;

struct Named {
  const char* vector_name;
  const char* name;
};
constexpr std::array<Named, 8> kNumbers = {{
    {"modulus", OSSL_PKEY_PARAM_RSA_N},
    {"publicExponent", OSSL_PKEY_PARAM_RSA_E},
    {"privateExponent", OSSL_PKEY_PARAM_RSA_D},
    {"prime1", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"prime2", OSSL_PKEY_PARAM_RSA_FACTOR2},
    {"exponent1", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"exponent2", OSSL_PKEY_PARAM_RSA_EXPONENT2},
    {"coefficient", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
}};
using Numbers = std::array<BigNumberHandle, kNumbers.size()>;

BigNumberHandle FromVector(const nlohmann::json& key, const char* name) {
  BIGNUM* number = nullptr;
  REQUIRE(BN_hex2bn(&number, key[name].get<std::string>().c_str()) > 0);
  return BigNumberHandle(number);
}

Numbers PublishedNumbers() {
  const nlohmann::json key = test::ReadVectorFile(
      "rsa_oaep_2048_sha512_mgf1sha512_test.json")["testGroups"][0]["privateKey"];
  Numbers numbers;
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = FromVector(key, kNumbers[i].vector_name);
  }
  return numbers;
}

KeyHandle MakeKey(const Numbers& numbers, size_t count = kNumbers.size()) {
  const BuilderHandle builder(OSSL_PARAM_BLD_new());
  for (size_t i = 0; i < count; ++i) {
    REQUIRE(OSSL_PARAM_BLD_push_BN(builder.get(), kNumbers[i].name, numbers[i].get()) == 1);
  }
  const ParametersHandle parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContextHandle context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  REQUIRE(EVP_PKEY_fromdata_init(context.get()) == 1);
  REQUIRE(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.get()) == 1);
  return KeyHandle(key);
}

// Numbers that agree, around 2048 bits of n, although the first factor is a product.
Numbers NumbersOfThreePrimes() {
  const ScratchHandle scratch(BN_CTX_new());
  Numbers made;
  for (BigNumberHandle& number : made) number.reset(BN_new());
  const auto& [n, e, d, p, q, p_exponent, q_exponent, coefficient] = made;
  const BigNumberHandle part(BN_new());
  const BigNumberHandle p_order(BN_new());
  const BigNumberHandle q_order(BN_new());
  const BigNumberHandle order(BN_new());
  BN_set_word(e.get(), 65537);
  BN_CTX* const work = scratch.get();
  do {
    // With both top bits set, the product keeps its length.
    REQUIRE(BN_generate_prime_ex(p.get(), 512, 0, nullptr, nullptr, nullptr) == 1);
    REQUIRE(BN_generate_prime_ex(part.get(), 512, 0, nullptr, nullptr, nullptr) == 1);
    REQUIRE(BN_generate_prime_ex(q.get(), 1024, 0, nullptr, nullptr, nullptr) == 1);
    BN_mul(p.get(), p.get(), part.get(), work);
    BN_mul(n.get(), p.get(), q.get(), work);
    BN_sub(p_order.get(), p.get(), BN_value_one());
    BN_sub(q_order.get(), q.get(), BN_value_one());
    BN_mul(order.get(), p_order.get(), q_order.get(), work);
  } while (BN_num_bits(n.get()) != 2048 ||
           BN_mod_inverse(d.get(), e.get(), order.get(), work) == nullptr);
  BN_mod(p_exponent.get(), d.get(), p_order.get(), work);
  BN_mod(q_exponent.get(), d.get(), q_order.get(), work);
  REQUIRE(BN_mod_inverse(coefficient.get(), q.get(), p.get(), work) != nullptr);
  return made;
}

TEST_CASE("the numbers of a published key agree") {
  CHECK(RsaNumbersAgree(MakeKey(PublishedNumbers()).get()));
}

TEST_CASE("no one number of an RSA key can be another") {
  for (size_t i = 0; i < kNumbers.size(); ++i) {
    for (const int bit : {1, 2, 15}) {
      INFO(kNumbers[i].vector_name << ", bit " << bit);
      Numbers numbers = PublishedNumbers();
      const bool was_set = BN_is_bit_set(numbers[i].get(), bit) == 1;
      REQUIRE((was_set ? BN_clear_bit : BN_set_bit)(numbers[i].get(), bit) == 1);
      const KeyHandle key = MakeKey(numbers);
      CHECK_FALSE(RsaNumbersAgree(key.get()));
      const char* reason = nullptr;
      CHECK_FALSE(RsaPrivateKey::FromCertified(key.get(), &reason).has_value());
    }
  }
}

TEST_CASE("factors of one and of n do not make an RSA key") {
  Numbers numbers = PublishedNumbers();
  BN_one(numbers[3].get());
  BN_copy(numbers[4].get(), numbers[0].get());
  CHECK_FALSE(RsaNumbersAgree(MakeKey(numbers).get()));
}

TEST_CASE("a key without its factors does not load") {
  const KeyHandle key = MakeKey(PublishedNumbers(), 3);
  CHECK_FALSE(RsaNumbersAgree(key.get()));
  const char* reason = nullptr;
  CHECK_FALSE(RsaPrivateKey::FromHandle(key.get(), &reason).has_value());
}

TEST_CASE("whether the factors are prime is asked of a key that nobody certifies") {
  const KeyHandle key = MakeKey(NumbersOfThreePrimes());
  const char* reason = nullptr;
  CHECK_FALSE(RsaPrivateKey::FromHandle(key.get(), &reason).has_value());
  CHECK(std::string(reason) == "is damaged: its numbers do not form a pair");
  CHECK(RsaPrivateKey::FromCertified(key.get(), &reason).has_value());
}

}  // namespace
}  // namespace ward::device
