// Blobs of key exchanges that have to fail, one of every way to be wrong.
#ifndef WARD_TESTS_UNIT_DEVICE_WRONG_BLOBS_H_
#define WARD_TESTS_UNIT_DEVICE_WRONG_BLOBS_H_

#include <vector>

#include "tests/unit/device/security_bench.h"

namespace ward::device {

inline Bytes Flipped(Bytes blob, size_t bit) {
  blob[bit / 8] = static_cast<uint8_t>(blob[bit / 8] ^ (1u << (bit % 8)));
  return blob;
}

// One blob of every way to be wrong.
inline std::vector<Bytes> WrongBlobs(const PublishedIdentity& identity) {
  const Bytes good = identity.Wrap(kSessionKey);
  std::vector<Bytes> blobs;
  for (size_t size : {0, 1, 255, 257, 512}) {
    blobs.push_back(good);
    blobs.back().resize(size);
  }
  for (size_t payload : {0, 1, 15, 17, 32, 126}) blobs.push_back(identity.Wrap(Bytes(payload, 7)));
  blobs.push_back(identity.Wrap(kSessionKey, EVP_sha1(), EVP_sha1()));
  blobs.push_back(identity.Wrap(kSessionKey, EVP_sha256(), EVP_sha256()));
  blobs.push_back(identity.Wrap(kSessionKey, EVP_sha512(), EVP_sha1()));
  blobs.push_back(identity.Wrap(kSessionKey, EVP_sha512(), EVP_sha512(), {'x'}));
  blobs.push_back(identity.WrapPkcs1(kSessionKey));
  blobs.push_back(identity.Modulus());            // the value n itself
  blobs.push_back(Bytes(256, 0xff));              // above n
  blobs.push_back(Bytes(256));                    // zero
  blobs.push_back(Flipped(Bytes(256), 255 * 8));  // one
  blobs.push_back(Flipped(good, 0));
  blobs.push_back(Flipped(good, 2047));
  for (const auto& test : identity.group()["tests"]) {
    blobs.push_back(test::FromHex(test["ct"].get<std::string>()));  // none is a key for the chip
  }
  return blobs;
}

}  // namespace ward::device

#endif  // WARD_TESTS_UNIT_DEVICE_WRONG_BLOBS_H_
