// What a comparison of secrets gives away: one bit.
#ifndef WARD_DEVICE_CRYPTO_VERDICT_H_
#define WARD_DEVICE_CRYPTO_VERDICT_H_

namespace ward::device {

// What secrets differ in, 0 when they are as they should be. As secret as they are.
using SecretDifference = unsigned __int128;

// Whether `difference` is 0, which everybody may know. Out of line, so that no compiler sees from a
// caller's branch on the answer which part of a comparison it could leave out, and so that
// tests/side_channels can tell this one bit from all others, which have to stay secret.
[[nodiscard]] bool RevealIsZero(SecretDifference difference);

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_VERDICT_H_
