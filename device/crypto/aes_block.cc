#include "device/crypto/aes_block.h"

#include "base/assert.h"
#include "device/crypto/openssl_handles.h"

namespace ward::device {
namespace {

bool CryptBlock(const AesKey& key, ConstByteSpan source, ByteSpan destination, bool encrypt) {
  WARD_ASSERT(source.size() == kAesBlockBytes && destination.size() == kAesBlockBytes);
  const OpenSslErrorScope errors;
  const CipherHandle context(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool ok = context &&
                  EVP_CipherInit_ex(context.get(), EVP_aes_128_ecb(), nullptr, key.Expose().data(),
                                    nullptr, encrypt ? 1 : 0) == 1 &&
                  EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
                  EVP_CipherUpdate(context.get(), destination.data(), &written, source.data(),
                                   static_cast<int>(kAesBlockBytes)) == 1 &&
                  written == static_cast<int>(kAesBlockBytes);
  if (!ok) SecureWipe(destination.data(), destination.size());
  return ok;
}

}  // namespace

bool AesEncryptBlock(const AesKey& key, ConstByteSpan source, ByteSpan destination) {
  return CryptBlock(key, source, destination, true);
}

bool AesDecryptBlock(const AesKey& key, ConstByteSpan source, ByteSpan destination) {
  return CryptBlock(key, source, destination, false);
}

}  // namespace ward::device
