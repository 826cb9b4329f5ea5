// The device's RSA-2048 key and the one thing that is done with it: unwrapping a key, alone or with
// parameters around it (RSAES-OAEP with SHA-512, MGF1 with SHA-512, empty label; D3D11 key
// exchange, DDI 7.1 and 7.2).
#ifndef WARD_DEVICE_CRYPTO_RSA_PRIVATE_KEY_H_
#define WARD_DEVICE_CRYPTO_RSA_PRIVATE_KEY_H_

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "device/crypto/aes_key.h"
#include "device/crypto/oaep.h"

struct evp_pkey_st;  // libcrypto's EVP_PKEY

namespace ward::device {

// What the 40 bytes of DDI 7.2 hold: the key in the middle is secret, what stands around it is not.
struct OaepParameters {
  static constexpr size_t kHeadBytes = 16;
  static constexpr size_t kTailBytes = 8;
  uint8_t head[kHeadBytes] = {};
  AesKey key;
  uint8_t tail[kTailBytes] = {};
};

// There is no way back from an object to the bytes of the key. libcrypto wipes its numbers when the
// last handle goes.
class RsaPrivateKey {
 public:
  static constexpr size_t kModulusBytes = 256;

  // A key from a PEM text or a DER structure (PKCS#8 or PKCS#1, not encrypted). Accepted are
  // 2048-bit RSA pairs that hold together, with an odd public exponent above 2^16. Without a key
  // `*reason` is a literal that continues "the key ...".
  static std::optional<RsaPrivateKey> LoadPem(ConstByteSpan pem, const char** reason);
  static std::optional<RsaPrivateKey> LoadDer(ConstByteSpan der, const char** reason);
  // The same checks on an object of libcrypto; shares it, the caller keeps its own reference.
  static std::optional<RsaPrivateKey> FromHandle(evp_pkey_st* handle, const char** reason);
  // The same, but whether the factors are prime is not asked (decision 0018): for a key whose
  // modulus its certificate holds, which the caller checks. All its numbers have to agree.
  static std::optional<RsaPrivateKey> FromCertified(evp_pkey_st* handle, const char** reason);

  // Another handle on the same key, for another chip.
  RsaPrivateKey Share() const;

  // Puts the 16-byte key that `blob` carries in `*key`. False for every reason alike (length other
  // than 256, value not below the modulus, padding, another payload length, libcrypto): `*key` is
  // then zero, and neither a status, a text nor libcrypto's error queue tells one from another.
  [[nodiscard]] bool UnwrapKey(ConstByteSpan blob, AesKey* key) const;

  // The same for a blob of `head || key || tail`, behind which there may be more (DDI 7.2).
  [[nodiscard]] bool UnwrapParameters(ConstByteSpan blob, OaepParameters* parameters) const;

  // What a sender does: `key` under the public half, into the 256 bytes of `blob`. The padding's
  // seed is libcrypto's own, so two blobs of one key differ. False only when libcrypto fails.
  [[nodiscard]] bool WrapKey(const AesKey& key, ByteSpan blob) const;

  // SHA-256 of the public half (SubjectPublicKeyInfo, DER) into 32 bytes: which device this is.
  // False only when libcrypto fails.
  [[nodiscard]] bool PublicFingerprint(ByteSpan digest) const;

  // UnwrapKey for another scheme or message length, which published test vectors need.
  [[nodiscard]] bool DecryptOaep(const OaepScheme& scheme, ConstByteSpan blob,
                                 ByteSpan message) const;
  // Likewise for messages of beginning.size() bytes or more.
  [[nodiscard]] bool DecryptOaepBeginning(const OaepScheme& scheme, ConstByteSpan blob,
                                          ByteSpan beginning) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* handle) const;
  };
  struct Operations;

  // Shares it.
  explicit RsaPrivateKey(evp_pkey_st* handle);
  static std::optional<RsaPrivateKey> Check(evp_pkey_st* handle, bool factors_are_known,
                                            const char** reason);

  using Decoder = bool (*)(const OaepScheme& scheme, ByteSpan encoded, ByteSpan message);
  bool DecryptRaw(ConstByteSpan blob, ByteSpan encoded) const;
  bool DecryptWith(Decoder decode, const OaepScheme& scheme, ConstByteSpan blob,
                   ByteSpan message) const;

  std::unique_ptr<evp_pkey_st, Free> handle_;
  std::shared_ptr<const Operations> operations_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_RSA_PRIVATE_KEY_H_
