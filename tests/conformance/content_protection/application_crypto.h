// The application's side of the cryptography, by libcrypto: nothing of it is shared with the
// device.
#ifndef WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_APPLICATION_CRYPTO_H_
#define WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_APPLICATION_CRYPTO_H_

#include <openssl/evp.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/integration/application.h"

namespace ward::test {

// AES-128-CMAC (RFC 4493).
Key Cmac(const Key& key, ConstByteSpan data);
// RSAES-OAEP with an empty label; `digest` is the hash and MGF1's.
std::vector<uint8_t> WrapOaep(EVP_PKEY* key, ConstByteSpan plain,
                              const std::string& digest = "SHA512");
// AES-128-CTR with a 128-bit counter: the device's own from a Count that does not overflow.
std::vector<uint8_t> RunCtr(const Key& key, const Key& counter_block, ConstByteSpan data);
Key Xor(const Key& a, const Key& b);

}  // namespace ward::test

#endif  // WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_APPLICATION_CRYPTO_H_
