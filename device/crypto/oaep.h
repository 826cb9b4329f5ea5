// EME-OAEP decoding (RFC 8017, 7.1.2 step 3). Neither time nor memory accesses depend on the
// secret: with the message's length known every byte is read at a fixed place, and where it is not,
// every place that the message could begin at is read.
#ifndef WARD_DEVICE_CRYPTO_OAEP_H_
#define WARD_DEVICE_CRYPTO_OAEP_H_

#include "base/bytes.h"

namespace ward::device {

enum class OaepHash { kSha256, kSha512 };

// The hash serves as OAEP's hash and in MGF1.
struct OaepScheme {
  OaepHash hash = OaepHash::kSha512;
  ConstByteSpan label = {};
};

// Decodes `encoded`, the result of the RSA operation with all of its leading zeros, and leaves it
// destroyed. True, with `message` filled, exactly when it holds a message of message.size() bytes
// under `scheme`; otherwise `message` is zero and nothing tells why.
[[nodiscard]] bool DecodeOaep(const OaepScheme& scheme, ByteSpan encoded, ByteSpan message);
// The same for a message of beginning.size() bytes or more: its first bytes, the rest is dropped.
[[nodiscard]] bool DecodeOaepBeginning(const OaepScheme& scheme, ByteSpan encoded,
                                       ByteSpan beginning);

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_OAEP_H_
