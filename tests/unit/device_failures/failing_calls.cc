#include "tests/unit/device_failures/failing_calls.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <new>

namespace ward::test {
namespace {

struct Calls {
  Failing failing = Failing::kNothing;
  uint64_t count = 0;
  uint64_t failing_at = 0;
};
// One thread's: the chip has none of its own.
constinit thread_local Calls calls;

bool Fails(Failing kind) { return calls.failing == kind && calls.count++ == calls.failing_at; }

void* Allocate(size_t size, const char*, int) {
  return Fails(Failing::kLibcryptoMemory) ? nullptr : std::malloc(size);
}
void* Reallocate(void* block, size_t size, const char*, int) {
  return Fails(Failing::kLibcryptoMemory) ? nullptr : std::realloc(block, size);
}
void Free(void* block, const char*, int) { std::free(block); }

// Before libcrypto has allocated anything, or it refuses.
[[maybe_unused]] const bool has_memory_functions = [] {
  if (CRYPTO_set_mem_functions(Allocate, Reallocate, Free) != 1) std::abort();
  return true;
}();

}  // namespace

FailingCall::FailingCall(Failing kind, uint64_t at) { calls = {kind, 0, at}; }
FailingCall::~FailingCall() { calls.failing = Failing::kNothing; }
bool FailingCall::WasReached() const { return calls.count > calls.failing_at; }

Unfailing::Unfailing() : before_(calls.failing) { calls.failing = Failing::kNothing; }
Unfailing::~Unfailing() { calls.failing = before_; }

}  // namespace ward::test

void* operator new(size_t size) {
  void* block = ward::test::Fails(ward::test::Failing::kHeap) ? nullptr : std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }

// A call that is made to fail says so, and does nothing.
#define WARD_FAILING_CALL(type, name, parameters, arguments)                                 \
  type __real_##name parameters;                                                             \
  type __wrap_##name parameters;                                                             \
  type __wrap_##name parameters {                                                            \
    return ward::test::Fails(ward::test::Failing::kLibcryptoCall) ? type{}                   \
                                                                  : __real_##name arguments; \
  }

using CipherContext = EVP_CIPHER_CTX*;
using Cipher = EVP_CIPHER*;
using KdfContext = EVP_KDF_CTX*;
using Kdf = EVP_KDF*;
using MacContext = EVP_MAC_CTX*;
using Mac = EVP_MAC*;
using DigestContext = EVP_MD_CTX*;
using PkeyContext = EVP_PKEY_CTX*;

extern "C" {
WARD_FAILING_CALL(CipherContext, EVP_CIPHER_CTX_new, (), ())
WARD_FAILING_CALL(int, EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX * a, int b, int c, void* d),
                  (a, b, c, d))
WARD_FAILING_CALL(int, EVP_CIPHER_CTX_reset, (EVP_CIPHER_CTX * a), (a))
WARD_FAILING_CALL(int, EVP_CIPHER_CTX_set_padding, (EVP_CIPHER_CTX * a, int b), (a, b))
WARD_FAILING_CALL(Cipher, EVP_CIPHER_fetch, (OSSL_LIB_CTX * a, const char* b, const char* c),
                  (a, b, c))
WARD_FAILING_CALL(int, EVP_CipherFinal_ex, (EVP_CIPHER_CTX * a, unsigned char* b, int* c),
                  (a, b, c))
WARD_FAILING_CALL(int, EVP_CipherInit_ex,
                  (EVP_CIPHER_CTX * a, const EVP_CIPHER* b, ENGINE* c, const unsigned char* d,
                   const unsigned char* e, int f),
                  (a, b, c, d, e, f))
WARD_FAILING_CALL(int, EVP_CipherInit_ex2,
                  (EVP_CIPHER_CTX * a, const EVP_CIPHER* b, const unsigned char* c,
                   const unsigned char* d, int e, const OSSL_PARAM* f),
                  (a, b, c, d, e, f))
WARD_FAILING_CALL(int, EVP_CipherUpdate,
                  (EVP_CIPHER_CTX * a, unsigned char* b, int* c, const unsigned char* d, int e),
                  (a, b, c, d, e))
WARD_FAILING_CALL(int, EVP_Digest,
                  (const void* a, size_t b, unsigned char* c, unsigned int* d, const EVP_MD* e,
                   ENGINE* f),
                  (a, b, c, d, e, f))
