// The application's side of trust: the device's certificate chain, verified to a root that the
// application brought.
#ifndef WARD_EXAMPLES_PROTECTED_PLAYER_CERTIFICATE_CHAIN_H_
#define WARD_EXAMPLES_PROTECTED_PLAYER_CERTIFICATE_CHAIN_H_

#include <openssl/evp.h>

#include <memory>
#include <string>

#include "base/bytes.h"

namespace ward::examples {

struct FreePublicKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using PublicKey = std::unique_ptr<EVP_PKEY, FreePublicKey>;

struct VerifiedLeaf {
  PublicKey key;        // RSA-2048
  std::string subject;  // for people
};

// `bundle` is PKCS#7 certs-only in DER. The leaf is the certificate that is nobody's issuer,
// wherever it stands. Throws StepFailure (step "certificate") when the bundle can't be read, the
// chain does not end at `root_pem`, or the key is not RSA-2048.
VerifiedLeaf VerifyChain(ConstByteSpan bundle, const std::string& root_pem);

}  // namespace ward::examples

#endif  // WARD_EXAMPLES_PROTECTED_PLAYER_CERTIFICATE_CHAIN_H_
