#include "tests/conformance/content_protection/application_crypto.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include <memory>
#include <stdexcept>

namespace ward::test {
namespace {

void Demand(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("libcrypto: ") + what);
}

}  // namespace

Key Cmac(const Key& key, ConstByteSpan data) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(
      EVP_MAC_fetch(nullptr, "CMAC", nullptr), &EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
      EVP_MAC_CTX_new(mac.get()), &EVP_MAC_CTX_free);
  char cipher[] = "AES-128-CBC";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
      OSSL_PARAM_construct_end()};
  Key tag{};
  size_t size = 0;
  Demand(EVP_MAC_init(context.get(), key.data(), key.size(), parameters) == 1 &&
             EVP_MAC_update(context.get(), data.data(), data.size()) == 1 &&
             EVP_MAC_final(context.get(), tag.data(), &size, tag.size()) == 1 && size == tag.size(),
         "CMAC");
  return tag;
}

std::vector<uint8_t> WrapOaep(EVP_PKEY* key, ConstByteSpan plain, const std::string& digest) {
  const EVP_MD* hash = EVP_get_digestbyname(digest.c_str());
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new(key, nullptr), &EVP_PKEY_CTX_free);
  EVP_PKEY_CTX* raw = context.get();
  Demand(EVP_PKEY_encrypt_init(raw) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(raw, RSA_PKCS1_OAEP_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_oaep_md(raw, hash) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(raw, hash) == 1,
         "OAEP");
  std::vector<uint8_t> blob(256);
  size_t size = blob.size();
  Demand(EVP_PKEY_encrypt(raw, blob.data(), &size, plain.data(), plain.size()) == 1 &&
             size == blob.size(),
         "RSA");
  return blob;
}

std::vector<uint8_t> RunCtr(const Key& key, const Key& counter_block, ConstByteSpan data) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::vector<uint8_t> result(data.size());
  int size = 0;
  Demand(EVP_EncryptInit_ex(context.get(), EVP_aes_128_ctr(), nullptr, key.data(),
                            counter_block.data()) == 1 &&
             EVP_EncryptUpdate(context.get(), result.data(), &size, data.data(),
                               static_cast<int>(data.size())) == 1,
         "CTR");
  return result;
}

Key Xor(const Key& a, const Key& b) {
  Key result{};
  for (size_t i = 0; i < result.size(); ++i) result[i] = a[i] ^ b[i];
  return result;
}

}  // namespace ward::test