WARD_FAILING_CALL(int, EVP_DigestFinal_ex, (EVP_MD_CTX * a, unsigned char* b, unsigned int* c),
                  (a, b, c))
WARD_FAILING_CALL(int, EVP_DigestInit_ex, (EVP_MD_CTX * a, const EVP_MD* b, ENGINE* c), (a, b, c))
WARD_FAILING_CALL(int, EVP_DigestUpdate, (EVP_MD_CTX * a, const void* b, size_t c), (a, b, c))
WARD_FAILING_CALL(int, EVP_EncryptInit_ex2,
                  (EVP_CIPHER_CTX * a, const EVP_CIPHER* b, const unsigned char* c,
                   const unsigned char* d, const OSSL_PARAM* e),
                  (a, b, c, d, e))
WARD_FAILING_CALL(int, EVP_EncryptUpdate,
                  (EVP_CIPHER_CTX * a, unsigned char* b, int* c, const unsigned char* d, int e),
                  (a, b, c, d, e))
WARD_FAILING_CALL(KdfContext, EVP_KDF_CTX_new, (EVP_KDF * a), (a))
WARD_FAILING_CALL(int, EVP_KDF_derive,
                  (EVP_KDF_CTX * a, unsigned char* b, size_t c, const OSSL_PARAM* d), (a, b, c, d))
WARD_FAILING_CALL(Kdf, EVP_KDF_fetch, (OSSL_LIB_CTX * a, const char* b, const char* c), (a, b, c))
WARD_FAILING_CALL(MacContext, EVP_MAC_CTX_dup, (const EVP_MAC_CTX* a), (a))
WARD_FAILING_CALL(MacContext, EVP_MAC_CTX_new, (EVP_MAC * a), (a))
WARD_FAILING_CALL(Mac, EVP_MAC_fetch, (OSSL_LIB_CTX * a, const char* b, const char* c), (a, b, c))
WARD_FAILING_CALL(int, EVP_MAC_final, (EVP_MAC_CTX * a, unsigned char* b, size_t* c, size_t d),
                  (a, b, c, d))
WARD_FAILING_CALL(int, EVP_MAC_init,
                  (EVP_MAC_CTX * a, const unsigned char* b, size_t c, const OSSL_PARAM* d),
                  (a, b, c, d))
WARD_FAILING_CALL(int, EVP_MAC_update, (EVP_MAC_CTX * a, const unsigned char* b, size_t c),
                  (a, b, c))
WARD_FAILING_CALL(DigestContext, EVP_MD_CTX_new, (), ())
WARD_FAILING_CALL(PkeyContext, EVP_PKEY_CTX_dup, (const EVP_PKEY_CTX* a), (a))
WARD_FAILING_CALL(PkeyContext, EVP_PKEY_CTX_new_from_pkey,
                  (OSSL_LIB_CTX * a, EVP_PKEY* b, const char* c), (a, b, c))
WARD_FAILING_CALL(int, EVP_PKEY_CTX_set_rsa_mgf1_md, (EVP_PKEY_CTX * a, const EVP_MD* b), (a, b))
WARD_FAILING_CALL(int, EVP_PKEY_CTX_set_rsa_oaep_md, (EVP_PKEY_CTX * a, const EVP_MD* b), (a, b))
WARD_FAILING_CALL(int, EVP_PKEY_CTX_set_rsa_padding, (EVP_PKEY_CTX * a, int b), (a, b))
WARD_FAILING_CALL(int, EVP_PKEY_decrypt,
                  (EVP_PKEY_CTX * a, unsigned char* b, size_t* c, const unsigned char* d, size_t e),
                  (a, b, c, d, e))
WARD_FAILING_CALL(int, EVP_PKEY_decrypt_init, (EVP_PKEY_CTX * a), (a))
WARD_FAILING_CALL(int, EVP_PKEY_encrypt,
                  (EVP_PKEY_CTX * a, unsigned char* b, size_t* c, const unsigned char* d, size_t e),
                  (a, b, c, d, e))
WARD_FAILING_CALL(int, EVP_PKEY_encrypt_init, (EVP_PKEY_CTX * a), (a))
}  // extern "C"
