// The key that the clients of a TCP endpoint have to hold (abi/vfio_user.h says how it is shown).
// It keeps strangers out; what crosses the network is not encrypted.
#ifndef WARD_EMULATOR_VFIO_USER_ACCESS_KEY_H_
#define WARD_EMULATOR_VFIO_USER_ACCESS_KEY_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "abi/vfio_user.h"
#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace ward::emulator {

class AccessKey {
 public:
  using Proof = std::array<uint8_t, abi::vfio_user::kAuthenticationBytes>;

  // Reads a file of exactly 32 bytes. Null, with what is wrong and what mends it.
  static std::unique_ptr<AccessKey> Load(const std::string& path, std::string* error);

  // A challenge that nobody has seen before. False when there is no entropy.
  static bool MakeChallenge(Proof* challenge);
  // Whether `proof` answers the challenge, in a time that does not depend on how.
  bool Accepts(const Proof& challenge, const Proof& proof) const;

 private:
  AccessKey() = default;
  SecretBytes<32> key_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_ACCESS_KEY_H_
