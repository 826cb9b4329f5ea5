#include "device/crypto/sha256.h"

#include "base/assert.h"
#include "base/secret_bytes.h"
#include "device/crypto/openssl_handles.h"

namespace ward::device {

bool ComputeSha256(ConstByteSpan message, ByteSpan digest) {
  WARD_ASSERT(digest.size() == kSha256Bytes);
  const OpenSslErrorScope errors;
  const bool ok = EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_sha256(),
                             nullptr) == 1;
  if (!ok) SecureWipe(digest.data(), digest.size());
  return ok;
}

}  // namespace ward::device
