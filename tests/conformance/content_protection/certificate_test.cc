// CPAuthChannelAPI: the certificate container, opened with libcrypto alone (4.3, R12).
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include <memory>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"

namespace ward::test {
namespace {

struct Pkcs7Freer {
  void operator()(PKCS7* container) const { PKCS7_free(container); }
};
using Pkcs7Pointer = std::unique_ptr<PKCS7, Pkcs7Freer>;

bool IsIssuer(X509* candidate, const STACK_OF(X509) * certificates) {
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    X509* other = sk_X509_value(certificates, i);
    if (X509_NAME_cmp(X509_get_issuer_name(other), X509_get_subject_name(candidate)) == 0) {
      return true;
    }
  }
  return false;
}

// Its place is no proof: the container is a SET OF.
std::vector<X509*> FindLeaves(const STACK_OF(X509) * certificates) {
  std::vector<X509*> leaves;
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    X509* candidate = sk_X509_value(certificates, i);
    if (!IsIssuer(candidate, certificates)) leaves.push_back(candidate);
  }
  return leaves;
}

TEST_CASE(
    "CPAuthChannelAPI.CertificateLeaf: one certificate is nobody's issuer, the device's (R12)") {
  Stage stage;
  ChannelParty channel(&stage.process);
  uint32_t size_bytes = 0;
  REQUIRE(channel.channel->GetCertificateSize(&size_bytes) == S_OK);
  std::vector<uint8_t> bundle(size_bytes);
  REQUIRE(channel.channel->GetCertificate(bundle) == S_OK);
  const uint8_t* at = bundle.data();
  const Pkcs7Pointer container(d2i_PKCS7(nullptr, &at, static_cast<long>(bundle.size())));
  REQUIRE(container != nullptr);
  CHECK(at == bundle.data() + bundle.size());
  REQUIRE(PKCS7_type_is_signed(container.get()));
  CHECK(sk_PKCS7_SIGNER_INFO_num(container->d.sign->signer_info) <= 0);
  const std::vector<X509*> leaves = FindLeaves(container->d.sign->cert);
  REQUIRE(leaves.size() == 1);
  CHECK(X509_check_ca(leaves[0]) == 0);
  // Its key is the one that the device unwraps with.
  EVP_PKEY* key = X509_get0_pubkey(leaves[0]);
  REQUIRE(key != nullptr);
  CHECK(channel.NegotiateBlob(WrapOaep(key, kSessionKey)) == S_OK);
}

}  // namespace
}  // namespace ward::test
