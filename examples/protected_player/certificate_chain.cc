#include "examples/protected_player/certificate_chain.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "examples/protected_player/step_failure.h"

namespace ward::examples {
namespace {

constexpr int kKeyBits = 2048;

template <typename T, void (*kFree)(T*)>
struct Freer {
  void operator()(T* object) const { kFree(object); }
};
template <typename T, void (*kFree)(T*)>
using Handle = std::unique_ptr<T, Freer<T, kFree>>;
using CertificateHandle = Handle<X509, X509_free>;

[[noreturn]] void Refuse(const std::string& text) {
  throw StepFailure("certificate", "E_FAIL", text);
}

CertificateHandle ReadPem(const std::string& pem) {
  const Handle<BIO, BIO_free_all> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CertificateHandle certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) Refuse("the job's root is no certificate in PEM form");
  return certificate;
}

X509* FindLeaf(const STACK_OF(X509) * certificates) {
  X509* leaf = nullptr;
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    X509* candidate = sk_X509_value(certificates, i);
    bool is_issuer = false;
    for (int j = 0; j < sk_X509_num(certificates); ++j) {
      const X509_NAME* issuer = X509_get_issuer_name(sk_X509_value(certificates, j));
      if (X509_NAME_cmp(issuer, X509_get_subject_name(candidate)) == 0) is_issuer = true;
    }
    if (is_issuer) continue;
    if (leaf != nullptr) Refuse("the device's chain has two certificates that issued nothing");
    leaf = candidate;
  }
  if (leaf == nullptr) Refuse("the device's chain has no leaf");
  return leaf;
}

}  // namespace

VerifiedLeaf VerifyChain(ConstByteSpan bundle, const std::string& root_pem) {
  const uint8_t* at = bundle.data();
  const Handle<PKCS7, PKCS7_free> container(
      d2i_PKCS7(nullptr, &at, static_cast<long>(bundle.size())));
  if (container == nullptr || !PKCS7_type_is_signed(container.get())) {
    Refuse("the device's certificate is no PKCS#7 container");
  }
  STACK_OF(X509)* certificates = container->d.sign->cert;
  X509* leaf = FindLeaf(certificates);
  const CertificateHandle root = ReadPem(root_pem);
  const Handle<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  const Handle<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  if (X509_STORE_add_cert(store.get(), root.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), leaf, certificates) != 1) {
    Refuse("libcrypto can't verify the device's chain");
  }
  if (X509_verify_cert(context.get()) != 1) {
    const int error = X509_STORE_CTX_get_error(context.get());
    Refuse(std::string("the device's chain does not lead to the job's root: ") +
           X509_verify_cert_error_string(error));
  }
  VerifiedLeaf verified;
  verified.key.reset(X509_get_pubkey(leaf));
  if (verified.key == nullptr || EVP_PKEY_get_base_id(verified.key.get()) != EVP_PKEY_RSA ||
      EVP_PKEY_get_bits(verified.key.get()) != kKeyBits) {
    Refuse("the device's key is not RSA-2048");
  }
  char subject[256];
  X509_NAME_oneline(X509_get_subject_name(leaf), subject, sizeof(subject));
  verified.subject = subject;
  return verified;
}

}  // namespace ward::examples
