// Owners for libcrypto's objects. Private to the folders that call libcrypto.
#ifndef WARD_DEVICE_CRYPTO_OPENSSL_HANDLES_H_
#define WARD_DEVICE_CRYPTO_OPENSSL_HANDLES_H_

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

namespace ward::device {

template <auto kFree>
struct OpenSslFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

template <typename T, auto kFree>
using OpenSslHandle = std::unique_ptr<T, OpenSslFree<kFree>>;

using BioHandle = OpenSslHandle<BIO, BIO_free_all>;
using BigNumberHandle = OpenSslHandle<BIGNUM, BN_clear_free>;
using CipherHandle = OpenSslHandle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using MacHandle = OpenSslHandle<EVP_MAC, EVP_MAC_free>;
using MacContextHandle = OpenSslHandle<EVP_MAC_CTX, EVP_MAC_CTX_free>;
using KeyHandle = OpenSslHandle<EVP_PKEY, EVP_PKEY_free>;
using KeyContextHandle = OpenSslHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

// Drops what libcrypto queues about errors while it lives: those texts tell one failure from
// another. What the host queued before stays.
class OpenSslErrorScope {
 public:
  OpenSslErrorScope() { ERR_set_mark(); }
  ~OpenSslErrorScope() { ERR_pop_to_mark(); }
  OpenSslErrorScope(const OpenSslErrorScope&) = delete;
  OpenSslErrorScope& operator=(const OpenSslErrorScope&) = delete;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_OPENSSL_HANDLES_H_
