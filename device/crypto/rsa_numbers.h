// Whether the eight numbers of an RSA private key belong together. Whether its factors are prime is
// another question, which takes libcrypto some 40 ms to answer and this 0.1 ms not to ask.
#ifndef WARD_DEVICE_CRYPTO_RSA_NUMBERS_H_
#define WARD_DEVICE_CRYPTO_RSA_NUMBERS_H_

struct evp_pkey_st;  // libcrypto's EVP_PKEY

namespace ward::device {

// RFC 8017, 3.2: n = p q with both above 1, e d = 1 modulo p - 1 and q - 1, dP and dQ are d modulo
// the same, q qInv = 1 modulo p. False too for a key that lacks one of them or is longer than 2048
// bits, and when libcrypto fails.
[[nodiscard]] bool RsaNumbersAgree(const evp_pkey_st* key);

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_RSA_NUMBERS_H_
