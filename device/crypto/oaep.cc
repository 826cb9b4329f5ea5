#include "device/crypto/oaep.h"

#include <algorithm>

#include "base/rule.h"
#include "base/secret_bytes.h"
#include "device/crypto/openssl_handles.h"

namespace ward::device {
namespace {

using DigestHandle = OpenSslHandle<EVP_MD_CTX, EVP_MD_CTX_free>;

constexpr size_t kMaxHashBytes = 64;

const EVP_MD* FindDigest(OaepHash hash) {
  return hash == OaepHash::kSha256 ? EVP_sha256() : EVP_sha512();
}

// XORs MGF1(seed) (RFC 8017, B.2.1) into `target`.
bool XorMask(const EVP_MD* digest, ConstByteSpan seed, ByteSpan target) {
  const DigestHandle context(EVP_MD_CTX_new());
  const auto hash_bytes = static_cast<size_t>(EVP_MD_get_size(digest));
  SecretBytes<kMaxHashBytes> mask;
  bool ok = context != nullptr;
  for (uint32_t counter = 0; ok && counter * hash_bytes < target.size(); ++counter) {
    const uint8_t suffix[4] = {static_cast<uint8_t>(counter >> 24),
                               static_cast<uint8_t>(counter >> 16),
                               static_cast<uint8_t>(counter >> 8), static_cast<uint8_t>(counter)};
    ok = EVP_DigestInit_ex(context.get(), digest, nullptr) == 1 &&
         EVP_DigestUpdate(context.get(), seed.data(), seed.size()) == 1 &&
         EVP_DigestUpdate(context.get(), suffix, sizeof(suffix)) == 1 &&
         EVP_DigestFinal_ex(context.get(), mask.Expose().data(), nullptr) == 1;
    const size_t offset = counter * hash_bytes;
    const size_t size = std::min(hash_bytes, target.size() - offset);
    for (size_t i = 0; i < size; ++i) target[offset + i] ^= mask.Expose()[i];
  }
  return ok;
}

// 0xff when `value` is zero, else 0, without a branch on it.
uint8_t MaskIfZero(uint8_t value) {
  const uint32_t borrow = (static_cast<uint32_t>(value) - 1U) >> 8;
  return static_cast<uint8_t>(borrow & 0xffU);
}

}  // namespace

bool DecodeOaep(const OaepScheme& scheme, ByteSpan encoded, ByteSpan message) {
  const OpenSslErrorScope errors;
  const EVP_MD* digest = FindDigest(scheme.hash);
  const auto hash_bytes = static_cast<size_t>(EVP_MD_get_size(digest));
  uint8_t label_hash[kMaxHashBytes] = {};
  SecureWipe(message.data(), message.size());
  if (encoded.size() < 2 * hash_bytes + 2 + message.size()) return false;

  const ByteSpan seed = encoded.subspan(1, hash_bytes);
  const ByteSpan data_block = encoded.subspan(1 + hash_bytes);
  const bool computed = EVP_Digest(scheme.label.data(), scheme.label.size(), label_hash, nullptr,
                                   digest, nullptr) == 1 &&
                        XorMask(digest, data_block, seed) && XorMask(digest, seed, data_block);

  // DB = lHash || zeros || 01 || M
  const size_t separator = data_block.size() - message.size() - 1;
  uint32_t wrong = encoded[0];
  for (size_t i = 0; i < hash_bytes; ++i)
    wrong |= static_cast<uint32_t>(data_block[i] ^ label_hash[i]);
  if (!WARD_BROKEN("R5.key_length")) {
    for (size_t i = hash_bytes; i < separator; ++i) wrong |= data_block[i];
    wrong |= static_cast<uint32_t>(data_block[separator] ^ 1);
  }
  wrong |= computed ? 0U : 1U;

  const uint8_t keep = MaskIfZero(static_cast<uint8_t>(wrong));
  for (size_t i = 0; i < message.size(); ++i) {
    message[i] = static_cast<uint8_t>(data_block[separator + 1 + i] & keep);
  }
  SecureWipe(encoded.data(), encoded.size());
  return keep != 0;
}

}  // namespace ward::device
