#include "tests/bench/rivals/wrapped_key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>

namespace ward::bench {
namespace {

template <typename T, void (*kFree)(T*)>
struct Freer {
  void operator()(T* object) const { kFree(object); }
};
template <typename T, void (*kFree)(T*)>
using Handle = std::unique_ptr<T, Freer<T, kFree>>;

void Require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("wrapping a key: " + what);
}

}  // namespace

std::vector<uint8_t> WrapKey(const Block& key, const std::string& certificate) {
  const Handle<BIO, BIO_free_all> file(BIO_new_file(certificate.c_str(), "r"));
  Require(file != nullptr, "no file " + certificate);
  const Handle<X509, X509_free> leaf(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
  Require(leaf != nullptr, "no certificate");
  EVP_PKEY* device_key = X509_get0_pubkey(leaf.get());
  const Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new(device_key, nullptr));
  Require(context != nullptr && EVP_PKEY_encrypt_init(context.get()) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha512()) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha512()) == 1,
          "no RSAES-OAEP");
  size_t size = static_cast<size_t>(EVP_PKEY_get_size(device_key));
  std::vector<uint8_t> blob(size);
  Require(EVP_PKEY_encrypt(context.get(), blob.data(), &size, key.data(), key.size()) == 1 &&
              size == blob.size(),
          "it was not encrypted");
  return blob;
}

}  // namespace ward::bench
