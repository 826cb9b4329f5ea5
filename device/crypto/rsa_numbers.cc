#include "device/crypto/rsa_numbers.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <array>

#include "base/secret_bytes.h"
#include "device/crypto/openssl_handles.h"

namespace ward::device {
namespace {

using ScratchHandle = OpenSslHandle<BN_CTX, BN_CTX_free>;

enum Number { kN, kE, kD, kP, kQ, kExponentP, kExponentQ, kCoefficient, kNumberCount };
constexpr std::array<const char*, kNumberCount> kNames = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,           OSSL_PKEY_PARAM_RSA_D,
    OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,     OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
constexpr size_t kMaxNumberBytes = 256;  // of a 2048-bit key

using Numbers = std::array<BigNumberHandle, kNumberCount>;

// False when one is missing or longer. EVP_PKEY_get_bn_param would leave each on the stack.
bool Read(const EVP_PKEY* key, Numbers* numbers) {
  SecretBytes<kMaxNumberBytes * kNumberCount> bytes;
  std::array<OSSL_PARAM, kNumberCount + 1> wanted;
  for (size_t i = 0; i < kNumberCount; ++i) {
    wanted[i] = OSSL_PARAM_construct_BN(kNames[i], bytes.Expose().data() + i * kMaxNumberBytes,
                                        kMaxNumberBytes);
  }
  wanted[kNumberCount] = OSSL_PARAM_construct_end();
  if (EVP_PKEY_get_params(key, wanted.data()) != 1) return false;
  for (size_t i = 0; i < kNumberCount; ++i) {
    BIGNUM* number = nullptr;
    if (OSSL_PARAM_modified(&wanted[i]) != 1 || OSSL_PARAM_get_BN(&wanted[i], &number) != 1) {
      return false;
    }
    BN_set_flags(number, BN_FLG_CONSTTIME);  // a division takes as long as for any other
    (*numbers)[i].reset(number);
  }
  return true;
}

// a b = 1 modulo m.
bool IsInverse(const BIGNUM* a, const BIGNUM* b, const BIGNUM* m, BN_CTX* scratch) {
  const BigNumberHandle product(BN_secure_new());
  return product && BN_mod_mul(product.get(), a, b, m, scratch) == 1 &&
         BN_is_one(product.get()) == 1;
}

bool IsRemainder(const BIGNUM* remainder, const BIGNUM* number, const BIGNUM* m, BN_CTX* scratch) {
  const BigNumberHandle expected(BN_secure_new());
  return expected && BN_mod(expected.get(), number, m, scratch) == 1 &&
         BN_cmp(expected.get(), remainder) == 0;
}

// What the exponents have to be modulo `factor` - 1.
bool ExponentsFit(const BIGNUM* factor, const BIGNUM* public_exponent, const BIGNUM* exponent,
                  const BIGNUM* own_exponent, BN_CTX* scratch) {
  const BigNumberHandle order(BN_dup(factor));
  if (!order || BN_sub_word(order.get(), 1) != 1 || BN_is_zero(order.get()) == 1) return false;
  BN_set_flags(order.get(), BN_FLG_CONSTTIME);
  return IsInverse(public_exponent, exponent, order.get(), scratch) &&
         IsRemainder(own_exponent, exponent, order.get(), scratch);
}

}  // namespace

bool RsaNumbersAgree(const evp_pkey_st* key) {
  const OpenSslErrorScope errors;
  Numbers all;
  const ScratchHandle scratch(BN_CTX_secure_new());
  const BigNumberHandle product(BN_secure_new());
  if (!scratch || !product || !Read(key, &all)) return false;
  const auto number = [&all](Number which) { return all[which].get(); };
  BN_CTX* const work = scratch.get();
  return BN_mul(product.get(), number(kP), number(kQ), work) == 1 &&
         BN_cmp(product.get(), number(kN)) == 0 &&
         ExponentsFit(number(kP), number(kE), number(kD), number(kExponentP), work) &&
         ExponentsFit(number(kQ), number(kE), number(kD), number(kExponentQ), work) &&
         IsInverse(number(kQ), number(kCoefficient), number(kP), work);
}

}  // namespace ward::device
