#include "emulator/vfio_user/access_key.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file_descriptor.h"
#include "fmt/format.h"

namespace ward::emulator {

std::unique_ptr<AccessKey> AccessKey::Load(const std::string& path, std::string* error) {
  std::unique_ptr<AccessKey> key(new AccessKey);
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat status{};
  const ByteSpan bytes = key->key_.Expose();
  std::string what;
  if (!file.valid() || fstat(file.get(), &status) != 0) {
    what = std::strerror(errno);
  } else if (!S_ISREG(status.st_mode) || static_cast<size_t>(status.st_size) != bytes.size() ||
             read(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    what = "it is no file of 32 bytes";
  } else if ((status.st_mode & 077) != 0) {
    what = "others may read it; mend that with: chmod 600 '" + path + "'";
  }
  if (what.empty()) return key;
  *error = fmt::format(
      "the key {} can't be used ({}); make one with: (umask 077; head -c 32 /dev/urandom > FILE)",
      path, what);
  return nullptr;
}

bool AccessKey::MakeChallenge(Proof* challenge) {
  return getrandom(challenge->data(), challenge->size(), 0) ==
         static_cast<ssize_t>(challenge->size());
}

bool AccessKey::Accepts(const Proof& challenge, const Proof& proof) const {
  Proof expected{};
  unsigned size = 0;
  const ConstByteSpan key = key_.Expose();
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), challenge.data(),
           challenge.size(), expected.data(), &size) == nullptr ||
      size != expected.size()) {
    return false;
  }
  return ConstantTimeEqual(expected.data(), proof.data(), expected.size());
}

}  // namespace ward::emulator
