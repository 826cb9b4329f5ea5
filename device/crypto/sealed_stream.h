// What leaves the chip or its host sealed: AES-256-GCM (NIST SP 800-38D) under a key derived from
// the operator's by HKDF-SHA-256 (RFC 5869) with a fresh salt, so that no key and nonce meet twice.
// The vault and protected memory hand their bytes to these objects and to nobody else.
#ifndef WARD_DEVICE_CRYPTO_SEALED_STREAM_H_
#define WARD_DEVICE_CRYPTO_SEALED_STREAM_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"

struct evp_cipher_ctx_st;  // libcrypto's EVP_CIPHER_CTX

namespace ward::device {

using SealKey = SecretBytes<32>;  // the operator's
inline constexpr size_t kSealSaltBytes = 32;
inline constexpr size_t kSealKeyCheckBytes = 16;
inline constexpr size_t kSealTagBytes = 16;

// What key and salt give: the cipher's key and nonce, and 16 public bytes that tell another
// operator's key from a state that was altered.
struct DerivedSeal {
  SecretBytes<32> key;
  uint8_t nonce[12] = {};
  uint8_t key_check[kSealKeyCheckBytes] = {};
};

// What is sealed. Each gets keys of its own from one operator's key.
enum class SealPurpose { kSavedState, kRecording };

// False only when libcrypto fails. `salt` has kSealSaltBytes.
[[nodiscard]] bool DeriveSeal(const SealKey& operator_key, ConstByteSpan salt, DerivedSeal* seal,
                              SealPurpose purpose = SealPurpose::kSavedState);

namespace internal {
struct FreeCipherContext {
  void operator()(evp_cipher_ctx_st* context) const;
};
using CipherContext = std::unique_ptr<evp_cipher_ctx_st, FreeCipherContext>;
}  // namespace internal

// Encrypts as bytes come in: there is never a second copy of the plaintext.
class SealingStream {
 public:
  // `public_part` is authenticated with what follows.
  SealingStream(const DerivedSeal& seal, ConstByteSpan public_part);
  ~SealingStream();
  SealingStream(const SealingStream&) = delete;
  SealingStream& operator=(const SealingStream&) = delete;

  void Add(ConstByteSpan plaintext);
  template <typename T>
  void AddNumber(T value) {
    uint8_t bytes[sizeof(T)];
    StoreLe(bytes, value);
    Add(bytes);
    SecureWipe(bytes, sizeof(bytes));
  }
  // Ciphertext and tag to the end of `*sealed`. False when libcrypto failed at any step; then
  // nothing was appended.
  [[nodiscard]] bool Finish(std::vector<uint8_t>* sealed);

 private:
  internal::CipherContext context_;
  bool ok_;
  std::vector<uint8_t> ciphertext_;
};

// Decrypts what a SealingStream made, after the whole of it proved to be right.
class OpeningStream {
 public:
  // Looks through all of `sealed`, which lives as long as the stream; see ok().
  OpeningStream(const DerivedSeal& seal, ConstByteSpan public_part, ConstByteSpan sealed);
  ~OpeningStream();
  OpeningStream(const OpeningStream&) = delete;
  OpeningStream& operator=(const OpeningStream&) = delete;

  // False: another key, or a byte of either part was altered; nothing can be read then. Also when
  // more was read than there is, which leaves zeros.
  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && rest_.empty(); }
  void Read(ByteSpan plaintext);
  template <typename T>
  T ReadNumber() {
    uint8_t bytes[sizeof(T)];
    Read(bytes);
    const T value = LoadLe<T>(bytes);
    SecureWipe(bytes, sizeof(bytes));
    return value;
  }

 private:
  bool Verify(const DerivedSeal& seal, ConstByteSpan public_part, ConstByteSpan tag);

  internal::CipherContext context_;
  bool ok_ = false;
  ConstByteSpan rest_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_SEALED_STREAM_H_
