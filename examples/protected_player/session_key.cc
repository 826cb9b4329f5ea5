#include "examples/protected_player/session_key.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <memory>

#include "examples/protected_player/step_failure.h"

namespace ward::examples {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeContext>;

void Check(bool ok, const char* what) {
  if (!ok) throw StepFailure("session_key", "E_FAIL", std::string("libcrypto can't ") + what);
}

// In and out may be the same memory.
void RunCipher(const EVP_CIPHER* cipher, bool encrypt, const AesKey& key, const uint8_t* iv,
               ConstByteSpan in, uint8_t* out) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  Check(context != nullptr, "make a cipher");
  int size = 0;
  Check(EVP_CipherInit_ex(context.get(), cipher, nullptr, key.Expose().data(), iv,
                          encrypt ? 1 : 0) == 1 &&
            EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
            EVP_CipherUpdate(context.get(), out, &size, in.data(), static_cast<int>(in.size())) ==
                1 &&
            static_cast<size_t>(size) == in.size(),
        "run AES");
}

}  // namespace

SessionKey::SessionKey() {
  Check(RAND_priv_bytes(key_.Expose().data(), AesKey::kSizeBytes) == 1, "make random bytes");
}

std::vector<uint8_t> SessionKey::WrapFor(EVP_PKEY* device_key) const {
  const KeyContext context(EVP_PKEY_CTX_new(device_key, nullptr));
  Check(context != nullptr && EVP_PKEY_encrypt_init(context.get()) == 1 &&
            EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha512()) == 1 &&
            EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha512()) == 1,
        "set up RSAES-OAEP");
  size_t size = 0;
  const ConstByteSpan key = key_.Expose();
  Check(EVP_PKEY_encrypt(context.get(), nullptr, &size, key.data(), key.size()) == 1, "wrap a key");
  std::vector<uint8_t> blob(size);
  Check(EVP_PKEY_encrypt(context.get(), blob.data(), &size, key.data(), key.size()) == 1,
        "wrap a key");
  blob.resize(size);
  return blob;
}

std::array<uint8_t, 16> SessionKey::WrapContentKey(const AesKey& content_key) const {
  std::array<uint8_t, 16> wrapped;
  RunCipher(EVP_aes_128_ecb(), true, key_, nullptr, content_key.Expose(), wrapped.data());
  return wrapped;
}

AesKey SessionKey::UnwrapReadbackKey(ConstByteSpan wrapped) const {
  Check(wrapped.size() == AesKey::kSizeBytes, "unwrap a key that is not 16 bytes");
  AesKey key;
  RunCipher(EVP_aes_128_ecb(), false, key_, nullptr, wrapped, key.Expose().data());
  return key;
}

void DecryptCtr(const AesKey& key, ConstByteSpan counter_block, ByteSpan data) {
  Check(counter_block.size() == AesKey::kSizeBytes, "use a counter block that is not 16 bytes");
  RunCipher(EVP_aes_128_ctr(), false, key, counter_block.data(), data, data.data());
}

}  // namespace ward::examples
