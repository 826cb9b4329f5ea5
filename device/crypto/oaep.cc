#include "device/crypto/oaep.h"

#include <algorithm>

#include "base/rule.h"
#include "base/secret_bytes.h"
#include "device/crypto/openssl_handles.h"
#include "device/crypto/verdict.h"

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

uint8_t OrInto(uint8_t value, unsigned more) { return static_cast<uint8_t>(value | more); }

// DB = lHash || zeros || 01 || M, unmasked, and whether it can be one so far.
struct DataBlock {
  ByteSpan tail;      // behind lHash
  uint8_t wrong = 1;  // 0: the leading byte and lHash are right
};

DataBlock Unmask(const OaepScheme& scheme, ByteSpan encoded) {
  const EVP_MD* digest = FindDigest(scheme.hash);
  const auto hash_bytes = static_cast<size_t>(EVP_MD_get_size(digest));
  uint8_t label_hash[kMaxHashBytes] = {};
  const ByteSpan seed = encoded.subspan(1, hash_bytes);
  const ByteSpan block = encoded.subspan(1 + hash_bytes);
  const bool computed = EVP_Digest(scheme.label.data(), scheme.label.size(), label_hash, nullptr,
                                   digest, nullptr) == 1 &&
                        XorMask(digest, block, seed) && XorMask(digest, seed, block);
  uint8_t wrong = OrInto(encoded[0], computed ? 0U : 1U);
  for (size_t i = 0; i < hash_bytes; ++i) wrong = OrInto(wrong, block[i] ^ label_hash[i]);
  return {block.subspan(hash_bytes), wrong};
}

bool HasRoom(const OaepScheme& scheme, size_t encoded_bytes, size_t message_bytes) {
  const auto hash_bytes = static_cast<size_t>(EVP_MD_get_size(FindDigest(scheme.hash)));
  return encoded_bytes >= 2 * hash_bytes + 2 + message_bytes;
}

}  // namespace

bool DecodeOaep(const OaepScheme& scheme, ByteSpan encoded, ByteSpan message) {
  const OpenSslErrorScope errors;
  SecureWipe(message.data(), message.size());
  if (!HasRoom(scheme, encoded.size(), message.size())) return false;

  const DataBlock block = Unmask(scheme, encoded);
  const size_t separator = block.tail.size() - message.size() - 1;
  uint8_t wrong = block.wrong;
  if (!WARD_BROKEN("R5.key_length")) {
    for (size_t i = 0; i < separator; ++i) wrong = OrInto(wrong, block.tail[i]);
    wrong = OrInto(wrong, block.tail[separator] ^ 1U);
  }

  const uint8_t keep = MaskIfZero(wrong);
  for (size_t i = 0; i < message.size(); ++i) {
    message[i] = static_cast<uint8_t>(block.tail[separator + 1 + i] & keep);
  }
  SecureWipe(encoded.data(), encoded.size());
  return RevealIsZero(wrong);
}

bool DecodeOaepBeginning(const OaepScheme& scheme, ByteSpan encoded, ByteSpan beginning) {
  const OpenSslErrorScope errors;
  SecureWipe(beginning.data(), beginning.size());
  if (!HasRoom(scheme, encoded.size(), beginning.size())) return false;

  const DataBlock block = Unmask(scheme, encoded);
  const size_t last_separator = block.tail.size() - beginning.size() - 1;
  uint8_t wrong = block.wrong;
  uint8_t searching = 0xff;  // 0 from the separator on
  for (size_t at = 0; at <= last_separator; ++at) {
    const uint8_t is_zero = MaskIfZero(block.tail[at]);
    const uint8_t is_one = MaskIfZero(block.tail[at] ^ 1U);
    wrong = OrInto(wrong, searching & ~(is_zero | is_one) & 0xffU);
    const auto here = static_cast<uint8_t>(searching & is_one);
    for (size_t i = 0; i < beginning.size(); ++i) {
      beginning[i] = OrInto(beginning[i], block.tail[at + 1 + i] & here);
    }
    searching = static_cast<uint8_t>(searching & ~here);
  }
  wrong = OrInto(wrong, searching);
  const uint8_t keep = MaskIfZero(wrong);
  for (uint8_t& byte : beginning) byte = static_cast<uint8_t>(byte & keep);
  SecureWipe(encoded.data(), encoded.size());
  return RevealIsZero(wrong);
}

}  // namespace ward::device
